"""The pages of runs in a lake: kept for each run, and made of what the lake remembers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from stedi_glue.backends.journal import RunJournal, document
from stedi_glue.backends.report_pages import EARLIER, LISTED, ReportPages
from stedi_glue.publish.report import RunReport
from stedi_glue.zones import STEDI
from tests.pages import runs


def numbered(number: int) -> RunReport:
    began = runs.BEGAN + number * 1000
    moment = datetime.fromtimestamp(began // 1000, UTC)
    return replace(runs.published(), run_id=f"{moment:%Y%m%dT%H%M%S}-aa", started_at=began)


def pages(lake: Path) -> ReportPages:
    return ReportPages(str(lake), STEDI, RunJournal(str(lake)))


def remembered(lake: Path, numbers: Iterable[int]) -> None:
    """Keep runs in the journal as if no page had ever been written."""
    for number in numbers:
        RunJournal(str(lake)).record(numbered(number))


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
        "runs.html",
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


def test_all_runs_are_listed_and_pages_of_older_ones_are_written_once(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    remembered(tmp_path, range(3 * LISTED - 2))
    (tmp_path / "runs" / "notes.json").write_text("not a run")
    pages(tmp_path).record(numbered(3 * LISTED - 2))
    # So many are on one page, and the first ones on another.
    assert {file.name for file in docs.glob("runs*.html")} == {"runs.html", "runs-1.html"}
    assert len(links(docs / "runs.html")) == 2 * LISTED - 1
    first = (docs / "runs-1.html").stat().st_mtime_ns
    pages(tmp_path).record(numbered(3 * LISTED - 1))
    assert {file.name for file in docs.glob("runs-*.html")} == {"runs-1.html", "runs-2.html"}
    assert (docs / "runs-1.html").stat().st_mtime_ns == first
    listed = [one for name in ("runs", "runs-2", "runs-1") for one in links(docs / f"{name}.html")]
    assert listed == [numbered(number).run_id for number in reversed(range(3 * LISTED))]
    for name, older in (("runs", {"runs-1", "runs-2"}), ("runs-2", {"runs-1"}), ("runs-1", set())):
        text = (docs / f"{name}.html").read_text("utf-8")
        found = {part.partition(".html")[0] for part in text.split('href="')[1:]}
        assert {one for one in found if one.startswith("runs-")} == older
        assert len(text) < 2_000_000


def test_pages_of_older_runs_that_were_lost_are_written_again(tmp_path: Path) -> None:
    remembered(tmp_path, range(4 * LISTED))
    pages(tmp_path).record(numbered(4 * LISTED))
    docs = tmp_path / "docs"
    lost = docs / "runs-3.html"
    before = lost.read_text("utf-8")
    lost.unlink()
    pages(tmp_path).record(numbered(4 * LISTED + 1))
    assert lost.read_text("utf-8") == before


def test_what_is_remembered_names_the_suite_of_each_table() -> None:
    run = runs.held()
    suites = {one["table"]: one["suite"] for one in document(run)["tables"]}
    assert suites == {table.table: table.table for table in run.tables}
