"""The right to be forgotten: one person out of every file of a lake."""

from __future__ import annotations

import gzip
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from stedi_glue.backends.forgetting import raw_text
from stedi_glue.backends.forgetting.suppression import FOLDER, Forgotten, Suppression
from stedi_glue.backends.forgetting.words import BOUND, unpacked, values
from stedi_glue.backends.storage import LOCK_FILE, open_storage
from stedi_glue.model.table import Table, Zone
from stedi_glue.publish.ports import Snapshot

if TYPE_CHECKING:
    import pyarrow as pa

    from stedi_glue.backends.catalog import IcebergCatalog
    from stedi_glue.model.pipeline import Pipeline

# Written by runs for people to read: no such file is worth keeping with a person in it.
PAGES = ("audits", "docs", "runs", "queries", "athena", "temp")
_EMAIL = "subject"


@dataclass(frozen=True)
class Receipt:
    """What became of one request. number: names it. removed: how many records, by place."""

    number: str
    at: int
    removed: Mapping[str, int]
    dry_run: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object; it names nobody."""
        return {
            "receipt": self.number,
            "at": self.at,
            "dry_run": self.dry_run,
            "removed": dict(self.removed),
        }


@dataclass
class Eraser:
    """Erases people from a lake whose writing is locked.

    root: the lake. raw: the root of landing data. Whatever step it is killed at, the same
    request completes it: who is to be forgotten is written down first, and the registration,
    which tells their devices, goes last.
    """

    pipeline: Pipeline
    catalog: IcebergCatalog
    suppression: Suppression
    root: str
    raw: str
    dry_run: bool = False
    _removed: Counter[str] = field(default_factory=Counter)

    def forget(self, email: str) -> Receipt:
        """Erase whoever has the e-mail address, in any spelling of its case."""
        person = self._person(email)
        if not self.dry_run:
            self.suppression.record(person)
        self._theirs = frozenset(person.identities)
        self._any = self._theirs | frozenset(person.traces)
        self._pages()
        for table in self.pipeline.tables:
            if table.zone is not Zone.LANDING and self.catalog.current(table):
                self._table(table)
        landing = [table for table in self.pipeline.tables if table.zone is Zone.LANDING]
        for table in sorted(landing, key=self._registers):
            self._landing(table)
        if not self.dry_run:
            self.suppression.record(replace(person, complete=True))
        return Receipt(person.receipt, person.at, dict(self._removed), self.dry_run)

    def _person(self, email: str) -> Forgotten:
        wanted = email.strip().casefold()
        theirs: dict[str, set[str]] = {}
        others: set[str] = set()
        for table in self.pipeline.tables:
            columns = {c.pseudonym: c.name for c in table.columns if c.pseudonym}
            if table.zone is not Zone.LANDING or len(columns) < 2:
                continue
            for row in self._records(table):
                personal = {n: str(row[n]) for n in table.personal_columns if row.get(n)}
                if personal.get(columns[_EMAIL], "").strip().casefold() == wanted:
                    for name, value in personal.items():
                        theirs.setdefault(name, set()).add(value)
                else:
                    others.update(personal.values())
            names = {c.name for c in table.columns if c.pseudonym}
        known = {v for name in theirs if name in names for v in theirs[name]} - others
        identities = {email.strip(), wanted, *known}
        rest = {v for name in theirs for v in theirs[name]} - others - identities
        # A birth date or a short word is anybody's.
        traces = {v for v in rest if (len(v) > 5 and not v[:4].isdigit()) or v.isdigit()}
        traces |= _bounds({*identities, *traces}) - _bounds(others)
        number = self.suppression.hash(wanted)[:16]
        hashed = {self.suppression.hash(v) for v in identities}
        hashed |= {self.suppression.hash(self.suppression.pseudonym(v)) for v in identities}
        old = next((one for one in self.suppression.people if one.receipt == number), None)
        return Forgotten(
            receipt=number,
            at=old.at if old else int(time.time() * 1000),
            identities=tuple(sorted(hashed.union(old.identities if old else ()))),
            traces=tuple(
                sorted({self.suppression.hash(v) for v in traces}.union(old.traces if old else ()))
            ),
        )

    def _records(self, table: Table) -> Iterator[dict[str, Any]]:
        """Read the raw records of a landing table."""
        from stedi_glue.backends.raw.staging import records

        storage, folder = open_storage(self.raw), f"{self.raw}/{table.location}"
        names = [file.path.removeprefix(f"{folder}/") for file in storage.list(folder)]
        for batch in records(table, storage, folder, names):
            yield from batch.to_pylist()

    def _registers(self, table: Table) -> int:
        return sum(1 for column in table.columns if column.pseudonym)

    def _is_theirs(self, found: Iterable[str]) -> bool:
        return self.suppression.found(found, self._theirs)

    def _pages(self) -> None:
        storage = open_storage(self.root)
        gone = [
            file.path
            for folder in PAGES
            for file in storage.list(f"{self.root}/{folder}")
            if self.suppression.found(
                set(values(file.path, storage.read_bytes(file.path))), self._any
            )
        ]
        self._count("files of reports and audits", len(gone))
        if not self.dry_run:
            storage.delete(gone)

    def _table(self, table: Table) -> None:
        snapshot, contract = self.catalog.current(table), self.catalog.contract(table)
        if snapshot is None:
            return
        kept, rows = self._kept(self.catalog.files(table))
        self._count(f"rows of {table.name}", rows)
        folder = self.catalog.quarantine_folder(table, snapshot.summary.get("stedi.run-id", ""))
        left_out, others = self._kept(self.catalog.written(folder).files)
        self._count(f"rows of {contract.quarantine().name}", others)
        if self.dry_run:
            return
        if others:
            self._replace(folder, left_out)
        quarantined = self.catalog.written(folder).rows
        if rows or quarantined != snapshot.quarantined:
            self._publish(contract, snapshot, kept, quarantined)
        self._count("files that nothing reads any more", self.catalog.purge(table))
        if self._in_metadata(table):
            # A commit tells the least and greatest values of the files that it deletes.
            self._publish(contract, snapshot, kept, quarantined)
            self._count("files that nothing reads any more", self.catalog.purge(table))

    def _in_metadata(self, table: Table) -> bool:
        storage = open_storage(self.root)
        return any(
            self.suppression.found(set(values(file.path, storage.read_bytes(file.path))), self._any)
            for file in storage.list(f"{self.root}/{table.location}/metadata")
        )

    def _publish(
        self, table: Table, snapshot: Snapshot, kept: Sequence[pa.Table], quarantined: int
    ) -> None:
        """Publish what is left of a table, in one commit, with the verdict that it had."""
        folder = self.catalog.new_folder(table, f"forgot-{uuid.uuid4().hex}")
        self._write(folder, kept)
        staged = self.catalog.written(folder)
        said = {name: text for name, text in snapshot.summary.items() if name.startswith("stedi.")}
        said |= {"stedi.rows": str(staged.rows), "stedi.quarantined": str(quarantined)}
        self.catalog.publish(table, staged, said | {"stedi.forgot": "true"})

    def _kept(self, files: Sequence[str]) -> tuple[list[pa.Table], int]:
        """Return the rows of Parquet files that are nobody's on the list, and how many are."""
        from io import BytesIO

        import pyarrow as pa
        from pyarrow import compute, parquet, types

        storage, tables, removed = open_storage(self.root), [], 0
        for file in files:
            rows = parquet.read_table(BytesIO(storage.read_bytes(file)))
            total = rows.num_rows
            for name in rows.column_names:
                column = rows[name]
                if not (types.is_string(column.type) or types.is_large_string(column.type)):
                    continue
                found = [v for v in compute.unique(column).to_pylist() if v is not None]
                theirs = [v for v in found if self._is_theirs([v])]
                if theirs:
                    mine = compute.is_in(column, pa.array(theirs, column.type))
                    rows = rows.filter(compute.invert(mine))
            tables.append(rows)
            removed += total - rows.num_rows
        return tables, removed

    def _replace(self, folder: str, tables: Sequence[pa.Table]) -> None:
        storage = open_storage(self.root)
        old = [file.path for file in storage.list(folder)]
        self._write(f"{folder}/{uuid.uuid4().hex}", tables)
        storage.delete(old)

    def _write(self, folder: str, tables: Sequence[pa.Table]) -> None:
        from pyarrow import parquet

        storage = open_storage(self.root)
        for number, rows in enumerate(tables):
            if rows.num_rows:
                path = f"{folder}/part-{number}.parquet"
                writing = storage.explaining(f"Cannot write '{path}'")
                with writing, storage.open_output(path) as target:
                    parquet.write_table(rows, target, compression="zstd")

    def _landing(self, table: Table) -> None:
        parsed, raw = open_storage(self.root), open_storage(self.raw)
        copies = [file.path for file in parsed.list(f"{self.root}/{table.location}_parsed")]
        if not self.dry_run and any(
            self._is_theirs(set(values(path, parsed.read_bytes(path)))) for path in copies
        ):
            parsed.delete(copies)
        for file in raw.list(f"{self.raw}/{table.location}"):
            content = raw.read_bytes(file.path)
            plain = unpacked(content)
            text = plain.decode("utf-8", "surrogateescape")
            left, removed = raw_text.without(text, self._is_theirs)
            self._count(f"records of {table.name}", removed)
            if removed and not self.dry_run:
                new = left.encode("utf-8", "surrogateescape")
                raw.write_bytes(file.path, gzip.compress(new) if plain != content else new)

    def _count(self, what: str, number: int) -> None:
        if number:
            self._removed[what] += number


def _bounds(values: Iterable[str]) -> set[str]:
    """Return what Iceberg keeps of long texts as a file's least and greatest value."""
    starts = {value[:BOUND] for value in values if len(value) > BOUND}
    return starts | {start[:-1] + chr(ord(start[-1]) + 1) for start in starts}


def remains(suppression: Suppression, *roots: str) -> tuple[tuple[str, ...], int]:
    """Return the files under the roots that still hold somebody forgotten, and how many there are.

    Every byte is read: Parquet, Avro and gzip decoded, all else as text.
    """
    hashes = suppression.identities | suppression.traces
    found: list[str] = []
    paths: set[str] = set()
    for root in roots:
        storage = open_storage(root)
        for file in storage.list(root):
            own = file.path.rpartition("/")[2] == LOCK_FILE or f"/{FOLDER}/" in file.path
            if own or file.path in paths:
                continue
            paths.add(file.path)
            if suppression.found(set(values(file.path, storage.read_bytes(file.path))), hashes):
                found.append(file.path)
    return tuple(sorted(found)), len(paths)
