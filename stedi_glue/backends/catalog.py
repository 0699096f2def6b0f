"""Publication: Iceberg snapshots, committed by pyiceberg."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from stedi_glue.backends import metadata
from stedi_glue.backends.iceberg import (
    evolve,
    expire,
    iceberg_schema,
    properties,
    published_contract,
    replace_rows,
    return_to,
    unreadable,
)
from stedi_glue.backends.published import PublishedTables, sequence
from stedi_glue.errors import DamageError, LakeError, UsageError
from stedi_glue.publish.ports import Snapshot, Staged

if TYPE_CHECKING:
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.table import Transaction

    from stedi_glue.model.table import Table


class IcebergCatalog(PublishedTables):
    """Publishes the lake's tables, each change in one commit, and tidies up after itself."""

    def create(self, tables: Sequence[Table] = ()) -> None:
        """Make the catalog, unless it is there, and make up for what is damaged or gone.

        A catalog that is made anew, and an entry whose metadata file cannot be read, take up
        each table's newest metadata file: a whole state, which passed its rules.
        """
        with self._explaining(f"Cannot make the catalog of the lake '{self._root}'"):
            # Looked for first: who may use a namespace may often not make one.
            if not self._home.sound():
                found = {table.name: self._newest(table) for table in tables}
                entries = {name: path for name, path in found.items() if path}
                self._home.make(self._database, entries)
        for table in tables:
            try:
                self._load(table)
            except DamageError:
                self._mend(table)

    def _mend(self, table: Table) -> None:
        with self._explaining(f"Cannot mend the catalog's entry of '{table.name}'"):
            path = self._newest(table)
            if path is None and metadata.metadata_files(self._storage, self._location(table)):
                # Of another lake: this one was moved, or is a copy.
                raise LakeError(
                    f"The files of '{table.name}' in '{self._root}' were made elsewhere: a lake "
                    "cannot be copied or moved. Run into a new folder instead."
                )
            self._catalog.drop_table((self._database, table.name))
            if path:
                self._catalog.register_table((self._database, table.name), path)

    def _newest(self, table: Table) -> str | None:
        return metadata.newest(self._storage, self._location(table))

    def written(self, folder: str) -> Staged:
        """Return the Parquet files in a folder and how many rows they hold."""
        files, rows = self._storage.parquet(folder)
        return Staged(files, rows)

    def publish(
        self, table: Table, staged: Staged, summary: Mapping[str, str], onto: int | None = None
    ) -> Snapshot:
        """Replace the table's rows by the staged files, in one atomic commit.

        onto: the snapshot that was current when they were begun, 0 when there was none; by
        default the one that is now. Raises LakeError when somebody else published the table, or
        rolled it back, meanwhile.
        """
        from pyiceberg.exceptions import (
            CommitFailedException,
            TableAlreadyExistsError,
            ValidationException,
        )

        overtaken = (CommitFailedException, TableAlreadyExistsError, ValidationException)
        iceberg = self._load(table)
        now = (iceberg.metadata.current_snapshot_id or 0) if iceberg else 0
        if onto not in (None, now):
            raise _overtaken(table)
        transaction = iceberg.transaction() if iceberg else self._creation(table)
        snapshot_id = 0
        try:
            with self._explaining(f"Cannot publish '{table.name}'"), transaction:
                if iceberg:
                    evolve(transaction, table)
                snapshot_id = replace_rows(transaction, iceberg, table, staged, summary)
        except Exception as error:
            # The catalog's answer may be lost on its way: what counts is whether it committed.
            with suppress(LakeError):
                return self._snapshot(table, snapshot_id)
            if isinstance(error, overtaken):
                raise _overtaken(table) from error
            raise
        return self._snapshot(table, snapshot_id)

    def rollback(self, table: Table, snapshot_id: int | None = None) -> Snapshot:
        """Make an earlier snapshot current again; by default the one before the current."""
        from pyiceberg.exceptions import CommitFailedException

        iceberg = self._published(table)
        if snapshot_id is None:
            current = iceberg.current_snapshot()
            snapshot_id = current.parent_snapshot_id if current else None
            if snapshot_id is None or iceberg.snapshot_by_id(snapshot_id) is None:
                raise UsageError(f"Table '{table.name}' has no earlier snapshot to return to.")
        self._require(iceberg, table, snapshot_id)
        if _behind(iceberg):
            raise LakeError(
                f"This machine's clock is behind the last change of '{table.name}', and Iceberg "
                "readers refuse a history that goes backwards; set the clock and try again."
            )
        try:
            with self._explaining(f"Cannot roll back '{table.name}'"):
                published = published_contract(iceberg, table, snapshot_id)
                return_to(iceberg, published, snapshot_id)
        except CommitFailedException as error:
            raise LakeError(
                f"Somebody else published '{table.name}' at the same time, so it was not rolled "
                "back; look at its history and try again."
            ) from error
        return self._snapshot(table, snapshot_id)

    def tidy(self, table: Table, keep: str | None = None) -> None:
        """Drop snapshots past their retention, and files nothing uses except run `keep`'s."""
        # Housekeeping: what cannot be done now is left to a later run.
        with suppress(LakeError):
            iceberg = self._load(table)
            if iceberg is not None:
                newest = sorted(iceberg.snapshots(), key=sequence, reverse=True)
                iceberg = self._expire(
                    table, iceberg, [s.snapshot_id for s in newest[self._keep :]]
                )
            kept = self.staging(table, keep) if keep else ()
            try:
                self._sweep(table, kept)
            except DamageError:
                # Nobody can return to a snapshot whose own files are gone.
                if iceberg is not None:
                    self._expire(table, iceberg, unreadable(iceberg))
                self._sweep(table, kept)

    def _expire(
        self, table: Table, iceberg: IcebergTable, snapshots: Sequence[int]
    ) -> IcebergTable:
        from pyiceberg.exceptions import CommitFailedException

        expired = [s for s in snapshots if s != iceberg.metadata.current_snapshot_id]
        if not expired or _behind(iceberg):
            return iceberg
        # Whoever published or rolled back meanwhile tidies as well.
        with self._explaining(f"Cannot tidy '{table.name}'"), suppress(CommitFailedException):
            expire(iceberg, expired)
        return self._published(table)

    def _sweep(self, table: Table, kept: tuple[str, ...]) -> None:
        used = cache(lambda: self.used(table))
        for folder in self.folders(table):
            self._storage.sweep(folder, lambda path: path.startswith(kept) or path in used())

    def drop_history(self, table: Table) -> None:
        """Drop every snapshot but the current one; their files stay until somebody deletes them."""
        iceberg = self._published(table)
        self._expire(table, iceberg, [s.snapshot_id for s in iceberg.snapshots()])

    def withdraw(self, table: Table) -> None:
        """Let nobody read a table any more, until it is published again; its files stay."""
        with self._explaining(f"Cannot withdraw '{table.name}'"):
            self._catalog.drop_table((self._database, table.name))

    def _creation(self, table: Table) -> Transaction:
        self.create()
        schema = iceberg_schema(table)
        return self._catalog.create_table_transaction(
            (self._database, table.name),
            schema=schema,
            location=self._location(table),
            properties={"format-version": "2", **properties(table)},
        )


def _overtaken(table: Table) -> LakeError:
    return LakeError(
        f"Somebody else published '{table.name}' at the same time, so this run did not; run again."
    )


def _behind(iceberg: IcebergTable) -> bool:
    """Return whether the clock went back by more than Iceberg readers put up with, a minute."""
    return time.time() * 1000 < iceberg.metadata.last_updated_ms - 60_000
