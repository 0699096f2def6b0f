"""What a lake says of itself and its tables."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from stedi_glue.backends.engines import explaining
from stedi_glue.backends.journal import told
from stedi_glue.backends.proposals import Proposal, propose
from stedi_glue.backends.revocation import revoked
from stedi_glue.backends.suites import RulesFolder
from stedi_glue.errors import EngineError, LakeError, UnknownTable, UsageError
from stedi_glue.lakehouse.opened import OpenLake
from stedi_glue.model.ddl import athena_ddl
from stedi_glue.model.lineage import mermaid
from stedi_glue.model.table import Table, Zone
from stedi_glue.publish.ports import Snapshot
from stedi_glue.publish.report import Attempt, PastRun

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stedi_glue.backends.athena import Athena
    from stedi_glue.profiling.profile import Profile


@dataclass(frozen=True)
class TableState:
    """What a lake holds of one table.

    snapshot: what readers see; None for landing tables and for what was never published.
    rows: rows readers see, or good records last read from landing; None when there are none yet.
    quarantined: rows that were left out of these, or records that could not be read.
    """

    table: Table
    snapshot: Snapshot | None
    rows: int | None
    quarantined: int = 0


class ReadableLake(OpenLake):
    """Reads a lake, and leaves it as it is."""

    def contract(self, name: str) -> Table:
        """Return the contract that a table is published with, or would be by the next run."""
        table = self.pipeline.table(name)
        if table.zone is not Zone.LANDING and self._catalog.current(table):
            return self._catalog.contract(table)
        return self._described.table(name)

    def table(self, name: str, snapshot_id: int | None = None) -> DataFrame:
        """Read a table: as published (now, or in an earlier snapshot), or landing as last run."""
        table = self.pipeline.table(name)
        if table.zone is Zone.LANDING:
            staged = self._landing.staged(table)
            if staged is None:
                raise LakeError(
                    f"Landing table '{name}' was never read; read it with 'stedi-glue run'."
                )
            return self._landing.read(table, staged)
        published = self._existing.contract(table, snapshot_id)
        return self._engine.read(published, self._existing.files(table, snapshot_id))

    def quarantine(self, name: str, *, personal: bool = True) -> DataFrame:
        """Read what was left out of a table: its columns and `_rules`, the rules each row broke.

        Of landing tables, the records that could not be read: `_file`, `_problem`, `_raw`.
        personal: whether with personal values; else the first letter stays, or the shape.
        """
        _ = self._existing
        return self._quarantine.rows(self.pipeline.table(name), personal=personal)

    def query(self, sql: str) -> DataFrame:
        """Run SQL over the lake's tables by their names.

        What was left out of them is there too, as `<table>_quarantine`, and of landing tables
        as `<table>_problems`.
        """
        words = {word.lower() for word in re.findall(r"\w+", sql)}
        available = {}
        for table in (state.table for state in self.tables() if state.rows is not None):
            available[table.name] = partial(self.table, table.name)
            left_out = "problems" if table.zone is Zone.LANDING else "quarantine"
            available[f"{table.name}_{left_out}"] = partial(self.quarantine, table.name)
        views = {name: available[name]() for name in sorted(available.keys() & words)}
        try:
            return self._engine.query(sql, views)
        except EngineError:
            # Engines say of a misspelt table only that they do not find it.
            for name in re.findall(r"\b(?:from|join)\s+`?(\w+)", sql, re.IGNORECASE):
                if name.lower() not in available:
                    raise UnknownTable(name, available) from None
            raise

    def athena(self, workgroup: str = "primary") -> Athena:
        """Return Athena, ready for queries of this lake; UsageError when it is not on AWS."""
        from stedi_glue.backends.athena import Athena
        from stedi_glue.backends.glue import DATABASE

        if not self.on_aws:
            raise UsageError(f"Athena cannot query '{self.root}': the lake is not on AWS.")
        _ = self._existing
        return Athena(DATABASE, workgroup, f"{self.root}/queries/")

    def profile(self, name: str) -> Profile:
        """Measure a table, as it is published or as landing was last read."""
        from stedi_glue.profiling.measure import measure

        table = self.contract(name)
        with explaining(f"Cannot measure '{name}'", quoting=False):
            return measure(table, self.table(name))

    def proposal(self, name: str) -> Proposal:
        """Return the rules that a table's rows and history suggest and its file lacks."""
        profile = self.profile(name)
        history = self.history(name)
        rules = RulesFolder(self._rules)
        return propose(profile, self.table(name), rules, history, int(time.time() * 1000))

    def tables(self) -> tuple[TableState, ...]:
        """Return what the lake holds of each table, in lineage order."""
        _ = self._existing
        return tuple(self._state(table) for table in self.pipeline.tables)

    def revoked(self) -> Mapping[str, int | None]:
        """Return how many rows tables still hold of people who do not agree any more.

        By the registrations that have landed by now; the next run takes them out. Tables
        without such rows are left out. None: without the key of the lake's pseudonyms nobody
        can tell. Raises LandingError when the registrations are not where this lake's are.
        """
        return revoked(
            *(self.pipeline, self._landing, self._existing),
            *(self.table, self._privacy.right_key),
        )

    def history(self, name: str) -> tuple[Snapshot, ...]:
        """Return a table's retained snapshots, newest first; landing tables have none."""
        table, catalog = self.pipeline.table(name), self._existing
        return () if table.zone is Zone.LANDING else catalog.history(table)

    def attempts(self, name: str) -> tuple[Attempt, ...]:
        """Return what became of a table in every run, published or held, newest first.

        A run that was killed left no report; what it published is told from its snapshots.
        """
        attempts = self._journal.attempts(self.pipeline.table(name).name)
        known = {attempt.snapshot_id for attempt in attempts}
        told = [told(one) for one in self.history(name) if one.snapshot_id not in known]
        return tuple(sorted((*attempts, *told), key=lambda one: one.started_at, reverse=True))

    def earlier(self, run_id: str) -> tuple[PastRun, ...]:
        """Return the last runs before one, newest first: those that its report compares with."""
        return self._pages.earlier(run_id)

    @property
    def docs(self) -> str:
        """Where the report of the last run is; LakeError when there is none yet."""
        self._storage.require()
        page = f"{self.root}/docs/index.html"
        if self._storage.missing([page]):
            raise LakeError(
                f"The lake '{self.root}' has no report yet; 'stedi-glue run' writes one."
            )
        return page

    def page(self, path: str) -> str | None:
        """Return a page's text by its path in the lake's `docs/`; None when there is none."""
        return self._storage.read_text(f"{self.root}/docs/{path}")

    def ddl(self, *names: str) -> str:
        """Return Athena's statements that create the named tables, or all of them."""
        chosen = [self.contract(name) for name in names or [t.name for t in self.pipeline.tables]]
        roots = {Zone.LANDING: self.landing}
        statements = [athena_ddl(table, roots.get(table.zone, self.root)) for table in chosen]
        return "\n\n".join(statements) + "\n"

    def lineage(self) -> str:
        """Return the graph of tables as a Mermaid flowchart."""
        return mermaid(self.pipeline)

    def _state(self, table: Table) -> TableState:
        if table.zone is Zone.LANDING:
            staged = self._landing.staged(table)
            rows, left_out = (staged.rows, staged.quarantined) if staged else (None, 0)
            return TableState(table, None, rows, left_out)
        snapshot = self._existing.current(table)
        if snapshot is None:
            return TableState(self._described.table(table.name), None, None)
        table = self._existing.contract(table)
        return TableState(table, snapshot, snapshot.rows, snapshot.quarantined)
