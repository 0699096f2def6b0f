"""What pyiceberg needs to be told or helped with to publish a contract's table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stedi_glue.errors import DamageError
from stedi_glue.model.table import Column

if TYPE_CHECKING:
    from pyiceberg.io import FileIO
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.table import Transaction
    from pyiceberg.table.snapshots import Snapshot

    from stedi_glue.model.table import Table
    from stedi_glue.publish.ports import Staged


PERSONAL = "stedi.personal-columns"


def properties(table: Table) -> dict[str, str]:
    """Return the properties of a contract's Iceberg table."""
    return {
        "write.metadata.delete-after-commit.enabled": "true",
        "write.metadata.previous-versions-max": "10",
        "comment": table.doc,
        PERSONAL: ",".join(table.personal_columns),
    }


def replace_rows(
    transaction: Transaction,
    iceberg: IcebergTable | None,
    table: Table,
    staged: Staged,
    summary: Mapping[str, str],
) -> int:
    """Swap all files in a single snapshot, so that no state in between can be read.

    Returns the snapshot's number, by which it is known before it is committed.
    """
    from pyiceberg.io.pyarrow import parquet_files_to_data_files

    _name_columns(transaction, table)
    old: Sequence[DataFile] | None = None
    # A damaged snapshot is replaced as well, though nobody can say of which files it was made.
    with suppress(DamageError):
        old = data_files(iceberg) if iceberg else ()
    io = transaction._table.io
    new = parquet_files_to_data_files(io, transaction.table_metadata, iter(staged.files))
    with _replacement(transaction, io, summary, inherit=old is not None) as snapshot:
        for file in old or ():
            snapshot.delete_data_file(file)
        for file in new:
            snapshot.append_data_file(file)
    return int(snapshot.snapshot_id)


def _name_columns(transaction: Transaction, table: Table) -> None:
    """Say what a contract says, and how readers find the columns of the schema that is current."""
    from pyiceberg.table import TableProperties

    # The engine's files carry no Iceberg field ids.
    names = transaction.table_metadata.schema().name_mapping.model_dump_json()
    transaction.set_properties({**properties(table), TableProperties.DEFAULT_NAME_MAPPING: names})


def data_files(iceberg: IcebergTable, snapshot_id: int | None = None) -> list[DataFile]:
    """Return the data files of a snapshot, by default the current one."""
    with _reading(iceberg.name()[-1]):
        return [task.file for task in iceberg.scan(snapshot_id=snapshot_id).plan_files()]


@contextmanager
def _reading(table: str) -> Iterator[None]:
    """Raise DamageError for whatever the decoding of Iceberg's own files raises."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            raise
        raise DamageError(
            f"A file that says of what data '{table}' is made is damaged or gone; publish the "
            "table again with 'stedi-glue run', or return to an older snapshot with 'rollback'."
        ) from error


def _replacement(
    transaction: Transaction, io: FileIO, summary: Mapping[str, str], *, inherit: bool
) -> Any:
    """Return pyiceberg's overwrite, less the records of files that earlier snapshots deleted.

    pyiceberg carries those manifests along for ever: one more with every publication.
    inherit: whether the manifests of the current snapshot can be read.
    """
    from pyiceberg.manifest import DATA_FILE_TYPE
    from pyiceberg.table.snapshots import Operation
    from pyiceberg.table.update.snapshot import _OverwriteFiles

    class Replacement(_OverwriteFiles):
        def _existing_manifests(self) -> list[Any]:
            manifests = super()._existing_manifests() if inherit else []
            return [m for m in manifests if m.has_added_files() or m.has_existing_files()]

        def _deleted_entries(self) -> list[Any]:
            entries = super()._deleted_entries() if inherit else []
            places = [field.name for field in DATA_FILE_TYPE[2].fields]
            for entry in entries:
                # The least and greatest e-mail address would outlive the file that held it.
                for name in ("lower_bounds", "upper_bounds"):
                    entry.data_file[places.index(name)] = None
            return entries

        def _commit(self) -> Any:
            (first, *others), requirements = super()._commit()
            added: Any = first
            # A clock may go backwards, and Iceberg's readers refuse a history that does.
            last = self._transaction.table_metadata.last_updated_ms
            moment = max(added.snapshot.timestamp_ms, last + 1)
            snapshot = added.snapshot.model_copy(update={"timestamp_ms": moment})
            return (added.model_copy(update={"snapshot": snapshot}), *others), requirements

    operation = Operation.OVERWRITE if transaction.table_metadata.snapshots else Operation.APPEND
    return Replacement(operation, transaction, io, snapshot_properties=dict(summary))


def iceberg_schema(table: Table) -> Schema:
    """Return the contract as an Iceberg schema, documentation included."""
    from pyiceberg import types
    from pyiceberg.schema import Schema

    iceberg: dict[str, Any] = {
        "string": types.StringType(),
        "int": types.IntegerType(),
        "bigint": types.LongType(),
        "double": types.DoubleType(),
        "boolean": types.BooleanType(),
    }
    return Schema(
        *[
            types.NestedField(
                field_id=number,
                name=column.name,
                field_type=iceberg.get(column.type) or _texts(number),
                required=False,
                doc=column.doc,
            )
            for number, column in enumerate(table.columns, start=1)
        ]
    )


def published_contract(iceberg: IcebergTable, table: Table, snapshot_id: int | None) -> Table:
    """Return the contract that a snapshot was published with, by its schema."""
    snapshot = iceberg.snapshot_by_id(snapshot_id) if snapshot_id else iceberg.current_snapshot()
    schema = (
        iceberg.schemas()[snapshot.schema_id]
        if snapshot and snapshot.schema_id is not None
        else iceberg.schema()
    )
    for form in (table, table.pseudonymous()):
        if shape(schema) == shape(iceberg_schema(form)):
            return form
    # What is not known any more may well be personal.
    known = {*table.column_names, *table.pseudonymous().column_names} - {*table.personal_columns}
    columns = [
        Column(name, _NAMED.get(kind, kind), doc or "", personal=name not in known)
        for name, kind, doc in shape(schema)
    ]
    return replace(table, columns=tuple(columns))


# Iceberg's names of types that contracts name otherwise.
_NAMED = {"list<string>": "array<string>", "long": "bigint"}


def _texts(number: int) -> Any:
    from pyiceberg import types

    # Elements have numbers of their own, beyond those of columns.
    return types.ListType(1000 + number, types.StringType(), element_required=False)


def shape(schema: Schema) -> list[tuple[str, str, str | None]]:
    """Return what readers see of a schema: names, types and documentation."""
    return [(field.name, str(field.field_type), field.doc) for field in schema.fields]


def evolve(transaction: Transaction, table: Table) -> None:
    """Bring the published schema to the contract's; every row is about to be replaced."""
    wanted = iceberg_schema(table)
    have = transaction.table_metadata.schema()
    if shape(have) == shape(wanted):
        return
    with transaction.update_schema(allow_incompatible_changes=True) as update:
        for name in set(have.column_names) - set(wanted.column_names):
            update.delete_column(name)
        update.union_by_name(wanted)
        for name in reversed(wanted.column_names):
            update.move_first(name)


def return_to(iceberg: IcebergTable, table: Table, snapshot_id: int) -> None:
    """Make a snapshot current, and with it the columns that it was published with.

    table: its contract then.
    """
    from pyiceberg.table.update import SetCurrentSchemaUpdate
    from pyiceberg.table.update.snapshot import ManageSnapshots

    snapshot = iceberg.snapshot_by_id(snapshot_id)
    number = snapshot.schema_id if snapshot else None
    with iceberg.transaction() as transaction:
        ManageSnapshots(transaction).set_current_snapshot(snapshot_id=snapshot_id).commit()
        if number is not None and number != iceberg.schema().schema_id:
            update = SetCurrentSchemaUpdate.model_validate({"schema-id": number})
            transaction._apply((update,), ())
            _name_columns(transaction, table)


def expire(iceberg: IcebergTable, snapshot_ids: Sequence[int]) -> None:
    """Forget snapshots, unless another one has become current meanwhile: it may be among them."""
    from pyiceberg.table.update import AssertRefSnapshotId, RemoveSnapshotsUpdate

    head = {"ref": "main", "snapshot-id": iceberg.metadata.current_snapshot_id}
    current = AssertRefSnapshotId.model_validate(head)
    update = RemoveSnapshotsUpdate.model_validate({"snapshot-ids": list(snapshot_ids)})
    with iceberg.transaction() as transaction:
        transaction._apply((update,), (current,))


def used_files(iceberg: IcebergTable) -> set[str]:
    """Return every file that a retained snapshot or the metadata log refers to."""
    used = {iceberg.metadata_location, *(e.metadata_file for e in iceberg.metadata.metadata_log)}
    return used.union(*(_files_of(iceberg, snapshot) for snapshot in iceberg.snapshots()))


def unreadable(iceberg: IcebergTable) -> list[int]:
    """Return the snapshots, the current one aside, whose own files are damaged or gone."""
    found = []
    for snapshot in iceberg.snapshots():
        try:
            _files_of(iceberg, snapshot)
        except DamageError:
            found.append(snapshot.snapshot_id)
    return [number for number in found if number != iceberg.metadata.current_snapshot_id]


def _files_of(iceberg: IcebergTable, snapshot: Snapshot) -> set[str]:
    used = {snapshot.manifest_list}
    with _reading(iceberg.name()[-1]):
        for manifest in snapshot.manifests(iceberg.io):
            used.add(manifest.manifest_path)
            used.update(e.data_file.file_path for e in manifest.fetch_manifest_entry(iceberg.io))
    return used
