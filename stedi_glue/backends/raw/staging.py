"""All raw files of a folder into Parquet files of records and problems."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from stedi_glue.backends.raw import columnar, recovery
from stedi_glue.backends.raw.blocks import CorruptArchive, DamagedArchive, blocks
from stedi_glue.backends.raw.shape import Batch, Shape

if TYPE_CHECKING:
    from stedi_glue.backends.storage import Storage
    from stedi_glue.model.table import Table

# Rows for each value, on average, from which on a column is written with a dictionary.
_OFTEN = 10
_ROW_GROUP = 200_000


@dataclass
class Parsed:
    """What came of raw files.

    files: Parquet files of good and bad records. rows: good ones.
    problems: how many bad ones there are for each reason.
    mended: how many good ones were read only by a lenient rule, for each such rule.
    """

    files: list[str] = field(default_factory=list)
    rows: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)


def parse(
    table: Table,
    raw: Storage,
    folder: str,
    names: Sequence[str],
    staged: Storage,
    into: str,
    aside: str,
    sieve: Callable[[Batch], Batch] | None = None,
) -> Parsed:
    """Parse raw files, named relative to their folder, into Parquet files of another one.

    aside: the folder for records that cannot be used.
    sieve: leaves records out, as if the files did not have them.
    """
    shape = Shape(table.columns)
    done = Parsed()
    writing = staged.explaining(f"Cannot write '{into}'")
    schema = shape.staged_schema
    with (
        writing,
        _Writers(schema, staged, into) as kept,
        _Writers(schema, staged, aside) as left_out,
    ):
        for name, found in _batches(shape, raw, folder, names):
            batch = sieve(found) if sieve else found
            good, bad = batch.staged(name, schema)
            kept.write(good)
            left_out.write(bad)
            done.rows += batch.records.num_rows
            done.problems.update(reason for reason, _ in batch.problems)
            done.mended += batch.mended
    done.files = [*kept.files, *left_out.files]
    return done


def _batches(
    shape: Shape, raw: Storage, folder: str, names: Sequence[str]
) -> Iterator[tuple[str, Batch]]:
    """Read blocks ahead of their turn on every core; Arrow works outside of Python's lock."""
    workers = os.cpu_count() or 1
    waiting: deque[tuple[str, Future[tuple[list[Batch], list[bytes]]]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for name in names:
            for block in _blocks(raw, f"{folder}/{name}", shape):
                if isinstance(block, Batch):
                    yield name, block
                    continue
                waiting.append((name, pool.submit(columnar.decode, block, shape)))
                if len(waiting) > 2 * workers:
                    yield from _read(*waiting.popleft(), shape)
        while waiting:
            yield from _read(*waiting.popleft(), shape)


def _blocks(raw: Storage, path: str, shape: Shape) -> Iterator[bytes | Batch]:
    with raw.explaining(f"Cannot read '{path}'"), raw.open_input(path) as stream:
        try:
            yield from blocks(stream)
        except DamagedArchive as damage:
            corrupt = isinstance(damage, CorruptArchive)
            why = recovery.CORRUPT if corrupt else recovery.DAMAGED
            yield Batch(shape.nothing, [(why, "")])


def _read(
    name: str, decoded: Future[tuple[list[Batch], list[bytes]]], shape: Shape
) -> Iterator[tuple[str, Batch]]:
    batches, odd = decoded.result()
    for batch in batches:
        yield name, batch
    for part in odd:
        for batch in recovery.decode(part, shape):
            yield name, batch


class _Writers:
    """Parquet files that take turns, as many as engines read at a time."""

    def __init__(self, schema: pa.Schema, storage: Storage, folder: str) -> None:
        self._schema = schema
        self._storage = storage
        self._folder = folder
        self._stack = ExitStack()
        self._open: list[parquet.ParquetWriter] = []
        self._waiting: list[pa.Table] = []
        self._turn = 0
        self.files: list[str] = []

    def write(self, rows: pa.Table) -> None:
        """Take rows, to be written when there are enough of them."""
        if rows.num_rows:
            self._waiting.append(rows)
        if sum(table.num_rows for table in self._waiting) >= _ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        rows = pa.concat_tables(self._waiting)
        self._waiting.clear()
        place = self._turn % (os.cpu_count() or 1)
        if place == len(self._open):
            self._open.append(self._writer(rows))
        self._open[place].write_table(rows, row_group_size=len(rows))
        self._turn += 1

    def _writer(self, rows: pa.Table) -> parquet.ParquetWriter:
        file = f"{self._folder}/part-{len(self.files)}.parquet"
        target = self._stack.enter_context(self._storage.open_output(file))
        self.files.append(file)
        often = [
            column.name
            for column in self._schema
            if pc.count_distinct(rows[column.name]).as_py() * _OFTEN <= len(rows)
        ]
        return self._stack.enter_context(
            parquet.ParquetWriter(target, self._schema, compression="zstd", use_dictionary=often)
        )

    def __enter__(self) -> _Writers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._stack:
            if kind is None and self._waiting:
                self._flush()
