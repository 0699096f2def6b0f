"""A person is forgotten: nothing of them is left, and nothing brings them back."""

from __future__ import annotations

import gzip
import html
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyiceberg.avro.file import AvroFile
from pyiceberg.io.pyarrow import PyArrowFileIO

from stedi_glue.entry.synthetic import write_landing
from stedi_glue.lakehouse import Lakehouse
from tests.entry.conftest import Stedi
from tests.oracle import SUBJECTS, Row, expected, landing_rows, multiset

KEY = "fedcba9876543210fedcba9876543210"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with landing data of its own, published twice, once with pseudonyms."""
    lake = tmp_path_factory.mktemp("built") / "lake"
    write_landing(lake, customers=30, readings=600)
    return lake


@pytest.fixture
def lake(tmp_path: Path, built: Path, stedi: Stedi, monkeypatch: pytest.MonkeyPatch) -> Path:
    lake = tmp_path / "lake"
    shutil.copytree(built, lake)
    monkeypatch.setenv("STEDI_LAKE", str(lake))
    monkeypatch.setenv("STEDI_PRIVACY", "identified")
    monkeypatch.setenv("PSEUDONYM_KEY", KEY)
    monkeypatch.setenv("STEDI_KEY", "env:PSEUDONYM_KEY")
    return lake


def someone(rows: dict[str, list[Row]]) -> Row:
    """A customer whose readings and steps are in the curated table, and whose name is unique."""
    made = expected(rows)["machine_learning_curated"]
    paired = {row[3] for row in made} & {r["email"] for r in rows["customer"]}
    names = [row["customerName"] for row in rows["customer"]]
    serials = [row["serialNumber"] for row in rows["customer"]]
    return next(
        row
        for row in rows["customer"]
        if row["email"] in paired
        and names.count(row["customerName"]) == serials.count(row["serialNumber"]) == 1
    )


def without(rows: dict[str, list[Row]], person: Row) -> dict[str, list[Row]]:
    theirs = {person["email"], person["serialNumber"]}
    return {
        subject: [row for row in some if not theirs & {*map(str, row.values())}]
        for subject, some in rows.items()
    }


def decoded(file: Path) -> Iterator[str]:
    """All that is in a file, as text."""
    content = file.read_bytes()
    if content.startswith(b"PAR1"):
        table = pq.ParquetFile(BytesIO(content))
        yield str(table.read().to_pylist())
        yield str(table.metadata.to_dict())
    elif content.startswith(b"Obj\x01"):
        with AvroFile(PyArrowFileIO().new_input(str(file))) as records:
            yield str([repr(record) + str(record._data) for record in records])
    else:
        content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        text = content.decode("utf-8", "replace")
        yield text
        yield html.unescape(text).encode().decode("unicode_escape", "replace")


def holding(lake: Path, *values: str) -> list[str]:
    """The files of a lake in which one of the values occurs."""
    files = [file for file in sorted(lake.rglob("*")) if file.is_file()]
    assert len(files) > 20
    return [
        str(file.relative_to(lake))
        for file in files
        if any(value in text for text in decoded(file) for value in values)
    ]


def tables(lake: Path) -> dict[str, Any]:
    with Lakehouse.open(lake) as opened:
        names = [state.table.name for state in opened.tables() if state.snapshot]
        return {name: multiset(opened.table(name).collect()) for name in names}


def test_nothing_is_left_and_nothing_brings_them_back(lake: Path, stedi: Stedi) -> None:
    rows = landing_rows(lake)
    person = someone(rows)
    values = [person[name] for name in ("customerName", "email", "serialNumber")]
    originals = lake.parent / "originals"
    for subject in SUBJECTS:
        shutil.copytree(lake / subject / "landing", originals / subject / "landing")
    assert stedi("run").code == 0
    assert stedi("run").code == 0
    assert len(holding(lake, *values)) > 12

    before = {file: file.read_bytes() for file in lake.rglob("*") if file.is_file()}
    tried = stedi("forget", person["email"].upper(), "--dry-run", "--json")
    assert tried.code == 0, tried.err
    assert {file: file.read_bytes() for file in lake.rglob("*") if file.is_file()} == before
    said = stedi("forget", person["email"].upper(), "--json")
    assert said.code == 0, said.err
    receipt = json.loads(said.out)
    for what, number in json.loads(tried.out)["removed"].items():
        assert receipt["removed"][what] == number
    assert not [value for value in values if value in said.out + said.err]

    assert holding(lake, *values) == []
    right = expected(without(rows, person))
    assert tables(lake) == right
    checked = stedi("forget", "--verify")
    assert checked.code == 0, checked.err

    shutil.copytree(originals, lake, dirs_exist_ok=True)
    assert stedi("run").code == 0
    assert tables(lake) == right
    found = stedi("forget", "--verify")
    assert found.code == 1
    assert "customer/landing/" in found.err.replace("\n", "")
    assert stedi("forget", person["email"]).code == 0
    assert holding(lake, *values) == []
    assert stedi("forget", "--verify").code == 0


def test_runs_need_the_key_that_people_were_forgotten_with(
    lake: Path, stedi: Stedi, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stedi("run").code == 0
    assert stedi("forget", "nobody@example.com").code == 0
    monkeypatch.setenv("STEDI_KEY", "")
    assert "must not come back" in stedi("run").err.replace("\n", " ")
    monkeypatch.setenv("STEDI_KEY", "env:OTHER_KEY")
    monkeypatch.setenv("OTHER_KEY", KEY[::-1])
    said = stedi("run")
    assert (said.code, "another key" in said.err) == (2, True)


def test_pseudonyms_of_a_person_go_with_them(lake: Path, stedi: Stedi) -> None:
    rows = landing_rows(lake)
    person = someone(rows)
    assert stedi("run", "--privacy", "pseudonymous").code == 0
    assert stedi("forget", person["email"]).code == 0
    right = expected(without(rows, person), privacy="pseudonymous", key=KEY.encode())
    assert tables(lake) == right


KILLED = """
import os, signal, sys
from stedi_glue.backends.storage import DiskStorage
from stedi_glue.entry.cli import main
left = int(sys.argv[1])
def counted(name):
    original = getattr(DiskStorage, name)
    def call(*arguments, **options):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return original(*arguments, **options)
    setattr(DiskStorage, name, call)
for name in ("write_bytes", "delete", "open_output"):
    counted(name)
sys.exit(main(sys.argv[2:]))
"""


def test_killed_half_way_and_run_again_it_completes(lake: Path, stedi: Stedi) -> None:
    rows = landing_rows(lake)
    person = someone(rows)
    values = [person[name] for name in ("customerName", "email", "serialNumber")]
    assert stedi("run").code == 0
    killed = 0
    # Each attempt comes further than the one before it.
    for steps in range(1, 60, 3):
        command = [sys.executable, "-c", KILLED, str(steps), "forget", person["email"]]
        done = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        killed += 1
    assert killed > 3
    assert holding(lake, *values) == []
    assert tables(lake) == expected(without(rows, person))
    assert stedi("forget", "--verify").code == 0
    assert stedi("run").code == 0
    assert tables(lake) == expected(without(rows, person))


def test_what_cannot_be_asked(lake: Path, stedi: Stedi) -> None:
    for arguments in (["forget"], ["forget", "a@example.com", "--verify"]):
        said = stedi(*arguments)
        assert (said.code, "--verify" in said.err) == (2, True)
