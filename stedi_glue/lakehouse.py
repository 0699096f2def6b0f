"""The lakehouse: one object that opens a lake, fills it and reads it."""

from __future__ import annotations

import os
import re
import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from stedi_glue.backends.catalog import IcebergCatalog
from stedi_glue.backends.delivery import Delivery, Parcel, parcels
from stedi_glue.backends.engines import explaining, open_engine
from stedi_glue.backends.expectations import ExpectationsAuditor
from stedi_glue.backends.forgetting.forgetting import Forgetting, Receipt
from stedi_glue.backends.forgetting.person import registers
from stedi_glue.backends.forgetting.suppression import Suppression
from stedi_glue.backends.journal import RunJournal, told
from stedi_glue.backends.landing import LandingFolder
from stedi_glue.backends.privacy import LakePrivacy, Privacy, published_privacy
from stedi_glue.backends.proposals import Proposal, propose
from stedi_glue.backends.quarantine import Quarantine
from stedi_glue.backends.report_pages import ReportPages
from stedi_glue.backends.revocation import revoked
from stedi_glue.backends.storage import S3, folder_uri, open_storage
from stedi_glue.backends.suites import RulesFolder
from stedi_glue.backends.vacuum import Orphan, Vacuum
from stedi_glue.errors import EngineError, LakeError, UnknownTable, UsageError, suggest
from stedi_glue.model.ddl import athena_ddl
from stedi_glue.model.lineage import mermaid
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.model.table import Table, Zone
from stedi_glue.publish.collector import patient_collector
from stedi_glue.publish.ports import Snapshot
from stedi_glue.publish.rehearsal import Rehearsal, Stage
from stedi_glue.publish.report import Attempt, PastRun, RunReport
from stedi_glue.publish.runner import Observer, Runner
from stedi_glue.zones import STEDI

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stedi_glue.backends.athena import Athena
    from stedi_glue.model.transform import ZoneTransform
    from stedi_glue.profiling.profile import Profile

CATALOGS = ("local", "glue")


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


class Lakehouse:
    """A lake: where its landing data is, what its tables are, and what runs it.

    The only place that chooses backends. Open it with `Lakehouse.open`; nothing is
    created, connected or started before it is needed.
    """

    def __init__(
        self,
        root: str,
        landing: str,
        engine: str,
        catalog: str,
        pipeline: Pipeline,
        rules: Path | None,
        privacy: LakePrivacy,
    ) -> None:
        self.root = root
        self.landing = landing
        self.pipeline = pipeline
        self._privacy = privacy
        self._storage = open_storage(root)
        self._engine = open_engine(engine, s3=root.startswith(S3) or landing.startswith(S3))
        self._suppression = Suppression(root, privacy.known_key)
        self._landing = LandingFolder(
            landing, root, self._engine, self._suppression, registers(pipeline)
        )
        self.on_aws = catalog == "glue"
        self._catalog = (IcebergCatalog.glue if self.on_aws else IcebergCatalog.local)(root)
        self._quarantine = Quarantine(self._engine, self._landing, self._catalog)
        self._rules = rules
        self._auditor = ExpectationsAuditor(rules, docs=root)
        self._journal = RunJournal(root)
        self._pages = ReportPages(root, pipeline, self._journal)

    @classmethod
    def open(
        cls,
        lake: str | os.PathLike[str],
        *,
        landing: str | os.PathLike[str] | None = None,
        catalog: str | None = None,
        engine: str = "sail",
        pipeline: Pipeline = STEDI,
        rules: str | os.PathLike[str] | None = None,
        privacy: Privacy | None = None,
        key: bytes | str | None = None,
    ) -> Lakehouse:
        """Open a lake.

        lake: its root, a folder or `s3://bucket/folder`. landing: the root of
        `customer/landing` and its like, by default the lake itself. catalog: "local", a file
        in the lake, or "glue", the account's Glue Data Catalog; by default what fits the
        lake. engine: "sail" or "spark". pipeline: its tables. rules: a folder with a suite
        per table, by default those of this package. privacy: whether runs publish tables that
        name people ("identified") or hold pseudonyms in their place; by default as the lake was
        told before, and a new lake names nobody. key: the secret of the pseudonyms, or where it
        is: a file, "env:NAME", or "secret:NAME" of AWS Secrets Manager. A lake on disk that is
        told of none makes its own when it first needs one, and keeps it outside of the lake.
        """
        root = folder_uri(os.fspath(lake))
        raw = folder_uri(os.fspath(landing)) if landing is not None else root
        folder = Path(rules) if rules is not None else None
        kind = _catalog_kind(root, catalog)
        return cls(root, raw, engine, kind, pipeline, folder, LakePrivacy(root, privacy, key))

    def delivery(
        self, source: Path, names: Sequence[str] = ()
    ) -> tuple[Delivery, tuple[Parcel, ...]]:
        """Return what carries raw files into the lake, and the files a folder has for it.

        source: a folder with `customer/landing` and its like. names: the landing tables to
        bring, by default all of them.
        """
        raw = [table for table in self.pipeline.tables if table.zone is Zone.LANDING]
        known = {table.name: table for table in raw}
        for name in names:
            if name not in known:
                raise UnknownTable(name, known)
        chosen = [table for table in raw if not names or table.name in names]
        return Delivery(self.landing), parcels(source, self.landing, chosen)

    def run(self, *tables: str, on_step: Observer | None = None) -> RunReport:
        """Make the named tables, or all of them, and return what became of each.

        on_step is told of progress: a table's name, and the step that begins
        ("transform", "audit", "publish") or the status it ended with. Raises UsageError when
        pseudonyms lack their key.
        """
        self._storage.require()
        # Whatever can be found wrong is found before a lake is created or locked.
        described = self._described
        if _keyed(described, tables):
            self._privacy.check(self._published_privacy)
        self._runner(described).check(tables)
        _ = self._suppression.people
        with self._storage.writing():
            return self._run(tables, on_step)

    def _run(self, tables: Sequence[str], on_step: Observer | None) -> RunReport:
        with patient_collector():
            private = self._privacy.settled(self._published_privacy)
            key = self._privacy.noted(private, keyed=_keyed(self._described, tables))
            named = private == "identified"
            runner = self._runner(self.pipeline if named else self.pipeline.pseudonymous(key))
            self._catalog.create([t for t in self.pipeline.tables if t.zone is not Zone.LANDING])
            self._register_landing()
            return runner.run(runner.check(tables), on_step)

    def rehearse(
        self, transform: ZoneTransform, rules: Sequence[Mapping[str, Any]] | None = None
    ) -> Rehearsal:
        """Make a table of what is published, and audit it, without anybody ever seeing it.

        transform: it may be in no pipeline yet, or replace one that is. rules: expectations
        as rules files list them; by default those of the table's file.
        """
        for source in transform.sources:
            self.pipeline.table(source)
        drafts = {transform.table.name: rules} if rules is not None else None
        auditor = ExpectationsAuditor(self._rules, drafts=drafts)
        stage = Stage(self._engine, self._existing, auditor, self.table, self._storage.drop)
        return stage.rehearse(transform, f"{self.root}/rehearsals/{uuid.uuid4().hex}")

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

    def keep_profile(self, profile: Profile) -> str:
        """Write the page of a profile into the lake's `docs/`, and return where it is."""
        from stedi_glue.pages.addresses import profile_page
        from stedi_glue.pages.profile_page import page_of

        where = f"{self.root}/docs/{profile_page(profile.table.name)}"
        self._storage.write_text(where, page_of(profile, int(time.time() * 1000)))
        return where

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
            *(self.table, self._privacy.known_key),
        )

    def forget(
        self, email: str, *, dry_run: bool = False, on_step: Observer | None = None
    ) -> Receipt:
        """Erase a person from landing files, every table, quarantine, reports and old snapshots.

        Tables are made again without them, audited and published as by `run`; one that rules
        hold is withdrawn. Records that arrive later are left out of every run. Killed, it is
        completed by the same call. dry_run: only count what would go. Raises UsageError without
        the lake's key, and LakeError when nobody has the address.
        """
        self._storage.require()
        self._landing.check([t for t in self.pipeline.tables if t.zone is Zone.LANDING])
        with self._storage.writing():
            if self._privacy.known_key() is None:
                if self.root.startswith(S3):
                    raise UsageError(
                        "Forgetting needs a key, and a lake in S3 keeps none of its own: name one "
                        "with '--key secret:NAME'."
                    )
                # No key is made for who is not there.
                passing = Suppression(self.root, partial(secrets.token_bytes, 32))
                found = self._forgetting(passing).forget(email, dry_run=True)
                if dry_run:
                    return found
                self._privacy.check(self._published_privacy)
                self._privacy.noted(self._privacy.settled(self._published_privacy), keyed=True)
            elif not dry_run:
                self._privacy.check(self._published_privacy)
            forgetting = self._forgetting(self._suppression, on_step)
            return forgetting.forget(email, dry_run=dry_run)

    def remains(self, who: str | None = None) -> tuple[tuple[str, ...], int]:
        """Return the files that still hold somebody who was forgotten, and how many were read.

        who: an e-mail address or the number of a receipt; by default everybody forgotten.
        """
        self._storage.require()
        return self._forgetting(self._suppression).remains(who)

    def options(self) -> dict[str, str]:
        """Return the choices that published tables were made with."""
        made = (table for table in self.pipeline.tables if table.zone is not Zone.LANDING)
        current = (self._catalog.current(table) for table in made)
        summaries = [snapshot.summary for snapshot in current if snapshot]
        prefix = "stedi.option."
        return {
            name.removeprefix(prefix): value
            for summary in summaries
            for name, value in summary.items()
            if name.startswith(prefix)
        }

    def _forgetting(self, suppression: Suppression, on_step: Observer | None = None) -> Forgetting:
        registered = registers(self.pipeline)
        if registered is None:
            raise UsageError("No landing table of this lake says whose a device is.")
        return Forgetting(
            *(self.pipeline, registered, self._catalog, self._landing, suppression),
            *(self.root, self.landing, lambda names: self._run(names, on_step)),
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

    def rollback(self, name: str, snapshot_id: int | None = None) -> Snapshot:
        """Make an earlier snapshot of a table current; by default the one before the current."""
        table = self._publishable(name)
        catalog = self._existing
        with self._storage.writing():
            return catalog.rollback(table, snapshot_id)

    def vacuum(self, *, older_than: float = 24, delete: bool = False) -> tuple[Orphan, ...]:
        """Return the files that nothing refers to, and delete them when asked to.

        older_than: hours; younger files may belong to a run at work, in S3 on another
        machine, and are left alone, as is every file that a retained snapshot uses.
        """
        vacuum = Vacuum(
            self.pipeline, self._existing, self._landing, self._journal, self.root, self.landing
        )
        before = int((time.time() - older_than * 3600) * 1000)
        if not delete:
            return vacuum.orphans(before)
        with self._storage.writing():
            orphans = vacuum.orphans(before)
            vacuum.delete(orphans)
        return orphans

    def ddl(self, *names: str) -> str:
        """Return Athena's statements that create the named tables, or all of them."""
        chosen = [self.contract(name) for name in names or [t.name for t in self.pipeline.tables]]
        roots = {Zone.LANDING: self.landing}
        statements = [athena_ddl(table, roots.get(table.zone, self.root)) for table in chosen]
        return "\n\n".join(statements) + "\n"

    def lineage(self) -> str:
        """Return the graph of tables as a Mermaid flowchart."""
        return mermaid(self.pipeline)

    def close(self) -> None:
        """Release the engine."""
        self._engine.close()

    def __enter__(self) -> Lakehouse:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def _described(self) -> Pipeline:
        """What the next run makes, without the key that it may need."""
        private = self._privacy.settled(self._published_privacy) == "pseudonymous"
        return self.pipeline.pseudonymous() if private else self.pipeline

    def _published_privacy(self) -> Privacy | None:
        return published_privacy(self.pipeline, self._catalog)

    def _runner(self, pipeline: Pipeline) -> Runner:
        return Runner(
            *(pipeline, self._engine, self._landing, self._catalog, self._auditor),
            ReportPages(self.root, pipeline, self._journal),
        )

    def _publishable(self, name: str) -> Table:
        table = self.pipeline.table(name)
        if table.zone is Zone.LANDING:
            raise UsageError(
                f"'{name}' is raw landing data: it is read where it lies and has no snapshots."
            )
        return table

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

    @property
    def _existing(self) -> IcebergCatalog:
        """The catalog of a lake that is there to be read."""
        self._storage.require()
        if not self._catalog.exists:
            raise LakeError(
                f"There is no lake in '{self.root}': build one with 'stedi-glue run --lake "
                f"{self.root}', or name another folder with --lake."
            )
        return self._catalog

    def _register_landing(self) -> None:
        if self.on_aws and self.landing.startswith(S3):
            from stedi_glue.backends import glue

            raw = [table for table in self.pipeline.tables if table.zone is Zone.LANDING]
            glue.register_landing(raw, self.landing)


def _keyed(pipeline: Pipeline, tables: Sequence[str]) -> bool:
    return any(table.form for table in pipeline.select(tables))


def _catalog_kind(root: str, wanted: str | None) -> str:
    if wanted is not None and wanted not in CATALOGS:
        raise UsageError(f"No catalog is called '{wanted}'{suggest(wanted, CATALOGS)}")
    fits = "glue" if root.startswith(S3) else "local"
    if wanted not in (None, fits):
        raise UsageError(
            f"The lake '{root}' cannot have a {wanted} catalog: a lake on disk keeps its catalog "
            f"in its own folder (local), one in S3 in the Glue Data Catalog (glue)."
        )
    return fits
