"""Suites that hold more than the fused engine knows, or more than an engine can run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from great_expectations.execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.expectation import (
    ColumnAggregateExpectation,
    ColumnMapExpectation,
)
from great_expectations.expectations.metrics import (
    ColumnAggregateMetricProvider,
    ColumnMapMetricProvider,
    column_aggregate_partial,
    column_condition_partial,
)
from pyspark.sql import functions as F

from stedi_glue.backends.engines import SailEngine, SparkEngine
from tests.backends import expectation_cases
from tests.backends.judging import exception, judge, outcome

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

AnyEngine = SailEngine | SparkEngine
SOUND: list[dict[str, Any]] = [
    {"type": "expect_table_row_count_to_equal", "kwargs": {"value": 21}},
    {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "word"}},
    {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "two words"}},
    {
        "type": "unexpected_rows_expectation",
        "kwargs": {"unexpected_rows_query": "SELECT id FROM {batch} WHERE n > 800"},
    },
]
BROKEN: list[dict[str, Any]] = [
    {
        "type": "unexpected_rows_expectation",
        "kwargs": {"unexpected_rows_query": "SELECT nowhere FROM {batch}"},
    },
    {
        "type": "unexpected_rows_expectation",
        "kwargs": {"unexpected_rows_query": "SELECT raise_error('at last') FROM {batch}"},
    },
    {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "nowhere"}},
    {"type": "expect_column_max_to_be_between", "kwargs": {"column": "nowhere", "max_value": 1}},
    {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "word", "regex": "w[("}},
    {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "word", "max_value": 1}},
]


class ColumnValuesEven(ColumnMapMetricProvider):
    condition_metric_name = "column_values.even"

    @column_condition_partial(engine=SparkDFExecutionEngine)
    def _spark(cls, column: Column, **_: Any) -> Column:  # noqa: N805
        return column % 2 == 0


class ExpectColumnValuesToBeEven(ColumnMapExpectation):
    map_metric = "column_values.even"


class ColumnShare(ColumnAggregateMetricProvider):
    metric_name = "column.share"

    @column_aggregate_partial(engine=SparkDFExecutionEngine)
    def _spark(cls, column: Column, _metrics: dict[str, Any], **_: Any) -> Column:  # noqa: N805
        # It looks at the number of rows before any query of its own.
        return F.count(column) / F.lit(_metrics["table.row_count"])


class ExpectColumnShareToBe(ColumnAggregateExpectation):
    share: float
    metric_dependencies = ("column.share",)
    success_keys: ClassVar[tuple[str, ...]] = ("share",)

    def _validate(self, metrics: dict[str, Any], **_: Any) -> dict[str, Any]:
        found = metrics["column.share"]
        return {"success": found == self.share, "result": {"observed_value": found}}


@pytest.fixture
def rows(engine: AnyEngine, tmp_path: Path) -> DataFrame:
    return engine.session.read.parquet(expectation_cases.stored("mixed", tmp_path))


def test_rules_that_cannot_run_say_so_and_leave_their_neighbours_alone(rows: DataFrame) -> None:
    alone = [outcome(one) for one in judge(rows, SOUND)]
    assert not any("raised" in one for one in alone)
    together = judge(rows, [*BROKEN, *SOUND])
    assert [outcome(one) for one in together[len(BROKEN) :]] == alone
    told = [exception(one) for one in together[: len(BROKEN)]]
    assert all(told)
    assert "nowhere" in told[0]
    assert "at last" in told[1]
    assert "nowhere" in told[2]
    assert "nowhere" in told[3]


def test_expectations_of_ones_own_are_judged_as_before(rows: DataFrame) -> None:
    own = [
        {"type": "expect_column_values_to_be_even", "kwargs": {"column": "id"}},
        {"type": "expect_column_share_to_be", "kwargs": {"column": "id", "share": 1.0}},
    ]
    expected = [outcome(one) for one in judge(rows, own, stock=True)]
    found = [outcome(one) for one in judge(rows, [*own, *SOUND])]
    assert found[: len(own)] == expected
    assert 0 < expected[0]["unexpected_count"] < expected[0]["element_count"]
    assert 0 < expected[1]["observed_value"] < 1


def test_a_row_count_that_cannot_be_read_is_an_error(spark: SparkEngine, tmp_path: Path) -> None:
    file = expectation_cases.stored("passing", tmp_path)
    rows = spark.session.read.parquet(file)
    Path(file).unlink()
    for one in judge(rows, SOUND[:2]):
        assert not one.success
        assert "passing.parquet" in exception(one)


def test_no_view_outlives_a_suite(engine: AnyEngine, rows: DataFrame) -> None:
    before = {table.name for table in engine.session.catalog.listTables()}
    judge(rows, [*SOUND, *BROKEN[:1]])
    after = {table.name for table in engine.session.catalog.listTables()}
    # Great Expectations leaves its own behind when it is asked about the broken query.
    assert after - before <= {"tmp_view"}
