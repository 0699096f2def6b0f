"""The pages of runs in a lake: kept for each run, and made of what the lake remembers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from stedi_glue.backends.journal import RunJournal
from stedi_glue.backends.report_pages import EARLIER, ReportPages
from stedi_glue.publish.report import RunReport
from stedi_glue.zones import STEDI
from tests.pages import runs


def numbered(number: int) -> RunReport:
    run = runs.published()
    return replace(run, run_id=f"20251125T{number:06}-aa", started_at=runs.BEGAN + number * 1000)


def pages(lake: Path) -> ReportPages:
    return ReportPages(str(lake), STEDI, RunJournal(str(lake)))


def links(page: Path) -> list[str]:
    """The runs that a page links to, in its order."""
    parts = page.read_text("utf-8").split('href="run-')[1:]
    return [part.partition(".html")[0] for part in parts]


def test_each_run_keeps_its_page_and_the_newest_is_the_index(tmp_path: Path) -> None:
    made = [numbered(number) for number in range(3)]
    for run in made:
        pages(tmp_path).record(run)
    docs = tmp_path / "docs"
    assert {file.name for file in docs.glob("*.html")} == {
        "index.html",
        *(f"run-{run.run_id}.html" for run in made),
    }
    newest = docs / f"run-{made[2].run_id}.html"
    assert (docs / "index.html").read_bytes() == newest.read_bytes()
    assert links(docs / "index.html") == [made[1].run_id, made[0].run_id]
    assert links(docs / f"run-{made[0].run_id}.html") == []


def test_what_is_remembered_beside_the_pages_may_be_lost_or_damaged(tmp_path: Path) -> None:
    for number in range(3):
        pages(tmp_path).record(numbered(number))
    recent = tmp_path / "docs" / "recent.json"
    for damage in (recent.unlink, lambda: recent.write_text('{"2025')):
        damage()
        pages(tmp_path).record(numbered(10))
        shown = links(tmp_path / "docs" / "index.html")
        assert shown[-3:] == [numbered(number).run_id for number in (2, 1, 0)]


def test_a_run_of_another_machine_that_was_not_written_there_is_shown(tmp_path: Path) -> None:
    pages(tmp_path).record(numbered(1))
    # It read `recent.json` at the same time, and wrote it last or never.
    RunJournal(str(tmp_path)).record(numbered(2))
    pages(tmp_path).record(numbered(3))
    shown = links(tmp_path / "docs" / "index.html")
    assert shown == [numbered(2).run_id, numbered(1).run_id]


def test_a_page_reads_the_journal_of_no_run_twice(tmp_path: Path) -> None:
    for number in range(3):
        pages(tmp_path).record(numbered(number))
    # Nobody would miss them: they are remembered beside the pages.
    for file in (tmp_path / "runs").iterdir():
        file.write_text("damaged")
    pages(tmp_path).record(numbered(3))
    assert len(links(tmp_path / "docs" / "index.html")) == 3


def test_no_more_runs_are_remembered_than_a_page_lists(tmp_path: Path) -> None:
    first = numbered(0)
    pages(tmp_path).record(first)
    recent = tmp_path / "docs" / "recent.json"
    known = json.loads(recent.read_text("utf-8"))[first.run_id]
    many = {numbered(number).run_id: known for number in range(EARLIER + 50, 0, -1)}
    recent.write_text(json.dumps(many))
    for run_id in many:
        (tmp_path / "runs" / f"{run_id}.json").write_text("read from beside the pages")
    pages(tmp_path).record(numbered(EARLIER + 60))
    page = tmp_path / "docs" / "index.html"
    assert len(links(page)) == EARLIER
    assert page.stat().st_size < 2_000_000
    assert len(json.loads(recent.read_text("utf-8"))) == EARLIER
