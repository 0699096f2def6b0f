"""One run: stage each table, audit the written files, publish what passed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from stedi_glue.errors import EngineError, StediError
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.model.table import RULES, Table, Zone
from stedi_glue.publish.consent import Consent
from stedi_glue.publish.ports import Auditor, Catalog, Engine, Landing, Snapshot, Staged, Verdict
from stedi_glue.publish.report import Seconds, Status, TableReport
from stedi_glue.version import __version__

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Holds a table that lost every row.
ROW_COUNT = "expect_table_row_count_to_be_between"
# Told what happens to a table: its name, and the step that begins or the status it ended with.
Observer = Callable[[str, str], None]


class Run:
    """One run: what it staged, what it made, and what it could not."""

    def __init__(
        self,
        run_id: str,
        pipeline: Pipeline,
        engine: Engine,
        landing: Landing,
        catalog: Catalog,
        auditor: Auditor,
        clock: Callable[[], float],
        observer: Observer,
    ) -> None:
        self._id = run_id
        self._pipeline = pipeline
        self._engine = engine
        self._landing = landing
        self._catalog = catalog
        self._auditor = auditor
        self._clock = clock
        self._tell = observer
        self._staged: dict[str, Staged] = {}
        # What the run reads of a published table stays the same, whoever else publishes it.
        self._seen: dict[str, Snapshot] = {}
        self._blocked: dict[str, Status] = {}
        self._consent = Consent(pipeline, self._rows)

    def make(self, table: Table) -> TableReport:
        """Take one table as far as its sources and rules let it go."""
        report = self._skip(table) or self._attempt(table)
        if report.status not in ("published", "audited"):
            self._blocked[table.name] = report.status
        self._tell(table.name, report.status)
        return report

    def _skip(self, table: Table) -> TableReport | None:
        for source in self._pipeline.sources(table.name):
            if source in self._blocked:
                reason = f"its source {source} was {self._blocked[source]}"
                return TableReport(table.name, table.zone, "skipped", reason=reason)
        return None

    def _attempt(self, table: Table) -> TableReport:
        report = TableReport(table.name, table.zone, "failed")
        try:
            self._tell(table.name, "transform")
            start = time.perf_counter()
            before = None if table.zone is Zone.LANDING else self._catalog.current(table)
            staged = self._stage(table)
            seconds = Seconds(transform=_since(start))
            report = replace(
                report,
                rows=staged.rows,
                quarantined=staged.quarantined,
                mended=staged.mended,
                reasons=staged.reasons,
                seconds=seconds,
            )

            self._tell(table.name, "audit")
            start = time.perf_counter()
            now = int(self._clock() * 1000)
            verdict = self._audit(table, staged, now)
            if verdict.separable:
                staged, verdict = self._separate(table, staged, verdict, now)
                report = replace(
                    report,
                    rows=staged.rows,
                    quarantined=staged.quarantined,
                    reasons=staged.reasons,
                )
            seconds = replace(seconds, audit=_since(start))
            report = replace(report, verdict=verdict, seconds=seconds)
            if not verdict.passed:
                reason = "; ".join(str(rule) for rule in verdict.failed)
                if table.zone is not Zone.LANDING:
                    self._catalog.tidy(table, keep=self._id)
                return replace(report, status="held", reason=reason)
            self._staged[table.name] = staged
            if table.zone is Zone.LANDING:
                return replace(report, status="audited")

            self._tell(table.name, "publish")
            start = time.perf_counter()
            summary = self._summary(table, staged, verdict)
            onto = before.snapshot_id if before else 0
            snapshot = self._catalog.publish(table, staged, summary, onto)
            self._seen[table.name] = snapshot
            self._catalog.tidy(table)
            return replace(
                report,
                status="published",
                snapshot_id=snapshot.snapshot_id,
                record=snapshot.summary,
                seconds=replace(seconds, publish=_since(start)),
            )
        except StediError as error:
            return replace(report, status="failed", reason=str(error))

    def _stage(self, table: Table) -> Staged:
        transform = self._pipeline.transform(table.name)
        if transform is None:
            return self._landing.stage(table, self._id)
        sources = {name: self._rows(name) for name in transform.sources}
        folder = self._catalog.new_folder(table, self._id)
        with self._engine.explaining(f"Cannot make '{table.name}'"):
            made = transform.apply(sources)
        self._engine.write(made, folder)
        return replace(self._catalog.written(folder), version=self._id)

    def _audit(self, table: Table, staged: Staged, now: int) -> Verdict:
        # The audit reads what was written, not the plan that wrote it.
        if table.zone is Zone.LANDING:
            rows = self._landing.read(table, staged)
        else:
            rows = self._engine.read(table, staged.files)
        history = () if table.zone is Zone.LANDING else self._catalog.history(table)
        references = self._references(table, staged)
        verdict = self._auditor.audit(table, rows, references, now, history)
        return verdict if staged.rows else self._excused(table, verdict)

    def _excused(self, table: Table, verdict: Verdict) -> Verdict:
        """Only warn of an empty table when all that its readers have is of who revoked consent.

        Held, it would go on publishing them for as long as nobody else agrees.
        """
        current = self._published(table) if self._consent.concerns(table) else None
        if current is None:
            return verdict
        if current.rows:
            published = self._catalog.contract(table, current.snapshot_id)
            files = self._catalog.files(table, current.snapshot_id)
            theirs = self._consent.revoked(published, self._engine.read(published, files))
            if int(theirs.count()) < current.rows:
                return verdict
        results = (
            replace(rule, severity="warning") if rule.rule == ROW_COUNT else rule
            for rule in verdict.results
        )
        return replace(verdict, results=tuple(results))

    def _separate(
        self, table: Table, staged: Staged, verdict: Verdict, now: int
    ) -> tuple[Staged, Verdict]:
        """Write the rows that go to quarantine apart from the others, and audit those.

        Readers of the quarantine find it by the run that published the table, so both appear
        with the same commit.
        """
        rows = self._engine.read(table, staged.files)
        marked = self._auditor.mark(table, rows, verdict)
        keep = self._catalog.new_folder(table, f"{self._id}/kept")
        leave_out = self._catalog.quarantine_folder(table, self._id)
        self._engine.write(marked.where(f"{RULES} IS NULL").drop(RULES), keep)
        self._engine.write(marked.where(f"{RULES} IS NOT NULL"), leave_out)
        kept, left_out = self._catalog.written(keep), self._catalog.written(leave_out)
        if kept.rows + left_out.rows != staged.rows or not left_out.rows:
            raise EngineError(
                f"Of {staged.rows:,} rows of '{table.name}', {kept.rows:,} were kept and "
                f"{left_out.rows:,} left out, which does not add up; run again, or with another "
                "--engine."
            )
        reasons: Counter[str] = Counter()
        for rule in verdict.separable:
            reasons[rule.note or rule.rule] += rule.broke
        kept = replace(
            kept,
            version=staged.version,
            quarantined=left_out.rows,
            reasons=dict(reasons),
        )
        found = self._audit(table, kept, now)
        return kept, replace(found, quarantined=verdict.separable)

    def _references(self, table: Table, staged: Staged) -> Mapping[str, DataFrame]:
        """Return the other tables that the rules look at: any upstream, and landing problems."""
        named = self._auditor.names(table)
        found = {n: self._rows(n) for n in self._pipeline.upstream(table.name) if n in named}
        transform = self._pipeline.transform(table.name)
        if transform:
            found = {n: transform.seen(self._pipeline.table(n), r) for n, r in found.items()}
        problems = f"{table.name}_problems"
        if problems in named:
            found[problems] = self._landing.problems(table, staged)
        return found

    def _rows(self, name: str) -> DataFrame:
        """Read a table as this run sees it: just made, or as published before."""
        table = self._pipeline.table(name)
        if table.zone is Zone.LANDING:
            if name not in self._staged:
                self._staged[name] = self._landing.stage(table, self._id)
            return self._landing.read(table, self._staged[name])
        snapshot = self._published(table)
        return self._engine.read(
            table, self._catalog.files(table, snapshot.snapshot_id if snapshot else None)
        )

    def _summary(self, table: Table, staged: Staged, verdict: Verdict) -> dict[str, str]:
        """Describe the verdict and the lineage, for the snapshot's record."""
        sources = {
            f"stedi.source.{name}": self._version(name)
            for name in self._pipeline.sources(table.name)
        }
        transform = self._pipeline.transform(table.name)
        options = transform.options if transform else {}
        return {
            "stedi.run-id": self._id,
            "stedi.version": __version__,
            "stedi.engine": self._engine.name,
            "stedi.suite": verdict.suite,
            "stedi.success": str(verdict.passed).lower(),
            "stedi.rows": str(staged.rows),
            "stedi.quarantined": str(staged.quarantined),
            "stedi.rules-evaluated": str(len(verdict.results)),
            "stedi.rules-warned": str(len(verdict.warnings)),
            **{f"stedi.newest.{column}": str(moment) for column, moment in verdict.newest.items()},
            **{f"stedi.option.{key}": value for key, value in options.items()},
            **sources,
        }

    def _version(self, name: str) -> str:
        table = self._pipeline.table(name)
        if table.zone is Zone.LANDING:
            return self._staged[name].version
        snapshot = self._published(table)
        return str(snapshot.snapshot_id) if snapshot else ""

    def _published(self, table: Table) -> Snapshot | None:
        if table.name not in self._seen:
            current = self._catalog.current(table)
            if current is None:
                return None
            self._seen[table.name] = current
        return self._seen[table.name]


def _since(start: float) -> float:
    return round(time.perf_counter() - start, 3)
