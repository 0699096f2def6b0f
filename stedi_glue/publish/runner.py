"""Who runs tables, and what is kept of a run."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from stedi_glue.errors import LakeError, UsageError
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.model.table import Table, Zone
from stedi_glue.publish.ports import Auditor, Catalog, Engine, Journal, Landing
from stedi_glue.publish.report import RunReport
from stedi_glue.publish.run import Observer, Run


class Runner:
    """Takes tables from landing to readers, in lineage order.

    A table is published only when every critical rule passed on its written files, if
    need be without the rows that rules send to quarantine; otherwise it stays as it was, and
    what is made from it is skipped.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        engine: Engine,
        landing: Landing,
        catalog: Catalog,
        auditor: Auditor,
        journal: Journal,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._pipeline = pipeline
        self._engine = engine
        self._landing = landing
        self._catalog = catalog
        self._auditor = auditor
        self._journal = journal
        self._clock = clock

    def check(self, names: Sequence[str] = ()) -> tuple[Table, ...]:
        """Return the tables a run would make, or raise for what would make it fail at once.

        Raises UnknownTable, RulesError, LandingError, or UsageError when a table reads
        another that was neither published before nor is part of the run.
        """
        tables = self._pipeline.select(names)
        self._auditor.check(tables)
        self._landing.check([table for table in tables if table.zone is Zone.LANDING])
        chosen = {table.name for table in tables}
        for table in tables:
            for source in self._pipeline.sources(table.name):
                if source in chosen or self._catalog.current(self._pipeline.table(source)):
                    continue
                raise UsageError(
                    f"'{table.name}' is made from '{source}', which was never published; "
                    f"run it too: stedi-glue run {source} {table.name}"
                )
        return tables

    def run(self, tables: Sequence[Table], observer: Observer | None = None) -> RunReport:
        """Make the tables that `check` returned."""
        # The engine first: two threads that import the same libraries can wait for each other.
        self._engine.start()
        self._auditor.prepare()
        started = self._clock()
        run_id = f"{datetime.fromtimestamp(started, UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        run = Run(
            *(run_id, self._pipeline, self._engine, self._landing, self._catalog, self._auditor),
            *(self._clock, observer or (lambda table, step: None)),
        )
        reports = tuple(run.make(table) for table in tables)
        now = int(started * 1000)
        report = RunReport(run_id, self._engine.name, reports, now)
        try:
            self._journal.record(report)
            self._auditor.document(run_id, now)
        except LakeError as error:
            # What was published is published, whether or not the lake remembers how.
            return replace(report, unrecorded=str(error))
        return report
