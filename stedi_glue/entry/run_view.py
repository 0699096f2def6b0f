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
    amount,
    console,
    figure,
    grid,
    plural,
    safe,
    word,
)
from stedi_glue.model.table import Zone
from stedi_glue.pages.past import State, states
from stedi_glue.pages.words import change
from stedi_glue.publish.ports import Verdict

if TYPE_CHECKING:
    from stedi_glue.model.pipeline import Pipeline
    from stedi_glue.publish.ports import RuleResult
    from stedi_glue.publish.report import PastRun, RunReport, TableReport

STARTING = "starting"
# Warnings of one table that are told; the report has all.
_MOST = 3


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


def show_run(
    out: Console, report: RunReport, earlier: Sequence[PastRun], pipeline: Pipeline, page: str
) -> None:
    """Print in some ten lines what the run's report says.

    earlier: the runs before it, newest first. page: where the report is, which says more; empty
    when there is none.
    """
    known = [state for state in states(report, earlier, pipeline) if state.report]
    notes = {state.table.name: _notes(state.report) for state in known if state.report}
    # Raw data of which there is nothing to say is one line.
    quiet = [s for s in known if s.mark == "passed" and s.table.zone == Zone.LANDING]
    quiet = [state for state in quiet if not notes[state.table.name]]
    raw = f"{len(quiet)} landing tables"
    groups = [(raw, quiet)] if len(quiet) > 1 else []
    groups += [(s.table.name, [s]) for s in known if not groups or s not in quiet]
    lines = grid(
        word("table"), figure("rows"), figure("change"), word("verdict"), figure("seconds")
    )
    for name, group in groups:
        lines.add_row(Text(name), *_cells(group))
    out.print(lines)
    for found in notes.values():
        for note in found:
            # Printing forgets what a text says of itself.
            out.print(note, no_wrap=note.no_wrap, overflow=note.overflow)
    _show_closing(out, report, page)


def _cells(group: Sequence[State]) -> Iterator[Text]:
    """Say of some tables of one status, in sum, what the page says of each."""
    reports = [state.report for state in group if state.report]
    status, verdicts = reports[0].status, [one.verdict for one in reports if one.verdict]
    staged = [one.rows for one in reports if one.rows is not None]
    yield amount(sum(staged)) if staged else NONE
    before = [state.before.rows for state in group if state.before]
    known = [rows for rows in before if rows is not None]
    if not staged:
        yield NONE
    elif len(known) < len(group):
        yield Text("new", "dim")
    else:
        yield Text(change(sum(staged), sum(known)) or "same", "dim")
    failed = sum(len(verdict.failed) for verdict in verdicts)
    warned = sum(len(verdict.warnings) for verdict in verdicts)
    rules = sum(len(verdict.results) for verdict in verdicts)
    said = f"{status}, {plural(rules, 'rule')}" if verdicts else status
    for number, verb in ((warned, "warned"), (failed, "failed")):
        said = f"{status}, {number} of {rules} {verb}" if number else said
    good = status in ("published", "audited")
    yield Text(said, "yellow" if warned and good else STATUS[status])
    seconds = sum(one.seconds.total for one in reports)
    yield amount(seconds) if seconds else NONE


def _notes(table: TableReport) -> list[Text]:
    """Say what a reader of the table should know, if anything; the worst first."""
    verdict = table.verdict or Verdict("", ())
    failed, warned, left_out = verdict.failed, verdict.warnings, verdict.quarantined
    style = STATUS[table.status]
    notes: list[Text] = []
    if failed:
        notes += [_note(table, f"held: {_said(rule)}", style) for rule in failed]
    elif table.reason:
        notes.append(_note(table, f"{table.status}: {table.reason}", style))
    notes += [_line(table, f"warning: {_said(rule)}", "yellow") for rule in warned[:_MOST]]
    if len(warned) > _MOST:
        more = plural(len(warned) - _MOST, "more warning")
        notes.append(_line(table, f"{more}, told in the report", "yellow"))
    if left_out:
        rows = plural(table.quarantined, "row")
        rules = "; ".join(_said(rule) for rule in left_out)
        notes.append(_line(table, f"left out {rows} that broke rules: {rules}", "yellow"))
    elif table.quarantined:
        records = plural(table.quarantined, "raw record")
        why = "; ".join(f"{reason} ({count:,})" for reason, count in table.reasons.items())
        text = f"left out {records} that could not be used: {why}"
        notes.append(_line(table, text, "yellow"))
    if table.mended:
        how = "; ".join(f"{rule} ({count:,})" for rule, count in table.mended.items())
        notes.append(_line(table, f"read by lenient rules: {how}", "dim"))
    return notes


def _said(rule: RuleResult) -> str:
    """Say what was seen before what was asked for: where a line ends, that is cut."""
    asked = (rule.note or rule.rule).rstrip(".")
    return f"{rule.observed}: {asked}" if rule.observed else asked


def _note(table: TableReport, text: str, style: str) -> Text:
    return Text.assemble((table.table, "bold"), " ", (safe(text), style))


def _line(table: TableReport, text: str, style: str) -> Text:
    """Write what nobody has to act on as one line, whatever fits into it."""
    line = _note(table, text, style)
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _show_closing(out: Console, report: RunReport, page: str) -> None:
    statuses = [table.status for table in report.tables]
    counts = [f"{statuses.count(status)} {status}" for status in STATUS if status in statuses]
    made = Text(", ".join(counts), STATUS[report.status])
    spent = sum(table.seconds.total for table in report.tables)
    where = f"; report: {page}" if page else ""
    made.append(f" on {report.engine} in {spent:.1f} s{where}", "dim")
    out.print(made, soft_wrap=True)
