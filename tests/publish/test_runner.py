"""The promise: a table that fails its rules stays exactly as its readers knew it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stedi_glue.backends.engines import SailEngine
from stedi_glue.errors import LandingError, RulesError, TableHeld, UnknownTable, UsageError
from stedi_glue.lakehouse import Lakehouse
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.model.table import Column, Table, Zone
from stedi_glue.model.transform import ZoneTransform
from stedi_glue.publish.ports import Staged

ID = Column("id", "bigint", "Identity.")
LEVEL = Column("level", "bigint", "How high.")


def table(name: str, zone: Zone) -> Table:
    return Table(name, zone, f"{name}/{zone}", "A test table.", (ID, LEVEL))


RAW = table("raw", Zone.LANDING)


class High(ZoneTransform, into=table("high", Zone.TRUSTED)):
    def __init__(self, above: int = 10) -> None:
        self.above = above

    def build(self, raw):  # type: ignore[no-untyped-def]
        return raw.where(f"level > {self.above}")


class Higher(ZoneTransform, into=table("higher", Zone.CURATED)):
    def build(self, high):  # type: ignore[no-untyped-def]
        return high.where("level > 20")


class Low(ZoneTransform, into=table("low", Zone.TRUSTED)):
    def build(self, raw):  # type: ignore[no-untyped-def]
        return raw.where("level <= 10")


PIPELINE = Pipeline([RAW], [High(), Higher(), Low()])


def at_most(limit: int, severity: str = "critical") -> dict[str, object]:
    return {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "level", "max_value": limit},
        "severity": severity,
        "notes": f"No level is above {limit}.",
    }


def all_in(other: str) -> dict[str, object]:
    query = f"SELECT b.id FROM {{batch}} b LEFT ANTI JOIN {other} o ON b.id = o.id"
    return {
        "type": "unexpected_rows_expectation",
        "kwargs": {"unexpected_rows_query": query},
        "severity": "critical",
        "notes": f"All are in {other}.",
    }


class Lake:
    """A lake of three tables whose landing rows and rules a test sets."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rules = root / "rules"
        self.rules.mkdir(exist_ok=True)
        for one in PIPELINE.tables:
            self.rule(one.name, at_most(1000))
        self.house = Lakehouse.open(
            root / "lake", landing=root / "raw", pipeline=PIPELINE, rules=self.rules
        )

    def rule(self, name: str, *expectations: dict[str, object]) -> None:
        text = json.dumps({"name": name, "expectations": expectations})
        (self.rules / f"{name}.json").write_text(text)

    def land(self, *levels: int) -> None:
        folder = self.root / "raw" / "raw" / "landing"
        folder.mkdir(parents=True, exist_ok=True)
        rows = [json.dumps({"id": n, "level": level}) for n, level in enumerate(levels)]
        (folder / "rows.json").write_text("\n".join(rows))

    def levels(self, name: str) -> list[int]:
        return sorted(row.level for row in self.house.table(name).collect())

    def staged(self, name: str, folder: str = "trusted/data") -> set[str]:
        """The runs whose files of a table are still in the lake."""
        return {file.parent.name for file in (self.root / "lake" / name / folder).glob("*/*")}


@pytest.fixture
def lake(tmp_path: Path, sail: SailEngine, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setattr("stedi_glue.lakehouse.opened.open_engine", lambda name, **_: sail)
    return Lake(tmp_path)


def statuses(report) -> dict[str, str]:  # type: ignore[no-untyped-def]
    return {table.table: table.status for table in report.tables}


def test_every_table_is_published_with_its_verdict_and_lineage(lake: Lake) -> None:
    lake.land(5, 15, 25)
    report = lake.house.run()
    assert statuses(report) == {
        "raw": "audited",
        "high": "published",
        "low": "published",
        "higher": "published",
    }
    assert (report.status, report.exit_code) == ("published", 0)
    assert (lake.levels("high"), lake.levels("higher")) == ([15, 25], [25])
    high, higher = lake.house.history("high")[0], lake.house.history("higher")[0]
    assert report.table("high").snapshot_id == high.snapshot_id
    assert higher.summary["stedi.source.high"] == str(high.snapshot_id)
    assert high.summary["stedi.option.above"] == "10"
    assert {
        key: higher.summary[f"stedi.{key}"]
        for key in ("run-id", "engine", "suite", "success", "rows", "rules-evaluated")
    } == {
        "run-id": report.run_id,
        "engine": "sail",
        "suite": "higher",
        "success": "true",
        "rows": "1",
        "rules-evaluated": "1",
    }
    assert high.summary["stedi.source.raw"] == lake.house._landing.staged(RAW).version  # type: ignore[union-attr]


def test_a_held_table_stays_as_it_was_and_what_follows_is_skipped(lake: Lake) -> None:
    lake.land(5, 15, 25)
    lake.house.run()
    before = lake.house.history("high"), lake.house.history("higher")
    lake.land(5, 15, 25, 99)
    lake.rule("high", at_most(50))
    report = lake.house.run()
    assert statuses(report) == {
        "raw": "audited",
        "high": "held",
        "low": "published",
        "higher": "skipped",
    }
    assert (report.status, report.exit_code) == ("held", 3)
    held = report.table("high")
    assert held.rows == 3
    assert held.snapshot_id is None
    assert "No level is above 50." in held.reason
    assert report.table("higher").reason == "its source high was held"
    with pytest.raises(TableHeld, match="high: No level is above 50"):
        report.raise_for_status()
    assert (lake.house.history("high"), lake.house.history("higher")) == before
    assert (lake.levels("high"), lake.levels("higher")) == ([15, 25], [25])


def test_held_rows_are_kept_until_the_next_attempt(lake: Lake) -> None:
    lake.land(15)
    lake.house.run()
    lake.rule("high", at_most(10))
    first, second = lake.house.run("high").run_id, lake.house.run("high").run_id
    assert second in lake.staged("high")
    assert first not in lake.staged("high")
    lake.rule("high", at_most(1000))
    lake.house.run("high")
    assert second not in lake.staged("high")


def test_held_landing_data_reaches_no_table(lake: Lake) -> None:
    lake.land(5, 2000)
    report = lake.house.run()
    assert statuses(report) == {
        "raw": "held",
        "high": "skipped",
        "low": "skipped",
        "higher": "skipped",
    }
    assert report.table("higher").reason == "its source high was skipped"
    assert lake.house.history("high") == ()


def test_the_rules_of_landing_tables_are_asked_of_the_records_that_could_be_read(
    lake: Lake,
) -> None:
    lake.land(15)
    (lake.root / "raw" / "raw" / "landing" / "more.json").write_text('{"id": 1, "lev')
    one = {"min_value": 1, "max_value": 1}
    count = {"type": "expect_table_row_count_to_be_between", "kwargs": one}
    lake.rule("raw", {**count, "severity": "critical", "notes": "There is one."})
    report = lake.house.run("high").table("raw")
    assert (report.status, report.rows, report.quarantined) == ("audited", 1, 1)
    # Those that could not be read are there for the rules that name them.
    query = "SELECT p._raw FROM raw_problems p CROSS JOIN {batch}"
    none = {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": query}}
    lake.rule("raw", {**none, "severity": "critical", "notes": "All can be read."})
    report = lake.house.run("high").table("raw")
    assert (report.status, report.reason) == ("held", "All can be read. (1 row)")


def test_warnings_and_infos_publish_and_warnings_are_reported(lake: Lake) -> None:
    lake.land(15)
    lake.rule("high", at_most(10, "warning"), at_most(11, "info"), at_most(12, "warning"))
    report = lake.house.run("high")
    assert report.table("high").status == "published"
    counts = report.to_json()["tables"][1]["expectations"]
    assert counts == {"evaluated": 3, "failed": 0, "warnings": 2, "quarantine": 0}
    assert lake.house.history("high")[0].summary["stedi.rules-warned"] == "2"


def test_a_second_run_publishes_the_same_rows_and_unused_files_go(lake: Lake) -> None:
    lake.land(5, 15, 25)
    lake.house._catalog._keep = 2
    for _ in range(4):
        report = lake.house.run("high", "low")
        assert [(t.table, t.rows) for t in report.tables] == [("raw", 3), ("high", 2), ("low", 1)]
    kept = {snapshot.summary["stedi.run-id"] for snapshot in lake.house.history("high")}
    assert len(kept) == 2
    assert lake.staged("high") == kept
    assert len(lake.staged("raw", "landing_parsed")) == 1


def test_a_run_of_one_table_reads_the_others_as_published(lake: Lake) -> None:
    lake.land(5, 15, 25)
    with pytest.raises(
        UsageError, match=r"'higher' is made from 'high', .*stedi-glue run high higher"
    ):
        lake.house.run("higher")
    lake.house.run()
    lake.land(5, 15, 25, 35)
    assert statuses(lake.house.run("higher")) == {"higher": "published"}
    assert lake.levels("higher") == [25]
    assert statuses(lake.house.run("high", "higher"))["raw"] == "audited"
    assert lake.levels("higher") == [25, 35]


def test_an_error_fails_its_table_and_spares_the_others(lake: Lake) -> None:
    lake.land(15)
    query = "SELECT id FROM {batch} WHERE nothing = 1"
    lake.rule(
        "high",
        {
            "type": "unexpected_rows_expectation",
            "kwargs": {"unexpected_rows_query": query},
            "severity": "critical",
            "description": "Names a column that is not there.",
        },
    )
    report = lake.house.run()
    assert statuses(report)["high"] == "failed"
    assert statuses(report)["low"] == "published"
    assert report.table("higher").reason == "its source high was failed"
    assert (report.status, report.exit_code) == ("failed", 1)


def test_progress_is_told_step_by_step(lake: Lake) -> None:
    lake.land(15)
    told: list[tuple[str, str]] = []
    lake.house.run("high", on_step=lambda name, step: told.append((name, step)))
    assert told == [
        ("raw", "transform"),
        ("raw", "audit"),
        ("raw", "audited"),
        ("high", "transform"),
        ("high", "audit"),
        ("high", "publish"),
        ("high", "published"),
    ]


@pytest.mark.parametrize(
    ("break_it", "error", "message"),
    [
        (lambda lake: None, LandingError, "There is no raw data for 'raw'"),
        (lambda lake: lake.land(1) or lake.rule("lo"), UnknownTable, "did you mean 'low'"),
        (lambda lake: lake.land(1) or (lake.rules / "low.json").unlink(), RulesError, "low"),
        (
            lambda lake: lake.land(1) or (lake.rules / "low.json").write_text("{"),
            RulesError,
            "low.json",
        ),
    ],
)
def test_what_is_wrong_from_the_start_creates_no_lake(
    lake: Lake, break_it: Callable[[Lake], object], error: type[Exception], message: str
) -> None:
    break_it(lake)
    with pytest.raises(error, match=message):
        lake.house.run(*(["lo"] if error is UnknownTable else []))
    assert not (lake.root / "lake").exists()


def test_a_run_sees_one_snapshot_of_a_table_whoever_else_publishes_it(lake: Lake) -> None:
    lake.land(5, 15, 25)
    lake.house.run()
    before = lake.house.history("high")[0]
    lake.rule("higher", all_in("high"), all_in("raw"))

    def overtake(table: str, step: str) -> None:
        if (table, step) == ("higher", "audit"):
            # As a run on another machine would, of which a lake in S3 knows nothing.
            summary = {"stedi.rows": "0", "stedi.run-id": "elsewhere"}
            lake.house._catalog.publish(PIPELINE.table("high"), Staged((), 0), summary)

    lake.house.run("higher", on_step=overtake).raise_for_status()
    now = lake.house.history("high")[0]
    assert now.summary["stedi.run-id"] == "elsewhere"
    higher = lake.house.history("higher")[0]
    assert higher.summary["stedi.source.high"] == str(before.snapshot_id)


def test_a_run_that_was_overtaken_leaves_the_newer_rows(lake: Lake) -> None:
    lake.land(5, 15)
    lake.house.run()
    lake.land(5, 15, 25)

    def overtake(table: str, step: str) -> None:
        if (table, step) == ("high", "audit"):
            summary = {"stedi.rows": "0", "stedi.run-id": "elsewhere"}
            lake.house._catalog.publish(PIPELINE.table("high"), Staged((), 0), summary)

    report = lake.house.run(on_step=overtake)
    assert statuses(report)["high"] == "failed"
    assert "Somebody else published 'high'" in report.table("high").reason
    assert lake.house.history("high")[0].summary["stedi.run-id"] == "elsewhere"


def test_a_transform_that_asks_for_what_is_not_there_fails_its_table_alone(lake: Lake) -> None:
    class Odd(ZoneTransform, into=table("odd", Zone.CURATED)):
        def build(self, high):  # type: ignore[no-untyped-def]
            return high.where("levle > 20").select(*high.where("levle > 20").schema.names)

    lake.rule("odd", at_most(1000))
    lake.land(5, 15)
    pipeline = Pipeline([RAW], [High(), Higher(), Low(), Odd()])
    house = Lakehouse.open(
        lake.root / "lake", landing=lake.root / "raw", pipeline=pipeline, rules=lake.rules
    )
    report = house.run()
    assert statuses(report)["odd"] == "failed"
    assert report.table("odd").reason.startswith("Cannot make 'odd': ")
    assert statuses(report)["low"] == "published"
    assert house.attempts("odd")[0].run_id == report.run_id


def test_a_run_with_far_fewer_rows_than_usual_warns_once_there_is_a_usual(lake: Lake) -> None:
    usual = {
        "type": "expect_table_row_count_to_be_between",
        "kwargs": {
            "min_value": {"$PARAMETER": "usual_rows_min"},
            "max_value": {"$PARAMETER": "usual_rows_max"},
        },
        "severity": "warning",
        "notes": "As many rows as usual.",
    }
    lake.rule("high", usual)

    def warned(rows: int) -> list[str]:
        lake.land(*range(100, 100 + rows))
        verdict = lake.house.run("high").table("high").verdict
        assert verdict is not None
        return [str(rule) for rule in verdict.warnings]

    # The first three teach what is usual.
    assert [warned(rows) for rows in (100, 20, 100)] == [[], [], []]
    # Steps of 80 rows were usual; after a few steady runs they no longer are.
    assert [warned(100) for _ in range(4)] == [[], [], [], []]
    assert warned(40) == ["As many rows as usual. (observed 40, usual are 80 to 121)"]


def test_the_newest_moment_that_a_rule_looked_at_is_kept_with_the_snapshot(lake: Lake) -> None:
    newest = {
        "type": "expect_column_max_to_be_between",
        "kwargs": {"column": "level", "min_value": {"$PARAMETER": "usual_newest_level"}},
        "severity": "warning",
        "notes": "As recent as usual.",
    }
    lake.rule("raw", at_most(10**15))
    lake.rule("high", newest)
    now = int(time.time() * 1000)
    day = 86_400_000
    for age in (3, 2, 1):
        lake.land(now - age * 1000)
        report = lake.house.run("high")
        assert report.table("high").verdict.warnings == ()  # type: ignore[union-attr]
        kept = lake.house.history("high")[0].summary["stedi.newest.level"]
        assert int(kept) == now - age * 1000
    lake.land(now - 3 * day)
    warnings = lake.house.run("high").table("high").verdict.warnings  # type: ignore[union-attr]
    assert [rule.note for rule in warnings] == ["As recent as usual."]
    assert re.search(
        r"^observed 20\d\d-.* UTC, usual is 20\d\d-.* UTC or later$", warnings[0].observed
    )
