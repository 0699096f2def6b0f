"""The command that brings raw files into a lake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from stedi_glue.entry.opening import open_lake
from stedi_glue.entry.options import Catalog, Lake, Landing
from stedi_glue.entry.terminal import console, plural, size
from stedi_glue.settings import Settings

app = typer.Typer()


@app.command()
def land(
    source: Annotated[
        Path,
        typer.Argument(metavar="SRC", help="A folder with customer/landing and its like in it."),
    ],
    tables: Annotated[
        list[str] | None,
        typer.Argument(metavar="TABLE", help="Landing tables to bring; all by default."),
    ] = None,
    lake: Lake = None,
    landing: Landing = None,
    catalog: Catalog = None,
) -> None:
    """Bring raw files into the lake; run it again to resume, or to bring what is new."""
    with open_lake(Settings.load(lake=lake, landing=landing, catalog=catalog)) as opened:
        delivery, parcels = opened.delivery(source, tables or ())
        todo = delivery.missing(parcels)
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=console(stderr=True),
            transient=True,
            disable=not console(stderr=True).is_terminal,
        ) as progress:
            task = progress.add_task("landing", total=sum(parcel.size for parcel in todo))
            for parcel in todo:
                progress.update(task, description=parcel.source.name)
                delivery.carry(parcel, lambda count: progress.advance(task, count))
        target = opened.landing
    there = len(parcels) - len(todo)
    console().print(
        f"{plural(len(todo), 'file')} ({size(sum(parcel.size for parcel in todo))}) brought to "
        f"{target}" + (f", {plural(there, 'file')} already there" if there else "")
    )
