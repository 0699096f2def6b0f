"""The list of all runs, in a real browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from stedi_glue.pages.addresses import data_docs_page, run_page, runs_page
from stedi_glue.pages.runs_page import runs_page as page_of
from stedi_glue.zones import STEDI
from tests.browsing import DESK, PHONE, opened
from tests.pages import runs


def written(folder: Path, count: int) -> Path:
    file = folder / runs_page()
    text = page_of(runs.earlier(count), STEDI, {1: runs.BEGAN, 2: runs.BEGAN}, newest=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_as_many_runs_as_a_page_lists_make_no_heavy_page(tmp_path: Path) -> None:
    assert written(tmp_path, 199).stat().st_size < 2_000_000


@pytest.mark.parametrize(("dark", "size"), [(False, DESK), (True, PHONE)])
def test_a_list_of_runs_is_readable_everywhere_and_loads_nothing(
    browser: Browser, tmp_path: Path, dark: bool, size: tuple[int, int]
) -> None:
    file = written(tmp_path, 30)
    with opened(browser, file, dark=dark, size=size) as one:
        one.check()
        assert one.requests == [file.as_uri()]
        assert one.page.locator("tbody tr").count() == 30


def test_each_sign_leads_to_what_was_found_in_a_table(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, written(tmp_path, 6)) as one:
        held = runs.earlier(6)[4]
        row = one.page.locator("tbody tr").nth(4)
        expect(row).to_contain_text("held")
        first = row.get_by_role("link").first
        assert first.get_attribute("href") == run_page(held.run_id)
        name = "step_trainer_trusted"
        sign = row.get_by_role("link", name=f"{name}: held, ")
        suite = held.attempts[name].suite
        assert sign.get_attribute("href") == data_docs_page(
            suite, held.run_id, held.started_at, name
        )
        older = one.page.get_by_role("navigation").last.get_by_role("link")
        assert [link.get_attribute("href") for link in older.all()] == [
            runs_page(2),
            runs_page(1),
        ]


def test_what_was_not_audited_has_nothing_to_lead_to(browser: Browser, tmp_path: Path) -> None:
    (run,) = runs.earlier(1)
    skipped = replace(run.attempts["customers_curated"], status="skipped", rows=None, evaluated=0)
    attempts = {"customers_curated": skipped, "once_a_table": run.attempts["customer_trusted"]}
    file = tmp_path / "runs.html"
    text = page_of([replace(run, attempts=attempts)], STEDI, {}, newest=True)
    file.write_text(text, encoding="utf-8")
    with opened(browser, file) as one:
        row = one.page.locator("tbody tr")
        expect(row.get_by_role("img", name="customers_curated: skipped")).to_be_visible()
        # Its own report, and a table that the pipeline has no longer.
        assert row.get_by_role("link").count() == 2
        expect(row.get_by_role("link", name="once_a_table: published")).to_be_visible()
