"""Published tables: Iceberg snapshots, committed by pyiceberg."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from stedi_glue.backends import sqlite
from stedi_glue.backends.iceberg import (
    evolve,
    expire,
    iceberg_schema,
    properties,
    published_contract,
    replace_rows,
    used_files,
)
from stedi_glue.backends.storage import S3, Storage, open_storage
from stedi_glue.errors import LakeError, UsageError
from stedi_glue.publish.ports import Snapshot, Staged

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.table import Transaction

    from stedi_glue.model.table import Table

CATALOG_FILE = "catalog.db"


class IcebergCatalog:
    """The lake's tables in one Iceberg namespace.

    connect: opens the pyiceberg catalog, or creates it; called on first use.
    exists: whether there is a catalog; without one, nothing was ever published.
    keep: how many snapshots of a table stay readable; older ones expire after a run.
    """

    def __init__(
        self,
        connect: Callable[[], Catalog],
        exists: Callable[[], bool],
        root: str,
        database: str = "stedi",
        keep: int = 10,
        storage: Storage | None = None,
    ) -> None:
        self._connect = connect
        self._exists = exists
        self._found = False
        self._root = root
        self._database = database
        self._keep = keep
        self._storage = storage or open_storage(root)

    @classmethod
    def local(cls, root: str) -> IcebergCatalog:
        """Keep the catalog in a lake's own folder, as an SQLite file."""
        path = f"{root}/{CATALOG_FILE}"
        return cls(lambda: sqlite.connect(path, root), lambda: os.path.isfile(path), root)

    @classmethod
    def glue(cls, root: str, storage: Storage | None = None) -> IcebergCatalog:
        """Keep the catalog of a lake in S3 in the account's Glue Data Catalog."""
        from stedi_glue.backends import glue

        return cls(
            lambda: glue.connect(root),
            lambda: glue.has_database(root),
            root,
            glue.DATABASE,
            storage=storage,
        )

    @property
    def exists(self) -> bool:
        """Whether anything was ever published here."""
        self._found = self._found or self._exists()
        return self._found

    def create(self) -> None:
        """Make the catalog and its namespace, unless they are there."""
        # Looked for first: who may use a namespace may often not make one.
        if not self.exists:
            with self._storage.explaining(f"Cannot make the catalog of the lake '{self._root}'"):
                place = {"location": self._root}
                self._catalog.create_namespace_if_not_exists(self._database, place)

    @cached_property
    def _catalog(self) -> Catalog:
        # What goes wrong is raised, and said once.
        logging.getLogger("pyiceberg").setLevel(logging.ERROR)
        return self._connect()

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
        tasks = iceberg.scan(snapshot_id=snapshot_id).plan_files()
        return tuple(sorted(task.file.file_path for task in tasks))

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
            with self._storage.explaining(f"Cannot publish '{table.name}'"), transaction:
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
        try:
            with self._storage.explaining(f"Cannot roll back '{table.name}'"):
                iceberg.manage_snapshots().set_current_snapshot(snapshot_id=snapshot_id).commit()
        except CommitFailedException as error:
            raise LakeError(
                f"Somebody else published '{table.name}' at the same time, so it was not rolled "
                "back; look at its history and try again."
            ) from error
        return self._snapshot(table, snapshot_id)

    def tidy(self, table: Table, keep: str | None = None) -> None:
        """Drop snapshots past their retention, and files nothing uses except run `keep`'s."""
        from pyiceberg.exceptions import CommitFailedException

        iceberg = self._load(table)
        what = f"Cannot tidy '{table.name}'"
        if iceberg is not None:
            newest = sorted(iceberg.snapshots(), key=_sequence, reverse=True)
            current = iceberg.metadata.current_snapshot_id
            expired = [s.snapshot_id for s in newest[self._keep :] if s.snapshot_id != current]
            if expired:
                # Whoever published or rolled back meanwhile tidies as well.
                with self._storage.explaining(what), suppress(CommitFailedException):
                    expire(iceberg, expired)
                iceberg = self._published(table)
        kept = f"{self.new_folder(table, keep)}/" if keep else None

        @cache
        def used() -> set[str]:
            return used_files(iceberg) if iceberg is not None else set()

        with self._storage.explaining(what):
            for folder in ("data", "metadata"):
                self._storage.sweep(
                    f"{self._location(table)}/{folder}",
                    lambda path: bool(kept and path.startswith(kept)) or path in used(),
                )
            self._tidy_quarantine(table, keep)

    def _tidy_quarantine(self, table: Table, keep: str | None) -> None:
        """Delete what was left out of snapshots that are no longer retained."""

        @cache
        def folders() -> tuple[str, ...]:
            runs = {one.summary.get("stedi.run-id") for one in self.history(table)} | {keep}
            return tuple(f"{self.quarantine_folder(table, run)}/" for run in runs if run)

        folder = f"{self._root}/{table.quarantine().location}"
        self._storage.sweep(folder, lambda path: path.startswith(folders()))

    def purge(self, table: Table) -> int:
        """Drop every snapshot but the current one, and every file that it does not use, at once.

        Returns how many files were deleted. Nobody may write to the lake meanwhile.
        """
        iceberg = self._published(table)
        current = iceberg.current_snapshot()
        old = [s.snapshot_id for s in iceberg.snapshots() if s != current]
        with self._storage.explaining(f"Cannot purge '{table.name}'"):
            if old:
                expire(iceberg, old)
                iceberg = self._published(table)
            used = used_files(iceberg)
        left_out = current.summary["stedi.run-id"] if current and current.summary else None
        kept = f"{self.quarantine_folder(table, left_out or '')}/"
        files = [
            file.path
            for folder in ("data", "metadata")
            for file in self._storage.list(f"{self._location(table)}/{folder}")
            if file.path not in used
        ]
        files += [
            file.path
            for file in self._storage.list(self._location(table.quarantine()))
            if not file.path.startswith(kept)
        ]
        self._storage.delete(files)
        return len(files)

    def _snapshot(self, table: Table, snapshot_id: int) -> Snapshot:
        for snapshot in self.history(table):
            if snapshot.snapshot_id == snapshot_id:
                return snapshot
        raise LakeError(f"The commit of '{table.name}' left no snapshot; run again.")

    def _location(self, table: Table) -> str:
        return f"{self._root}/{table.location}"

    def _load(self, table: Table) -> IcebergTable | None:
        from pyiceberg.exceptions import (
            NoSuchIcebergTableError,
            NoSuchPropertyException,
            NoSuchTableError,
        )

        if not self.exists:
            return None
        identifier = (self._database, table.name)
        with self._storage.explaining(f"Cannot look '{table.name}' up in the catalog"):
            try:
                iceberg = self._catalog.load_table(identifier)
            except (NoSuchIcebergTableError, NoSuchPropertyException) as error:
                raise LakeError(
                    f"The catalog has another table called '{self._database}.{table.name}', which "
                    "is no Iceberg table; remove it there and run again."
                ) from error
            except NoSuchTableError:
                return None
            except FileNotFoundError as error:
                raise LakeError(
                    f"The catalog knows '{table.name}', but its metadata file is gone; a lake "
                    "cannot be moved. Restore its folder, or remove the catalog's entry and run "
                    "again."
                ) from error
        if not iceberg.location().startswith(f"{self._root}/"):
            # Its files are elsewhere: writing or tidying here would change another lake.
            if self._root.startswith(S3):
                raise LakeError(
                    f"The Glue database '{self._database}' has '{table.name}' for another lake, "
                    f"with '{iceberg.location()}'; one account and region holds one lake. Use "
                    "that one, or remove its tables from the database and run again."
                )
            raise LakeError(
                f"The lake in '{self._root}' is a copy of the one with '{iceberg.location()}', and "
                "its catalog still names the files there; a lake on disk cannot be copied or "
                "moved. Run into a new folder instead."
            )
        return iceberg

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
