"""One request to forget somebody, from finding them to the receipt."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

from stedi_glue.backends.forgetting import person, raw_text
from stedi_glue.backends.forgetting.person import Person, Theirs
from stedi_glue.backends.forgetting.receipt import Receipt
from stedi_glue.backends.forgetting.remains import files, holding
from stedi_glue.backends.forgetting.suppression import Forgotten, Suppression
from stedi_glue.backends.forgetting.versions import delete, old_versions
from stedi_glue.backends.raw.blocks import GZIP
from stedi_glue.backends.raw.contract import staged_folders
from stedi_glue.backends.raw.shape import Shape
from stedi_glue.backends.storage import open_storage
from stedi_glue.errors import LakeError, StediError
from stedi_glue.model.table import Table

if TYPE_CHECKING:
    from stedi_glue.backends.catalog import IcebergCatalog
    from stedi_glue.backends.landing import LandingFolder
    from stedi_glue.model.pipeline import Pipeline
    from stedi_glue.publish.report import RunReport

# Written by runs and queries for people to read.
PAGES = ("audits", "docs", "runs", "queries", "athena", "temp", "rehearsals")


@dataclass
class _Found:
    """Where somebody is: raw files with how many records, other files, and rows by table."""

    raw: dict[str, tuple[Table, int]] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)


class Forgetting:
    """Erases people from a lake whose writing is locked.

    registers: the landing table of registrations. root: the lake. raw: the root of landing data.
    check: raises for what a run of these tables would raise for, before anything is changed.
    remake: makes and audits tables again, and publishes those that passed their rules.

    Whatever step it is killed at, the same request completes it: who is to be forgotten is
    written down first, and counts as forgotten when a last look at every file finds nothing.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        registers: Table,
        catalog: IcebergCatalog,
        landing: LandingFolder,
        suppression: Suppression,
        root: str,
        raw: str,
        check: Callable[[Sequence[str]], object],
        remake: Callable[[Sequence[str]], RunReport],
    ) -> None:
        self._pipeline = pipeline
        self._registers = registers
        self._catalog = catalog
        self._landing = landing
        self._suppression = suppression
        self._root = root
        self._raw_root = raw
        self._check = check
        self._remake = remake
        self._storage = open_storage(root)
        self._raw = open_storage(raw)
        self._raw_tables = pipeline.landing
        self._tables = pipeline.made
        self._raw_folders = tuple(f"{raw}/{table.location}" for table in self._raw_tables)

    def forget(self, email: str, *, dry_run: bool = False) -> Receipt:
        """Erase whoever has the e-mail address, in any spelling of its case.

        Raises LakeError when nobody has it, or something of them could not be erased.
        """
        who = self._person(email)
        theirs = Theirs(self._suppression, who.entry.hashes, who.values or None)
        found = self._find(theirs)
        known = self._suppression.find(who.entry.receipt)
        if not found.raw and not found.files and not known:
            raise LakeError(
                f"Nobody in the lake '{self._root}' or its landing data has the e-mail address "
                "you named; nothing was changed."
            )
        number, at = who.entry.receipt, who.entry.at
        receipt = Receipt(number, at, dict(found.counts), (), who.shared, dry_run)
        if dry_run or (known and known.complete and not found.raw and not found.files):
            return receipt
        self._check(self._to_make())
        self._suppression.record(replace(who.entry, complete=False))
        withdrawn = self._erase(theirs, found)
        left = tuple(holding(theirs, self._everything()))
        if left:
            raise LakeError(
                f"These files still hold the person: {', '.join(left)}. They are not this "
                "program's, or were written meanwhile: delete them, and forget the person again."
            )
        self._suppression.record(replace(who.entry, complete=True))
        return replace(receipt, withdrawn=withdrawn)

    def remains(self, who: str | None = None) -> tuple[tuple[str, ...], int]:
        """Return the files that still hold somebody forgotten, and how many were read.

        who: an e-mail address or a receipt's number; by default everybody on the list.
        """
        people = self._suppression.people
        if who is not None:
            number = self._suppression.receipt(who) if "@" in who else who
            people = tuple(one for one in people if one.receipt == number)
            if not people:
                raise LakeError("Nobody was forgotten by that e-mail address or receipt.")
        subjects = frozenset(value for one in people for value in one.subjects)
        hashes = _hashes(people) - (self._landing.registered() - subjects)
        paths = list(self._everything())
        return tuple(holding(Theirs(self._suppression, hashes), paths)), len(paths)

    def _everything(self) -> Iterator[str]:
        return files(self._root, *self._raw_folders)

    def _person(self, email: str) -> Person:
        subject = next(c.name for c in self._registers.columns if c.pseudonym == "subject")
        named = {c.name for c in self._registers.columns if c.pseudonym}
        devices = frozenset(named - {subject})
        return person.find(email, subject, devices, self._registrations, self._suppression)

    def _registrations(self) -> Iterator[dict[str, str]]:
        for file in self._raw.list(f"{self._raw_root}/{self._registers.location}"):
            for text in raw_text.plain(self._raw, file.path):
                yield from raw_text.fields(text, self._registers)
        # Raw files may be gone from which tables were made.
        for table in self._tables:
            if table.columns == self._registers.columns and self._catalog.exists:
                # Older snapshots may have another spelling or device of theirs.
                for rows in self._rows(table):
                    for row in rows:
                        yield {n: str(row[n]) for n in table.personal_columns if row.get(n)}

    def _rows(self, table: Table) -> Iterator[list[dict[str, Any]]]:
        from pyarrow import ArrowException, parquet

        for file in self._files(table):
            # What cannot be read tells nobody anything.
            with suppress(ArrowException, OSError):
                if file.endswith(".parquet"):
                    yield parquet.read_table(BytesIO(self._storage.read_bytes(file))).to_pylist()

    def _find(self, theirs: Theirs) -> _Found:
        found, raw = _Found(), set()
        for table in self._raw_tables:
            for file in self._raw.list(f"{self._raw_root}/{table.location}"):
                raw.add(file.path)
                _, records = self._without(table, file.path, theirs)
                if records:
                    found.raw[file.path] = (table, records)
                    found.counts[f"records of {table.name}"] += records
        others = (path for path in self._everything() if path not in raw)
        found.files = tuple(holding(theirs, others))
        used = {path: name for name, paths in self._used() for path in paths}
        for path in found.files:
            if path in used:
                found.counts[f"rows of {used[path]}"] += self._count(path, theirs)
            else:
                found.counts["other files: parsed copies, old snapshots, reports"] += 1
        return found

    def _used(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the names of tables and quarantines with the files that readers get now."""
        for table in self._tables if self._catalog.exists else ():
            snapshot = self._catalog.current(table)
            if snapshot:
                yield table.name, self._catalog.files(table)
                run = snapshot.summary.get("stedi.run-id", "")
                left_out = self._catalog.quarantine_folder(table, run)
                yield table.quarantine().name, self._catalog.written(left_out).files

    def _count(self, path: str, theirs: Theirs) -> int:
        from pyarrow import parquet

        rows = parquet.read_table(BytesIO(self._storage.read_bytes(path))).to_pylist()
        return sum(1 for row in rows if theirs.any(v for v in row.values() if isinstance(v, str)))

    def _without(self, table: Table, path: str, theirs: Theirs) -> tuple[str, int]:
        shape, keys = Shape(table.columns), raw_text.subject_keys(table)
        kept, removed = [], 0
        for text in raw_text.plain(self._raw, path):
            left, number = raw_text.without(text, shape, keys, theirs)
            kept.append(left)
            removed += number
        return "".join(kept), removed

    def _erase(self, theirs: Theirs, found: _Found) -> tuple[str, ...]:
        # Registrations last: they tell which device is theirs.
        last = [path for path, (table, _) in found.raw.items() if table == self._registers]
        for path in [*(path for path in found.raw if path not in last), *last]:
            table, _ = found.raw[path]
            left, _ = self._without(table, path, theirs)
            packed = self._raw.read_bytes(path).startswith(GZIP)
            new = left.encode("utf-8", "surrogateescape")
            self._raw.write_bytes(path, gzip.compress(new, mtime=0) if packed else new)
        self._clear(theirs, found.files)
        withdrawn = self._publish(theirs, found)
        old = (path for root in (self._root, *self._raw_folders) for path in old_versions(root))
        delete(holding(theirs, old))
        return withdrawn

    def _clear(self, theirs: Theirs, paths: Sequence[str]) -> None:
        """Delete what runs wrote for people to read, and parsed copies; the journal is blanked."""
        folders = [folder for table in self._raw_tables for folder in staged_folders(table)]
        copies = tuple(f"{self._root}/{folder}/" for folder in folders)
        self._storage.delete(path for path in paths if path.startswith(copies))
        for path in paths:
            if not path.startswith(tuple(f"{self._root}/{folder}/" for folder in PAGES)):
                continue
            if path.endswith(".json"):
                text = self._storage.read_text(path) or ""
                self._storage.write_text(path, raw_text.blanked(text, theirs))
            else:
                self._storage.delete([path])

    def _publish(self, theirs: Theirs, found: _Found) -> tuple[str, ...]:
        """Make every published table again, and leave nothing of what it was before.

        Returns the tables that were withdrawn: rules held them, and what is published of them
        holds the person.
        """
        if not self._catalog.exists:
            return ()
        names = self._to_make()
        try:
            report = self._remake(names) if names else None
        except StediError as error:
            raise LakeError(
                f"The person is not forgotten yet; forget them again. {error}"
            ) from error
        made = {one.table: one for one in report.tables} if report else {}
        for one in made.values():
            if one.status == "failed":
                raise LakeError(
                    f"'{one.table}' could not be made without the person, who is not forgotten "
                    f"yet; forget them again. {one.reason}"
                )
        clean = [name for name, one in made.items() if one.status == "published"]
        theirs_in = (
            table
            for table in self._tables
            if any(path.startswith(self._catalog.folders(table)) for path in found.files)
        )
        return tuple(t.name for t in theirs_in if self._purge(t, theirs, clean=t.name in clean))

    def _to_make(self) -> list[str]:
        """Return the published tables, and all that these are made of."""
        if not self._catalog.exists:
            return []
        published = [table.name for table in self._tables if self._catalog.current(table)]
        needed = {*published}.union(*map(self._pipeline.upstream, published))
        return [table.name for table in self._pipeline.tables if table.name in needed]

    def _purge(self, table: Table, theirs: Theirs, *, clean: bool) -> bool:
        """Delete what a table was before; return whether readers lost it.

        clean: whether it was just published without the person.
        """
        published = self._catalog.current(table) is not None
        if published:
            self._catalog.drop_history(table)
            used = self._catalog.used(table)
            self._storage.delete(path for path in self._files(table) if path not in used)
            if clean or not any(holding(theirs, self._files(table))):
                return False
            self._catalog.withdraw(table)
        self._storage.delete(self._files(table))
        return published

    def _files(self, table: Table) -> list[str]:
        folders = self._catalog.folders(table)
        return [file.path for folder in folders for file in self._storage.list(folder)]


def _hashes(people: Sequence[Forgotten]) -> frozenset[str]:
    return frozenset(value for one in people for value in one.hashes)
