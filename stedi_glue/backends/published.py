"""What the catalog knows of published tables."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from stedi_glue.backends import metadata
from stedi_glue.backends.iceberg import (
    data_files,
    published_contract,
    used_files,
)
from stedi_glue.backends.sqlite import CatalogFile
from stedi_glue.backends.storage import Storage, open_storage
from stedi_glue.errors import LakeError, UsageError
from stedi_glue.publish.ports import Snapshot

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table as IcebergTable

    from stedi_glue.backends.home import Home
    from stedi_glue.model.table import Table

CATALOG_FILE = "catalog.db"


class PublishedTables:
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
        self._identity: object = None
        self._root = root
        self._database = database
        self._keep = keep
        self._storage = storage or open_storage(root)

    @classmethod
    def local(cls, root: str) -> Self:
        """Keep the catalog in a lake's own folder, as an SQLite file."""
        return cls(CatalogFile(f"{root}/{CATALOG_FILE}", root), root)

    @classmethod
    def glue(cls, root: str, storage: Storage | None = None) -> Self:
        """Keep the catalog of a lake in S3 in the account's Glue Data Catalog."""
        from stedi_glue.backends.glue import DATABASE, GlueDatabase

        return cls(GlueDatabase(root), root, DATABASE, storage=storage)

    @property
    def exists(self) -> bool:
        """Whether anything was ever published here."""
        self._found = self._found or self._home.exists()
        return self._found

    @property
    def _catalog(self) -> Catalog:
        # Somebody may have put another catalog in its place.
        state = self._home.identity()
        if self._connected is None or state != self._identity:
            # What goes wrong is raised, and said once.
            logging.getLogger("pyiceberg").setLevel(logging.ERROR)
            self._connected, self._identity = self._home.connect(), state
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
            for snapshot in sorted(iceberg.snapshots(), key=sequence, reverse=True)
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


def sequence(snapshot: Any) -> tuple[int, int]:
    """Return what orders snapshots: the later is greater."""
    return (snapshot.sequence_number or 0, snapshot.timestamp_ms)
