"""The command that finds and deletes files nothing refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from stedi_glue.entry.json_view import print_json
from stedi_glue.entry.opening import open_lake
from stedi_glue.entry.options import Catalog, Lake, Landing
from stedi_glue.entry.terminal import console, figure, grid, iso, plural, safe, size, word
from stedi_glue.settings import Settings

if TYPE_CHECKING:
    from stedi_glue.backends.vacuum import Orphan

app = typer.Typer()


@app.command()
def vacuum(
    lake: Lake = None,
    landing: Landing = None,
    catalog: Catalog = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete them; without it they are only listed.")
    ] = False,
    older_than: Annotated[
        float,
        typer.Option(
            metavar="HOURS",
            min=0,
            help="Leave younger files alone: a run on another machine may be at work on them.",
        ),
    ] = 24,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the files that nothing refers to, such as killed runs leave, or delete them."""
    with open_lake(Settings.load(lake=lake, landing=landing, catalog=catalog)) as opened:
        orphans = opened.vacuum(older_than=older_than, delete=delete)
    if as_json:
        files = [
            {"path": o.path, "size": o.size, "modified": o.modified, "why": o.why} for o in orphans
        ]
        print_json({"deleted": delete, "bytes": sum(o.size for o in orphans), "files": files})
    else:
        _show(console(), orphans, delete, older_than)


def _show(out: Console, orphans: tuple[Orphan, ...], deleted: bool, hours: float) -> None:
    if not orphans:
        out.print(f"There is no file older than {hours:g} hours that nothing refers to.")
        return
    lines = grid(word("changed"), figure("size"), word("what"), "file")
    for orphan in orphans:
        lines.add_row(iso(orphan.modified), size(orphan.size), orphan.why, safe(orphan.path))
    out.print(lines)
    out.print()
    total = f"{plural(len(orphans), 'file')} ({size(sum(o.size for o in orphans))})"
    if deleted:
        out.print(f"{total} deleted.")
    else:
        out.print(f"{total} that nothing refers to. None was deleted: 'vacuum --delete' does that.")
