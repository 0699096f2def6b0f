"""A column's distinct values beside the set that was expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from great_expectations.constants import MAX_DISTINCT_VALUES
from pyspark.sql import functions as F

from stedi_glue.backends.fused.one_query import Question

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stedi_glue.backends.fused.metrics import Metric


def _unexpected_count(rows: DataFrame, metric: Metric) -> Question:
    values = _distinct(rows, metric, expected=False)
    return Question(
        values.agg(F.count(F.lit(1))), lambda found: {metric.id: found[0][0]}, kinds=["bigint"]
    )


def _unexpected(rows: DataFrame, metric: Metric) -> Question:
    values = _distinct(rows, metric, expected=False).limit(_limit(metric))
    return Question(values, lambda found: {metric.id: [row[0] for row in found]})


def _missing_count(rows: DataFrame, metric: Metric) -> Question:
    values, expected = _distinct(rows, metric, expected=True), _expected(metric)
    return Question(
        values.agg(F.count(F.lit(1))),
        lambda found: {metric.id: len(expected) - found[0][0]},
        kinds=["bigint"],
    )


def _missing(rows: DataFrame, metric: Metric) -> Question:
    def read(found: list[tuple[Any, ...]]) -> dict[Any, Any]:
        there = {row[0] for row in found}
        missing = [value for value in _expected(metric) if value not in there]
        return {metric.id: missing[: _limit(metric)]}

    return Question(_distinct(rows, metric, expected=True), read)


QUESTIONS: Mapping[str, Callable[[DataFrame, Metric], Question]] = {
    "column.distinct_values.not_in_set.count": _unexpected_count,
    "column.distinct_values.not_in_set": _unexpected,
    "column.distinct_values.missing_from_column.count": _missing_count,
    "column.distinct_values.missing_from_column": _missing,
}


def _distinct(rows: DataFrame, metric: Metric, *, expected: bool) -> DataFrame:
    column = F.col(metric.configuration.metric_domain_kwargs["column"])
    found = column.isin(list(_expected(metric)))
    return (
        rows.select(column).where(column.isNotNull() & (found if expected else ~found)).distinct()
    )


def _expected(metric: Metric) -> list[Any]:
    return list(metric.configuration.metric_value_kwargs.get("value_set") or ())


def _limit(metric: Metric) -> int:
    return int(metric.configuration.metric_value_kwargs.get("limit") or MAX_DISTINCT_VALUES)
