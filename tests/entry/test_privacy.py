"""A lake whose curated table names nobody, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from stedi_glue.entry.synthetic import write_landing
from stedi_glue.lakehouse import Lakehouse
from stedi_glue.zones import STEDI
from stedi_glue.zones.curated import MACHINE_LEARNING_CURATED
from tests.entry.conftest import Stedi
from tests.oracle import expected, landing_rows, multiset

NAME = "machine_learning_curated"
KEY = "fedcba9876543210fedcba9876543210"
PSEUDONYMOUS = MACHINE_LEARNING_CURATED.pseudonymous()


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landing")
    write_landing(folder, customers=40, readings=600)
    return folder


@pytest.fixture
def lake(tmp_path: Path, landing: Path, stedi: Stedi, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new lake that was run with pseudonyms."""
    monkeypatch.setenv("STEDI_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("STEDI_LANDING", str(landing))
    monkeypatch.setenv("PSEUDONYM_KEY", KEY)
    done = stedi("run", "--privacy", "pseudonymous", "--key", "env:PSEUDONYM_KEY")
    assert done.code == 0, done.err
    assert KEY not in done.out + done.err
    return tmp_path / "lake"


def published(lake: Path) -> str:
    """The Parquet files of the table that readers see, for a query of DuckDB."""
    with Lakehouse.open(lake) as opened:
        table = opened.pipeline.table(NAME)
        files = opened._catalog.files(table)
    return f"read_parquet({list(files)})"


def test_it_holds_pseudonyms_in_place_of_people(lake: Path, landing: Path) -> None:
    rows = landing_rows(landing)
    right = expected(rows, privacy="pseudonymous", key=KEY.encode())
    with Lakehouse.open(lake) as opened:
        assert opened.table(NAME).columns == list(PSEUDONYMOUS.column_names)
        assert multiset(opened.table(NAME).collect()) == right[NAME]
        (snapshot,) = opened.history(NAME)
    assert snapshot.summary["stedi.option.privacy"] == "pseudonymous"


def test_no_personal_value_is_in_its_files_and_the_key_is_nowhere(
    lake: Path, landing: Path
) -> None:
    personal = {
        str(row[name]).encode()
        for row in landing_rows(landing)["customer"]
        for name in STEDI.table("customer_landing").personal_columns
    }
    assert len(personal) > 100
    for file in lake.rglob("*"):
        if file.is_file():
            assert KEY.encode() not in file.read_bytes()
    for file in (lake / PSEUDONYMOUS.location).rglob("*"):
        found = file.read_bytes() if file.is_file() else b""
        if file.suffix == ".parquet":
            found = str(duckdb.read_parquet(str(file)).fetchall()).encode()
            assert b"True" in found
        assert not [value for value in personal if value in found], file


def test_pseudonyms_keep_the_joins(lake: Path, landing: Path, stedi: Stedi) -> None:
    """In DuckDB: beside the same table with names, who is who agrees in both directions."""
    private = f"SELECT * FROM {published(lake)}"
    rows = duckdb.sql(private).arrow().read_all()
    done = stedi("run", NAME, "--privacy", "identified")
    assert done.code == 0, done.err
    query = f"""
        SELECT count(*), count(DISTINCT "user"), count(DISTINCT subject),
            count(DISTINCT ("user", subject)), count(DISTINCT serialNumber),
            count(DISTINCT device), count(DISTINCT (serialNumber, device))
        FROM {published(lake)} AS known JOIN rows USING (
            sensorReadingTime, distanceFromObject, x, y, z, sameCustomer
        )
    """
    [(total, *counts)] = duckdb.sql(query).fetchall()
    assert total == len(rows)
    assert counts[0] > 3
    assert len(set(counts[:3])) == len(set(counts[3:])) == 1


def test_it_stays_private_until_somebody_says_otherwise(lake: Path, stedi: Stedi) -> None:
    forgotten = stedi("run", NAME)
    assert forgotten.code == 2
    assert "Pseudonyms need a key" in forgotten.err
    assert stedi("run", NAME, "--key", "env:PSEUDONYM_KEY").code == 0
    assert stedi("query", f"SELECT subject FROM {NAME}").code == 0
    assert stedi("run", NAME, "--privacy", "identified").code == 0
    assert stedi("query", f"SELECT user FROM {NAME}").code == 0


def test_each_snapshot_is_read_as_it_was_published(lake: Path, stedi: Stedi) -> None:
    assert stedi("run", NAME, "--privacy", "identified").code == 0
    with Lakehouse.open(lake) as opened:
        _, before = opened.history(NAME)
        assert opened.table(NAME).columns == list(MACHINE_LEARNING_CURATED.column_names)
        old = opened.table(NAME, before.snapshot_id)
        assert old.columns == list(PSEUDONYMOUS.column_names)
        assert old.where("subject IS NULL OR device IS NULL").count() == 0
    assert stedi("rollback", NAME).code == 0
    found = json.loads(stedi("tables", NAME, "--json").out)
    assert [c["name"] for c in found[0]["columns"]] == list(PSEUDONYMOUS.column_names)
    assert not any(c["personal"] for c in found[0]["columns"])


def test_what_is_wrong_is_found_before_anything_is_written(
    tmp_path: Path, stedi: Stedi, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    (lake / "key").write_text(KEY, encoding="utf-8")
    monkeypatch.setenv("SHORT_KEY", "secret")
    private = ("run", "--lake", lake, "--privacy", "pseudonymous")
    for words, arguments in {
        "need a key": private,
        "cannot be read": (*private, "--key", tmp_path / "none"),
        "is in the lake": (*private, "--key", lake / "key"),
        "has 6 bytes": (*private, "--key", "env:SHORT_KEY"),
        "did you mean 'pseudonymous'?": (*private[:-1], "pseudonymos"),
    }.items():
        said = stedi(*arguments)
        assert (said.code, words in " ".join(said.err.split())) == (2, True), said.err
    assert [file.name for file in lake.iterdir()] == ["key"]


def test_its_statement_for_athena(stedi: Stedi) -> None:
    said = stedi("ddl", NAME, "--privacy", "pseudonymous")
    assert "`subject`" in said.out
    assert "`user`" not in said.out
