"""A lake's own catalog, on disk: one SQLite file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stedi_glue.errors import LakeError

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog


def connect(path: str, root: str) -> Catalog:
    """Open the catalog in a file, or make it."""
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
