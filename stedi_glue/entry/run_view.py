"""A run as a person sees it: while it works, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Column, Table
from rich.text import Text

from stedi_glue.entry.terminal import (
    NONE,
    STATUS,
    WIDE,
    ZONE,
    amount,
    console,
    figure,
    grid,
    noted,
    plural,
    safe,
    verdict_text,
    word,
)

if TYPE_CHECKING:
    from stedi_glue.publish.ports import RuleResult
    from stedi_glue.publish.report import RunReport, TableReport

STEPS = ("transform", "audit", "publish")
STARTING = "starting"


@dataclass
class _Line:
    """One table: the step it is at or the status it ended with, and since when."""

    step: str = ""
    began: float = 0.0
    ended: float | None = None

    def begin(self, step: str) -> None:
        """Enter a step, the clock starting with the first that is the table's own."""
        if self.step in ("", STARTING):
            self.began = time.monotonic()
        self.step = step


class Progress:
    """One line per table, in lineage order; call it with a table and its step or status."""

    def __init__(self, tables: Iterable[str]) -> None:
        self._lines = {table: _Line() for table in tables}
        self._spinner = Spinner("line", style="cyan")
        # Engine and rules take seconds to load before the first table begins.
        next(iter(self._lines.values())).begin(STARTING)

    def __call__(self, table: str, step: str) -> None:
        """Take note that a table reached a step, or ended with a status."""
        line = self._lines[table]
        line.begin(step)
        line.ended = time.monotonic() if step in STATUS else None

    def __rich__(self) -> RenderableType:
        """Draw a mark, the table's name, its step and the seconds spent on it."""
        now = time.monotonic()
        columns = (Column(width=1), Column(no_wrap=True), Column(width=9), Column(justify="right"))
        lines = Table.grid(*columns, padding=(0, 2, 0, 0))
        for table, line in self._lines.items():
            spent = Text(f"{(line.ended or now) - line.began:.1f} s", "dim") if line.step else ""
            busy = line.step and line.ended is None
            lines.add_row(
                self._spinner.render(now) if busy else "",
                Text(table, "" if line.step else "dim"),
                Text(line.step, "cyan" if busy else STATUS.get(line.step, "")),
                spent,
            )
        return lines

    def shown(self) -> AbstractContextManager[Any]:
        """Draw while the block runs, and leave no trace; draw nothing when nobody watches."""
        err = console(stderr=True)
        return Live(self, console=err, transient=True) if err.is_terminal else nullcontext()


def show_run(out: Console, report: RunReport, page: str) -> None:
    """Print what became of each table of a run, why, and how long it took.

    page: where the run's report is, which says more; empty when there is none.
    """
    wide = out.width >= WIDE
    columns = [word("table"), word("zone"), figure("rows"), word("status"), figure("rules")]
    extra = ("failed", "warned", *STEPS) if wide else ("seconds",)
    lines = grid(*columns, *(figure(header) for header in extra))
    for table in report.tables:
        lines.add_row(*_run_cells(table, wide))
    out.print(lines)
    out.print()
    notes = [note for table in report.tables for note in _notes(table)]
    for note in notes:
        out.print(note)
    if notes:
        out.print()
    _show_closing(out, report, page)


def _run_cells(table: TableReport, wide: bool) -> list[Text]:
    seconds = [getattr(table.seconds, step) for step in STEPS]
    spent = [second for second in seconds if second is not None]
    results = table.verdict.results if table.verdict else ()
    failed, warned = (table.verdict.failed, table.verdict.warnings) if table.verdict else ((), ())
    cells = [
        Text(table.table),
        Text(table.zone, ZONE.get(table.zone, "")),
        amount(table.rows),
        Text(table.status, STATUS[table.status]),
    ]
    if wide:
        counts = (amount(len(results)), noted(len(failed), "red"), noted(len(warned), "yellow"))
        return [*cells, *(counts if table.verdict else (NONE,) * 3), *map(amount, seconds)]
    rules = verdict_text(len(results), len(failed), len(warned)) if table.verdict else NONE
    return [*cells, rules, amount(sum(spent) if spent else None)]


def _notes(table: TableReport) -> Iterator[RenderableType]:
    """Say what a reader of the table should know, if anything."""
    failed, warned = (table.verdict.failed, table.verdict.warnings) if table.verdict else ((), ())
    style = STATUS[table.status]
    quarantining = table.verdict.quarantined if table.verdict else ()
    if quarantining:
        rows = plural(table.quarantined, "row")
        yield from _note(table, f"left out {rows} that broke rules", "yellow", quarantining)
    elif table.quarantined:
        records = plural(table.quarantined, "raw record")
        yield from _note(table, f"left out {records} that could not be used", "yellow")
    if table.mended:
        how = "; ".join(f"{rule} ({count:,})" for rule, count in table.mended.items())
        yield from _note(table, f"read by lenient rules: {how}", "dim")
    if failed:
        rules = plural(len(failed), "critical rule")
        yield from _note(table, f"held, no reader sees these rows: {rules} not met", style, failed)
    elif table.reason:
        yield from _note(table, f"{table.status}: {table.reason}", style)
    if warned:
        rules = plural(len(warned), "warning rule")
        yield from _note(table, f"{table.status}, {rules} not met", "yellow", warned)


def _note(
    table: TableReport, text: str, style: str, rules: Sequence[RuleResult] = ()
) -> Iterator[RenderableType]:
    yield Text.assemble((table.table, "bold"), " ", (safe(text), style))
    for rule in rules:
        # A grid of its own, so that a long rule wraps under its own beginning.
        line = Table.grid(padding=(0, 1, 0, 0))
        said = (rule.note or rule.rule).rstrip(".")
        line.add_row("  -", safe(f"{said}: {rule.observed}" if rule.observed else said))
        yield line


def _show_closing(out: Console, report: RunReport, page: str) -> None:
    statuses = [table.status for table in report.tables]
    counts = [f"{statuses.count(status)} {status}" for status in STATUS if status in statuses]
    spent = [
        f"{step} {sum(getattr(table.seconds, step) or 0 for table in report.tables):.1f} s"
        for step in STEPS
    ]
    made = Text(", ".join(counts), STATUS[report.status])
    out.print(made.append(f" on {report.engine}: {', '.join(spent)}", "dim"))
    where = f": {page}" if page else ""
    out.print(Text(f"run {report.run_id}{where}", "dim"), soft_wrap=True)
