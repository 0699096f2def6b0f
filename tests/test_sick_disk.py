"""A full disk and a read-only one: said in one sentence, nothing half published."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stedi_glue.entry.synthetic import write_landing

NAMESPACE = ["unshare", "--map-root-user", "--mount"]


@pytest.fixture
def may_mount() -> None:
    """Skip where nobody but root of the machine may mount a disk."""
    if (
        shutil.which("unshare") is None
        or subprocess.run([*NAMESPACE, "true"], check=False).returncode
    ):
        pytest.skip("mounting a small disk needs user namespaces")


@pytest.mark.slow
@pytest.mark.usefixtures("may_mount")
def test_a_lake_on_a_sick_disk(tmp_path: Path) -> None:
    landings = []
    for seed in (1, 2):
        write_landing(tmp_path / str(seed), customers=40, seed=seed)
        landings.append(str(tmp_path / str(seed)))
    lake = tmp_path / "lake"
    lake.mkdir()
    command = [*NAMESPACE, sys.executable, "-m", "tests.sick_disk", str(lake), *landings]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1]
    )
    assert done.returncode == 0, done.stderr + done.stdout
    told = [json.loads(line) for line in done.stdout.splitlines()]
    read_only, query = told[-2:]
    for one in told[:-2]:
        assert "Traceback" not in one["said"]
        assert "bug" not in one["said"], one
        if one["code"]:
            assert re.search(r"No space left|disk is full|full", one["said"]), one
    assert {one["code"] for one in told[:-2]} == {0, 1}, "some runs fit, others did not"
    assert read_only["code"] == 1
    assert re.fullmatch(r"Error: [^\n]*Read-only file system[^\n]*\n", read_only["said"])
    assert query["code"] == 0
