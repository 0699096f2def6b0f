"""The command line.

Exit codes: 0 published, 1 error, 2 wrong usage, 3 held by rules, 130 interrupted.
Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from stedi_glue.entry import (
    deploy_commands,
    forget,
    lake_view,
    land,
    quarantine,
    query,
    run,
    session_commands,
    study,
    vacuum,
)
from stedi_glue.entry.json_view import attempt_json, print_json, state_json
from stedi_glue.entry.opening import open_lake
from stedi_glue.entry.options import Catalog, Lake, Landing, Privacy, TableNames
from stedi_glue.entry.terminal import PROGRAM, console, show_error
from stedi_glue.errors import StediError
from stedi_glue.publish.collector import be_patient
from stedi_glue.settings import Settings, debugging, variable
from stedi_glue.version import __version__

INTERRUPTED = 130

app = typer.Typer(
    help="Build a STEDI lake whose tables reach readers only when they passed their rules.",
    epilog="Exit codes: 0 published, 1 error, 2 wrong usage, 3 held by rules.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
# Help lists them first.
for command in (run.demo, run.run):
    app.command()(command)
for part in (query, quarantine, land, study, vacuum, forget):
    app.add_typer(part.app)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
TableName = Annotated[str, typer.Argument(metavar="TABLE", help="The table's name.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Hold the options of the program itself."""


@app.command()
def tables(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="TABLE", help="Describe these tables and their columns."),
    ] = None,
    lake: Lake = None,
    landing: Landing = None,
    catalog: Catalog = None,
    as_json: AsJson = False,
) -> None:
    """List the tables with their rows and verdicts, or describe some.

    Also tells which tables still hold people who revoked their consent since the last run.
    """
    with open_lake(Settings.load(lake=lake, landing=landing, catalog=catalog)) as opened:
        pipeline = opened.pipeline
        chosen = [opened.contract(name) for name in names or ()]
        if as_json:
            states = [s for s in opened.tables() if not chosen or s.table.name in (names or ())]
            revoked = lake_view.revoked(opened)
            print_json([state_json(s, pipeline.sources(s.table.name), revoked) for s in states])
        elif chosen:
            for table in chosen:
                lake_view.show_contract(console(), table, pipeline.sources(table.name))
        else:
            lake_view.show_tables(console(), opened.tables())
            lake_view.show_revoked(console(), lake_view.revoked(opened))


@app.command()
def history(
    table: TableName, lake: Lake = None, catalog: Catalog = None, as_json: AsJson = False
) -> None:
    """List what became of a table in every run, newest first, and what can be returned to."""
    with open_lake(Settings.load(lake=lake, catalog=catalog)) as opened:
        snapshots = {snapshot.snapshot_id: snapshot for snapshot in opened.history(table)}
        attempts = opened.attempts(table)
    if as_json:
        print_json([attempt_json(one, snapshots.get(one.snapshot_id or 0)) for one in attempts])
    else:
        lake_view.show_history(console(), attempts, snapshots)


@app.command()
def docs(
    lake: Lake = None,
    catalog: Catalog = None,
    show: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve it to browsers on this machine, also from S3.")
    ] = False,
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help="The port to serve it on; by default one that is free."
        ),
    ] = 0,
) -> None:
    """Print where the last run's report is; it leads to every run's rules and what they found."""
    with open_lake(Settings.load(lake=lake, catalog=catalog)) as opened:
        page = opened.docs
        if serve:
            lake_view.serve_pages(opened.page, port, show=show)
            return
    if show:
        lake_view.open_page(page)
    typer.echo(page)


@app.command()
def rollback(
    table: TableName,
    snapshot: Annotated[
        int | None,
        typer.Argument(help="Its number, as 'history' lists it; by default the one before."),
    ] = None,
    lake: Lake = None,
    catalog: Catalog = None,
) -> None:
    """Let readers see an earlier snapshot of a table again."""
    with open_lake(Settings.load(lake=lake, catalog=catalog)) as opened:
        current = opened.rollback(table, snapshot)
    lake_view.show_rollback(console(), current)


@app.command()
def ddl(
    names: TableNames = None, lake: Lake = None, landing: Landing = None, privacy: Privacy = None
) -> None:
    """Print the statements that create the tables in Athena."""
    with open_lake(Settings.load(lake=lake, landing=landing, privacy=privacy)) as opened:
        sys.stdout.write(opened.ddl(*names or ()))


@app.command()
def lineage(
    form: Annotated[
        Literal["terminal", "mermaid"],
        typer.Option("--format", help="terminal draws a tree, mermaid a chart for Markdown."),
    ] = "terminal",
) -> None:
    """Draw which tables are made from which."""
    with open_lake(Settings.load()) as opened:
        if form == "mermaid":
            sys.stdout.write(opened.lineage())
        else:
            lake_view.show_lineage(console(), opened.pipeline)


app.add_typer(deploy_commands.app)
app.add_typer(session_commands.app, name="sessions")


def program() -> int:
    """Be the whole process: run the program with its arguments and return its exit code."""
    be_patient()
    return main()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    try:
        code = app(arguments, prog_name=PROGRAM, standalone_mode=False) or 0
    except StediError as error:
        return _complain(str(error), error.exit_code)
    except typer.TyperException as error:
        return _complain(error.format_message(), error.exit_code)
    except typer.Abort as error:
        # Typer makes one of the end of any file, too; a prompt's own has no cause.
        if isinstance(error.__cause__, EOFError):
            return _complain(_describe_bug(error.__cause__), StediError.exit_code)
        # The prompt's line is still open.
        console(stderr=True).print("\nInterrupted; nothing was done.")
        return INTERRUPTED
    except Exception as error:
        return _complain(_describe_bug(error), StediError.exit_code)
    if code == INTERRUPTED:
        console(stderr=True).print("Interrupted; readers see each table as it was last published.")
    return int(code)


def _complain(sentence: str, code: int) -> int:
    if debugging():
        traceback.print_exc()
    if sentence:
        show_error(console(stderr=True), sentence)
    return code


def _describe_bug(error: Exception) -> str:
    """Say where a bug is, but not its message, which may quote somebody's data."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}, line {frame.lineno}"
    return (
        f"This is a bug in {PROGRAM}: {type(error).__name__} in {place}; "
        f"run again with {variable('debug')}=1 to see the traceback."
    )
