"""Which metrics are answered together, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.expectations.registry import get_metric_provider

from stedi_glue.backends.fused.distinct import QUESTIONS

if TYPE_CHECKING:
    from great_expectations.execution_engine.execution_engine import ExecutionEngine
    from great_expectations.validator.metric_configuration import (
        MetricConfiguration,
        MetricConfigurationID,
    )
    from pyspark.sql import Column

ROW_COUNT = "table.row_count"
QUERY_COUNT = "unexpected_rows_query.row_count"
QUERY_ROWS = "unexpected_rows_query.table"
_UNIQUE = ("column_values.unique", "compound_columns.unique")
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
    """A metric to resolve, and what has been resolved for it, by name."""

    configuration: MetricConfiguration
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
        return self.name.rpartition(".")[0] in _UNIQUE and self.what != "filtered_row_count"

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
        if self.name == QUERY_ROWS:
            return self.id._replace(metric_name=QUERY_COUNT)
        condition: MetricConfigurationID
        condition = self.configuration.metric_dependencies["unexpected_condition"].id
        name = condition.metric_name.rpartition(".")[0]
        return condition._replace(metric_name=f"{name}.unexpected_count")


def stage(configuration: MetricConfiguration, engine: ExecutionEngine[Any]) -> Stage:
    """Tell when a metric's turn comes."""
    name = configuration.metric_name
    function = get_metric_provider(name, engine)[1]
    if function is None:
        return Stage.COUNTS
    if not _well_known(function):
        return Stage.OWN
    if name == QUERY_COUNT or name in QUESTIONS:
        return Stage.COUNTS
    if name == QUERY_ROWS or unshown(configuration):
        return Stage.SAMPLES
    condition, _, what = name.rpartition(".")
    if what not in _STAGES or "unexpected_condition" not in configuration.metric_dependencies:
        return Stage.OWN
    if condition in _UNIQUE:
        return Stage.OWN if what == "unexpected_rows" else _STAGES[what]
    made = get_metric_provider(f"{condition}.condition", engine)[1]
    return Stage.OWN if getattr(made, "metric_fn_type", None) is _WINDOW else _STAGES[what]


def unshown(configuration: MetricConfiguration) -> bool:
    """Tell whether it is the text of a query for failed rows, with no place in the result.

    That text takes Spark longer to write than other metrics take to compute.
    """
    if not configuration.metric_name.endswith(".unexpected_index_query"):
        return False
    asked = configuration.metric_value_kwargs["result_format"]
    return asked["result_format"] != "COMPLETE" and not asked.get("return_unexpected_index_query")


def needs_no_values(configuration: MetricConfiguration, engine: ExecutionEngine[Any]) -> bool:
    """Tell whether it is a part of a query to come, which ignores the values it depends on.

    A part that someone else defined may look at them.
    """
    function = get_metric_provider(configuration.metric_name, engine)[1]
    kind = getattr(function, "metric_fn_type", None)
    return isinstance(kind, MetricPartialFunctionTypes) and _well_known(function)


def _well_known(function: Callable[..., Any]) -> bool:
    return function.__module__.startswith("great_expectations.")
