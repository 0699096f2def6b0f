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
from tests.entry.test_cli import PROGRAM

NAMESPACE = ["unshare", "--map-root-user", "--mount"]
ERROR = r"Error: [^\n]+; {}, and run again\.\n"


@pytest.fixture
def landings(tmp_path: Path) -> list[str]:
    for seed in (1, 2):
        write_landing(tmp_path / str(seed), customers=40, seed=seed)
    return [str(tmp_path / "1"), str(tmp_path / "2")]


def may_mount(folder: Path) -> bool:
    """Tell whether this user may mount a disk that nobody else sees."""
    command = [*NAMESPACE, "mount", "-t", "tmpfs", "none", str(folder)]
    return bool(shutil.which("unshare")) and not subprocess.run(command, check=False).returncode


@pytest.mark.slow
def test_a_lake_on_a_sick_disk(tmp_path: Path, landings: list[str]) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if not may_mount(disk):
        pytest.skip("mounting a small disk needs user namespaces")
    command = [*NAMESPACE, sys.executable, "-m", "tests.sick_disk", str(disk), *landings]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1]
    )
    assert done.returncode == 0, done.stderr + done.stdout
    told = [json.loads(line) for line in done.stdout.splitlines()]

    full = [one for one in told if "free" in one]
    for one in full:
        assert "Traceback" not in one["said"]
        assert "bug" not in one["said"], one
        if one["code"]:
            # Of a table in the run's report, of the rest on a line of its own.
            assert re.search(r"(disk is full|No space left.*); make room there", one["said"]), one
            assert (
                re.search(ERROR.format("make room there"), one["said"]) or "failed" in one["said"]
            )
        else:
            assert one["published"]
    assert {(one["code"], one["published"]) for one in full} >= {(1, False), (1, True)}
    read_only = {one["read_only"]: one for one in told if "read_only" in one}
    for name in ("run", "vacuum", "rollback", "profile"):
        assert read_only[name]["code"] == 1
        said = ERROR.format("make the disk writable")
        assert re.fullmatch(said, read_only[name]["said"])
    assert read_only["query"]["code"] == read_only["tables"]["code"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [0, 8, 32])
def test_a_file_that_may_not_grow(tmp_path: Path, landings: list[str], kilobytes: int) -> None:
    """What any user can try: files end where a full disk would end them."""
    lake = tmp_path / "lake"
    run = [*PROGRAM, "run", "--lake", str(lake), "--landing", landings[0]]
    run += ["--privacy", "identified"]
    limited = ["bash", "-c", f'ulimit -f {kilobytes}; exec "$@"', "limited", *run]
    done = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert re.search(r"File too large|disk I/O error|disk is full", done.stdout + done.stderr)
    assert "bug" not in done.stderr
    assert subprocess.run(run, capture_output=True, check=False).returncode == 0
