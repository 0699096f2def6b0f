"""Rows of every kind, and Great Expectations' most used expectations to put to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

NAN = float("nan")
# 0/0 gives a NaN with a sign on most machines; some engines order it below all numbers.
SIGNED_NAN = -NAN
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("word", pa.string()),
        ("n", pa.int32()),
        ("m", pa.int32()),
        ("x", pa.float64()),
        ("f", pa.float32()),
        ("flag", pa.bool_()),
        ("price", pa.decimal128(10, 2)),
        ("day", pa.date32()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("a.b", pa.int64()),
        ("two words", pa.string()),
    ]
)
_NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


def _clean(rows: int) -> list[dict[str, Any]]:
    return [
        {
            "id": i,
            "word": f"word{i % 4}",
            "n": i % 10,
            "m": i % 10 + 1,
            "x": i / 4,
            "f": i / 8,
            "flag": i % 3 == 0,
            "price": Decimal(i) / 4,
            "day": date(2024, 1, 1) + timedelta(days=i),
            "at": _NOON + timedelta(hours=i),
            "a.b": i * 7,
            "two words": f"k{i}",
        }
        for i in range(rows)
    ]


def _with_nulls() -> list[dict[str, Any]]:
    rows = _clean(40)
    for place, row in enumerate(rows):
        for column, name in enumerate(SCHEMA.names):
            if (place + column) % 3 != 0 or place % 10 == 9:
                row[name] = None
    return rows


def _with_nan() -> list[dict[str, Any]]:
    rows = _clean(12)
    for place, value in ((2, NAN), (5, NAN), (7, SIGNED_NAN), (8, -0.0), (9, 0.0), (11, None)):
        rows[place]["x"] = rows[place]["f"] = value
    return rows


def _failing() -> list[dict[str, Any]]:
    rows = _clean(30)
    for place in (3, 4, 11):
        rows[place] |= {"word": "odd", "n": 900, "m": -1, "x": -5e9, "day": date(1970, 1, 1)}
    return rows


def _mixed() -> list[dict[str, Any]]:
    alike = [{"word": "w", "n": 1, "m": 1, "x": -0.0}, {"word": "w", "n": 1, "m": 1, "x": 0.0}]
    return [*_clean(6), *_clean(3), *_failing()[9:13], *_with_nulls()[:6], *alike]


DATASETS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "passing": _clean(30),
    "mixed": _mixed(),
    "nulls": _with_nulls(),
    "only nulls": [dict.fromkeys(SCHEMA.names) for _ in range(5)],
    "empty": [],
    "repeated": _clean(9) + _clean(7) + _clean(7) + [{"id": None, "word": "w"}] * 3,
    "nan": _with_nan(),
    "many": [*_failing() * 3, *_with_nulls() * 3],
}

_KEY = ["word", "n", "x"]
# Each can be asked as it is, with `mostly`, and of some rows only.
_MAPS: Sequence[tuple[str, dict[str, Any]]] = (
    ("expect_column_values_to_not_be_null", {"column": "word"}),
    ("expect_column_values_to_be_null", {"column": "x"}),
    ("expect_column_values_to_be_between", {"column": "n", "min_value": 0, "max_value": 9}),
    ("expect_column_values_to_be_between", {"column": "x", "min_value": 0, "strict_min": True}),
    ("expect_column_values_to_be_between", {"column": "x", "max_value": 7, "strict_max": True}),
    ("expect_column_values_to_be_between", {"column": "f", "max_value": 3}),
    ("expect_column_values_to_be_between", {"column": "day", "min_value": "2024-01-01"}),
    ("expect_column_values_to_be_between", {"column": "price", "min_value": 0, "max_value": 5}),
    ("expect_column_values_to_be_between", {"column": "a.b", "min_value": 7}),
    ("expect_column_values_to_be_in_set", {"column": "word", "value_set": ["word0", "word1"]}),
    ("expect_column_values_to_be_in_set", {"column": "flag", "value_set": [True]}),
    ("expect_column_values_to_be_in_set", {"column": "x", "value_set": [0.0, 0.25]}),
    ("expect_column_values_to_not_be_in_set", {"column": "n", "value_set": [1, 900]}),
    ("expect_column_values_to_match_regex", {"column": "word", "regex": "^word[0-9]$"}),
    ("expect_column_values_to_not_match_regex", {"column": "word", "regex": "^odd"}),
    (
        "expect_column_values_to_match_regex_list",
        {"column": "two words", "regex_list": ["^k1", "5$"], "match_on": "any"},
    ),
    (
        "expect_column_values_to_not_match_regex_list",
        {"column": "two words", "regex_list": ["^k1", "5$"]},
    ),
    ("expect_column_value_lengths_to_be_between", {"column": "word", "max_value": 4}),
    ("expect_column_value_lengths_to_equal", {"column": "word", "value": 5}),
    ("expect_column_values_to_be_unique", {"column": "id"}),
    ("expect_column_values_to_be_unique", {"column": "x"}),
    ("expect_column_values_to_be_unique", {"column": "f"}),
    ("expect_column_values_to_be_unique", {"column": "day"}),
    ("expect_column_values_to_be_unique", {"column": "two words"}),
    ("expect_column_values_to_be_unique", {"column": "a.b"}),
    (
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": "m", "column_B": "n", "ignore_row_if": "either_value_is_missing"},
    ),
    (
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": "x", "column_B": "f", "or_equal": True},
    ),
    ("expect_column_pair_values_to_be_equal", {"column_A": "n", "column_B": "m"}),
    (
        "expect_column_pair_values_to_be_equal",
        {"column_A": "x", "column_B": "f", "ignore_row_if": "neither"},
    ),
    (
        "expect_column_pair_values_to_be_in_set",
        {"column_A": "n", "column_B": "m", "value_pairs_set": [[0, 1], [1, 2], [2, 3]]},
    ),
    ("expect_compound_columns_to_be_unique", {"column_list": _KEY}),
    (
        "expect_compound_columns_to_be_unique",
        {"column_list": ["id", "day"], "ignore_row_if": "any_value_is_missing"},
    ),
    (
        "expect_compound_columns_to_be_unique",
        {"column_list": ["n", "m"], "ignore_row_if": "never"},
    ),
    ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["n", "m", "id"]}),
    ("expect_multicolumn_sum_to_equal", {"column_list": ["n", "m"], "sum_total": 5}),
    ("expect_multicolumn_values_to_be_equal", {"column_list": ["n", "m", "id"]}),
)

# Each can be asked as it is, and of some rows only.
_AGGREGATES: Sequence[tuple[str, dict[str, Any]]] = (
    ("expect_table_row_count_to_be_between", {"min_value": 1}),
    ("expect_table_row_count_to_equal", {"value": 30}),
    ("expect_column_max_to_be_between", {"column": "x", "max_value": 100}),
    ("expect_column_max_to_be_between", {"column": "day", "max_value": "2024-12-31"}),
    ("expect_column_min_to_be_between", {"column": "x", "min_value": 0}),
    ("expect_column_min_to_be_between", {"column": "at", "min_value": "2024-01-01"}),
    ("expect_column_min_to_be_between", {"column": "price", "min_value": 0}),
    ("expect_column_mean_to_be_between", {"column": "x", "min_value": 0, "max_value": 9}),
    ("expect_column_mean_to_be_between", {"column": "n", "min_value": 0, "max_value": 9}),
    ("expect_column_stdev_to_be_between", {"column": "n", "min_value": 0, "max_value": 9}),
    ("expect_column_sum_to_be_between", {"column": "n", "min_value": 0, "max_value": 999}),
    ("expect_column_sum_to_be_between", {"column": "price", "min_value": 0}),
    ("expect_column_unique_value_count_to_be_between", {"column": "word", "max_value": 4}),
    ("expect_column_unique_value_count_to_be_between", {"column": "x", "max_value": 9}),
    ("expect_column_proportion_of_unique_values_to_be_between", {"column": "n", "min_value": 0.3}),
    ("expect_column_proportion_of_non_null_values_to_be_between", {"column": "x", "min_value": 1}),
    ("expect_column_distinct_values_to_be_in_set", {"column": "word", "value_set": ["word0"]}),
    ("expect_column_distinct_values_to_be_in_set", {"column": "x", "value_set": [0.0, 0.25]}),
    ("expect_column_distinct_values_to_contain_set", {"column": "word", "value_set": ["word0"]}),
    ("expect_column_distinct_values_to_contain_set", {"column": "n", "value_set": [1, 2, 77]}),
    ("expect_column_distinct_values_to_equal_set", {"column": "n", "value_set": [1, 2, 900]}),
)

_TABLES: Sequence[tuple[str, dict[str, Any]]] = (
    ("expect_table_columns_to_match_ordered_list", {"column_list": SCHEMA.names}),
    ("expect_table_columns_to_match_set", {"column_set": ["id", "word"], "exact_match": False}),
    ("expect_table_column_count_to_equal", {"value": 12}),
    ("expect_table_column_count_to_be_between", {"max_value": 9}),
    ("expect_column_to_exist", {"column": "word"}),
    ("expect_column_values_to_be_of_type", {"column": "id", "type_": "LongType"}),
    ("expect_column_values_to_be_in_type_list", {"column": "n", "type_list": ["StringType"]}),
)

_QUERIES: Sequence[tuple[str, dict[str, Any]]] = tuple(
    ("unexpected_rows_expectation", {"unexpected_rows_query": query})
    for query in (
        "SELECT * FROM {batch} WHERE n > 800",
        "SELECT b.x, b.n AS x FROM {batch} b WHERE NOT abs(b.x) < 1e6",
        "SELECT id, count(*) AS c FROM {batch} GROUP BY id HAVING count(*) > 1",
    )
)

# What the fused engine leaves to Great Expectations.
_FOREIGN: Sequence[tuple[str, dict[str, Any]]] = (
    ("expect_column_most_common_value_to_be_in_set", {"column": "flag", "value_set": [False]}),
    ("expect_column_values_to_be_increasing", {"column": "id"}),
    (
        "expect_column_value_z_scores_to_be_less_than",
        {"column": "n", "threshold": 2, "double_sided": True},
    ),
)

_SOME_ROWS = (
    {"row_condition": "n > 2", "condition_parser": "spark"},
    {"row_condition": 'col("n") <= 3', "condition_parser": "great_expectations"},
    {"row_condition": "id IS NULL", "condition_parser": "spark"},
    {"row_condition": "n > 100000", "condition_parser": "spark"},
    {
        "row_condition": {
            "type": "comparison",
            "column": {"name": "m"},
            "operator": ">",
            "parameter": 3,
        }
    },
)


def cases() -> Iterator[dict[str, Any]]:
    """Every expectation, in all its ways: `type` and `kwargs`."""
    plain = (*_MAPS, *_AGGREGATES, *_TABLES, *_QUERIES, *_FOREIGN)
    for type_, kwargs in plain:
        yield {"type": type_, "kwargs": kwargs}
    for type_, kwargs in _MAPS:
        yield {"type": type_, "kwargs": kwargs | {"mostly": 0.8}}
    for place, (type_, kwargs) in enumerate((*_MAPS, *_AGGREGATES)):
        yield {"type": type_, "kwargs": kwargs | _SOME_ROWS[place % len(_SOME_ROWS)]}


def table(name: str) -> pa.Table:
    """The rows of a dataset."""
    return pa.Table.from_pylist([dict(row) for row in DATASETS[name]], SCHEMA)


def stored(name: str, folder: Path) -> str:
    """Write a dataset and return its file.

    By statistics, which leave NaN out, classic Spark would skip rows it should find.
    """
    file = folder / f"{name}.parquet"
    pq.write_table(table(name), file, write_statistics=False)
    return str(file)
