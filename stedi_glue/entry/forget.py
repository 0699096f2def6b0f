"""The command that erases a person from a lake, and checks that nothing is left."""

from __future__ import annotations

from typing import Annotated

import typer

from stedi_glue.entry.json_view import print_json
from stedi_glue.entry.opening import open_lake
from stedi_glue.entry.options import Catalog, Key, Lake, Landing
from stedi_glue.entry.terminal import amount, console, figure, grid
from stedi_glue.errors import LakeError, UsageError
from stedi_glue.settings import Settings

app = typer.Typer()


@app.command()
def forget(
    email: Annotated[
        str | None, typer.Argument(metavar="EMAIL", help="The person's e-mail address.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be erased.")
    ] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Read every file for what is left of anybody forgotten."),
    ] = False,
    lake: Lake = None,
    landing: Landing = None,
    catalog: Catalog = None,
    key: Key = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Erase a person from landing files, tables, quarantine, reports and old snapshots."""
    if (email is None) is not verify:
        raise UsageError("Name one EMAIL to forget, or check everybody forgotten with --verify.")
    settings = Settings.load(lake=lake, landing=landing, catalog=catalog, key=key)
    with open_lake(settings) as opened:
        if email is None:
            found, files = opened.remains()
            if found:
                raise LakeError(
                    f"Of {files:,} files, these hold somebody who was forgotten: "
                    f"{', '.join(found)}; forget them again."
                )
            if as_json:
                print_json({"files": files, "remains": []})
            else:
                console().print(f"Nothing of anybody forgotten is in the {files:,} files.")
            return
        receipt = opened.forget(email, dry_run=dry_run)
    if as_json:
        print_json(receipt.to_json())
        return
    lines = grid(figure("removed" if not dry_run else "to remove"), "what")
    for what, number in receipt.removed.items():
        lines.add_row(amount(number), what)
    console().print(lines)
    console().print(
        "Nothing was changed." if dry_run else f"Receipt {receipt.number}; check it with --verify."
    )
