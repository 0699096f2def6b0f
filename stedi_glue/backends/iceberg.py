"""What pyiceberg needs to be told or helped with to publish a contract's table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyiceberg.io import FileIO
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.table import Transaction

    from stedi_glue.model.table import Table


def replacement(transaction: Transaction, io: FileIO, summary: Mapping[str, str]) -> Any:
    """Return pyiceberg's overwrite, less the records of files that earlier snapshots deleted.

    pyiceberg carries those manifests along for ever: one more with every publication.
    """
    from pyiceberg.table.snapshots import Operation
    from pyiceberg.table.update.snapshot import _OverwriteFiles

    class Replacement(_OverwriteFiles):
        def _existing_manifests(self) -> list[Any]:
            manifests = super()._existing_manifests()
            return [m for m in manifests if m.has_added_files() or m.has_existing_files()]

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
                field_type=iceberg[column.type],
                required=False,
                doc=column.doc,
            )
            for number, column in enumerate(table.columns, start=1)
        ]
    )


def shape(schema: Schema) -> list[tuple[str, str, str | None]]:
    """Return what readers see of a schema: names, types and documentation."""
    return [(field.name, str(field.field_type), field.doc) for field in schema.fields]


def used_files(iceberg: IcebergTable) -> set[str]:
    """Return every file that a retained snapshot or the metadata log refers to."""
    used = {iceberg.metadata_location, *(e.metadata_file for e in iceberg.metadata.metadata_log)}
    for snapshot in iceberg.snapshots():
        used.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(iceberg.io):
            used.add(manifest.manifest_path)
            used.update(e.data_file.file_path for e in manifest.fetch_manifest_entry(iceberg.io))
    return used
