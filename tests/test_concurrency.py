"""Many runs and readers at once: one whole run after the other, and never a mix."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from stedi_glue.entry.synthetic import write_landing
from tests.crowd import digest
from tests.oracle import expected, landing_rows

LOG = logging.getLogger(__name__)
WRITERS = 8
SECONDS = os.environ.get("SECONDS_AT_ONCE", "120")


@pytest.mark.slow
def test_eight_writers_and_four_readers_at_once(tmp_path: Path) -> None:
    lake, landings, whole = tmp_path / "lake", [], {}
    for number in range(WRITERS):
        landing = tmp_path / f"landing-{number}"
        write_landing(landing, customers=8 + number, seed=number)
        landings.append(str(landing))
        for name, rows in expected(landing_rows(landing)).items():
            whole[name, digest(rows.elements())] = str(landing)
    tables = {name for name, _ in whole}
    assert len(whole) == WRITERS * len(tables), "each writer's tables are its own"

    command = [sys.executable, "-m", "tests.crowd", str(lake), SECONDS, *landings]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1]
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]

    runs = [one for one in told if "published" in one]
    assert {run["status"] for run in runs} == {"published"}
    assert len({run["landing"] for run in runs}) > WRITERS / 2, "nobody keeps the others out"
    seen = [one for one in told if "rows" in one]
    assert {one["table"] for one in seen} == tables
    for one in seen:
        assert (one["table"], one["rows"]) in whole, "somebody saw a mix, or a part"
    refused = [one["refused"] for one in told if "refused" in one]
    assert all("Another run has been writing" in reason for reason in refused)

    catalog = SqlCatalog("stedi", uri=f"sqlite:///{lake}/catalog.db")
    histories = set()
    for name in sorted(tables):
        table = catalog.load_table(f"stedi.{name}")
        line = sorted(table.snapshots(), key=lambda snapshot: snapshot.sequence_number or 0)
        run_of = {run["published"][name]: number for number, run in enumerate(runs)}
        history = tuple(run_of.pop(snapshot.snapshot_id) for snapshot in line)
        assert not run_of, "no publication is lost"
        histories.add(history)
        parents = [snapshot.parent_snapshot_id for snapshot in line]
        assert parents == [None, *(snapshot.snapshot_id for snapshot in line[:-1])]
        for snapshot in line:
            rows = table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().to_pylist()
            assert (name, digest(row.values() for row in rows)) in whole
    assert len(histories) == 1, "one run after the other, in every table"
    LOG.info("%d runs, %d readings, %d refused", len(runs), len(seen), len(refused))
