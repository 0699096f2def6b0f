"""Profiles and suggested rules, as a steward asks for them."""

from __future__ import annotations

import json
import math
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from rich.console import Console

from stedi_glue.backends.expectations import ExpectationsAuditor
from stedi_glue.backends.suites import RulesFolder
from stedi_glue.entry.study import show_profile
from stedi_glue.lakehouse import Lakehouse
from stedi_glue.model.table import Column, Table, Zone
from stedi_glue.profiling.profile import ColumnProfile, Profile
from stedi_glue.zones import STEDI
from tests.browsing import PHONE, browsing, opened
from tests.entry.conftest import Stedi, listing

BETWEEN = "expect_column_values_to_be_between"
FORM = "expect_column_values_to_match_regex"
UNIQUE = "expect_column_values_to_be_unique"
IN_SET = "expect_column_values_to_be_in_set"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture
def bare_rules(tmp_path: Path) -> Path:
    """A folder with a rule for each table that says nearly nothing."""
    folder = tmp_path / "rules"
    folder.mkdir()
    rule = {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}}
    for table in (*STEDI.tables, *STEDI.pseudonymous().tables):
        text = json.dumps({"name": table.suite, "expectations": [rule]}, indent=2) + "\n"
        (folder / f"{table.suite}.json").write_text(text, encoding="utf-8")
    return folder


def test_a_profile_is_printed_and_kept_as_a_page(
    browser: Browser, stedi: Stedi, demo_lake: Path
) -> None:
    said = stedi("profile", "machine_learning_curated", "--lake", demo_lake)
    assert said.code == 0
    lines = {line.split()[0]: line for line in said.out.splitlines() if line.strip()}
    assert "█" in lines["distanceFromObject"]
    assert "true " in lines["sameCustomer"]
    page = Path(said.out.splitlines()[-1])
    assert page == demo_lake / "docs" / "profile-machine_learning_curated.html"
    with opened(browser, page, dark=True, size=PHONE) as one:
        one.check()
        assert one.page.locator("svg.histogram").count() == 5
        assert one.page.locator(".card").count() == 8


def test_nobody_is_shown_in_a_profile(stedi: Stedi, demo_lake: Path) -> None:
    said = stedi("profile", "customer_trusted", "--lake", demo_lake)
    page = Path(said.out.splitlines()[-1]).read_text("utf-8")
    with Lakehouse.open(demo_lake) as lake:
        people = lake.table("customer_trusted").collect()
    for row in people:
        for name in STEDI.table("customer_trusted").personal_columns:
            assert str(row[name]) not in said.out
            assert str(row[name]) not in page


def test_suggestions_are_a_diff_and_nothing_more(
    stedi: Stedi, demo_lake: Path, bare_rules: Path
) -> None:
    before = listing(bare_rules)
    said = stedi("rules", "suggest", "customer_trusted", "--lake", demo_lake, "--rules", bare_rules)
    assert said.code == 0
    assert listing(bare_rules) == before
    assert "all met by its rows" in said.err
    subprocess.run(
        ["git", "apply", "--unsafe-paths", f"--directory={bare_rules.parent}"],
        input=said.out,
        text=True,
        check=True,
        cwd="/",
    )
    table = STEDI.table("customer_trusted")
    folder = RulesFolder(bare_rules)
    folder.check([table])
    found = defaultdict(set)
    for rule in folder.suite(table).rules:
        found[rule.type].update(rule.columns)
    assert found[FORM] >= {"email", "serialNumber", "birthDay", "phone"}
    assert found[UNIQUE] >= {"email", "serialNumber"}
    assert found[BETWEEN] >= {"registrationDate", "shareWithResearchAsOfDate"}
    # Once they are there, they are not proposed again.
    again = stedi(
        "rules", "suggest", "customer_trusted", "--lake", demo_lake, "--rules", bare_rules
    )
    assert again.out == ""


@pytest.mark.parametrize(
    ("least", "most", "said"),
    [(-math.inf, math.inf, ["-inf", "inf"]), (-1200.0, 1e300, ["-1,200", "1e+300"])],
)
def test_a_range_is_printed_whatever_it_is(least: float, most: float, said: list[str]) -> None:
    size = Column("size", "double", "How big.")
    table = Table("things", Zone.TRUSTED, "things/trusted", "A thing.", (size,))
    one = ColumnProfile(size, 9, 0, 9, least=least, most=most, quarters=(least, 1.5, most))
    out = Console(file=StringIO(), width=120)
    show_profile(out, Profile(table, 9, (one,)), "page.html")
    assert isinstance(out.file, StringIO)
    (line,) = (line for line in out.file.getvalue().splitlines() if line.startswith("size"))
    assert line.split()[-3:] == [said[0], "1.5", said[1]]


def test_an_unknown_table_is_a_usage_error(stedi: Stedi, demo_lake: Path) -> None:
    for command in (["profile"], ["rules", "suggest"]):
        said = stedi(*command, "customer_trustd", "--lake", demo_lake)
        assert said.code == 2
        assert "did you mean 'customer_trusted'?" in said.err


@pytest.mark.slow
def test_the_starter_data_suggests_what_a_steward_would(
    starter: Path, tmp_path: Path, bare_rules: Path
) -> None:
    expected = {
        "customer_landing": {FORM: {"email", "serialNumber", "birthDay", "phone"}},
        "step_trainer_landing": {BETWEEN: {"sensorReadingTime", "distanceFromObject"}},
        "accelerometer_trusted": {FORM: {"user"}, BETWEEN: {"timestamp", "x", "y", "z"}},
        "customers_curated": {UNIQUE: {"email", "serialNumber"}},
        "machine_learning_curated": {IN_SET: {"sameCustomer"}, BETWEEN: {"distanceFromObject"}},
    }
    with Lakehouse.open(tmp_path / "lake", landing=starter, rules=bare_rules) as lake:
        lake.run().raise_for_status()
        for name, wanted in expected.items():
            proposal = lake.proposal(name)
            found = defaultdict(set)
            for rule in proposal.rules:
                kwargs = rule["kwargs"]
                found[rule["type"]].update([kwargs.get("column"), *kwargs.get("column_list", ())])
            for kind, columns in wanted.items():
                assert found[kind] >= columns, (name, kind)
            # Judged anew, from the file they would be in.
            table = lake.contract(name)
            file = bare_rules / f"{table.suite}.json"
            file.write_text(proposal.after, encoding="utf-8")
            verdict = ExpectationsAuditor(bare_rules).audit(
                table, lake.table(name), {}, now=1_764_061_726_000
            )
            assert [one.note for one in verdict.results if not one.passed] == []
