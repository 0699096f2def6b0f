"""What the records of a landing table look like, raw and staged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

from stedi_glue.backends.raw.contract import FILE, PROBLEM, RAW
from stedi_glue.model.table import Column

_ARROW = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
}


@dataclass(frozen=True)
class Shape:
    """A landing table's columns, as Arrow and as the keys of JSON objects."""

    columns: tuple[Column, ...]

    @cached_property
    def keys(self) -> dict[str, str]:
        """The column of each key that an object may have: its name, or another of its names."""
        return {key: c.name for c in self.columns for key in (c.name, *c.aliases)}

    @cached_property
    def types(self) -> dict[str, pa.DataType]:
        """The type of each column."""
        return {column.name: _ARROW[column.type] for column in self.columns}

    @cached_property
    def raw_schema(self) -> pa.Schema:
        """The types of all keys, before those of one column are brought together."""
        return pa.schema([(key, self.types[name]) for key, name in self.keys.items()])

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns, in order."""
        return pa.schema(self.types.items())

    @cached_property
    def nothing(self) -> pa.Table:
        """No records."""
        return self.schema.empty_table()

    @cached_property
    def staged_schema(self) -> pa.Schema:
        """The columns of the staged copy."""
        text = [(column.name, pa.string()) for column in (FILE, PROBLEM, RAW)]
        return pa.schema([*self.types.items(), *text])


@dataclass(frozen=True)
class Batch:
    """Records that were read, what could not be, and what was mended.

    records: the table's columns. problems: why, and the text as it arrived.
    mended: how many records were read only by a lenient rule, for each such rule.
    """

    records: pa.Table
    problems: Sequence[tuple[str, str]] = ()
    mended: Counter[str] = field(default_factory=Counter)

    def staged(self, file: str, schema: pa.Schema) -> tuple[pa.Table, pa.Table]:
        """Return the good records, and the bad ones, in the form of the staged copy."""
        good, bad = self.records.num_rows, len(self.problems)
        reasons, texts = zip(*self.problems, strict=True) if self.problems else ((), ())
        name, kinds = pa.scalar(file, pa.string()), self.records.schema.types
        nothing = pa.nulls(good, pa.string())
        kept = [*self.records.columns, pa.repeat(name, good), nothing, nothing]
        why = [pa.array(values, pa.string()) for values in (reasons, texts)]
        left_out = [*(pa.nulls(bad, kind) for kind in kinds), pa.repeat(name, bad), *why]
        return (
            pa.Table.from_arrays(kept, schema=schema),
            pa.Table.from_arrays(left_out, schema=schema),
        )
