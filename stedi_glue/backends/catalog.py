"""Published tables: Iceberg snapshots, committed by pyiceberg."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from stedi_glue.backends import metadata
from stedi_glue.backends.iceberg import (
    data_files,
    evolve,
    expire,
    iceberg_schema,
    properties,
    published_contract,
    replace_rows,
    unreadable,
    used_files,
)
from stedi_glue.backends.sqlite import CatalogFile
from stedi_glue.backends.storage import Storage, open_storage
from stedi_glue.errors import DamageError, LakeError, UsageError
from stedi_glue.publish.ports import Snapshot, Staged

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.table import Transaction

    from stedi_glue.backends.home import Home
    from stedi_glue.model.table import Table

CATALOG_FILE = "catalog.db"


class IcebergCatalog:
    """The lake's tables in one Iceberg namespace.

    keep: how many snapshots of a table stay readable; older ones expire after a run.
    """

    def __init__(
        self,
        home: Home,
        root: str,
        database: str = "stedi",
        keep: int = 10,
        storage: Storage | None = None,
    ) -> None:
        self._home = home
        self._found = False
        self._connected: Catalog | None = None
        self._root = root
        self._database = database
        self._keep = keep
        self._storage = storage or open_storage(root)

    @classmethod
    def local(cls, root: str) -> IcebergCatalog:
        """Keep the catalog in a lake's own folder, as an SQLite file."""
        return cls(CatalogFile(f"{root}/{CATALOG_FILE}", root), root)

    @classmethod
    def glue(cls, root: str, storage: Storage | None = None) -> IcebergCatalog:
        """Keep the catalog of a lake in S3 in the account's Glue Data Catalog."""
        from stedi_glue.backends.glue import DATABASE, GlueDatabase

        return cls(GlueDatabase(root), root, DATABASE, storage=storage)

    @property
    def exists(self) -> bool:
        """Whether anything was ever published here."""
        self._found = self._found or self._home.exists()
        return self._found

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
                self._connected = None
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

    @property
    def _catalog(self) -> Catalog:
        if self._connected is None:
            # What goes wrong is raised, and said once.
            logging.getLogger("pyiceberg").setLevel(logging.ERROR)
            self._connected = self._home.connect()
        return self._connected

    @contextmanager
    def _explaining(self, what: str) -> Iterator[None]:
        with self._storage.explaining(what), self._home.explaining():
            yield

    def current(self, table: Table) -> Snapshot | None:
        """Return what readers see now; None when the table was never published."""
        return next((s for s in self.history(table) if s.current), None)

    def history(self, table: Table) -> tuple[Snapshot, ...]:
        """Return the retained snapshots, newest first."""
        iceberg = self._load(table)
        if iceberg is None:
            return ()
        now = iceberg.metadata.current_snapshot_id
        return tuple(
            Snapshot(
                table=table.name,
                snapshot_id=snapshot.snapshot_id,
                published_at=snapshot.timestamp_ms,
                current=snapshot.snapshot_id == now,
                summary=dict(snapshot.summary.additional_properties) if snapshot.summary else {},
            )
            for snapshot in sorted(iceberg.snapshots(), key=_sequence, reverse=True)
        )

    def contract(self, table: Table, snapshot_id: int | None = None) -> Table:
        """Return the contract that a snapshot, by default the current one, was published with.

        It may have other columns than the table has now: pseudonyms, or those of another version.
        """
        iceberg = self._published(table)
        if snapshot_id is not None:
            self._require(iceberg, table, snapshot_id)
        return published_contract(iceberg, table, snapshot_id)

    def files(self, table: Table, snapshot_id: int | None = None) -> tuple[str, ...]:
        """Return the data files of a snapshot, by default the current one."""
        iceberg = self._published(table)
        if snapshot_id is not None:
            self._require(iceberg, table, snapshot_id)
        with self._explaining(f"Cannot look up the files of '{table.name}'"):
            return tuple(sorted(file.file_path for file in data_files(iceberg, snapshot_id)))

    def new_folder(self, table: Table, run_id: str) -> str:
        """Return the folder under the table's location where a run stages its files."""
        return f"{self._location(table)}/data/{run_id}"

    def quarantine_folder(self, table: Table, run_id: str) -> str:
        """Return the folder beside the table for the rows that a run leaves out of it."""
        return f"{self._root}/{table.quarantine().location}/{run_id}"

    def written(self, folder: str) -> Staged:
        """Return the Parquet files in a folder and how many rows they hold."""
        files, rows = self._storage.parquet(folder)
        return Staged(files, rows)

    def publish(self, table: Table, staged: Staged, summary: Mapping[str, str]) -> Snapshot:
        """Replace the table's rows by the staged files, in one atomic commit.

        Raises LakeError when somebody else published the table meanwhile.
        """
        from pyiceberg.exceptions import (
            CommitFailedException,
            TableAlreadyExistsError,
            ValidationException,
        )

        overtaken = (CommitFailedException, TableAlreadyExistsError, ValidationException)
        iceberg = self._load(table)
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
                raise LakeError(
                    f"Somebody else published '{table.name}' at the same time, so this run did "
                    "not; run again."
                ) from error
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
                iceberg.manage_snapshots().set_current_snapshot(snapshot_id=snapshot_id).commit()
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
                newest = sorted(iceberg.snapshots(), key=_sequence, reverse=True)
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

    def folders(self, table: Table) -> tuple[str, ...]:
        """Return the folders that hold a table's files, and nothing else."""
        left_out = f"{self._root}/{table.quarantine().location}"
        return f"{self._location(table)}/data", f"{self._location(table)}/metadata", left_out

    def staging(self, table: Table, run_id: str) -> tuple[str, str]:
        """Return the beginnings of the paths of all files that a run writes for a table."""
        return (
            f"{self.new_folder(table, run_id)}/",
            f"{self.quarantine_folder(table, run_id)}/",
        )

    def used(self, table: Table) -> frozenset[str]:
        """Return the files of a table's retained snapshots, and those that describe them.

        Rows that were left out of a snapshot are retained as long as it is.
        """
        iceberg = self._load(table)
        with self._explaining(f"Cannot tell which files '{table.name}' is made of"):
            made = used_files(iceberg) if iceberg is not None else set()
        runs = {s.summary.get("stedi.run-id", "") for s in self.history(table) if s.quarantined}
        left_out = (self.quarantine_folder(table, run) for run in runs)
        return frozenset(made).union(
            file.path for folder in left_out for file in self._storage.list(folder)
        )

    def drop_history(self, table: Table) -> None:
        """Drop every snapshot but the current one; their files stay until somebody deletes them."""
        iceberg = self._published(table)
        self._expire(table, iceberg, [s.snapshot_id for s in iceberg.snapshots()])

    def withdraw(self, table: Table) -> None:
        """Let nobody read a table any more, until it is published again; its files stay."""
        with self._explaining(f"Cannot withdraw '{table.name}'"):
            self._catalog.drop_table((self._database, table.name))

    def _snapshot(self, table: Table, snapshot_id: int) -> Snapshot:
        for snapshot in self.history(table):
            if snapshot.snapshot_id == snapshot_id:
                return snapshot
        raise LakeError(f"The commit of '{table.name}' left no snapshot; run again.")

    def _location(self, table: Table) -> str:
        return f"{self._root}/{table.location}"

    def _load(self, table: Table) -> IcebergTable | None:
        if not self.exists:
            return None
        with self._explaining(f"Cannot look '{table.name}' up in the catalog"):
            return metadata.load(self._catalog, (self._database, table.name), self._root)

    def _published(self, table: Table) -> IcebergTable:
        iceberg = self._load(table)
        if iceberg is None:
            raise LakeError(
                f"Table '{table.name}' was never published in '{self._root}'; "
                f"publish it with 'stedi-glue run'."
            )
        return iceberg

    def _require(self, iceberg: IcebergTable, table: Table, snapshot_id: int) -> None:
        if iceberg.snapshot_by_id(snapshot_id) is None:
            raise UsageError(
                f"Table '{table.name}' has no snapshot {snapshot_id}; "
                f"list them with 'stedi-glue history {table.name}'."
            )

    def _creation(self, table: Table) -> Transaction:
        self.create()
        schema = iceberg_schema(table)
        return self._catalog.create_table_transaction(
            (self._database, table.name),
            schema=schema,
            location=self._location(table),
            properties={"format-version": "2", **properties(table)},
        )


def _sequence(snapshot: Any) -> tuple[int, int]:
    return (snapshot.sequence_number or 0, snapshot.timestamp_ms)


def _behind(iceberg: IcebergTable) -> bool:
    """Return whether the clock went back by more than Iceberg readers put up with, a minute."""
    return time.time() * 1000 < iceberg.metadata.last_updated_ms - 60_000
