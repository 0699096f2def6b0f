"""The Glue Data Catalog: Iceberg tables through pyiceberg, raw landing tables through boto3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

from stedi_glue.backends import aws
from stedi_glue.backends.iceberg import PERSONAL
from stedi_glue.errors import LakeError

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

    from stedi_glue.model.table import Table

DATABASE = "stedi"
_JSON_LINES = {
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
}


class GlueDatabase:
    """The account's Glue database, as one home of tables; the other is `sqlite.CatalogFile`.

    root: the lake whose tables it has.
    """

    def __init__(self, root: str) -> None:
        self._root = root

    def exists(self) -> bool:
        """Return whether the database is there."""
        return has_database(self._root)

    def sound(self) -> bool:
        """Return whether the database is there; AWS keeps it whole."""
        return has_database(self._root)

    def connect(self) -> Catalog:
        """Open the catalog."""
        from pyiceberg.catalog.glue import GlueCatalog

        # A client of its own, because what is hooked into it changes what it sends.
        glue = aws.new_client("glue")
        for operation in ("CreateTable", "UpdateTable"):
            glue.meta.events.register(f"provide-client-params.glue.{operation}", _describe)
        place = {"s3.region": aws.region(), "s3.endpoint": aws.endpoint()}
        if (keys := aws.keys()) is not None:
            place |= {
                "s3.access-key-id": keys.access,
                "s3.secret-access-key": keys.secret,
                "s3.session-token": keys.token,
            }
        found = {key: value for key, value in place.items() if value is not None}
        return GlueCatalog("stedi", client=glue, warehouse=self._root, **found)

    def identity(self) -> object:
        """Return nothing: an account has one."""
        return None

    def make(self, database: str, entries: Mapping[str, str]) -> None:
        """Make the database, with the metadata file of each table that has one."""
        catalog = self.connect()
        catalog.create_namespace_if_not_exists(database, {"location": self._root})
        for name, metadata in entries.items():
            catalog.register_table((database, name), metadata)

    def explaining(self) -> AbstractContextManager[None]:
        """Add nothing: the lake's storage explains what goes wrong in AWS."""
        return nullcontext()


def has_database(root: str, name: str = DATABASE) -> bool:
    """Return whether the account has the lake's database; LakeError when it is another lake's."""
    glue = aws.client("glue")
    with aws.explaining(f"Cannot look for the Glue database '{name}'"):
        try:
            place = glue.get_database(Name=name)["Database"].get("LocationUri", "").rstrip("/")
        except glue.exceptions.EntityNotFoundException:
            return False
    # Whoever made the database may have named no place for it.
    if place not in ("", root):
        raise LakeError(
            f"The Glue database '{name}' is of the lake in '{place}', not '{root}': one account "
            "and region holds one lake. Use that one, or remove the database and run again."
        )
    return True


def register_landing(tables: Sequence[Table], root: str, database: str = DATABASE) -> None:
    """Let Athena read raw newline JSON under `root`, by the contracts of its tables.

    A table that is registered already is left alone, or changed to its contract.
    """
    glue = aws.client("glue")
    for table in tables:
        wanted = landing_input(table, root)
        with aws.explaining(f"Cannot register '{table.name}' in the Glue database '{database}'"):
            try:
                have = glue.get_table(DatabaseName=database, Name=table.name)["Table"]
            except glue.exceptions.EntityNotFoundException:
                # Another run may be the first one, too.
                with suppress(glue.exceptions.AlreadyExistsException):
                    glue.create_table(DatabaseName=database, TableInput=wanted)
                continue
            if not _says(have, wanted):
                glue.update_table(DatabaseName=database, TableInput=wanted)


def landing_input(table: Table, root: str) -> dict[str, Any]:
    """Return the Glue table of a landing contract, its raw files being under `root`."""
    return {
        "Name": table.name,
        "Description": table.doc,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "json", "typeOfData": "file"},
        "PartitionKeys": [],
        "StorageDescriptor": {
            **_JSON_LINES,
            "Location": f"{root}/{table.location}/",
            "Columns": [
                {
                    "Name": column.name,
                    "Type": column.type,
                    "Comment": column.doc,
                    **({"Parameters": {"personal": "true"}} if column.personal else {}),
                }
                for column in table.columns
            ],
        },
    }


def _describe(params: dict[str, Any], **_: Any) -> None:
    """Add to what pyiceberg writes: the table's comment, and which columns are personal.

    Part of the commit itself, as pyiceberg rewrites the whole entry with each of them.
    """
    entry = params["TableInput"]
    parameters = entry.get("Parameters", {})
    if "comment" in parameters:
        entry["Description"] = parameters["comment"]
    personal = parameters.get(PERSONAL, "").split(",")
    for column in entry.get("StorageDescriptor", {}).get("Columns", ()):
        if column["Name"] in personal:
            column["Parameters"] = {**column.get("Parameters", {}), "personal": "true"}


def _says(have: object, wanted: object) -> bool:
    """Return whether an entry has all that is wanted; Glue adds figures of its own."""
    if isinstance(wanted, Mapping):
        return isinstance(have, Mapping) and all(
            _says(have.get(key), value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(have, list) and len(have) == len(wanted) and all(map(_says, have, wanted))
    return have == wanted
