"""Measuring a table with four queries, whatever its width, in native expressions alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import combinations
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from stedi_glue.model.table import Column, Table
from stedi_glue.profiling.profile import FORMATS, ColumnProfile, Profile

if TYPE_CHECKING:
    from pyspark.sql import Column as Expression
    from pyspark.sql import DataFrame

NUMBERS = ("int", "bigint", "double")
BINS = 24
FEW = 20
_QUARTERS = (0.25, 0.5, 0.75)
# Columns that may be part of a key together; more would ask for too many pairs.
_KEY_COLUMNS = 5


def measure(table: Table, frame: DataFrame) -> Profile:
    """Return the profile of a table's rows."""
    facts = _one(frame, dict(_facts(table)))
    rows = int(facts["rows"])
    spread = dict(_spread(table, facts)) if rows else {}
    counts = _one(frame, spread)
    few = [c for c in table.columns if not c.personal and 0 < facts[f"{c.name}.distinct"] <= FEW]
    top = _top(frame, [c for c in few if c.type != "double"])
    columns = tuple(_column(column, facts, counts, top, rows) for column in table.columns)
    return Profile(table, rows, columns, _keys(frame, columns, rows))


def _one(frame: DataFrame, asked: Mapping[str, Expression]) -> dict[str, Any]:
    """Ask for several aggregates at once; names may hold any character."""
    if not asked:
        return {}
    numbered = [one.alias(f"_{number}") for number, one in enumerate(asked.values())]
    (row,) = frame.agg(*numbered).collect()
    return dict(zip(asked, row, strict=True))


def _facts(table: Table) -> Iterator[tuple[str, Expression]]:
    yield "rows", F.count(F.lit(1))
    for column in table.columns:
        name, value = column.name, _value(column)
        yield f"{name}.values", F.count(value)
        yield f"{name}.distinct", F.count_distinct(value)
        if column.type in NUMBERS:
            yield f"{name}.least", F.min(value)
            yield f"{name}.most", F.max(value)
            yield f"{name}.mean", F.avg(value)
            for quarter in _QUARTERS:
                yield f"{name}.{quarter}", F.percentile(value, quarter)
        elif column.type == "string":
            yield f"{name}.shortest", F.min(F.length(value))
            yield f"{name}.longest", F.max(F.length(value))
            for format_, pattern in FORMATS.items():
                yield f"{name}.{format_}", F.sum(F.when(value.rlike(pattern), 1).otherwise(0))


def _value(column: Column) -> Expression:
    value = F.col(f"`{column.name}`")
    if column.type != "double":
        return value
    # Neither is a value: not a number would be the greatest of all, and among steps from or to
    # infinity every number is in the same one.
    return F.when(~F.isnan(value) & (F.abs(value) != F.lit(math.inf)), value)


def _spread(table: Table, facts: Mapping[str, Any]) -> Iterator[tuple[str, Expression]]:
    for column in table.columns:
        name, value = column.name, _value(column)
        if column.type not in NUMBERS or facts[f"{name}.least"] is None:
            continue
        low, _, high = (float(facts[f"{name}.{quarter}"]) for quarter in _QUARTERS)
        reach = 1.5 * (high - low)
        outside = (value < F.lit(low - reach)) | (value > F.lit(high + reach))
        yield f"{name}.outliers", F.sum(F.when(outside, 1).otherwise(0))
        least, most = float(facts[f"{name}.least"]), float(facts[f"{name}.most"])
        if most > least:
            place = F.floor((value - F.lit(least)) * F.lit(BINS / (most - least)))
            # Not by `least`, which would put what has no value into the last step.
            place = F.when(place < BINS, place).when(place == BINS, BINS - 1)
            for number in range(BINS):
                yield f"{name}.{number}", F.sum(F.when(place == number, 1).otherwise(0))


def _top(frame: DataFrame, few: Sequence[Column]) -> dict[str, dict[str, int]]:
    if not few:
        return {}
    counted = [
        frame.groupBy(F.col(f"`{c.name}`").cast("string").alias("value"))
        .agg(F.count(F.lit(1)).alias("rows"))
        .select(F.lit(c.name).alias("name"), "value", "rows")
        for c in few
    ]
    found: dict[str, dict[str, int]] = {}
    for name, value, rows in reduce(lambda one, other: one.unionAll(other), counted).collect():
        if value is not None:
            found.setdefault(name, {})[value] = int(rows)
    return {
        name: dict(sorted(values.items(), key=lambda one: (-one[1], one[0])))
        for name, values in found.items()
    }


def _column(
    column: Column,
    facts: Mapping[str, Any],
    counts: Mapping[str, Any],
    top: Mapping[str, dict[str, int]],
    rows: int,
) -> ColumnProfile:
    name = column.name
    values = int(facts[f"{name}.values"])
    least: Any = facts.get(f"{name}.least")
    most: Any = facts.get(f"{name}.most")
    known = least is not None and most is not None
    return ColumnProfile(
        column=column,
        rows=rows,
        nulls=rows - values,
        distinct=int(facts[f"{name}.distinct"]),
        least=float(least) if known else None,
        most=float(most) if known else None,
        mean=float(facts[f"{name}.mean"]) if known else None,
        quarters=tuple(float(facts[f"{name}.{q}"]) for q in _QUARTERS) if known else None,  # type: ignore[arg-type]
        bins=tuple(int(counts[f"{name}.{n}"]) for n in range(BINS) if f"{name}.{n}" in counts),
        outliers=int(counts.get(f"{name}.outliers") or 0),
        shortest=facts.get(f"{name}.shortest"),
        longest=facts.get(f"{name}.longest"),
        formats=tuple(one for one in FORMATS if values and facts.get(f"{name}.{one}") == values),
        top=top.get(name, {}),
    )


def _keys(
    frame: DataFrame, columns: Sequence[ColumnProfile], rows: int
) -> tuple[tuple[str, ...], ...]:
    """Find single columns that tell rows apart, or else pairs, or else all columns together."""
    single = [(one.column.name,) for one in columns if one.unique and not one.nulls]
    if single or not rows:
        return tuple(single)
    whole = [one for one in columns if not one.nulls]
    busy = sorted(whole, key=lambda one: -one.distinct)[:_KEY_COLUMNS]
    likely = [one.column.name for one in columns if one in busy]
    # Fewer combinations than rows cannot tell all rows apart.
    distinct = {one.column.name: one.distinct for one in columns}
    tried: list[tuple[str, ...]] = [
        pair for pair in combinations(likely, 2) if distinct[pair[0]] * distinct[pair[1]] >= rows
    ]
    everything = tuple(one.column.name for one in whole)
    tried += [everything] if len(everything) > 2 else []
    if not tried:
        return ()
    # As many hashes as rows prove that all rows differ; whole rows would take gigabytes.
    found = _one(
        frame,
        {
            str(n): F.count_distinct(F.xxhash64(*map(_quoted, names)))
            for n, names in enumerate(tried)
        },
    )
    keys = [names for n, names in enumerate(tried) if found[str(n)] == rows]
    return tuple(keys[:1])


def _quoted(name: str) -> Expression:
    return F.col(f"`{name}`")
