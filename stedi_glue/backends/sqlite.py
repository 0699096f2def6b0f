"""A lake's own catalog, on disk: one SQLite file that says where each table's metadata is."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

from stedi_glue.errors import DamageError, LakeError

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

# SQLite's own words for a file whose content makes no sense.
_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


class CatalogFile:
    """The catalog in a file, as one home of tables; the other is `glue.GlueDatabase`.

    root: the lake that it is the catalog of.
    """

    def __init__(self, path: str, root: str) -> None:
        self._path = path
        self._root = root

    def exists(self) -> bool:
        """Return whether the file is there."""
        return os.path.isfile(self._path)

    def sound(self) -> bool:
        """Return whether the file is there and whole; LakeError when that cannot be told."""
        if not self.exists():
            return False
        try:
            with self.explaining(), closing(sqlite3.connect(self._path)) as file:
                whole: bool = file.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
                made = "SELECT count(*) > 0 FROM iceberg_namespace_properties"
                return whole and file.execute(made).fetchone() == (1,)
        except DamageError:
            return False

    def identity(self) -> object:
        """Return the file's own number, which one that replaces it does not have."""
        with suppress(FileNotFoundError):
            found = os.stat(self._path)
            return found.st_dev, found.st_ino
        return None

    def connect(self) -> Catalog:
        """Open the catalog."""
        return self._open(self._path, init_catalog_tables="false")

    def make(self, database: str, entries: Mapping[str, str]) -> None:
        """Make the catalog anew, with the metadata file of each table that has one.

        It appears whole or not at all. A damaged one is kept beside it.
        """
        new = f"{self._path}.new"
        for rest in (new, f"{new}-journal"):
            with suppress(FileNotFoundError):
                os.remove(rest)
        catalog = self._open(new)
        catalog.create_namespace_if_not_exists(database)
        for name, metadata in entries.items():
            catalog.register_table((database, name), metadata)
        catalog.engine.dispose()  # type: ignore[attr-defined]
        # A journal that a killed writer left would be replayed into the new file.
        for part in ("-journal", ""):
            with suppress(FileNotFoundError):
                os.replace(f"{self._path}{part}", f"{self._path}.damaged{part}")
        os.replace(new, self._path)

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Turn what goes wrong with the file into one sentence."""
        try:
            yield
        except Exception as error:
            # SQLAlchemy wraps what SQLite says.
            cause = getattr(error, "orig", error)
            if not isinstance(cause, sqlite3.Error):
                raise
            what = f"Cannot use the lake's catalog '{self._path}': {cause}"
            code = getattr(cause, "sqlite_errorname", "")
            if code.startswith(_DAMAGE) or str(cause).startswith("no such table"):
                raise DamageError(
                    f"{what}. The file is damaged; the next 'stedi-glue run' makes it anew from "
                    "the tables' own files, and keeps their history."
                ) from error
            if code.startswith("SQLITE_BUSY"):
                raise LakeError(
                    f"{what}. Another program has it open for writing; close that, and run again."
                ) from error
            if code.startswith("SQLITE_FULL"):
                raise LakeError(f"{what}; make room there, and run again.") from error
            raise LakeError(f"{what}; see that its folder can be written to.") from error

    def _open(self, path: str, **options: str) -> Catalog:
        from pyiceberg.catalog.sql import SqlCatalog
        from sqlalchemy import URL

        uri = URL.create("sqlite", database=path).render_as_string()
        return SqlCatalog("stedi", uri=uri, warehouse=self._root, **options)
