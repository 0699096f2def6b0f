"""Rules that remember what they told are, to Great Expectations, the rules they were."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
from great_expectations.core import ExpectationSuite
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.registry import (
    get_expectation_impl,
    get_renderer_impl,
    list_registered_expectation_implementations,
)

from stedi_glue.backends.engines import SailEngine
from stedi_glue.backends.settled import SettledSuite
from tests.backends import expectation_cases
from tests.backends.judging import judge

NOT_NULL = "expect_column_values_to_not_be_null"
RULE = {
    "type": NOT_NULL,
    "kwargs": {"column": "word", "mostly": 0.5, "row_condition": "n > 1"},
    "meta": {"about": ["words"]},
    "notes": "why",
    "severity": "warning",
    "description": "Words are there",
}


@pytest.fixture
def settled() -> ExpectationConfiguration:
    suite = ExpectationSuite("words", [ExpectationConfiguration(**RULE).to_domain_obj()])
    (rule,) = SettledSuite(suite).expectation_configurations
    return rule


def test_a_rule_makes_its_expectation_once(settled: ExpectationConfiguration) -> None:
    made = settled.to_domain_obj()
    assert settled.to_domain_obj() is made
    assert made.configuration.to_domain_obj() is made
    assert made.configuration is made.configuration


def test_a_rule_says_what_it_said(settled: ExpectationConfiguration) -> None:
    before = ExpectationConfiguration(**RULE).to_domain_obj()
    for rule in (settled, settled.to_domain_obj().configuration):
        assert rule.to_json_dict() == before.configuration.to_json_dict()
        assert rule.get_domain_type() == before.configuration.get_domain_type()


def test_a_changed_copy_does_not_remember_what_it_was(settled: ExpectationConfiguration) -> None:
    made = settled.to_domain_obj()
    other = deepcopy(settled)
    other.kwargs["mostly"] = 0.9
    assert other.to_domain_obj().configuration.kwargs["mostly"] == 0.9
    assert made.configuration.kwargs["mostly"] == 0.5
    assert settled.kwargs["mostly"] == 0.5


def test_questions_are_told_apart(settled: ExpectationConfiguration) -> None:
    made = settled.to_domain_obj()
    few, many = (
        made.get_validation_dependencies(
            runtime_configuration={"result_format": {"result_format": kind}}
        )
        for kind in ("BOOLEAN_ONLY", "SUMMARY")
    )
    assert set(few.metric_configurations) < set(many.metric_configurations)


def test_the_library_goes_on_with_its_own_kinds(sail: SailEngine, tmp_path: Path) -> None:
    known = list_registered_expectation_implementations()
    own = get_expectation_impl(NOT_NULL)
    shown = get_renderer_impl(NOT_NULL, "renderer.prescriptive")
    # Whatever was judged before in this process.
    assert own.__module__.startswith("great_expectations.")
    frame = sail.session.read.parquet(expectation_cases.stored("mixed", tmp_path))
    (result,) = judge(frame, [RULE])
    assert list_registered_expectation_implementations() == known
    assert get_expectation_impl(NOT_NULL) is own
    assert get_renderer_impl(NOT_NULL, "renderer.prescriptive") == shown
    written = result.to_json_dict()["expectation_config"]
    assert written["kwargs"].pop("batch_id")
    assert written.pop("id")
    assert written == ExpectationConfiguration(**RULE).to_domain_obj().configuration.to_json_dict()
