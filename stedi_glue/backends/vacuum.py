"""Files of a lake that nothing refers to: what killed runs and uploads left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stedi_glue.backends.raw.contract import staged_folders
from stedi_glue.backends.storage import S3, File, open_storage
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.model.table import Table, Zone

if TYPE_CHECKING:
    from stedi_glue.backends.catalog import IcebergCatalog
    from stedi_glue.backends.journal import RunJournal
    from stedi_glue.publish.ports import Landing


@dataclass(frozen=True)
class Orphan:
    """A file that nothing refers to.

    size: bytes. modified: when it last changed, epoch milliseconds UTC.
    why: what it is, in words.
    """

    path: str
    size: int
    modified: int
    why: str


class Vacuum:
    """Finds the orphans of a lake; looks only where this package writes.

    root: the lake. raw: the root of landing data, for uploads that were cut short.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        catalog: IcebergCatalog,
        landing: Landing,
        journal: RunJournal,
        root: str,
        raw: str,
    ) -> None:
        self._tables = pipeline.tables
        self._catalog = catalog
        self._landing = landing
        self._journal = journal
        self._root = root
        self._raw = raw
        self._storage = open_storage(root)

    def orphans(self, before: int) -> tuple[Orphan, ...]:
        """Return the orphans that last changed before a time, epoch ms UTC; by path.

        Raises DamageError when a table's files cannot be told from orphans.
        """
        found = {
            file.path: Orphan(file.path, file.size, file.modified // 1_000_000, why)
            for file, why in self._found()
            if file.modified // 1_000_000 < before
        }
        return tuple(found[path] for path in sorted(found))

    def delete(self, orphans: tuple[Orphan, ...]) -> None:
        """Delete them."""
        paths = [orphan.path for orphan in orphans]
        inside = [path for path in paths if path.startswith(f"{self._root}/")]
        self._storage.delete(inside)
        open_storage(self._raw).delete(path for path in paths if path not in inside)

    def _found(self) -> Iterator[tuple[File, str]]:
        for table in self._tables:
            if table.zone is Zone.LANDING:
                yield from self._landed(table)
            else:
                yield from self._staged(table)
        for folder in ("runs", "docs"):
            yield from _unfinished(self._storage.list(f"{self._root}/{folder}"))
        for file in self._storage.list(f"{self._root}/rehearsals"):
            yield file, "of a rehearsal that was cut short"
        if self._root.startswith(S3):
            for file in self._storage.list(f"{self._root}/queries"):
                yield file, "an answer of Athena"

    def _staged(self, table: Table) -> Iterator[tuple[File, str]]:
        folders = self._catalog.folders(table)
        # Listed first: what is published after that is not in the list.
        files = [file for folder in folders for file in self._storage.list(folder)]
        used = self._catalog.used(table)
        held = self._held(table)
        for file in files:
            if file.path not in used and not held(file.path):
                yield file, f"of no snapshot of {table.name}"

    def _held(self, table: Table) -> Callable[[str], bool]:
        """Return what tells the rows that rules held back in the newest attempt."""
        newest = next(iter(self._journal.attempts(table.name)), None)
        if newest is None or newest.status != "held":
            return lambda path: False
        written = self._catalog.staging(table, newest.run_id)
        return lambda path: path.startswith(written)

    def _landed(self, table: Table) -> Iterator[tuple[File, str]]:
        copies = [f"{self._root}/{folder}" for folder in staged_folders(table)]
        files = [file for copy in copies for file in self._storage.list(copy)]
        staged = self._landing.staged(table)
        used = {f"{copies[0]}/manifest.json", *(staged.files if staged else ())}
        for file in files:
            if file.path not in used:
                yield file, f"of no parsed copy of {table.name}"
        for file in open_storage(self._raw).list(f"{self._raw}/{table.location}"):
            name = file.path.rpartition("/")[2]
            if name.startswith(".") and name.endswith(".part"):
                yield file, "an upload that was cut short"


def _unfinished(files: tuple[File, ...]) -> Iterator[tuple[File, str]]:
    for file in files:
        if file.path.endswith(".new"):
            yield file, "written in part"
