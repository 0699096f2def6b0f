"""What the commands do on a real lake."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from stedi_glue.entry.demo import NEXT, prepare
from stedi_glue.zones import STEDI
from tests.entry.conftest import Stedi, listing
from tests.entry.test_cli_mistakes import add_rule

NAMES = [table.name for table in STEDI.tables]
PROGRAM = [
    sys.executable,
    "-c",
    "import sys; from stedi_glue.entry.cli import program; sys.exit(program())",
]
NO_ROWS = {
    "type": "expect_table_row_count_to_equal",
    "kwargs": {"value": 0},
    "severity": "critical",
    "notes": "There is nobody.",
}


@pytest.fixture
def stedi(demo_lake: Path, stedi: Stedi, monkeypatch: pytest.MonkeyPatch) -> Stedi:
    monkeypatch.setenv("STEDI_LAKE", str(demo_lake))
    return stedi


def objects(text: str) -> list[dict[str, object]]:
    found = json.loads(text)
    assert isinstance(found, list)
    return found


def test_a_run_in_json_is_one_object_and_nothing_else(demo_lake: Path) -> None:
    # A process of its own, so that what libraries print when they are loaded would be seen.
    done = subprocess.run(
        [*PROGRAM, "run", "--lake", demo_lake, "--json", "--pairing", "customer"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    report = json.loads(done.stdout)
    assert list(report) == ["run_id", "engine", "status", "tables"]
    assert (report["engine"], report["status"]) == ("sail", "published")
    assert [table["table"] for table in report["tables"]] == NAMES
    for table in report["tables"]:
        assert list(table) == [
            "table",
            "zone",
            "status",
            "rows",
            "quarantined",
            "mended",
            "reasons",
            "snapshot_id",
            "expectations",
            "seconds",
            "reason",
        ]
        assert list(table["expectations"]) == ["evaluated", "failed", "warnings", "quarantine"]
        assert table["expectations"]["evaluated"] > 0
        assert list(table["seconds"]) == ["transform", "audit", "publish"]
        landing = table["zone"] == "landing"
        assert table["status"] == ("audited" if landing else "published")
        assert (table["snapshot_id"] is None) == landing
        assert (table["seconds"]["publish"] is None) == landing
    assert report["tables"][-1]["expectations"]["warnings"] == 0


def test_a_held_table_exits_3_and_readers_keep_what_they_had(stedi: Stedi, own_rules: Path) -> None:
    add_rule(own_rules / "customers_curated.json", NO_ROWS)
    before = objects(stedi("tables", "--json").out)
    said = stedi("run", "--rules", own_rules)
    assert said.code == 3
    lines = said.out.splitlines()
    assert any(
        line.startswith("customers_curated held: ") and line.endswith(": There is nobody")
        for line in lines
    )
    assert "step_trainer_trusted skipped: its source customers_curated was held" in lines
    after = {table["table"]: table for table in objects(stedi("tables", "--json").out)}
    for table in before:
        published = table["table"] in ("customer_trusted", "accelerometer_trusted")
        if not published:
            assert after[table["table"]] == table


def test_a_held_run_in_json(stedi: Stedi, own_rules: Path) -> None:
    add_rule(own_rules / "customer_trusted.json", NO_ROWS)
    said = stedi("run", "customer_trusted", "--rules", own_rules, "--json")
    assert said.code == 3
    report = json.loads(said.out)
    assert report["status"] == "held"
    table = report["tables"][-1]
    assert table["status"] == "held"
    assert table["expectations"]["failed"] == 1
    assert "There is nobody." in table["reason"]


def test_a_rollback_and_its_history(stedi: Stedi) -> None:
    assert stedi("run", "customer_trusted").code == 0
    runs = objects(stedi("history", "customer_trusted", "--json").out)
    newest, previous, *_ = (run for run in runs if run["snapshot"])
    assert (newest["current"], previous["current"]) == (True, False)

    said = stedi("rollback", "customer_trusted")
    assert said.code == 0
    assert f"snapshot {previous['snapshot_id']} again" in said.out
    table = stedi("history", "customer_trusted").out
    assert re.search(rf" {previous['snapshot_id']}  see this ", table, re.MULTILINE)

    assert stedi("rollback", "customer_trusted", str(newest["snapshot_id"])).code == 0
    now = objects(stedi("history", "customer_trusted", "--json").out)
    assert next(one for one in now if one["current"]) == newest


def test_a_held_run_stays_in_the_history_and_in_the_docs(
    stedi: Stedi, demo_lake: Path, own_rules: Path
) -> None:
    add_rule(own_rules / "customers_curated.json", NO_ROWS)
    assert stedi("run", "customers_curated", "--rules", own_rules).code == 3
    held = objects(stedi("history", "customers_curated", "--json").out)[0]
    assert (held["status"], held["snapshot"], held["current"]) == ("held", None, False)
    assert held["expectations"]["failed"] == 1
    failed = [rule["note"] for rule in held["unmet"] if rule["severity"] == "critical"]
    assert failed == ["There is nobody."]
    line = stedi("history", "customers_curated").out.splitlines()[2]
    assert re.search(r" held +98 +0 +40, 1 failed +- ", line)

    page = Path(stedi("docs").out.strip())
    assert page == demo_lake / "docs" / "index.html"
    assert held["run_id"] in page.read_text(encoding="utf-8")
    results = demo_lake / "docs" / "data_docs" / "validations" / "customers_curated"
    run = results / str(held["run_id"])
    assert "There is nobody." in next(run.rglob("*.html")).read_text(encoding="utf-8")


def test_the_tables_of_a_lake(stedi: Stedi) -> None:
    lines = stedi("tables").out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == NAMES
    for state, line in zip(objects(stedi("tables", "--json").out), lines[2:], strict=True):
        assert f"{state['rows']:,}" in line.split()
        snapshot = state["snapshot"]
        if isinstance(snapshot, dict):
            assert str(snapshot["snapshot_id"]) in line
            assert snapshot["published_at"] in line.split()


def test_the_contract_of_a_table(stedi: Stedi) -> None:
    said = stedi("tables", "machine_learning_curated", "customers_curated").out
    assert "made from step_trainer_trusted, accelerometer_trusted, customers_curated" in said
    pipeline = STEDI.pseudonymous()
    for table in map(pipeline.table, ("machine_learning_curated", "customers_curated")):
        assert table.doc in said
        for column in table.columns:
            line = next(line for line in said.splitlines() if line.startswith(f"{column.name} "))
            assert ("personal" in line) == column.personal
            assert column.doc in line


def test_the_lineage_as_a_tree_holds_every_read(stedi: Stedi) -> None:
    lines = stedi("lineage").out.splitlines()
    path: list[str] = []
    reads = set()
    for line in lines:
        depth = re.search(r"[a-z]", line).start() // 4  # type: ignore[union-attr]
        path[depth:] = [line.lstrip("│├└─ \xa0").split()[0]]
        if depth:
            reads.add((path[depth], path[depth - 1]))
    assert reads == {(source, name) for name in NAMES for source in STEDI.sources(name)}


def test_the_lineage_as_a_chart(stedi: Stedi) -> None:
    chart = stedi("lineage", "--format", "mermaid").out
    assert chart.startswith("flowchart LR\n")
    assert "customer_trusted --> accelerometer_trusted" in chart


def test_the_ddl_of_some_tables(stedi: Stedi, demo_lake: Path) -> None:
    said = stedi("ddl", "customer_trusted", "customer_landing").out
    assert said.count("CREATE ") == 2
    assert f"LOCATION '{demo_lake}/customer/trusted/'" in said


def test_what_the_demo_suggests_works_as_pasted(demo_lake: Path, stedi: Stedi) -> None:
    for line in NEXT:
        said = stedi(*shlex.split(line))
        assert said.code == 0, said.err
        assert said.out.strip()


def test_the_demo_says_where_to_look_next(tmp_path: Path, stedi: Stedi) -> None:
    lake = tmp_path / "a lake"
    said = stedi("demo", lake)
    assert said.code == 0
    commands = [line for line in said.out.splitlines() if line.startswith("  stedi-glue ")]
    assert len(commands) == len(NEXT)
    for command in commands:
        assert shlex.split(command)[-2:] == ["--lake", str(lake)]


def test_the_demo_data_is_written_once(tmp_path: Path) -> None:
    prepare(str(tmp_path), customers=8)
    before = listing(tmp_path)
    assert before
    prepare(str(tmp_path), customers=8)
    assert listing(tmp_path) == before


def test_a_healthy_lake_has_no_orphans_and_a_killed_run_leaves_some(
    demo_lake: Path, stedi: Stedi
) -> None:
    assert "no file older than 0 hours" in stedi("vacuum", "--older-than", "0").out
    left = demo_lake / "customer" / "trusted" / "data" / "killed" / "part-0.parquet"
    left.parent.mkdir()
    left.write_bytes(b"1234")
    assert "no file older than 24 hours" in stedi("vacuum", "--delete").out
    listed = stedi("vacuum", "--older-than", "0")
    assert "of no snapshot of customer_trusted" in listed.out
    assert "1 file (4 bytes) that nothing refers to. None was deleted" in listed.out
    assert left.exists()
    said = json.loads(stedi("vacuum", "--older-than", "0", "--delete", "--json").out)
    assert (said["deleted"], said["bytes"]) == (True, 4)
    assert [(file["path"], file["size"]) for file in said["files"]] == [(str(left), 4)]
    assert not left.exists()
