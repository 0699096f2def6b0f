"""Published tables: Iceberg snapshots, committed by pyiceberg."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from stedi_glue.backends.iceberg import iceberg_schema, replacement, shape, used_files
from stedi_glue.backends.storage import Storage
from stedi_glue.errors import LakeError, UsageError
from stedi_glue.publish.ports import Snapshot, Staged

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.table import Transaction

    from stedi_glue.model.table import Table

CATALOG_FILE = "catalog.db"
_PROPERTIES = {
    "format-version": "2",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "10",
}


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
    ) -> None:
        self._connect = connect
        self._exists = exists
        self._root = root
        self._database = database
        self._keep = keep
        self._storage = Storage(root)

    @classmethod
    def local(cls, root: str) -> IcebergCatalog:
        """Keep the catalog in a lake's own folder, as an SQLite file."""
        path = f"{root}/{CATALOG_FILE}"
        return cls(lambda: _connect_sqlite(path, root), lambda: os.path.isfile(path), root)

    @property
    def exists(self) -> bool:
        """Whether anything was ever published here."""
        return self._exists()

    def create(self) -> None:
        """Make the catalog and its namespace, unless they are there."""
        self._catalog.create_namespace_if_not_exists(self._database)

    @cached_property
    def _catalog(self) -> Catalog:
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

    def written(self, folder: str) -> Staged:
        """Return the Parquet files in a folder and how many rows they hold."""
        files, rows, _ = self._storage.parquet(folder)
        return Staged(files, rows)

    def publish(self, table: Table, staged: Staged, summary: Mapping[str, str]) -> Snapshot:
        """Replace the table's rows by the staged files, in one atomic commit.

        Raises LakeError when somebody else published the table meanwhile.
        """
        from pyiceberg.exceptions import CommitFailedException, ValidationException

        iceberg = self._load(table)
        transaction = iceberg.transaction() if iceberg else self._creation(table)
        try:
            with transaction:
                if iceberg:
                    self._evolve(transaction, table)
                self._replace(transaction, iceberg, staged, summary)
        except (CommitFailedException, ValidationException) as error:
            raise LakeError(
                f"Somebody else published '{table.name}' at the same time, so this run did not; "
                "run again."
            ) from error
        published = self.current(table)
        if published is None:
            raise LakeError(f"The commit of '{table.name}' left no snapshot; run again.")
        return published

    def rollback(self, table: Table, snapshot_id: int | None = None) -> Snapshot:
        """Make an earlier snapshot current again; by default the one before the current."""
        iceberg = self._published(table)
        if snapshot_id is None:
            current = iceberg.current_snapshot()
            snapshot_id = current.parent_snapshot_id if current else None
            if snapshot_id is None or iceberg.snapshot_by_id(snapshot_id) is None:
                raise UsageError(f"Table '{table.name}' has no earlier snapshot to return to.")
        self._require(iceberg, table, snapshot_id)
        iceberg.manage_snapshots().set_current_snapshot(snapshot_id=snapshot_id).commit()
        return next(s for s in self.history(table) if s.current)

    def tidy(self, table: Table, keep: str | None = None) -> None:
        """Drop snapshots past their retention, and files nothing uses except run `keep`'s."""
        iceberg = self._load(table)
        if iceberg is not None:
            newest = sorted(iceberg.snapshots(), key=_sequence, reverse=True)
            current = iceberg.metadata.current_snapshot_id
            expired = [s.snapshot_id for s in newest[self._keep :] if s.snapshot_id != current]
            if expired:
                iceberg.maintenance.expire_snapshots().by_ids(expired).commit()
                iceberg = self._published(table)
        used = used_files(iceberg) if iceberg is not None else set()
        location = self._location(table)
        kept = f"{self.new_folder(table, keep)}/" if keep else None
        self._storage.delete(
            file.path
            for folder in ("data", "metadata")
            for file in self._storage.list(f"{location}/{folder}")
            if file.path not in used and not (kept and file.path.startswith(kept))
        )
        self._storage.prune(location)

    def _location(self, table: Table) -> str:
        return f"{self._root}/{table.location}"

    def _load(self, table: Table) -> IcebergTable | None:
        from pyiceberg.exceptions import NoSuchTableError

        if not self.exists:
            return None
        try:
            iceberg = self._catalog.load_table((self._database, table.name))
        except NoSuchTableError:
            return None
        except FileNotFoundError as error:
            raise LakeError(
                f"The catalog knows '{table.name}', but its metadata file is gone; a lake on disk "
                "cannot be moved. Restore the folder, or remove the catalog and run again."
            ) from error
        if not iceberg.location().startswith(f"{self._root}/"):
            # Its files are elsewhere: writing or tidying here would change another lake.
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
            properties={
                **_PROPERTIES,
                "comment": table.doc,
                "stedi.personal-columns": ",".join(table.personal_columns),
            },
        )

    def _evolve(self, transaction: Transaction, table: Table) -> None:
        """Bring the published schema to the contract's; every row is about to be replaced."""
        wanted = iceberg_schema(table)
        have = transaction.table_metadata.schema()
        if shape(have) == shape(wanted):
            return
        with transaction.update_schema(allow_incompatible_changes=True) as update:
            for name in set(have.column_names) - set(wanted.column_names):
                update.delete_column(name)
            update.union_by_name(wanted)

    def _replace(
        self,
        transaction: Transaction,
        iceberg: IcebergTable | None,
        staged: Staged,
        summary: Mapping[str, str],
    ) -> None:
        """Swap all files in a single snapshot, so that no state in between can be read."""
        from pyiceberg.io.pyarrow import parquet_files_to_data_files
        from pyiceberg.table import TableProperties

        # The engine's files carry no Iceberg field ids; readers find columns by name.
        names = transaction.table_metadata.schema().name_mapping.model_dump_json()
        transaction.set_properties({TableProperties.DEFAULT_NAME_MAPPING: names})
        old = [task.file for task in iceberg.scan().plan_files()] if iceberg else []
        io = transaction._table.io
        new = parquet_files_to_data_files(io, transaction.table_metadata, iter(staged.files))
        with replacement(transaction, io, summary) as snapshot:
            for file in old:
                snapshot.delete_data_file(file)
            for file in new:
                snapshot.append_data_file(file)


def _connect_sqlite(path: str, root: str) -> Catalog:
    from pyiceberg.catalog.sql import SqlCatalog
    from sqlalchemy import URL
    from sqlalchemy.exc import SQLAlchemyError

    try:
        uri = URL.create("sqlite", database=path).render_as_string()
        return SqlCatalog("stedi", uri=uri, warehouse=root)
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", error)
        raise LakeError(
            f"Cannot open the lake's catalog '{path}': {cause}. If the file is damaged, restore "
            "it from a backup, or move it away and run again to publish every table anew."
        ) from error


def _sequence(snapshot: Any) -> tuple[int, int]:
    return (snapshot.sequence_number or 0, snapshot.timestamp_ms)
