"""What is read of raw files, without anybody on the list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache, reduce
from typing import TYPE_CHECKING

from stedi_glue.backends.forgetting.person import bounds
from stedi_glue.backends.forgetting.suppression import Suppression
from stedi_glue.backends.forgetting.words import of_text
from stedi_glue.backends.raw.shape import Batch

if TYPE_CHECKING:
    import pyarrow as pa

    from stedi_glue.model.table import Table


class Sieve:
    """Leaves people out of the records of one landing table.

    registered: hashes of what registrations say of anybody else. A device that was passed on
    is its new owner's.
    """

    def __init__(
        self, table: Table, suppression: Suppression, registered: frozenset[str] = frozenset()
    ) -> None:
        people = suppression.people
        self._subjects = frozenset(h for one in people for h in one.subjects)
        devices = frozenset(h for one in people for h in one.devices)
        traces = frozenset(h for one in people for h in one.traces)
        self._all = self._subjects | ((devices | traces) - registered)
        self._subject = next((c.name for c in table.columns if c.pseudonym == "subject"), None)
        self._personal = table.personal_columns
        self._hash = lru_cache(maxsize=1 << 16)(suppression.hash)

    @property
    def stamp(self) -> str:
        """What a parsed copy depends on: empty when nobody is left out."""
        if not self._all:
            return ""
        return hashlib.sha256("".join(sorted(self._all)).encode()).hexdigest()[:16]

    def __call__(self, batch: Batch) -> Batch:
        """Return a batch without them, good records and bad ones."""
        if not self._all:
            return batch
        problems = [one for one in batch.problems if not self._named(of_text(one[1]))]
        return replace(batch, records=self._without(batch.records), problems=problems)

    def _without(self, rows: pa.Table) -> pa.Table:
        from pyarrow import compute

        named = [self._among(rows[name], self._all) for name in self._personal]
        if self._subject:
            # What says whose it is, is theirs or somebody else's, whatever more it says.
            nameless = compute.is_null(rows[self._subject])
            named = [compute.and_(nameless, one) for one in named]
            named.append(self._among(rows[self._subject], self._subjects))
        return rows.filter(compute.invert(reduce(compute.or_, named)))

    def _among(self, column: pa.ChunkedArray, hashes: frozenset[str]) -> pa.ChunkedArray:
        import pyarrow as pa
        from pyarrow import compute

        there = (v for v in compute.unique(column).to_pylist() if v is not None)
        theirs = [value for value in there if self._hash(value) in hashes]
        return compute.is_in(column, pa.array(theirs, column.type))

    def _named(self, values: Iterable[str]) -> bool:
        return any(self._hash(value) in self._all for value in values)


def registered(rows: pa.Table, table: Table, suppression: Suppression) -> frozenset[str]:
    """Return hashes of what registrations say of those who have one and were not forgotten."""
    subjects = {h for one in suppression.people for h in one.subjects}
    subject = next(column.name for column in table.columns if column.pseudonym == "subject")
    found: set[str] = set()
    for row in rows.select(list(table.personal_columns)).to_pylist():
        if row[subject] and suppression.hash(row[subject]) not in subjects:
            texts = [value for value in row.values() if value]
            found.update(suppression.hash(v) for text in texts for v in (text, *bounds(text)))
    return frozenset(found)
