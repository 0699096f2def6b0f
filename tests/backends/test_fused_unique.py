"""Uniqueness by hashes first must be as exact as by the keys themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from stedi_glue.backends.engines import SailEngine, SparkEngine
from tests.backends.judging import judge
from tests.backends.test_fused_cost import counted

AnyEngine = SailEngine | SparkEngine

_WORD = 2**64
_PRIMES = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)


def turned(bits: int, by: int) -> int:
    return (bits << by | bits >> 64 - by) % _WORD


def mixed(value: int) -> int:
    return turned(value * _PRIMES[1] % _WORD, 31) * _PRIMES[0] % _WORD


def unmixed(bits: int) -> int:
    return (
        turned(bits * pow(_PRIMES[0], -1, _WORD) % _WORD, 33) * pow(_PRIMES[1], -1, _WORD) % _WORD
    )


def xxhash(value: int, seed: int = 42) -> int:
    """XXH64 of one 64-bit number, as Spark computes it."""
    bits = (seed + _PRIMES[4] + 8) % _WORD ^ mixed(value)
    bits = (turned(bits, 27) * _PRIMES[0] + _PRIMES[3]) % _WORD
    bits = (bits ^ bits >> 33) * _PRIMES[1] % _WORD
    bits = (bits ^ bits >> 29) * _PRIMES[2] % _WORD
    return bits ^ bits >> 32


def colliding(one: int, other: int) -> list[tuple[int, int]]:
    """Two different pairs of numbers with the same hash, which begin with these two."""
    start = [(xxhash(first) + _PRIMES[4] + 8) % _WORD for first in (one, other)]
    second = unmixed(mixed(7) ^ start[0] ^ start[1])
    return [(one, 7), (other, second - _WORD if second >= _WORD // 2 else second)]


def unique(
    engine: AnyEngine, rows: Sequence[tuple[Any, ...]], schema: str, **kwargs: Any
) -> tuple[Any, int]:
    """Return the result of the rule that all columns together are unique, and its queries."""
    frame = engine.session.createDataFrame(list(rows), schema)
    names = [column.split()[0] for column in schema.split(", ")]
    with counted(engine) as cost:
        rule = {"type": "expect_compound_columns_to_be_unique", "kwargs": {"column_list": names}}
        rule["kwargs"] |= kwargs
        (result,) = judge(frame, [rule])
    return result, cost.queries


def test_keys_whose_hashes_meet_are_told_apart(engine: AnyEngine) -> None:
    from pyspark.sql import functions as F

    pairs = colliding(1, 2)
    frame = engine.session.createDataFrame(pairs, "a long, b long")
    assert frame.select(F.xxhash64("a", "b")).distinct().count() == 1
    result, queries = unique(engine, [*pairs, (5, 5)], "a long, b long")
    assert result.success
    assert result.result["unexpected_count"] == 0
    # The doubt took a second query; there was nothing to show.
    assert queries == 2


def test_a_collision_beside_a_duplicate_is_not_counted(engine: AnyEngine) -> None:
    result, _ = unique(engine, [*colliding(1, 2), (5, 5), (5, 5), (6, 6)], "a long, b long")
    assert not result.success
    assert result.result["unexpected_count"] == 2
    assert result.result["partial_unexpected_list"] == [{"a": 5, "b": 5}] * 2


@pytest.mark.parametrize(
    ("rows", "schema"),
    [
        ([("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc")], "a string, b string"),
        ([(None, "x"), ("x", None), (None, ""), ("", None)], "a string, b string"),
        ([(None, 1), (1, None), (0, 1), (1, 0), (None, 42)], "a long, b long"),
        ([(1, 2), (2, 1)], "a int, b int"),
        ([(True, None), (None, True), (True, False), (False, True)], "a boolean, b boolean"),
    ],
)
def test_keys_of_alike_parts_are_proven_unique_by_their_hashes(
    engine: AnyEngine, rows: list[tuple[Any, ...]], schema: str
) -> None:
    result, queries = unique(engine, rows, schema)
    assert result.success
    assert queries == 1


@pytest.mark.parametrize(
    ("rows", "schema"),
    [
        ([(0.0, 1), (-0.0, 1)], "a double, b int"),
        ([(float("nan"), 1), (-float("nan"), 1)], "a double, b int"),
        ([(None, 1), (None, 1)], "a double, b int"),
        ([(None, "x"), (None, "x")], "a string, b string"),
    ],
)
def test_keys_that_spark_takes_for_equal_are_duplicates(
    engine: AnyEngine, rows: list[tuple[Any, ...]], schema: str
) -> None:
    result, _ = unique(engine, rows, schema)
    assert not result.success
    assert result.result["unexpected_count"] == 2
