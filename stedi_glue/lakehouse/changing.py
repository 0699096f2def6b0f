"""What changes a lake: each under its lock, one at a time."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stedi_glue.backends.delivery import Delivery, Parcel, parcels
from stedi_glue.backends.expectations import ExpectationsAuditor
from stedi_glue.backends.forgetting.forgetting import Forgetting
from stedi_glue.backends.forgetting.person import registers
from stedi_glue.backends.forgetting.receipt import Receipt
from stedi_glue.backends.forgetting.suppression import Suppression
from stedi_glue.backends.report_pages import ReportPages
from stedi_glue.backends.storage import S3
from stedi_glue.backends.vacuum import Orphan, Vacuum
from stedi_glue.errors import UnknownTable, UsageError
from stedi_glue.lakehouse.reading import ReadableLake
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.model.table import Table, Zone
from stedi_glue.publish.collector import patient_collector
from stedi_glue.publish.ports import Snapshot
from stedi_glue.publish.rehearsal import Rehearsal, Stage
from stedi_glue.publish.report import RunReport
from stedi_glue.publish.run import Observer
from stedi_glue.publish.runner import Runner

if TYPE_CHECKING:
    from stedi_glue.model.transform import ZoneTransform
    from stedi_glue.profiling.profile import Profile


class Lakehouse(ReadableLake):
    """A lake: where its landing data is, what its tables are, and what runs it.

    Open it with `Lakehouse.open`.
    """

    def delivery(
        self, source: Path, names: Sequence[str] = ()
    ) -> tuple[Delivery, tuple[Parcel, ...]]:
        """Return what carries raw files into the lake, and the files a folder has for it.

        source: a folder with `customer/landing` and its like. names: the landing tables to
        bring, by default all of them.
        """
        known = {table.name: table for table in self.pipeline.landing}
        for name in names:
            if name not in known:
                raise UnknownTable(name, known)
        chosen = [table for name, table in known.items() if not names or name in names]
        return Delivery(self.landing), parcels(source, self.landing, chosen)

    def run(self, *tables: str, on_step: Observer | None = None) -> RunReport:
        """Make the named tables, or all of them, and return what became of each.

        on_step is told of progress: a table's name, and the step that begins
        ("transform", "audit", "publish") or the status it ended with. Raises UsageError when
        pseudonyms lack their key.
        """
        self._storage.require()
        # Whatever can be found wrong is found before a lake is created or locked.
        self._runner(self._allowed(tables)).check(tables)
        with self._storage.writing():
            # Whoever held the lock may have changed what was looked at.
            self._allowed(tables)
            return self._run(tables, on_step)

    def _allowed(self, tables: Sequence[str]) -> Pipeline:
        """Return what a run makes, without its key; raise for a key that it may not run with."""
        self._look_again()
        described = self._described
        if _keyed(described, tables):
            self._privacy.check(self._published_privacy)
        _ = self._suppression.people
        return described

    def _look_again(self) -> None:
        self._privacy.look_again()
        self._suppression.look_again()

    def _run(self, tables: Sequence[str], on_step: Observer | None) -> RunReport:
        with patient_collector():
            private = self._privacy.settled(self._published_privacy)
            key = self._privacy.noted(private, keyed=_keyed(self._described, tables))
            named = private == "identified"
            runner = self._runner(self.pipeline if named else self.pipeline.pseudonymous(key))
            self._catalog.create(self.pipeline.made)
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

    def keep_profile(self, profile: Profile) -> str:
        """Write the page of a profile into the lake's `docs/`, and return where it is."""
        from stedi_glue.pages.addresses import profile_page
        from stedi_glue.pages.profile_page import page_of

        where = f"{self.root}/docs/{profile_page(profile.table.name)}"
        self._storage.write_text(where, page_of(profile, int(time.time() * 1000)))
        return where

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
        self._landing.check(self.pipeline.landing)
        with self._storage.writing():
            self._look_again()
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

    def _forgetting(self, suppression: Suppression, on_step: Observer | None = None) -> Forgetting:
        registered = registers(self.pipeline)
        if registered is None:
            raise UsageError("No landing table of this lake says whose a device is.")
        return Forgetting(
            *(self.pipeline, registered, self._catalog, self._landing, suppression),
            *(self.root, self.landing, self._ready, lambda names: self._run(names, on_step)),
        )

    def _ready(self, tables: Sequence[str]) -> None:
        """Raise for whatever would end a run of tables before it begins."""
        if tables:
            self._runner(self._allowed(tables)).check(tables)
            self._engine.start()

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

    def _register_landing(self) -> None:
        if self.on_aws and self.landing.startswith(S3):
            from stedi_glue.backends import glue

            glue.register_landing(self.pipeline.landing, self.landing)


def _keyed(pipeline: Pipeline, tables: Sequence[str]) -> bool:
    return any(table.form for table in pipeline.select(tables))
