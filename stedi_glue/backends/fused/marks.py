"""Which rules each row broke, by the very conditions that the rows were counted by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.metrics_calculator import MetricsCalculator
from pyspark.sql import functions as F

from stedi_glue.backends.fused.domains import comparable

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation
    from pyspark.sql import Column, DataFrame

    from stedi_glue.backends.fused.domains import DomainEngine

_NO_DETAILS: dict[str, Any] = {"result_format": {"result_format": "BOOLEAN_ONLY"}}


@dataclass(frozen=True)
class Mark:
    """A rule that judges each row by itself.

    name: what rows that broke it are told. separates: whether it sends them to quarantine.
    """

    name: str
    expectation: Expectation
    separates: bool


def marked(engine: DomainEngine, rows: DataFrame, marks: Sequence[Mark], into: str) -> DataFrame:
    """Add a column with the names of the rules that a row broke.

    Null unless one of them separates. engine: has the rows loaded.
    """
    broken = [(mark, _broken(engine, mark.expectation)) for mark in marks]
    names = F.array(*[F.when(condition, F.lit(mark.name)) for mark, condition in broken])
    separated = reduce(or_, [condition for mark, condition in broken if mark.separates])
    # Conditions are put to values as the engine compares them; the row leaves as it came.
    whole = F.struct(*[F.col(f"`{name}`") for name in rows.columns])
    found = rows.select(whole.alias("_row"), *comparable(rows))
    return found.select("_row.*", F.when(separated, F.array_compact(names)).alias(into))


def _broken(engine: DomainEngine, expectation: Any) -> Column:
    """Return the condition of rows that break a rule; null counts as false."""
    metric = expectation.map_metric
    asked = expectation.get_validation_dependencies(
        execution_engine=engine, runtime_configuration=_NO_DETAILS
    ).metric_configurations[f"{metric}.unexpected_count"]
    condition, domain, accessor = MetricsCalculator(engine).get_metric(
        MetricConfiguration(
            f"{metric}.condition", asked.metric_domain_kwargs, asked.metric_value_kwargs
        )
    )
    where = engine.condition({**domain, **accessor})
    broken: Column = condition if where is None else where & condition
    return F.coalesce(broken, F.lit(False))
