"""The command that shows what was left out of a table, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from stedi_glue.entry.opening import open_lake
from stedi_glue.entry.options import Catalog, Engine, Lake
from stedi_glue.entry.row_view import Format, write_rows
from stedi_glue.entry.terminal import amount, console, figure, grid, safe
from stedi_glue.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

app = typer.Typer()


@app.command()
def quarantine(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table's name.")],
    lake: Lake = None,
    catalog: Catalog = None,
    engine: Engine = None,
    personal: Annotated[
        bool,
        typer.Option(
            "--personal", help="Show personal values and raw records, not only a hint of them."
        ),
    ] = False,
    form: Annotated[
        Format,
        typer.Option("--format", help="table shows the first rows; csv and json write all."),
    ] = "table",
) -> None:
    """Show the rows that were left out of a table, or raw records nobody could read, and why."""
    with open_lake(Settings.load(lake=lake, catalog=catalog, engine=engine)) as opened:
        rows = opened.quarantine(table, personal=personal)
        if form == "table":
            _show_reasons(rows)
        write_rows(rows, form)


def _show_reasons(rows: DataFrame) -> None:
    """Print how many rows broke each rule, or had each problem."""
    from pyspark.sql import functions as F

    from stedi_glue.backends.engines import explaining
    from stedi_glue.model.table import RULES

    reason = F.explode(RULES) if RULES in rows.columns else F.col("_problem")
    counts = rows.select(reason.alias("reason")).groupBy("reason").agg(F.count(F.lit(1)))
    with explaining("Cannot read the quarantine"):
        found = sorted(counts.collect(), key=lambda row: (-row[1], row[0]))
    lines = grid(figure("rows"), "reason")
    for why, number in found:
        lines.add_row(amount(int(number)), Text(safe(why)))
    if found:
        console().print(lines)
        console().print()
