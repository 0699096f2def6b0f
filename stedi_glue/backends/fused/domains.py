"""Which rows a metric is about."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any

from great_expectations.execution_engine.sparkdf_batch_data import SparkDFBatchData
from great_expectations.execution_engine.sparkdf_execution_engine import SparkDFExecutionEngine
from pyspark.sql import functions as F
from pyspark.sql.utils import is_remote

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructType

# How `ignore_row_if` joins the columns' missing values.
_MISSING = {
    "both_values_are_missing": and_,
    "all_values_are_missing": and_,
    "either_value_is_missing": or_,
    "any_value_is_missing": or_,
}


class DomainEngine(SparkDFExecutionEngine):
    """Tells a domain's rows by a condition, where Great Expectations filters the frame."""

    def load_batch_data(self, batch_id: str, batch_data: Any) -> None:
        """Take the rows that `batch_id` names from now on."""
        frame = batch_data.dataframe if isinstance(batch_data, SparkDFBatchData) else batch_data
        if is_remote():
            frame = frame.select(*comparable(frame))
        super().load_batch_data(batch_id, SparkDFBatchData(self, frame))

    def condition(self, domain: Mapping[str, Any]) -> Column | None:
        """Return what the domain's rows have in common; None when they are the whole batch."""
        parts: list[Column] = []
        if domain.get("row_condition"):
            batch: Any = _Filter(self.get_domain_records({"batch_id": domain.get("batch_id")}))
            kept: Any = self._apply_row_condition_filter(
                batch, domain["row_condition"], dict(domain)
            )
            parts.append(kept)
        if domain.get("filter_conditions"):
            parts.append(
                F.expr(self._combine_row_conditions(domain["filter_conditions"]).condition)
            )
        pair = [domain[name] for name in ("column_A", "column_B") if name in domain]
        missing = [F.col(name).isNull() for name in domain.get("column_list", pair)]
        combine = _MISSING.get(domain.get("ignore_row_if", ""))
        if missing and combine:
            parts.append(~reduce(combine, missing))
        return reduce(and_, parts) if parts else None


class _Filter:
    """Stands in for a frame and gives back the condition it is filtered by."""

    def __init__(self, frame: DataFrame) -> None:
        self._frame = frame

    @property
    def schema(self) -> StructType:
        return self._frame.schema

    def filter(self, condition: Column | str) -> Column:
        return F.expr(condition) if isinstance(condition, str) else condition


def comparable(frame: DataFrame) -> list[Column]:
    """Return a frame's columns with every NaN the same and every zero positive.

    So classic Spark sees them anyway. Sail puts a NaN with a sign, which 0/0 gives on most
    machines, below all numbers, so it would pass for a small one; and it counts NaNs of other
    bits as other values.
    """
    columns = []
    for field in frame.schema:
        column = F.col("`" + field.name.replace("`", "``") + "`")
        if is_remote() and field.dataType.typeName() in ("double", "float"):
            number = F.nanvl(column, F.lit(float("nan"))) + F.lit(0.0)
            column = number.cast(field.dataType).alias(field.name)
        columns.append(column)
    return columns
