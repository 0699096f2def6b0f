"""The command that reads a lake with SQL: on this machine, or on AWS with Athena."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from stedi_glue.entry.opening import open_lake
from stedi_glue.entry.options import Catalog, Engine, Lake, Workgroup
from stedi_glue.entry.row_view import Format, write_answer, write_rows
from stedi_glue.entry.terminal import console, size
from stedi_glue.settings import Settings

if TYPE_CHECKING:
    from stedi_glue.backends.athena import Answer, Athena

app = typer.Typer()


@app.command()
def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="A SELECT over the lake's tables.")],
    lake: Lake = None,
    catalog: Catalog = None,
    engine: Engine = None,
    workgroup: Workgroup = None,
    form: Annotated[
        Format,
        typer.Option("--format", help="table shows the first rows; csv and json write all."),
    ] = "table",
) -> None:
    """Read the lake's tables with SQL: on AWS with Athena, unless --engine names another."""
    settings = Settings.load(lake=lake, catalog=catalog, engine=engine, workgroup=workgroup)
    with open_lake(settings) as opened:
        if opened.on_aws and engine is None:
            write_answer(_ask(opened.athena(settings.workgroup), sql), form)
        else:
            write_rows(opened.query(sql), form)


def _ask(athena: Athena, sql: str) -> Answer:
    """Put a query to Athena, saying how far it is and what it costs."""
    err = console(stderr=True)
    with err.status("Athena: starting") as status:
        answer = athena.query(
            sql,
            lambda state, scanned: status.update(f"Athena: {state.lower()}, {size(scanned)} read"),
        )
    price = f"${answer.dollars_per_terabyte:g} per TB, 10 MB at least"
    cost = f"Athena read {size(answer.scanned)}: about ${answer.dollars:.5f} ({price})"
    err.print(Text(cost, "dim"))
    return answer
