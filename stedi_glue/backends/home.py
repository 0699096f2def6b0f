"""What a catalog needs of the place that keeps the entries of its tables."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog


class Home(Protocol):
    """Where the entries of tables are kept: a file, or the account's Glue database."""

    def exists(self) -> bool:
        """Return whether it is there; without it, nothing was ever published."""

    def sound(self) -> bool:
        """Return whether it is there and whole."""

    def identity(self) -> object:
        """Return what is equal for as long as it is the same one."""

    def connect(self) -> Catalog:
        """Open it."""

    def make(self, database: str, entries: Mapping[str, str]) -> None:
        """Make it anew, with the metadata file of each table that has one."""

    def explaining(self) -> AbstractContextManager[None]:
        """Turn what goes wrong with it into one sentence."""
