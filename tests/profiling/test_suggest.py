"""What a profile suggests, and how a rules file takes it."""

from __future__ import annotations

import json
import math
from importlib import resources

import pytest

from stedi_glue.model.table import Column, Table, Zone
from stedi_glue.profiling.profile import ColumnProfile, Profile
from stedi_glue.profiling.suggest import Rule, empty, extended, missing, suggest

KIND = Column("kind", "string", "Which.")
SIZE = Column("size", "int", "How big.")
TABLE = Table("things", Zone.TRUSTED, "things/trusted", "A thing.", (KIND, SIZE))


def profile(kind: ColumnProfile | None = None, size: ColumnProfile | None = None) -> Profile:
    kinds = kind or ColumnProfile(KIND, 100, 0, 2, top={"a": 60, "b": 40})
    sizes = size or ColumnProfile(SIZE, 100, 0, 90, least=3, most=187, quarters=(9, 50, 90))
    return Profile(TABLE, 100, (kinds, sizes), (("kind", "size"),))


def kwargs(rules: tuple[Rule, ...], kind: str) -> list[dict[str, object]]:
    return [dict(rule["kwargs"]) for rule in rules if rule["type"] == kind]


def test_sets_ranges_and_keys_are_suggested() -> None:
    rules = suggest(profile(), 0)
    in_set = kwargs(rules, "expect_column_values_to_be_in_set")
    assert in_set == [{"column": "kind", "value_set": ["a", "b"]}]
    (between,) = kwargs(rules, "expect_column_values_to_be_between")
    # Round numbers with some room, and not below zero.
    assert between == {"column": "size", "min_value": 0, "max_value": 210}
    (key,) = kwargs(rules, "expect_compound_columns_to_be_unique")
    assert key == {"column_list": ["kind", "size"]}
    learned = {rule["severity"] for rule in rules if "not_be_null" in rule["type"]}
    assert learned == {"warning"}


def test_few_values_in_few_rows_are_no_set() -> None:
    few = ColumnProfile(KIND, 30, 0, 10, shortest=1, longest=3, top={str(n): 3 for n in range(10)})
    assert kwargs(suggest(profile(kind=few), 0), "expect_column_values_to_be_in_set") == []


def test_anomaly_rules_wait_for_history() -> None:
    def learned(publications: int) -> list[Rule]:
        found = suggest(profile(), publications)
        return [rule for rule in found if "usual_rows" in json.dumps(rule)]

    assert learned(2) == []
    (volume,) = learned(3)
    assert volume["severity"] == "warning"


def test_lists_of_text_have_a_type() -> None:
    words = Column("words", "array<string>", "Several.")
    found = suggest(profile(kind=ColumnProfile(words, 100, 0, 2, top={"[a]": 60, "[b]": 40})), 0)
    typed = kwargs(found, "expect_column_values_to_be_of_type")
    assert typed[0] == {"column": "words", "type_": "ArrayType"}


@pytest.mark.parametrize("most", [math.inf, 1.7e308])
def test_what_cannot_be_widened_suggests_no_range(most: float) -> None:
    weight = Column("weight", "double", "In kg.")
    heavy = ColumnProfile(weight, 100, 0, 90, least=0.0, most=most, quarters=(9, 50, 90))
    assert kwargs(suggest(profile(size=heavy), 0), "expect_column_values_to_be_between") == []


def test_what_a_file_has_is_not_proposed_again_whatever_its_limits() -> None:
    rules = suggest(profile(), 3)
    own = {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "size", "min_value": 1, "max_value": 5000},
    }
    left = missing(rules, [own])
    assert kwargs(left, own["type"]) == []  # type: ignore[arg-type]
    assert len(left) == len(rules) - 1
    # An argument may be an object and ask for no parameter.
    of_some = {"type": "expect_column_to_exist", "kwargs": {"column": "size", "where": {"x": 1}}}
    assert len(missing(rules, [own, of_some])) == len(left)
    half = {**own, "kwargs": {"column": "size", "max_value": 5000}}
    assert kwargs(missing(rules, [half]), own["type"])  # type: ignore[arg-type]
    # A fixed least number of rows is no band.
    fixed = {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}}
    assert len(kwargs(missing(rules, [fixed]), fixed["type"])) == 1  # type: ignore[arg-type]


def test_a_file_keeps_what_it_has_to_the_letter() -> None:
    rules = suggest(profile(), 3)
    for file in resources.files("stedi_glue.rules").iterdir():
        if file.name.endswith(".json"):
            text = file.read_text("utf-8")
            longer = extended(text, rules)
            assert longer.startswith(text[: text.rindex("\n    }")])
            before, after = json.loads(text), json.loads(longer)
            assert after["expectations"] == [
                *before["expectations"],
                *json.loads(json.dumps(rules)),
            ]
            assert extended(text, ()) == text
    for form in (
        json.dumps({"name": "things", "expectations": [{"type": "a"}], "meta": {"x": []}}),
        json.dumps({"expectations": [{"type": "]}"}], "id": "1", "notes": "a]"}, indent=2) + "\n",
        json.dumps({"meta": {"expectations": []}, "expectations": [], "name": "things"}, indent=4),
    ):
        before, after = json.loads(form), json.loads(extended(form, rules))
        added = json.loads(json.dumps(rules))
        assert after == {**before, "expectations": [*before["expectations"], *added]}
        assert extended(form, rules).endswith(form[form.rindex("]") :])
    fresh = json.loads(extended(empty("things"), rules))
    assert fresh == {"name": "things", "expectations": json.loads(json.dumps(rules))}
