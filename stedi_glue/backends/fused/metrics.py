"""Which metrics are answered together, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.expectations.metrics import (
    ColumnValuesUnique,
    CompoundColumnsUnique,
    MapMetricProvider,
    UnexpectedRowsQueryRowCount,
    UnexpectedRowsQueryTable,
)
from great_expectations.expectations.registry import get_metric_provider

if TYPE_CHECKING:
    from great_expectations.execution_engine import ExecutionEngine
    from great_expectations.validator.metric_configuration import (
        MetricConfiguration,
        MetricConfigurationID,
    )
    from pyspark.sql import Column

# The text of a query, which takes Spark longer to write than the others take to run.
INDEX_QUERY = "unexpected_index_query"
_UNIQUE = (ColumnValuesUnique, CompoundColumnsUnique)
_WINDOW = MetricPartialFunctionTypes.WINDOW_CONDITION_FN


class Stage(IntEnum):
    """When a metric's turn comes.

    OWN: at once, in Great Expectations' own way; it may make others ready.
    COUNTS: when nothing else can be made ready; all in one query.
    SAMPLES: when it is known which counts are not zero; all in one query.
    """

    OWN = 0
    COUNTS = 1
    SAMPLES = 2


# What a metric tells about a condition on rows: the last part of its name.
_STAGES = {
    "unexpected_count": Stage.COUNTS,
    "filtered_row_count": Stage.COUNTS,
    "unexpected_values": Stage.SAMPLES,
    "unexpected_rows": Stage.SAMPLES,
}


@dataclass(frozen=True)
class Metric:
    """A metric to resolve.

    provider: the class that defines it.
    given: what has been resolved for it, by name.
    """

    configuration: MetricConfiguration
    provider: type[Any]
    given: Mapping[str, Any]

    @property
    def id(self) -> MetricConfigurationID:
        """What Great Expectations knows it by."""
        return self.configuration.id

    @property
    def name(self) -> str:
        """Its whole name (`column_values.nonnull.unexpected_count`)."""
        return self.configuration.metric_name

    @property
    def what(self) -> str:
        """The last part of its name (`unexpected_count`)."""
        return self.name.rpartition(".")[2]

    @property
    def repeats(self) -> bool:
        """Whether it counts or shows rows that share their key with others."""
        return self.provider in _UNIQUE and self.what != "filtered_row_count"

    @property
    def unexpected(self) -> tuple[Column, dict[str, Any]]:
        """The condition of rows that should not be there, and the domain to look for them in."""
        condition, domain, accessor = self.given["unexpected_condition"]
        return condition, {**domain, **accessor}

    @property
    def key(self) -> tuple[list[str], Callable[[tuple[Any, ...]], Any]]:
        """The columns it is about, and what makes one value of theirs."""
        domain = self.unexpected[1]
        if "column" in domain:
            return [domain["column"]], lambda values: values[0]
        if "column_list" in domain:
            names = list(domain["column_list"])
            return names, lambda values: dict(zip(names, values, strict=True))
        return [domain["column_A"], domain["column_B"]], tuple

    @property
    def count(self) -> MetricConfigurationID:
        """The id of the metric that counts the rows of which this one shows some."""
        if self.provider is UnexpectedRowsQueryTable:
            return self.id._replace(metric_name=UnexpectedRowsQueryRowCount.metric_name)
        condition = self.configuration.metric_dependencies["unexpected_condition"].id
        name = condition.metric_name.rpartition(".")[0]
        return condition._replace(metric_name=f"{name}.unexpected_count")


def stage(configuration: MetricConfiguration, engine: ExecutionEngine) -> Stage:
    """Tell when a metric's turn comes."""
    name = configuration.metric_name
    provider, function = get_metric_provider(name, engine)
    if provider is UnexpectedRowsQueryTable:
        return Stage.SAMPLES
    if provider is UnexpectedRowsQueryRowCount or function is None:
        return Stage.COUNTS
    condition, _, what = name.rpartition(".")
    if what == INDEX_QUERY:
        return Stage.OWN if _shown(configuration) else Stage.SAMPLES
    if what not in _STAGES or not issubclass(provider, MapMetricProvider):
        return Stage.OWN
    if provider in _UNIQUE:
        return Stage.OWN if what == "unexpected_rows" else _STAGES[what]
    _, made = get_metric_provider(f"{condition}.condition", engine)
    return Stage.OWN if made.metric_fn_type is _WINDOW else _STAGES[what]


def _shown(index_query: MetricConfiguration) -> bool:
    """Tell whether a result has a place for the text of the query that finds its rows."""
    asked = index_query.metric_value_kwargs["result_format"]
    return asked["result_format"] == "COMPLETE" or bool(asked.get("return_unexpected_index_query"))
