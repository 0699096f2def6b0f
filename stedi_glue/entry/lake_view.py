"""A lake as a person sees it: its tables, their contracts, their history, their lineage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from stedi_glue.entry.serve import Pages, PageServer
from stedi_glue.entry.terminal import (
    NONE,
    STATUS,
    WIDE,
    ZONE,
    amount,
    console,
    figure,
    grid,
    iso,
    noted,
    plural,
    verdict_text,
    word,
)
from stedi_glue.errors import LandingError, UsageError

if TYPE_CHECKING:
    from stedi_glue.lakehouse import Lakehouse, TableState
    from stedi_glue.model.pipeline import Pipeline
    from stedi_glue.model.table import Table
    from stedi_glue.publish.ports import Snapshot
    from stedi_glue.publish.report import Attempt


def _rules(snapshot: Snapshot) -> Text:
    summary = snapshot.summary
    if "stedi.rules-evaluated" not in summary:
        return NONE
    evaluated, warned = (int(summary.get(f"stedi.rules-{k}", 0)) for k in ("evaluated", "warned"))
    return verdict_text(evaluated, 0, warned)


def show_tables(out: Console, states: Sequence[TableState]) -> None:
    """Print what the lake holds of each table."""
    wide = out.width >= WIDE
    counts = (figure("rows"), figure("left out"), figure("rules"))
    columns = [word("table"), word("zone"), *counts, word("published")]
    lines = grid(*columns, *((figure("snapshot"), word("location")) if wide else ()))
    for state in states:
        table, snapshot = state.table, state.snapshot
        raw = table.zone == "landing"
        cells = [
            Text(table.name),
            Text(table.zone, ZONE[table.zone]),
            amount(state.rows),
            noted(state.quarantined, "yellow") if state.rows is not None else NONE,
            _rules(snapshot) if snapshot else NONE,
            Text(iso(snapshot.published_at)) if snapshot else NONE if raw else Text("never", "dim"),
        ]
        if wide:
            cells += [Text(str(snapshot.snapshot_id)) if snapshot else NONE, Text(table.location)]
        lines.add_row(*cells)
    out.print(lines)


def revoked(lake: Lakehouse) -> Mapping[str, int | None] | None:
    """Return what is held of people who revoked their consent; None when raw data is elsewhere."""
    with suppress(LandingError):
        return lake.revoked()
    return None


def show_revoked(out: Console, held: Mapping[str, int | None] | None) -> None:
    """Print which tables hold people who revoked their consent, by the number of their rows."""
    if held is None:
        told = "Whether people revoked their consent is told with --landing, the root of raw data."
        out.print(Text(told, "dim"))
    elif held:
        some = [
            f"{name} ({'rows' if rows is None else plural(rows, 'row')})"
            for name, rows in held.items()
        ]
        told = f"People revoked their consent and are still in {', '.join(some)}"
        out.print(Text(f"{told}; the next 'stedi-glue run' takes them out.", "yellow"))


def show_contract(out: Console, table: Table, sources: Sequence[str]) -> None:
    """Print what a table promises: its meaning, its columns and what it is made from."""
    out.print(Text.assemble((table.name, "bold"), f"  {table.doc}"))
    origin = ", ".join(sources) if sources else "outside, as newline JSON"
    out.print(Text(f"{table.zone} zone, in {table.location}, made from {origin}", "dim"))
    out.print()
    lines = grid(word("column"), word("type"), word("personal"), "meaning")
    for column in table.columns:
        personal = Text("personal", "yellow") if column.personal else NONE
        lines.add_row(column.name, column.type, personal, column.doc)
    out.print(lines)


def show_history(
    out: Console, attempts: Sequence[Attempt], snapshots: Mapping[int, Snapshot]
) -> None:
    """Print what became of a table in every run, newest first, and which states can be read."""
    wide = out.width >= WIDE
    counts = (figure("rows"), figure("left out"), figure("rules"))
    columns = [word("run began"), word("status"), *counts]
    extra = (word("engine"), word("run")) if wide else ()
    lines = grid(*columns, figure("snapshot"), word("readers"), *extra)
    for attempt in attempts:
        snapshot = snapshots.get(attempt.snapshot_id or 0)
        cells = [
            Text(iso(attempt.started_at)),
            Text(attempt.status, STATUS[attempt.status]),
            amount(attempt.rows),
            noted(attempt.quarantined, "yellow") if attempt.rows is not None else NONE,
            verdict_text(attempt.evaluated, attempt.failed, attempt.warned),
            Text(str(snapshot.snapshot_id)) if snapshot else NONE,
            _readers(snapshot),
        ]
        if wide:
            cells += [Text(attempt.engine), Text(attempt.run_id)]
        lines.add_row(*cells)
    out.print(lines)


def _readers(snapshot: Snapshot | None) -> Text:
    if snapshot is None:
        return Text("")
    return Text("see this", "green") if snapshot.current else Text("can return", "dim")


def show_lineage(out: Console, pipeline: Pipeline) -> None:
    """Draw what each final table is made from, down to the raw data."""
    used = {source for table in pipeline.tables for source in pipeline.sources(table.name)}
    drawn: set[str] = set()

    def label(name: str) -> Text:
        table = pipeline.table(name)
        return Text.assemble(name, "  ", (table.zone, ZONE[table.zone]))

    def grow(tree: Tree, name: str) -> None:
        drawn.add(name)
        for source in pipeline.sources(name):
            if source in drawn and pipeline.sources(source):
                tree.add(label(source).append("  see above", "dim"))
            else:
                grow(tree.add(label(source)), source)

    for table in pipeline.tables:
        if table.name not in used:
            root = Tree(label(table.name), guide_style="dim")
            grow(root, table.name)
            out.print(root)


def open_page(page: str) -> None:
    """Show a page of the lake in the browser; UsageError when it is not on this machine."""
    if "://" in page:
        folder = page.rpartition("/")[0]
        raise UsageError(
            f"A browser cannot open '{page}': use 'stedi-glue docs --serve', or copy the pages "
            f"with 'aws s3 sync {folder} docs' and open docs/index.html."
        )
    typer.launch(Path(page).as_uri())


def serve_pages(pages: Pages, port: int, *, show: bool) -> None:
    """Serve a lake's pages until the user interrupts; UsageError when the port is taken."""
    try:
        server = PageServer(pages, port)
    except OSError as error:
        raise UsageError(
            f"Cannot serve on port {port}: {error.strerror}; name another one with --port."
        ) from error
    with server, suppress(KeyboardInterrupt):
        typer.echo(server.address)
        console(stderr=True).print("Press Ctrl-C to stop.")
        if show:
            typer.launch(server.address)
        server.serve_forever()


def show_rollback(out: Console, snapshot: Snapshot) -> None:
    """Print what readers see after a rollback."""
    out.print(
        f"Readers of {snapshot.table} see snapshot {snapshot.snapshot_id} again: "
        f"{plural(snapshot.rows, 'row')}, published {iso(snapshot.published_at)}."
    )
