"""Which rows failed: a few of them, as Great Expectations shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from great_expectations.constants import MAX_RESULT_RECORDS

from stedi_glue.backends.fused.duplicates import groups
from stedi_glue.backends.fused.metrics import QUERY_ROWS
from stedi_glue.backends.fused.one_query import Question, Rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stedi_glue.backends.fused.domains import DomainEngine
    from stedi_glue.backends.fused.metrics import Metric


def questions(
    engine: DomainEngine, metrics: Sequence[Metric], select: Callable[[Metric], DataFrame]
) -> Iterator[Question]:
    """Ask for rows that should not be there; of keys that repeat, for the keys.

    select: returns the rows that a metric's own SQL query selects.
    """
    for metric in metrics:
        if metric.name == QUERY_ROWS:
            yield _whole(metric, select(metric).limit(MAX_RESULT_RECORDS))
            continue
        rows, limit = engine.get_domain_records(metric.unexpected[1]), _limit(metric)
        if metric.repeats:
            yield _repeats(metric, groups(rows, metric.key[0]).limit(limit))
        else:
            yield _whole(metric, rows.where(metric.unexpected[0]).limit(limit))


def values(metric: Metric, rows: Sequence[Any]) -> list[Any]:
    """Return what a metric shows of the rows that were found for it."""
    if metric.repeats or metric.name == QUERY_ROWS or metric.what == "unexpected_rows":
        return list(rows)
    columns, value = metric.key
    return [value(tuple(row[name] for name in columns)) for row in rows]


def _whole(metric: Metric, rows: DataFrame) -> Question:
    names = rows.columns
    return Question(
        rows, lambda found: {metric.id: [dict(zip(names, row, strict=True)) for row in found]}
    )


def _repeats(metric: Metric, groups: DataFrame) -> Question:
    limit, value = _limit(metric), metric.key[1]

    def read(found: Rows) -> dict[Any, list[Any]]:
        values = [value(tuple(key)) for *key, rows in found for _ in range(min(rows, limit))]
        return {metric.id: values[:limit]}

    return Question(groups, read)


def _limit(metric: Metric) -> int:
    asked = metric.configuration.metric_value_kwargs["result_format"]
    if asked["result_format"] == "COMPLETE":
        return MAX_RESULT_RECORDS
    return min(int(asked["partial_unexpected_count"]), MAX_RESULT_RECORDS)
