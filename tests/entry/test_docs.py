"""From a run to the rule it failed and on to Great Expectations' page, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browsing import PHONE, browsing, opened
from tests.entry.conftest import Stedi

FAR = {
    "type": "expect_column_values_to_be_between",
    "kwargs": {"column": "distanceFromObject", "max_value": 150},
    "severity": "critical",
    "notes": "Nothing is farther away than 150 cm.",
}
NAMES = {
    "type": "expect_column_value_lengths_to_be_between",
    "kwargs": {"column": "customerName", "max_value": 2},
    "severity": "warning",
    "notes": "Names are short.",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


def test_a_held_run_is_followed_from_its_report_to_the_data_docs(
    browser: Browser, stedi: Stedi, demo_lake: Path, own_rules: Path
) -> None:
    for table, rule in (("step_trainer_trusted", FAR), ("customer_trusted", NAMES)):
        file = own_rules / f"{table}.json"
        suite = json.loads(file.read_text("utf-8"))
        suite["expectations"].append(rule)
        file.write_text(json.dumps(suite), encoding="utf-8")
    assert stedi("run", "--lake", demo_lake, "--rules", own_rules).code == 3
    report = Path(stedi("docs", "--lake", demo_lake).out.strip())
    with opened(browser, report) as one:
        page = one.page
        one.check()
        expect(page.get_by_role("heading", level=1)).to_have_text("Held: step_trainer_trusted")
        far = page.locator("#rules .held .rows td").all_text_contents()
        assert far
        assert all(int(value) > 150 for value in far)
        # Nobody's name is told.
        page.get_by_text("Names are short").click()
        names = page.locator("#rules .warned .rows td").all_text_contents()
        assert names
        assert all(len(name) == 2 and name.endswith("…") for name in names)

        page.get_by_role("link", name="Data Docs of step_trainer_trusted").click()
        one.check()
        expect(page.locator("main")).to_contain_text("Nothing is farther away than 150 cm.")
        met = page.get_by_text("Every reading has a distance")
        expect(met.first).to_be_visible()
        page.get_by_label("Show only what failed").check()
        expect(met.first).to_be_hidden()
        expect(page.get_by_text("Nothing is farther away than 150 cm.")).to_be_visible()

        page.get_by_role("link", name="Data Docs", exact=False).first.click()
        one.check()
        listed = page.locator("section").first.locator("tbody tr")
        # This run's results, and those of the run that built the lake.
        assert listed.count() >= 15
        page.get_by_role("link", name="customer_trusted").last.click()
        one.check()
        expect(page.locator("main")).to_contain_text("Every customer agreed to share data")
        page.get_by_role("link", name="Run report").click()
        page.locator("#runs tbody a").last.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Published")


def test_data_docs_are_readable_on_a_phone(browser: Browser, demo_lake: Path) -> None:
    folder = demo_lake / "docs" / "data_docs"
    result = next(folder.glob("validations/machine_learning_curated/*/*/*.html"))
    for file in (folder / "index.html", result):
        with opened(browser, file, dark=True, size=PHONE) as one:
            one.check()
