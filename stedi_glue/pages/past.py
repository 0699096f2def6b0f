"""What the page knows of each table: this run's outcome, or the last one before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stedi_glue.model.pipeline import Pipeline
from stedi_glue.model.table import Table
from stedi_glue.pages import words
from stedi_glue.publish.report import Attempt, PastRun, RunReport, TableReport


@dataclass(frozen=True)
class State:
    """A table on the page.

    report: what became of it in this run; None when the run did not name it.
    attempts: what became of it in earlier runs, oldest first, and in this one.
    """

    table: Table
    sources: tuple[str, ...]
    report: TableReport | None
    attempts: tuple[Attempt, ...]

    @property
    def last(self) -> Attempt | None:
        """What became of it most recently."""
        return self.attempts[-1] if self.attempts else None

    @property
    def before(self) -> Attempt | None:
        """The last earlier run that readers, or what is made from it, got rows of."""
        earlier = self.attempts[:-1] if self.report else self.attempts
        good = (one for one in reversed(earlier) if one.status in ("published", "audited"))
        return next(good, None)

    @property
    def mark(self) -> str:
        """How it stands, in a word that the style has a colour for."""
        return mark(self.last) if self.last else "none"


def mark(one: Attempt) -> str:
    """Return how a table stood after a run, in a word that the style has a colour for."""
    if one.status in ("published", "audited"):
        return "warned" if one.warned else "passed"
    return one.status


def outcome(one: Attempt) -> str:
    """Say what became of a table in a run."""
    parts: list[str] = [one.status]
    if one.rows is not None:
        parts.append(words.plural(one.rows, "row"))
    if one.failed:
        parts.append(f"{words.plural(one.failed, 'rule')} failed")
    if one.warned:
        parts.append(words.plural(one.warned, "warning"))
    return ", ".join(parts)


def attempt(run: RunReport, report: TableReport) -> Attempt:
    """Return a table's report as the lake will remember it."""
    verdict = report.verdict
    return Attempt(
        run_id=run.run_id,
        started_at=run.started_at,
        engine=run.engine,
        status=report.status,
        rows=report.rows,
        snapshot_id=report.snapshot_id,
        evaluated=len(verdict.results) if verdict else 0,
        failed=len(verdict.failed) if verdict else 0,
        warned=len(verdict.warnings) if verdict else 0,
        quarantined=report.quarantined,
        seconds=report.seconds.total,
        reason=report.reason,
        suite=verdict.suite if verdict else report.table,
    )


def states(run: RunReport, earlier: Sequence[PastRun], pipeline: Pipeline) -> tuple[State, ...]:
    """Return every table of the pipeline in lineage order; `earlier` runs are newest first."""
    reports = {report.table: report for report in run.tables}
    found = []
    for table in pipeline.tables:
        past = [one.attempts[table.name] for one in reversed(earlier) if table.name in one.attempts]
        report = reports.get(table.name)
        now = [attempt(run, report)] if report else []
        sources = pipeline.sources(table.name)
        found.append(State(table, sources, report, (*past, *now)))
    return tuple(found)
