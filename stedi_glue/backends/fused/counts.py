"""What a metric counts or aggregates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from great_expectations.util import convert_to_json_serializable
from pyspark.sql import functions as F

from stedi_glue.backends.fused import distinct
from stedi_glue.backends.fused.duplicates import repeated, suspected
from stedi_glue.backends.fused.metrics import QUERY_COUNT, ROW_COUNT
from stedi_glue.backends.fused.one_query import Answers, Question, Rows

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from stedi_glue.backends.fused.domains import DomainEngine
    from stedi_glue.backends.fused.metrics import Metric

# They leave nulls out, so over some rows they are what they are over all rows with null in
# place of the other rows' values.
_WITHIN: dict[str, Callable[[Column], Column]] = {
    "column.max": F.max,
    "column.mean": F.mean,
    "column.min": F.min,
    "column.non_null_count": F.count,
    "column.standard_deviation": F.stddev_samp,
    "column.sum": F.sum,
    "column_values.length.max": lambda column: F.max(F.length(column)),
    "column_values.length.min": lambda column: F.min(F.length(column)),
}
# With a distinct count beside them, Spark carries all other aggregates along with every value.
_APART = ("column.distinct_values.count",)


def questions(
    engine: DomainEngine, metrics: Sequence[Metric], select: Callable[[Metric], DataFrame]
) -> Iterator[Question]:
    """Ask what each metric counts; of keys, how many may occur more than once.

    select: returns the rows that a metric's own SQL query selects.
    """
    shared: dict[object, list[tuple[Metric, Column]]] = {}
    for metric in metrics:
        if metric.repeats:
            rows = engine.get_domain_records(metric.unexpected[1])
            yield _number(metric, suspected(rows, metric.key[0]))
        elif metric.name in distinct.QUESTIONS:
            rows = engine.get_domain_records(metric.configuration.metric_domain_kwargs)
            yield distinct.QUESTIONS[metric.name](rows, metric)
        elif metric.name == QUERY_COUNT:
            yield _number(metric, select(metric).agg(F.count(F.lit(1))))
        elif (column := _aggregate(engine, metric)) is not None:
            batch = metric.configuration.metric_domain_kwargs.get("batch_id")
            shared.setdefault(batch, []).append((metric, column))
        else:
            column, domain, _ = metric.given["metric_partial_fn"]
            yield _shared([metric], engine.get_domain_records(domain).agg(column))
    for batch, asked in shared.items():
        columns = [column.alias(f"_{place}") for place, (_, column) in enumerate(asked)]
        yield _shared(
            [metric for metric, _ in asked],
            engine.get_domain_records({"batch_id": batch}).agg(*columns),
        )


def exact(engine: DomainEngine, metrics: Sequence[Metric]) -> Iterator[Question]:
    """Ask how many rows share their key with another."""
    for metric in metrics:
        rows = engine.get_domain_records(metric.unexpected[1])
        yield _number(metric, repeated(rows, metric.key[0]))


def _number(metric: Metric, frame: DataFrame) -> Question:
    return Question(frame, lambda rows: {metric.id: rows[0][0]}, kinds=["bigint"])


def _shared(metrics: Sequence[Metric], frame: DataFrame) -> Question:
    def read(rows: Rows) -> Answers:
        return {
            metric.id: convert_to_json_serializable(data=value)
            for metric, value in zip(metrics, rows[0], strict=True)
        }

    # A maximum is of any type, so each has a column to itself.
    return Question(frame, read, kinds=[str(metric.id) for metric in metrics])


def _aggregate(engine: DomainEngine, metric: Metric) -> Column | None:
    """Return the metric as an aggregate of the whole batch; None when it needs its own frame."""
    if "unexpected_condition" in metric.given:
        return _count(engine, metric)
    column, domain, accessor = metric.given["metric_partial_fn"]
    where = engine.condition(domain)
    if metric.name in _APART:
        return None
    if where is None:
        return column  # type: ignore[no-any-return]
    if metric.name == ROW_COUNT:
        return F.count(F.when(where, 1))
    if metric.name in _WITHIN:
        return _WITHIN[metric.name](F.when(where, F.col(accessor["column"])))
    return None


def _count(engine: DomainEngine, metric: Metric) -> Column:
    condition, domain = metric.unexpected
    where = engine.condition(domain)
    if where is None:
        where = F.lit(True)
    if metric.what == "filtered_row_count":
        return F.count(F.when(where, 1))
    if "metric_partial_fn" in metric.given:
        # Great Expectations' own count is null when there is no row to look at.
        return F.sum(F.when(where, F.when(condition, 1).otherwise(0)))
    return F.count(F.when(where, F.when(condition, 1)))
