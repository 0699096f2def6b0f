"""What was left out of a table, as a person and as a script see it."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from stedi_glue.entry.synthetic import write_landing
from tests.entry.conftest import Stedi

LEVEL = "x is a number between -160 and 160"


@pytest.fixture(scope="module")
def flawed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with a reading out of range and a record that is cut short; not run yet."""
    lake = tmp_path_factory.mktemp("flawed")
    write_landing(lake, customers=20)
    file = next((lake / "accelerometer" / "landing").glob("*.json"))
    first, *others = [json.loads(line) for line in file.read_text().splitlines()]
    lines = [json.dumps(first | {"user": others[30]["user"], "x": 1e300})]
    lines += [json.dumps(row) for row in others]
    file.write_text("\n".join([*lines, '{"user": "zoe@test.com", "timest']))
    return lake


@pytest.fixture
def stedi(flawed: Path, stedi: Stedi, monkeypatch: pytest.MonkeyPatch) -> Stedi:
    monkeypatch.setenv("STEDI_LAKE", str(flawed))
    return stedi


def test_a_run_says_what_it_left_out_and_why(stedi: Stedi) -> None:
    said = stedi("run")
    assert said.code == 0, said.out
    assert "accelerometer_trusted left out 1 row that broke rules" in said.out
    assert LEVEL in said.out
    assert "limit 5 %" in said.out
    rows = [line.split() for line in stedi("tables").out.splitlines()]
    left_out = {row[0]: row[3] for row in rows if row and row[0].startswith("accelerometer")}
    assert left_out == {"accelerometer_landing": "1", "accelerometer_trusted": "1"}
    states = json.loads(stedi("tables", "accelerometer_trusted", "--json").out)
    assert [state["quarantined"] for state in states] == [1]
    (attempt,) = json.loads(stedi("history", "accelerometer_trusted", "--json").out)
    assert attempt["quarantined"] == 1
    assert any(LEVEL in rule["note"] for rule in attempt["unmet"])


def test_rows_are_shown_with_reasons_and_without_people(stedi: Stedi) -> None:
    said = stedi("quarantine", "accelerometer_trusted")
    assert said.code == 0
    assert "1  expect_column_values_to_be_between (x): " + LEVEL in said.out
    assert "@example.com" not in said.out
    (row,) = json.loads(stedi("quarantine", "accelerometer_trusted", "--format", "json").out)
    assert (row["x"], row["user"][1:]) == (1e300, "…")
    assert [rule.partition(":")[0] for rule in row["_rules"]] == [
        "expect_column_values_to_be_between (x)"
    ]
    shown = stedi("quarantine", "accelerometer_trusted", "--personal", "--format", "csv").out
    (full,) = csv.DictReader(io.StringIO(shown))
    assert full["user"].endswith("@example.com")


def test_raw_records_nobody_could_read_are_shown_by_their_shape(stedi: Stedi) -> None:
    said = stedi("quarantine", "accelerometer_landing")
    assert '{"xxxx": "xxx@xxxx.xxx", "xxxxxx' in said.out
    assert "zoe" not in said.out
    shown = stedi("quarantine", "accelerometer_landing", "--personal", "--format", "json").out
    (row,) = json.loads(shown)
    assert row["_raw"] == '{"user": "zoe@test.com", "timest'
    assert row["_problem"]


def test_data_docs_count_what_could_not_be_read_and_the_report_says_why(
    stedi: Stedi, flawed: Path
) -> None:
    stedi("run", "accelerometer_trusted")
    docs = flawed / "docs" / "data_docs" / "validations"
    page = max(docs.rglob("accelerometer_landing.html")).read_text()
    assert re.search(r"Every record of the raw files could be read[^<]*(<[^>]*>|\s)*1<", page)
    report = (flawed / "docs" / "index.html").read_text()
    (file,) = (flawed / "accelerometer" / "landing").glob("*.json")
    assert file.name in report
    assert "broken JSON object" in report
    assert "zoe" not in page + report


def test_nothing_left_out_is_said_so(stedi: Stedi) -> None:
    assert "0 rows" in stedi("quarantine", "customer_trusted").out
    assert json.loads(stedi("quarantine", "customer_trusted", "--format", "json").out) == []


def test_it_can_be_queried(stedi: Stedi) -> None:
    sql = "SELECT count(*) AS n FROM accelerometer_trusted_quarantine"
    assert json.loads(stedi("query", sql, "--format", "json").out) == [{"n": 1}]


def test_a_slip_of_the_pen(stedi: Stedi) -> None:
    said = stedi("quarantine", "accelerometer_trustd")
    assert said.code == 2
    assert "did you mean 'accelerometer_trusted'" in said.err
