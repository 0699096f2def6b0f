"""What ships: one wheel that holds the rules, and works as a zip on `sys.path`."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stedi_glue.entry.synthetic import write_landing
from stedi_glue.zones import STEDI

ROOT = Path(__file__).parents[1]

# Isolated: neither the checkout nor PYTHONPATH is importable.
RUN = """
import sys
sys.path.insert(0, sys.argv[1])
import stedi_glue
assert stedi_glue.__file__.startswith(sys.argv[1]), stedi_glue.__file__
import stedi_glue.rules
assert stedi_glue.rules.__file__.startswith(sys.argv[1]), stedi_glue.rules.__file__
from stedi_glue.entry.cli import main
main(["run", "--lake", sys.argv[2], "--json"])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    subprocess.run([*command, str(folder), str(ROOT)], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_every_rules_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"stedi_glue/rules/{table.name}.json" for table in STEDI.tables} < names
    assert not [name for name in names if name.startswith(("tests/", "deploy/"))]


@pytest.mark.slow
def test_the_zip_alone_on_the_path_makes_all_tables(wheel: Path, tmp_path: Path) -> None:
    twin = tmp_path / wheel.with_suffix(".zip").name
    twin.write_bytes(wheel.read_bytes())
    write_landing(tmp_path / "lake", customers=20)
    done = subprocess.run(
        [sys.executable, "-I", "-c", RUN, str(twin), str(tmp_path / "lake")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    statuses = {table["status"] for table in json.loads(done.stdout)["tables"]}
    assert statuses == {"audited", "published"}
