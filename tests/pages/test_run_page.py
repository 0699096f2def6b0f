"""The report of a run, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from stedi_glue.pages.run_page import run_page
from stedi_glue.publish.report import RunReport
from stedi_glue.zones import STEDI
from tests.browsing import DESK, PHONE, opened
from tests.pages import runs

CASES: dict[str, tuple[Callable[[], RunReport], int]] = {
    "held": (runs.held, 20),
    "warned": (runs.warned, 1),
    "first": (runs.published, 0),
    "many": (runs.published, 200),
}


def written(folder: Path, run: RunReport, earlier: int) -> Path:
    file = folder / "index.html"
    file.write_text(run_page(run, runs.earlier(earlier), STEDI), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("case", "dark", "size"),
    [
        ("held", False, DESK),
        ("held", True, PHONE),
        ("warned", True, DESK),
        ("first", False, PHONE),
        ("many", False, DESK),
    ],
)
def test_every_kind_of_run_is_readable_everywhere_and_loads_nothing(
    browser: Browser, tmp_path: Path, case: str, dark: bool, size: tuple[int, int]
) -> None:
    make, earlier = CASES[case]
    file = written(tmp_path, make(), earlier)
    assert file.stat().st_size < 2_000_000
    with opened(browser, file, dark=dark, size=size) as one:
        for details in one.page.locator("details").all():
            details.evaluate("one => one.open = true")
        one.check()
        assert one.requests == [file.as_uri()]
        assert one.page.locator("script").count() == 0


def test_a_held_run_leads_from_the_picture_to_the_rule_and_its_rows(
    browser: Browser, tmp_path: Path
) -> None:
    with opened(browser, written(tmp_path, runs.held(), 20)) as one:
        page = one.page
        expect(page.get_by_role("heading", level=1)).to_have_text("Held: step_trainer_trusted")
        expect(page.locator(".lead")).to_contain_text("Readers keep what they had")
        node = page.get_by_role("link", name=re.compile("^step_trainer_trusted, .* held"))
        node.click()
        expect(page.locator("#step_trainer_trusted")).to_be_in_viewport()
        # Nobody has to open the rule that holds a table.
        rows = page.locator("#rules .held .rows td")
        assert rows.all_text_contents()[::3] == ["4011", "412", "-7"]
        # What tells one row from another is there, too.
        assert rows.all_text_contents()[:3] == ["4011", "2…", "1655564103041"]
        expect(rows.first).to_be_visible()


def test_what_was_left_out_or_mended_is_drawn_by_reason(browser: Browser, tmp_path: Path) -> None:
    run = runs.held()
    with opened(browser, written(tmp_path, run, 20)) as one:
        page = one.page
        drawn = [words.split() for words in page.locator("#left-out li").all_inner_texts()]
        readings = run.table("accelerometer_trusted").reasons
        records = run.table("step_trainer_landing").reasons
        expected = {**records, **readings}
        assert {" ".join(words[:-1]): int(words[-1]) for words in drawn} == expected
        left_out = page.locator("#left-out")
        expect(left_out).to_contain_text("41 raw records")
        expect(left_out).to_contain_text("7 rows")
        expect(left_out).to_contain_text("stedi-glue quarantine accelerometer_trusted")
        left_out.get_by_text("Levels are between").last.click()
        expect(left_out.locator(".rows td").first).to_have_text("1e300")
        mended = page.locator("#mended li").all_inner_texts()
        assert [text.split()[-1] for text in mended] == ["9,570", "412"]
        kept = page.locator("#accelerometer_trusted").get_by_role("link", name="that stayed")
        assert (kept.get_attribute("href") or "").endswith("/accelerometer_trusted_kept.html")


def test_warnings_come_with_their_rows_when_asked(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, written(tmp_path, runs.warned(), 1)) as one:
        page = one.page
        expect(page.get_by_role("heading", level=1)).to_have_text("Published with 1 warning")
        row = page.locator("#rules .warned .rows td").first
        expect(row).to_be_hidden()
        page.get_by_text("Phone and step trainer of a pair").click()
        expect(row).to_be_visible()


def test_a_picture_shows_each_table_with_rows_outcome_and_change(
    browser: Browser, tmp_path: Path
) -> None:
    for size, kind in ((DESK, "map"), (PHONE, "rail")):
        with opened(browser, written(tmp_path, runs.published(), 3), size=size) as one:
            picture = one.page.locator(f"svg.{kind}")
            expect(picture).to_be_visible()
            links = {
                link.get_attribute("href"): link.get_attribute("aria-label") or ""
                for link in picture.locator("a").all()
            }
            assert set(links) == {f"#{table.name}" for table in STEDI.tables}
            said = links["#accelerometer_trusted"]
            assert "40,981 rows" in said
            assert "published" in said
            assert re.search(r", [+\N{MINUS SIGN}]\d+,", said)
            assert "made from accelerometer_landing, customer_trusted" in said


def test_a_first_run_says_so(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, written(tmp_path, runs.published(), 0)) as one:
        expect(one.page.locator("#runs")).to_contain_text("first run")
        expect(one.page.locator("#rules")).to_contain_text("Every critical and every warning rule")


def test_paper_shows_what_is_folded_on_a_screen(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, written(tmp_path, runs.warned(), 1)) as one:
        one.page.emulate_media(media="print")
        shown = one.page.locator("#rules .warned .rows td").first
        height = shown.evaluate("one => one.getBoundingClientRect().height")
        assert height > 0
        assert one.page.pdf().startswith(b"%PDF")


def test_a_run_of_one_table_shows_where_the_others_stand(browser: Browser, tmp_path: Path) -> None:
    run = runs.published()
    few = tuple(t for t in run.tables if t.table in ("customer_landing", "customer_trusted"))
    part = RunReport(run.run_id, run.engine, few, run.started_at)
    with opened(browser, written(tmp_path, part, 3)) as one:
        other = one.page.locator("#machine_learning_curated")
        expect(other).to_contain_text("not in this run")
        assert one.page.locator("svg.map a").count() == len(STEDI.tables)


def test_what_the_data_says_is_text_and_never_markup(browser: Browser, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)></td><script>document.title='taken'</script>"
    rule = replace(runs.TOO_FAR, note=hostile, observed=hostile, samples=({hostile: hostile},))
    run = runs.published(customer_trusted=(rule,))
    with opened(browser, written(tmp_path, run, 1)) as one:
        one.check()
        assert one.page.title().startswith("Published")
        assert one.page.locator("img, script").count() == 0
        assert one.page.locator("#rules .rows td").text_content() == hostile
