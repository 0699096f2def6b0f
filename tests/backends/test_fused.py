"""The fused engine says what Great Expectations' own engine says on classic Spark."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from stedi_glue.backends.engines import SailEngine, SparkEngine
from tests.backends import expectation_cases
from tests.backends.judging import Outcome, judge, outcome

AnyEngine = SailEngine | SparkEngine
CASES = list(expectation_cases.cases())
# Each takes about a minute on each engine.
WHOLE = [pytest.param(name, marks=pytest.mark.slow) for name in expectation_cases.DATASETS]
# Failures and passes, duplicates, nulls, and every kind of column condition.
FEW = [
    {"type": kind, "kwargs": kwargs}
    for kind, kwargs in (
        ("expect_column_values_to_not_be_null", {"column": "word"}),
        ("expect_column_values_to_be_between", {"column": "n", "min_value": 0, "max_value": 9}),
        ("expect_column_values_to_be_unique", {"column": "two words"}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["word", "n"]}),
        ("expect_column_pair_values_to_be_equal", {"column_A": "n", "column_B": "m"}),
        ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["n", "m"]}),
        (
            "unexpected_rows_expectation",
            {"unexpected_rows_query": "SELECT id FROM {batch} WHERE n > 8"},
        ),
        ("expect_column_max_to_be_between", {"column": "x", "max_value": 1}),
    )
]

Reference = Callable[..., list[Outcome]]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    folder = tmp_path_factory.mktemp("datasets")
    return cache(lambda name: expectation_cases.stored(name, folder))


@pytest.fixture(scope="session")
def reference(spark: SparkEngine, files: Callable[[str], str]) -> Reference:
    """What Great Expectations' own engine says on classic Spark."""
    said: dict[Any, list[Outcome]] = {}

    def ask(name: str, cases: list[dict[str, Any]], **result_format: Any) -> list[Outcome]:
        key = name, len(cases), repr(result_format)
        if key not in said:
            frame = spark.session.read.parquet(files(name))
            said[key] = [outcome(one) for one in judge(frame, cases, stock=True, **result_format)]
        return said[key]

    return ask


@pytest.mark.parametrize("name", WHOLE)
def test_every_expectation_gives_the_same_result(
    reference: Reference, engine: AnyEngine, files: Callable[[str], str], name: str
) -> None:
    expected = reference(name, CASES)
    frame = engine.session.read.parquet(files(name))
    found = [outcome(one) for one in judge(frame, CASES)]
    different = [
        (case, {"expected": was, "found": now})
        for case, was, now in zip(CASES, expected, found, strict=True)
        if was != now
    ]
    assert different == []
    # Were all rules met, or all broken, equal would say little.
    assert {True, False} <= {one.get("success") for one in expected}


@pytest.mark.parametrize(
    "result_format",
    [
        {"result_format": "BASIC"},
        {"result_format": "COMPLETE", "unexpected_index_column_names": ["id"]},
        *(
            pytest.param(one, marks=pytest.mark.slow)
            for one in (
                {"result_format": "BOOLEAN_ONLY"},
                {
                    "result_format": "BASIC",
                    "include_unexpected_rows": True,
                    "partial_unexpected_count": 3,
                },
                {"result_format": "SUMMARY", "partial_unexpected_count": 0},
                {"result_format": "COMPLETE"},
            )
        ),
    ],
    ids=repr,
)
def test_every_result_format_has_its_content(
    reference: Reference,
    engine: AnyEngine,
    files: Callable[[str], str],
    result_format: dict[str, Any],
) -> None:
    expected = reference("mixed", FEW, **result_format)
    frame = engine.session.read.parquet(files("mixed"))
    found = [outcome(one) for one in judge(frame, FEW, **result_format)]
    # How a condition is spelt is the engine's own.
    for each in (*expected, *found):
        each.pop("unexpected_index_query", None)
    assert found == expected
