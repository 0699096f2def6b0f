"""The commands that make tables: of a lake's own landing data, or of invented data."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from stedi_glue.entry.json_view import print_json
from stedi_glue.entry.opening import open_lake
from stedi_glue.entry.options import (
    Catalog,
    Consent,
    Engine,
    Key,
    Lake,
    Landing,
    Pairing,
    Privacy,
    Rules,
    TableNames,
    Versions,
)
from stedi_glue.entry.run_view import Progress, show_run
from stedi_glue.entry.terminal import PROGRAM, console, show_error
from stedi_glue.settings import Settings

# What takes long to import is imported where it is used: '--help' must be instant.
if TYPE_CHECKING:
    from stedi_glue.lakehouse import Lakehouse


def demo(
    folder: Annotated[
        str | None,
        typer.Argument(metavar="DIR", help="The lake; by default the one the other commands use."),
    ] = None,
    engine: Engine = None,
    pairing: Pairing = None,
    consent: Consent = None,
    versions: Versions = None,
    privacy: Privacy = None,
    key: Key = None,
    rules: Rules = None,
) -> int:
    """Build a whole lake from invented landing data, and say where to look next."""
    from stedi_glue.entry.demo import prepare, show_next

    usual = Settings.load().lake
    settings = Settings.load(
        lake=folder,
        engine=engine,
        pairing=pairing,
        consent=consent,
        versions=versions,
        privacy=privacy,
        key=key,
        rules=rules,
    )
    # The demo's raw data is its own, wherever the usual raw data may be.
    settings = replace(settings, landing=settings.lake)
    with open_lake(settings) as lake:
        prepare(lake.root)
        code = _make(lake, (), as_json=False)
    where = "" if settings.lake == usual else f" --lake {shlex.quote(settings.lake)}"
    show_next(console(), f"{PROGRAM} {{}}{where}".format)
    return code


def run(
    tables: TableNames = None,
    lake: Lake = None,
    landing: Landing = None,
    catalog: Catalog = None,
    engine: Engine = None,
    pairing: Pairing = None,
    consent: Consent = None,
    versions: Versions = None,
    privacy: Privacy = None,
    key: Key = None,
    rules: Rules = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object; none when the run cannot start."),
    ] = False,
) -> int:
    """Make tables from landing data, and publish those that pass their rules."""
    settings = Settings.load(
        lake=lake,
        landing=landing,
        catalog=catalog,
        engine=engine,
        pairing=pairing,
        consent=consent,
        versions=versions,
        privacy=privacy,
        key=key,
        rules=rules,
    )
    with open_lake(settings) as opened:
        return _make(opened, tables or (), as_json)


def _make(lake: Lakehouse, names: Sequence[str], as_json: bool) -> int:
    progress = Progress(table.name for table in lake.pipeline.select(names))
    with progress.shown():
        report = lake.run(*names, on_step=progress)
    if as_json:
        print_json(report.to_json())
    else:
        page = "" if report.unrecorded else lake.docs
        show_run(console(), report, lake.earlier(report.run_id), lake.pipeline, page)
    if report.unrecorded:
        show_error(console(stderr=True), report.unrecorded)
    return report.exit_code
