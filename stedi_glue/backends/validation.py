"""Great Expectations at work. Importing this imports it, which takes seconds: do it late."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

# Read once, when the library is imported: rules and results stay on this machine.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

from stedi_glue.backends.imports import lazily, standard

with standard("distutils"), lazily("altair", "jsonschema", "scipy.sparse", "scipy.stats"):
    # Each of these is for one kind of rule, and together they take up to half of the time.
    import great_expectations as gx

from great_expectations.core import ExpectationSuite, ExpectationSuiteValidationResult
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.datasource.fluent.spark_datasource import SparkDatasource
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from pyspark.sql import DataFrame, SparkSession

from stedi_glue.backends.fused import FusedExecutionEngine, Mark, marked
from stedi_glue.backends.rules import Rule
from stedi_glue.backends.settled import SettledSuite
from stedi_glue.backends.suites import Suite
from stedi_glue.errors import RulesError
from stedi_glue.model.table import RULES

# As many failed rows as the library's summary shows of other rules.
_SHOWN = 20


class FrameDatasource(SparkDatasource):
    """A data source that works in the session it is given.

    Great Expectations would look for a session by itself: with several engines in one
    process it can find the wrong one, and with none it starts a JVM. Defining the class
    registers it as `context.data_sources.add_stedi_frame`.
    """

    type: Literal["stedi_frame"] = "stedi_frame"  # type: ignore[assignment]
    execution_engine_override = FusedExecutionEngine

    def get_spark(self) -> SparkSession:
        """Return the session it was given."""
        return self._spark  # type: ignore[return-value]

    def use(self, session: SparkSession) -> None:
        """Work in this session from now on."""
        self._spark = session


def validate(
    expectations: ExpectationSuite, rows: DataFrame, values: Mapping[str, int]
) -> ExpectationSuiteValidationResult:
    """Put a suite to the rows; `values` are those of its parameters."""
    batch = _batch(rows, expectations.name)
    result: ExpectationSuiteValidationResult = batch.validate(
        SettledSuite(expectations),
        expectation_parameters=dict(values),
        result_format={"result_format": "SUMMARY"},
    )
    engine = batch.data.execution_engine
    for one in result.results:
        # A summary has counts, and values of the rule's own columns; people want to know the rows.
        if isinstance(engine, FusedExecutionEngine) and not one.success and one.result:
            rule: Any = one.expectation_config
            broken = engine.broken(rule.to_domain_obj())
            if broken:
                one.result["details"] = {"unexpected_rows": broken[:_SHOWN]}
    return result


def mark(rows: DataFrame, rules: Sequence[Rule], values: Mapping[str, int]) -> DataFrame:
    """Add to each row the names of those of the rules that it broke.

    values: those of the rules' parameters.
    The column is null in rows that broke no rule which has a limit.
    """
    batch = _batch(rows, "marked")
    engine = batch.data.execution_engine
    engine.load_batch_data(batch.id, rows)
    marks = [Mark(r.name, _expectation(r.at(values)), r.limit is not None) for r in rules]
    return marked(engine, rows, marks, RULES)


def _batch(rows: DataFrame, name: str) -> Any:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    # Persisting would leave the rows in the cluster's memory after the audit.
    source = context.data_sources.add_stedi_frame("stedi", persist=False)
    source.use(rows.sparkSession)
    asset = source.add_dataframe_asset(name)
    return asset.get_batch(asset.build_batch_request({"dataframe": rows}))


def expectation_suite(suite: Suite) -> ExpectationSuite:
    """Return a rules file as Great Expectations' own suite, each expectation with its rule's id.

    Raises RulesError when a rule is not a valid expectation.
    """
    # Rule by rule: given the whole file, the library logs a rule that is not valid and leaves it
    # out, and the table would pass without it.
    expectations = ExpectationSuite(
        suite.name,
        [_expectation(rule) for rule in suite.rules],
        meta=dict(suite.document.get("meta") or {}),
        notes=suite.document.get("notes"),
    )
    for place, expectation in enumerate(expectations.expectations):
        expectation.id = suite.rule_id(place)
    return expectations


def _expectation(rule: Rule) -> Any:
    # Data Docs show a description in place of the library's own sentence.
    described = {**rule.document, "description": f"{rule.note or rule.label} ({rule.fate})"}
    # Suites that the library saved have ids, which it refuses in rules that are new to it.
    described.pop("id", None)
    try:
        return ExpectationConfiguration(**described).to_domain_obj()
    except Exception as error:
        why = " ".join(str(error).split())
        raise RulesError(f"{rule.where} is not a valid expectation: {why}") from None
