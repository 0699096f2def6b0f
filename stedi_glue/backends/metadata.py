"""The metadata files of Iceberg tables: each is a whole state of its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stedi_glue.backends.storage import S3, Storage
from stedi_glue.errors import DamageError, LakeError

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table as IcebergTable


def load(catalog: Catalog, identifier: tuple[str, str], root: str) -> IcebergTable | None:
    """Return a table of the lake in `root`; None when the catalog has no such table.

    Raises DamageError when its metadata file cannot be read, and LakeError when the
    catalog has something else by this name.
    """
    from pyiceberg.exceptions import (
        NoSuchIcebergTableError,
        NoSuchPropertyException,
        NoSuchTableError,
        ValidationError,
    )

    database, name = identifier
    try:
        iceberg = catalog.load_table(identifier)
    except (NoSuchIcebergTableError, NoSuchPropertyException) as error:
        raise LakeError(
            f"The catalog has another table called '{database}.{name}', which "
            "is no Iceberg table; remove it there and run again."
        ) from error
    except NoSuchTableError:
        return None
    except (FileNotFoundError, ValueError, ValidationError) as error:
        raise DamageError(
            f"The catalog knows '{name}', but its metadata file is damaged or gone; the next "
            "'stedi-glue run' takes up the newest one that can be read. (A lake cannot be moved.)"
        ) from error
    if not iceberg.location().startswith(f"{root}/"):
        # Its files are elsewhere: writing or tidying here would change another lake.
        raise LakeError(_elsewhere(iceberg.location(), identifier, root))
    return iceberg


def newest(storage: Storage, location: str) -> str | None:
    """Return the newest metadata file that can be read, of a table that was made at a location."""
    from pyiceberg.exceptions import ValidationError
    from pyiceberg.table.metadata import TableMetadataUtil

    for path in reversed(metadata_files(storage, location)):
        try:
            if TableMetadataUtil.parse_raw(storage.read_text(path) or "").location == location:
                return path
        except (ValueError, ValidationError):
            continue
    return None


def metadata_files(storage: Storage, location: str) -> tuple[str, ...]:
    """Return the metadata files at a location, the oldest first: their names begin by number."""
    found = (file.path for file in storage.list(f"{location}/metadata"))
    return tuple(path for path in found if path.endswith(".metadata.json"))


def _elsewhere(location: str, identifier: tuple[str, str], root: str) -> str:
    if root.startswith(S3):
        return (
            f"The Glue database '{identifier[0]}' has '{identifier[1]}' for another lake, "
            f"with '{location}'; one account and region holds one lake. Use "
            "that one, or remove its tables from the database and run again."
        )
    return (
        f"The lake in '{root}' is a copy of the one with '{location}', and "
        "its catalog still names the files there; a lake on disk cannot be copied or "
        "moved. Run into a new folder instead."
    )
