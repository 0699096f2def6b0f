"""The command that erases a person from a lake, and checks that nothing is left."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from stedi_glue.entry.json_view import print_json
from stedi_glue.entry.opening import open_as_made
from stedi_glue.entry.options import Catalog, Engine, Key, Lake, Landing, Rules
from stedi_glue.entry.run_view import Progress
from stedi_glue.entry.terminal import amount, console, figure, grid, iso, safe
from stedi_glue.errors import LakeError, UsageError
from stedi_glue.settings import Settings

if TYPE_CHECKING:
    from stedi_glue.backends.forgetting.receipt import Receipt
    from stedi_glue.lakehouse import Lakehouse

app = typer.Typer()


@app.command()
def forget(
    who: Annotated[
        str | None,
        typer.Argument(
            metavar="EMAIL", help="The person's e-mail address; with --verify also a receipt."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be erased.")
    ] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Read every file for what is left of them, or of anybody forgotten."
        ),
    ] = False,
    lake: Lake = None,
    landing: Landing = None,
    catalog: Catalog = None,
    engine: Engine = None,
    rules: Rules = None,
    key: Key = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Erase a person from landing files, tables, quarantine, reports and old snapshots."""
    if verify and dry_run:
        raise UsageError("--verify changes nothing: leave --dry-run out.")
    if who is None and not verify:
        raise UsageError("Name the EMAIL of whom to forget, or check with --verify.")
    settings = Settings.load(
        lake=lake, landing=landing, catalog=catalog, engine=engine, rules=rules, key=key
    )
    with open_as_made(settings) as opened:
        if verify:
            _verify(opened, who, as_json)
        elif who is not None:
            if "@" not in who:
                raise UsageError("EMAIL is no e-mail address: it has no '@'.")
            progress = Progress(table.name for table in opened.pipeline.tables)
            with nullcontext() if dry_run else progress.shown():
                receipt = opened.forget(who, dry_run=dry_run, on_step=progress)
            if as_json:
                print_json(receipt.to_json())
            else:
                _show(console(), receipt)


def _verify(opened: Lakehouse, who: str | None, as_json: bool) -> None:
    found, files = opened.remains(who)
    if found:
        raise LakeError(
            f"Of {files:,} files, these hold somebody who was forgotten: {', '.join(found)}; "
            "forget them again."
        )
    if as_json:
        print_json({"files": files, "remains": []})
    else:
        whom = "the person" if who else "anybody forgotten"
        console().print(f"Nothing of {whom} is in the {files:,} files.")


def _show(out: Console, receipt: Receipt) -> None:
    if receipt.removed:
        lines = grid(figure("to remove" if receipt.dry_run else "removed"), "what")
        for what, number in receipt.removed.items():
            lines.add_row(amount(number), what)
        out.print(lines)
        out.print()
    for name in receipt.withdrawn:
        out.print(
            f"{name} is withdrawn: its rules hold it without the person. Nobody can read it "
            "until a run publishes it."
        )
    if receipt.shared:
        out.print(f"Not theirs alone, so not looked for by itself: {', '.join(receipt.shared)}.")
    if receipt.dry_run:
        out.print("Nothing was changed.")
    elif not receipt.removed:
        out.print(f"Nothing was left of the person, who was forgotten at {iso(receipt.at)}.")
    else:
        out.print(f"Receipt {safe(receipt.number)}; check it with --verify.")
