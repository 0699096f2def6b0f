"""People of the real export are forgotten: by an independent scanner, by kills, and in S3."""

from __future__ import annotations

import logging
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Timer

import pytest

from stedi_glue.entry.cli import main
from stedi_glue.entry.synthetic import write_landing
from tests.aws_server import BUCKET, Account
from tests.entry.test_forget import KEY, someone, tables, telling, without
from tests.forked import Program
from tests.oracle import SUBJECTS, Row, expected, landing_rows
from tests.scanner import holding

LOG = logging.getLogger(__name__)
KILLS = int(os.environ.get("KILLS", "6"))

pytestmark = pytest.mark.slow


@pytest.fixture
def lake(tmp_path: Path, starter: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    restore(starter, tmp_path / "lake")
    for name in [name for name in os.environ if name.startswith("STEDI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STEDI_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("STEDI_PRIVACY", "identified")
    monkeypatch.setenv("LAKE_KEY", KEY)
    monkeypatch.setenv("STEDI_KEY", "env:LAKE_KEY")
    return tmp_path / "lake"


def restore(starter: Path, lake: Path) -> None:
    for subject in SUBJECTS:
        shutil.copytree(
            starter / subject / "landing",
            lake / subject / "landing",
            copy_function=shutil.copyfile,
            dirs_exist_ok=True,
        )


@pytest.fixture(scope="module")
def rows(starter: Path) -> dict[str, list[Row]]:
    return landing_rows(starter)


def people(rows: dict[str, list[Row]], number: int) -> list[Row]:
    """Customers with readings in the curated table, among them the first and last by e-mail.

    Iceberg keeps the least and greatest values of a file's columns.
    """
    paired = {row[3] for row in expected(rows)["machine_learning_curated"]}
    names = [row["customerName"].casefold() for row in rows["customer"]]
    found = [
        row
        for row in sorted(rows["customer"], key=lambda row: str(row["email"]))
        if row["email"] in paired
        and sum(row["customerName"].casefold() in name for name in names) == 1
    ]
    return [found[0], found[-1], *random.Random(7).sample(found[1:-1], number - 2)]


def test_the_starter_data_forgets_people(
    lake: Path, starter: Path, rows: dict[str, list[Row]]
) -> None:
    assert main(["run"]) == 0
    assert main(["run"]) == 0
    gone = people(rows, 3)
    for person in gone:
        assert len(holding(lake, *telling(person))) > 12
        assert main(["forget", person["email"]]) == 0
        assert holding(lake, *telling(person)) == []
    right = expected(without(rows, *gone))
    assert tables(lake) == right
    assert main(["forget", "--verify"]) == 0

    restore(starter, lake)
    assert main(["run"]) == 0
    assert tables(lake) == right
    values = [value for person in gone for value in telling(person)]
    raw = [str(file.relative_to(starter)) for file in starter.rglob("*.json")]
    assert set(holding(lake, *values)) <= set(raw)
    assert main(["forget", "--verify"]) == 1
    for person in gone:
        assert main(["forget", person["email"]]) == 0
    assert holding(lake, *values) == []
    assert tables(lake) == right


@pytest.fixture
def program(lake: Path, tmp_path: Path) -> Iterator[Program]:
    program = Program({}, tmp_path / "said")
    yield program
    program.close()


def forget(program: Program, email: str, seconds: float | None = None) -> tuple[int, float]:
    """Forget somebody, or be killed after some seconds; return the exit code and how long."""
    began = time.monotonic()
    pid = program.start(["forget", email])

    def kill() -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    timer = Timer(seconds, kill) if seconds is not None else None
    if timer:
        timer.start()
    code = program.wait()
    if timer:
        timer.cancel()
    return code, time.monotonic() - began


def test_killed_at_random_moments_and_run_again_it_completes(
    lake: Path, starter: Path, rows: dict[str, list[Row]], program: Program
) -> None:
    assert main(["run"]) == 0
    first, *others = people(rows, 4)
    code, whole = forget(program, first["email"])
    assert code == 0, program.said.read_text()
    gone, killed, moments = [first], 0, random.Random(11)
    for person in others:
        gone.append(person)
        for _ in range(KILLS // len(others)):
            code, _ = forget(program, person["email"], moments.uniform(0, whole))
            assert code in (0, -signal.SIGKILL), program.said.read_text()
            killed += code != 0
            if code == 0:
                # It was faster than its death: somebody restores the files, so it has work again.
                restore(starter, lake)
        code, _ = forget(program, person["email"])
        assert code == 0, program.said.read_text()
        assert holding(lake, *telling(person)) == []
        restored = [one for one in gone if holding(lake, *telling(one))]
        for one in restored:
            assert main(["forget", one["email"]]) == 0
        assert tables(lake) == expected(without(rows, *gone))
        assert main(["forget", "--verify"]) == 0
    assert killed > KILLS // 4
    LOG.info("%d kills of a command that takes %.1f s", killed, whole)


@pytest.mark.parametrize("versioned", [False, True])
def test_a_lake_in_s3_forgets(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, versioned: bool
) -> None:
    landing = tmp_path / "landing"
    write_landing(landing, customers=30, readings=600)
    rows = landing_rows(landing)
    for name in [name for name in os.environ if name.startswith("STEDI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STEDI_LAKE", f"s3://{BUCKET}/lake")
    monkeypatch.setenv("STEDI_PRIVACY", "identified")
    monkeypatch.setenv("LAKE_KEY", KEY)
    monkeypatch.setenv("STEDI_KEY", "env:LAKE_KEY")
    s3 = account.client("s3")
    if versioned:
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    person = someone(rows)
    assert main(["land", str(landing)]) == 0
    assert main(["run"]) == 0
    copy = tmp_path / "before"
    download(account, copy)
    assert len(holding(copy, *telling(person))) > 12
    assert main(["forget", person["email"]]) == 0
    download(account, tmp_path / "after")
    assert holding(tmp_path / "after", *telling(person)) == []
    assert main(["forget", "--verify"]) == 0
    right = expected(without(rows, person))
    by_hand = account.by_hand()
    for name, table in right.items():
        found = by_hand.load_table(f"stedi.{name}")
        assert len(found.snapshots()) == 1
        assert found.scan().to_arrow().num_rows == table.total()

    assert main(["land", str(landing)]) == 0
    assert main(["run"]) == 0
    for name, table in right.items():
        assert by_hand.load_table(f"stedi.{name}").scan().to_arrow().num_rows == table.total()
    assert main(["forget", "--verify"]) == 1


def download(account: Account, folder: Path) -> None:
    """Every version of every object of the lake."""
    s3 = account.client("s3")
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET)
    for page in pages:
        for number, found in enumerate(page.get("Versions", ())):
            version = {} if found["VersionId"] == "null" else {"VersionId": found["VersionId"]}
            body = s3.get_object(Bucket=BUCKET, Key=found["Key"], **version)["Body"].read()
            file = folder / f"{found['Key']}.{number}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
