"""Commands that get to know a table: its profile, and the rules that it suggests."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from stedi_glue.entry.opening import open_lake
from stedi_glue.entry.options import Catalog, Engine, Lake, Rules
from stedi_glue.entry.terminal import NONE, amount, console, figure, grid, noted, plural, word
from stedi_glue.settings import Settings

if TYPE_CHECKING:
    from stedi_glue.profiling.profile import ColumnProfile, Profile

app = typer.Typer()
rules_app = typer.Typer(help="Work on the rules of tables.", no_args_is_help=True)
app.add_typer(rules_app, name="rules")

_BLOCKS = " ▁▂▃▄▅▆▇█"

TableName = Annotated[str, typer.Argument(metavar="TABLE", help="The table's name.")]


@app.command()
def profile(
    table: TableName, lake: Lake = None, catalog: Catalog = None, engine: Engine = None
) -> None:
    """Show what is in each column of a table, and write a page about it."""
    settings = Settings.load(lake=lake, catalog=catalog, engine=engine)
    with open_lake(settings) as opened:
        found = opened.profile(table)
        page = opened.keep_profile(found)
    show_profile(console(), found, page)


@rules_app.command()
def suggest(
    table: TableName,
    lake: Lake = None,
    catalog: Catalog = None,
    engine: Engine = None,
    rules: Rules = None,
) -> None:
    """Print the rules that a table's rows and history suggest, as a diff of its rules file.

    Nothing is changed: apply it with 'git apply' or 'patch -p1' where the folder rules/ is.
    """
    settings = Settings.load(lake=lake, catalog=catalog, engine=engine, rules=rules)
    with open_lake(settings) as opened:
        proposal = opened.proposal(table)
    sys.stdout.write(proposal.diff)
    err = console(stderr=True)
    if proposal.rules:
        err.print(
            f"{plural(len(proposal.rules), 'rule')} for {table}, all met by its rows. Read them, "
            "then apply the diff with 'git apply' or 'patch -p1'."
        )
    else:
        err.print(f"The rules of {table} cover all that its rows and history suggest.")


def show_profile(out: Console, profile: Profile, page: str) -> None:
    """Print a line for each column, with its distribution as blocks."""
    headers = ("least", "median", "most")
    figures = (figure("nulls"), figure("distinct"), figure("outliers"))
    columns = (word("column"), word("type"), *figures, word("distribution"), *map(figure, headers))
    lines = grid(*columns)
    for one in profile.columns:
        lines.add_row(
            Text(one.column.name),
            Text(one.column.type, "dim"),
            noted(one.nulls, "yellow"),
            amount(one.distinct),
            noted(one.outliers, "yellow") if one.least is not None else NONE,
            Text(_blocks(one.bins), "cyan") if one.bins else Text(_said(one), "dim"),
            *(Text(value) if value else NONE for value in _range(one)),
        )
    out.print(lines)
    keys = " or ".join(" + ".join(key) for key in profile.keys) or "none found"
    out.print(Text(f"{plural(profile.rows, 'row')}; key: {keys}"))
    out.print(Text(page, "dim"), soft_wrap=True)


def _blocks(bins: tuple[int, ...]) -> str:
    most = max(bins) or 1
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[max(round(top * one / most), 1) if one else 0] for one in bins)


def _said(one: ColumnProfile) -> str:
    if one.top:
        shares = (f"{value} {100 * rows / one.values:.0f} %" for value, rows in one.top.items())
        return ", ".join(list(shares)[:3])
    return one.formats[0] if one.formats else ""


def _range(one: ColumnProfile) -> tuple[str, str, str]:
    if one.column.personal or one.least is None or one.most is None or one.quarters is None:
        return "", "", ""
    return _short(one, one.least), _short(one, one.quarters[1]), _short(one, one.most)


def _short(one: ColumnProfile, value: float) -> str:
    if one.is_moment:
        from stedi_glue.pages.words import day

        return day(int(value))
    # Infinity is no whole number, and greater ones would have too many digits to read.
    return f"{int(value):,}" if abs(value) < 1e19 and value == int(value) else f"{value:.4g}"
