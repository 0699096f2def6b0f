"""Rows that break rules are left out, kept and explained; the others are published."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stedi_glue.backends.engines import SailEngine, SparkEngine
from stedi_glue.backends.expectations import ExpectationsAuditor
from stedi_glue.errors import LakeError, UsageError
from tests.publish.test_runner import Lake, at_most, statuses

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LEVEL = "expect_column_values_to_be_between (level): No level is above 50."


def leaves_out(limit: float, highest: int = 50) -> dict[str, Any]:
    """No level is above this; rows that are go to quarantine, up to a share of them."""
    return at_most(highest) | {"meta": {"stedi": {"quarantine": limit}}}


@pytest.fixture
def lake(tmp_path: Path, engine: SailEngine | SparkEngine, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setattr("stedi_glue.lakehouse.opened.open_engine", lambda name, **_: engine)
    return Lake(tmp_path)


@pytest.fixture
def on_sail(tmp_path: Path, sail: SailEngine, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setattr("stedi_glue.lakehouse.opened.open_engine", lambda name, **_: sail)
    return Lake(tmp_path)


def left_out(lake: Lake, name: str = "high") -> list[tuple[int, list[str]]]:
    return sorted((row.level, list(row._rules)) for row in lake.house.quarantine(name).collect())


def test_bad_rows_are_left_out_and_the_rest_is_published(lake: Lake) -> None:
    lake.land(5, 15, 25, 99, 98)
    lake.rule("high", leaves_out(0.5))
    report = lake.house.run()
    assert (report.status, report.exit_code) == ("published", 0)
    assert statuses(report)["higher"] == "published"
    assert lake.levels("high") == [15, 25]
    assert lake.levels("higher") == [25]
    assert left_out(lake) == [(98, [LEVEL]), (99, [LEVEL])]
    high = report.table("high")
    assert (high.rows, high.quarantined) == (2, 2)
    assert high.verdict is not None
    assert high.verdict.passed
    (rule,) = high.verdict.quarantined
    assert rule.observed == "2 of 4 rows (50 %), limit 50 %"
    assert (rule.judged, rule.broke, rule.limit) == (4, 2, 0.5)
    assert high.reasons == {"No level is above 50.": 2}


def test_it_is_counted_wherever_a_run_is_told_of(on_sail: Lake) -> None:
    on_sail.land(5, 15, 25, 99)
    on_sail.rule("high", leaves_out(0.5))
    report = on_sail.house.run()
    content = next(t for t in report.to_json()["tables"] if t["table"] == "high")
    assert (content["rows"], content["quarantined"]) == (2, 1)
    assert content["expectations"]["quarantine"] == 1
    (snapshot,) = on_sail.house.history("high")
    assert (snapshot.rows, snapshot.quarantined) == (2, 1)
    (attempt,) = on_sail.house.attempts("high")
    assert (attempt.rows, attempt.quarantined) == (2, 1)
    assert [rule.note for rule in attempt.unmet] == ["No level is above 50."]
    state = {state.table.name: state for state in on_sail.house.tables()}["high"]
    assert (state.rows, state.quarantined) == (2, 1)
    rows = on_sail.house.query("SELECT level, explode(_rules) AS rule FROM high_quarantine")
    assert [tuple(row) for row in rows.collect()] == [(99, LEVEL)]
    found = (on_sail.root / "lake" / "audits" / "validations").rglob("high*.json")
    verdicts = {file.stem: json.loads(file.read_text())["success"] for file in found}
    assert verdicts == {"high": False, "high_kept": True, "higher": True}


@pytest.mark.parametrize(("bad", "status"), [(1, "published"), (2, "published"), (3, "held")])
def test_beyond_its_limit_a_rule_holds_the_table(on_sail: Lake, bad: int, status: str) -> None:
    on_sail.land(15)
    on_sail.house.run("high")
    on_sail.land(*[20] * (20 - bad), *[99] * bad)
    on_sail.rule("high", leaves_out(0.1))
    report = on_sail.house.run("high")
    high = report.table("high")
    assert high.status == status
    if status == "held":
        assert (high.rows, high.quarantined) == (20, 0)
        assert high.reason == "No level is above 50. (3 of 20 rows (15 %), limit 10 %)"
        assert on_sail.levels("high") == [15]
        assert left_out(on_sail) == []
    else:
        assert (high.rows, high.quarantined) == (20 - bad, bad)
        assert len(left_out(on_sail)) == bad


def test_each_row_is_told_every_rule_it_broke(lake: Lake) -> None:
    odd = {
        "type": "expect_column_values_to_not_be_in_set",
        "kwargs": {"column": "level", "value_set": [99]},
        "severity": "warning",
        "notes": "No level is 99.",
    }
    lake.rule("high", leaves_out(0.9), leaves_out(0.9, 97), odd, at_most(1000))
    lake.land(15, 60, 98, 99)
    lake.house.run("high").raise_for_status()
    higher = "expect_column_values_to_be_between (level): No level is above 97."
    ninety = "expect_column_values_to_not_be_in_set (level): No level is 99."
    assert left_out(lake) == [(60, [LEVEL]), (98, [LEVEL, higher]), (99, [LEVEL, higher, ninety])]


def test_what_only_a_warning_finds_stays(on_sail: Lake) -> None:
    on_sail.rule("high", leaves_out(0.9), at_most(20, "warning"))
    on_sail.land(15, 25, 99)
    report = on_sail.house.run("high")
    assert on_sail.levels("high") == [15, 25]
    assert [rule.note for rule in report.table("high").verdict.warnings] == [  # type: ignore[union-attr]
        "No level is above 20."
    ]


def test_what_is_left_is_audited_again(on_sail: Lake) -> None:
    """The rows that stay must meet every other rule, and nobody sees them unless they do."""
    few = {
        "type": "expect_table_row_count_to_be_between",
        "kwargs": {"min_value": 3},
        "severity": "critical",
        "notes": "There are at least three rows.",
    }
    on_sail.rule("high", leaves_out(0.9), few)
    on_sail.land(15, 25, 99)
    high = on_sail.house.run("high").table("high")
    assert (high.status, high.rows, high.quarantined) == ("held", 2, 1)
    assert "at least three rows" in high.reason
    with pytest.raises(LakeError, match="never published"):
        left_out(on_sail)


def test_a_rule_that_only_bad_rows_broke_is_met_without_them(on_sail: Lake) -> None:
    mean = {
        "type": "expect_column_mean_to_be_between",
        "kwargs": {"column": "level", "max_value": 30},
        "severity": "critical",
        "notes": "The mean level is at most 30.",
    }
    on_sail.rule("high", leaves_out(0.9), mean)
    on_sail.land(15, 25, 999)
    on_sail.house.run("high").raise_for_status()
    assert on_sail.levels("high") == [15, 25]


def test_all_rows_may_go_but_an_empty_table_meets_no_rule_by_itself(on_sail: Lake) -> None:
    on_sail.rule("high", leaves_out(1))
    on_sail.land(99, 98)
    on_sail.house.run("high").raise_for_status()
    assert on_sail.levels("high") == []
    assert len(left_out(on_sail)) == 2


def test_the_quarantine_is_that_of_the_snapshot_readers_see(on_sail: Lake) -> None:
    on_sail.rule("high", leaves_out(0.5))
    on_sail.land(15, 25, 99)
    on_sail.house.run("high").raise_for_status()
    on_sail.land(15, 25, 98)
    on_sail.house.run("high").raise_for_status()
    assert [level for level, _ in left_out(on_sail)] == [98]
    on_sail.house.rollback("high")
    assert [level for level, _ in left_out(on_sail)] == [99]
    on_sail.land(15, 25)
    on_sail.house.run("high").raise_for_status()
    assert left_out(on_sail) == []


def folders(lake: Lake) -> set[str]:
    root = lake.root / "lake" / "high" / "trusted_quarantine"
    return {folder.name for folder in root.glob("*")}


def test_what_no_snapshot_needs_is_deleted(on_sail: Lake) -> None:
    on_sail.house._catalog._keep = 2
    on_sail.rule("high", leaves_out(0.5))
    runs = []
    for level in (97, 98, 99):
        on_sail.land(15, 25, level)
        runs.append(on_sail.house.run("high").run_id)
    assert folders(on_sail) == set(runs[1:])
    # A run that died before it published left this.
    torn = on_sail.root / "lake" / "high" / "trusted_quarantine" / "torn" / "part.parquet"
    torn.parent.mkdir()
    torn.write_bytes(b"PAR1")
    assert len(left_out(on_sail)) == 1
    on_sail.house.run("high")
    assert "torn" not in folders(on_sail)


@pytest.mark.parametrize("lost", ["level <> 15", "level <> 99"])
def test_rows_that_get_lost_on_the_way_are_noticed(
    on_sail: Lake, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    on_sail.rule("high", leaves_out(0.5))
    on_sail.land(15, 25, 99)
    mark = ExpectationsAuditor.mark
    monkeypatch.setattr(
        ExpectationsAuditor, "mark", lambda *arguments: mark(*arguments).where(lost)
    )
    high = on_sail.house.run("high").table("high")
    assert high.status == "failed"
    assert "which does not add up" in high.reason
    assert on_sail.house.history("high") == ()


def test_a_run_that_ends_before_it_publishes_changes_nothing(
    on_sail: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_sail.rule("high", leaves_out(0.5))
    on_sail.land(15, 25, 98)
    on_sail.house.run("high").raise_for_status()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    on_sail.land(15, 25, 99)
    with monkeypatch.context() as patch:
        patch.setattr(on_sail.house._catalog, "publish", die)
        with pytest.raises(KeyboardInterrupt):
            on_sail.house.run("high")
    assert len(folders(on_sail)) == 2
    assert [level for level, _ in left_out(on_sail)] == [98]
    on_sail.house.run("high").raise_for_status()
    assert [level for level, _ in left_out(on_sail)] == [99]
    assert len(folders(on_sail)) == 2


def test_vacuum_knows_what_was_left_out(on_sail: Lake) -> None:
    on_sail.rule("high", leaves_out(0.5))
    for level in (98, 99):
        on_sail.land(15, 25, level)
        on_sail.house.run("high").raise_for_status()
    assert on_sail.house.vacuum(older_than=0) == ()
    torn = on_sail.root / "lake" / "high" / "trusted_quarantine" / "torn" / "part.parquet"
    torn.parent.mkdir()
    torn.write_bytes(b"PAR1")
    os.utime(torn, (1_700_000_000, 1_700_000_000))
    assert [one.path for one in on_sail.house.vacuum(older_than=0, delete=True)] == [str(torn)]
    assert not torn.exists()
    assert [level for level, _ in left_out(on_sail)] == [99]
    on_sail.house.rollback("high")
    assert [level for level, _ in left_out(on_sail)] == [98]


def test_lost_files_are_no_empty_quarantine(on_sail: Lake) -> None:
    on_sail.rule("high", leaves_out(0.5))
    on_sail.land(15, 25, 99)
    on_sail.house.run("high").raise_for_status()
    for file in (on_sail.root / "lake" / "high" / "trusted_quarantine").rglob("*.parquet"):
        file.unlink()
    with pytest.raises(LakeError, match="has 0 of 1 rows"):
        left_out(on_sail)


def test_the_published_bytes_are_those_of_the_second_audit(on_sail: Lake) -> None:
    on_sail.rule("high", leaves_out(0.5))
    on_sail.land(15, 25, 99)
    report = on_sail.house.run("high")
    files = on_sail.house._catalog.files(on_sail.house.pipeline.table("high"))
    assert all(f"/data/{report.run_id}/kept/" in file for file in files)


def test_a_table_without_bad_rows_is_written_and_audited_once(
    on_sail: Lake, sail: SailEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_sail.rule("high", leaves_out(0.5))
    on_sail.land(15, 25)
    written: list[str] = []

    def write(frame: DataFrame, folder: str) -> None:
        written.append(folder)
        SailEngine.write(sail, frame, folder)

    monkeypatch.setattr(sail, "write", write)
    report = on_sail.house.run("high")
    data = on_sail.root / "lake" / "high" / "trusted" / "data"
    assert [folder for folder in written if "/high/" in folder] == [f"{data}/{report.run_id}"]
    assert [one.name for one in on_sail.root.rglob("high*.json") if "validations" in str(one)] == [
        "high.json"
    ]
    assert folders(on_sail) == set()


def test_rows_without_them_make_the_same_table(on_sail: Lake) -> None:
    on_sail.rule("high", leaves_out(0.5))
    on_sail.land(15, 25, 25, 99)
    on_sail.house.run().raise_for_status()
    before = {name: on_sail.levels(name) for name in ("high", "higher", "low")}
    on_sail.land(15, 25, 25)
    report = on_sail.house.run()
    assert {name: on_sail.levels(name) for name in before} == before
    assert not any(table.quarantined for table in report.tables)


def test_unreadable_records_are_shown_too(on_sail: Lake) -> None:
    folder = on_sail.root / "raw" / "raw" / "landing"
    folder.mkdir(parents=True)
    (folder / "rows.json").write_text('{"id": 1, "level": 15}\n{"id": "ann@x.org", "le')
    on_sail.house.run("high").raise_for_status()
    (row,) = on_sail.house.quarantine("raw").collect()
    assert (row._file, row._raw) == ("rows.json", '{"id": "ann@x.org", "le')
    assert row._problem
    (shape,) = on_sail.house.quarantine("raw", personal=False).collect()
    assert shape._raw == '{"xx": "xxx@x.xxx", "xx'
    said = on_sail.house.query("SELECT _file FROM raw_problems").collect()
    assert Counter(row._file for row in said) == {"rows.json": 1}


def test_an_unknown_table(on_sail: Lake) -> None:
    on_sail.land(15)
    on_sail.house.run()
    with pytest.raises(UsageError, match="did you mean 'high'"):
        on_sail.house.quarantine("hihg")
