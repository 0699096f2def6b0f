"""Suites put to frames by Great Expectations as it comes, and as audits do it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import great_expectations as gx
from great_expectations.core import ExpectationSuite
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

from stedi_glue.backends.settled import SettledSuite
from stedi_glue.backends.validation import FrameDatasource

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from pyspark.sql import DataFrame

Outcome = dict[str, Any]

_ROWS = (
    "partial_unexpected_list",
    "unexpected_list",
    "unexpected_rows",
    "unexpected_index_list",
    "partial_unexpected_index_list",
)


class StockDatasource(FrameDatasource):
    """As Great Expectations comes."""

    type: Literal["stock_frame"] = "stock_frame"
    execution_engine_override = SparkDFExecutionEngine


def judge(
    frame: DataFrame,
    cases: Iterable[Mapping[str, Any]],
    *,
    stock: bool = False,
    **result_format: Any,
) -> list[ExpectationValidationResult]:
    """Put expectations to a frame and return the results in their order."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    sources = context.data_sources
    add = sources.add_stock_frame if stock else sources.add_stedi_frame
    source = add("source", persist=False)
    source.use(frame.sparkSession)
    built = [ExpectationConfiguration(**case).to_domain_obj() for case in cases]
    suite = ExpectationSuite("suite", built)
    for place, expectation in enumerate(suite.expectations):
        expectation.id = str(place)
    whole = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("rows")
    result = whole.get_batch({"dataframe": frame}).validate(
        suite if stock else SettledSuite(suite),
        result_format={"result_format": "SUMMARY"} | result_format,
    )
    found = {int(one.expectation_config.id): one for one in result.results}
    return [found[place] for place in range(len(built))]


def outcome(result: ExpectationValidationResult) -> Outcome:
    """Everything a result says, without what the engine may choose.

    Which failed rows are shown is the engine's choice when there are more than fit, and so
    is their order always.
    """
    raised = exception(result)
    if raised:
        return {"raised": True}
    said = {name: _comparable(value) for name, value in result.result.items()}
    shown = len(said.get("unexpected_list", said.get("partial_unexpected_list", ())))
    chosen = (said.get("unexpected_count") or 0) > shown
    if chosen:
        said.pop("partial_unexpected_counts", None)
    elif said.get("partial_unexpected_counts"):
        said["partial_unexpected_counts"] = sorted(
            repr(each["value"])
            for each in said["partial_unexpected_counts"]
            for _ in range(each["count"])
        )
    for name in _ROWS:
        if said.get(name):
            said[name] = len(said[name]) if chosen else sorted(said[name], key=repr)
    return {"success": result.success} | said


def exception(result: ExpectationValidationResult) -> str:
    """What was raised, by the expectation or by a metric of its; empty when nothing was."""
    info = result.exception_info
    each = [info] if "raised_exception" in info else list(info.values())
    return next((str(one["exception_message"]) for one in each if one["raised_exception"]), "")


def _comparable(value: Any) -> Any:
    if isinstance(value, float):
        # Sums of floats depend on the order of rows, and zeros have signs.
        return "NaN" if math.isnan(value) else float(f"{value:.9g}") + 0.0
    if isinstance(value, Mapping):
        return {name: _comparable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_comparable(each) for each in value]
    return value
