"""A lake whose curated table names nobody, from the command line."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from stedi_glue.entry.synthetic import write_landing
from stedi_glue.lakehouse import Lakehouse
from stedi_glue.zones import STEDI
from stedi_glue.zones import stedi as stedi_pipeline
from stedi_glue.zones.curated import MACHINE_LEARNING_CURATED
from tests.aws_server import BUCKET, Account
from tests.entry.conftest import Stedi
from tests.entry.test_cli import NO_ROWS, PROGRAM
from tests.entry.test_cli_mistakes import add_rule
from tests.kept import Kept
from tests.oracle import expected, landing_rows, multiset
from tests.rows import pseudonym

NAME = "machine_learning_curated"
KEY = "fedcba9876543210fedcba9876543210"
PSEUDONYMOUS = MACHINE_LEARNING_CURATED.pseudonymous()


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landing")
    write_landing(folder, customers=40, readings=600)
    return folder


@pytest.fixture
def new(tmp_path: Path, landing: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a lake is to be, in a home without any key."""
    monkeypatch.setenv("STEDI_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("STEDI_LANDING", str(landing))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "lake"


def landing_of() -> Path:
    return Path(os.environ["STEDI_LANDING"])


def key_of(lake: Path) -> Path:
    """Where the lake's own key is, or would be."""
    note = json.loads((lake / "lake.json").read_text())
    return Path(os.environ["XDG_CONFIG_HOME"], "stedi_glue", "keys", note["id"])


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, landing: Path) -> Kept:
    lake = tmp_path_factory.mktemp("kept") / "lake"
    run = [*PROGRAM, "run", "--lake", lake, "--landing", landing, "--privacy", "pseudonymous"]
    done = subprocess.run(
        [*run, "--key", "env:PSEUDONYM_KEY"],
        env={**os.environ, "PSEUDONYM_KEY": KEY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stdout + done.stderr
    return Kept(lake)


@pytest.fixture
def lake(kept: Kept, landing: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new lake that was run with pseudonyms."""
    lake = kept.restored()
    monkeypatch.setenv("STEDI_LAKE", str(lake))
    monkeypatch.setenv("STEDI_LANDING", str(landing))
    monkeypatch.setenv("PSEUDONYM_KEY", KEY)
    return lake


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


def test_a_run_that_waited_does_as_the_lake_was_told_meanwhile(
    tmp_path: Path, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place: dict[str, Any] = {"lake": tmp_path / "lake", "landing": landing, "key": KEY.encode()}
    with Lakehouse.open(**place, privacy="identified") as told, Lakehouse.open(**place) as opened:
        told.run().raise_for_status()
        writing = opened._storage.writing

        @contextmanager
        def late() -> Iterator[None]:
            with Lakehouse.open(**place, privacy="pseudonymous") as other:
                other.run(NAME).raise_for_status()
            with writing():
                yield

        monkeypatch.setattr(opened._storage, "writing", late)
        opened.run(NAME).raise_for_status()
        assert opened.table(NAME).columns == list(PSEUDONYMOUS.column_names)
    assert json.loads((tmp_path / "lake" / "lake.json").read_text())["privacy"] == "pseudonymous"


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


def test_without_the_key_they_cannot_be_recomputed(lake: Path, landing: Path) -> None:
    """DuckDB knows every address and serial number, and every way to hash them but the key's."""
    values = [
        str(row[name])
        for row in landing_rows(landing)["customer"]
        for name in ("email", "serialNumber")
    ]
    with duckdb.connect() as connection:
        connection.register("known", pa.table({"value": values}))
        keys = {"right": KEY, "other": KEY[::-1], "none": "", "value": None}
        for name, key in keys.items():
            tried = [pseudonym(v, (v if key is None else key).encode()) for v in values]
            connection.register(f"by_{name}_key", pa.table({"hash": tried}))
        connection.execute(f"CREATE VIEW made AS SELECT * FROM {published(lake)}")

        def matches(hashes: str) -> int:
            query = f"SELECT count(*) FROM made WHERE subject IN ({hashes}) OR device IN ({hashes})"
            return int(connection.sql(query).fetchall()[0][0])

        every = matches("SELECT hash FROM by_right_key")
        assert every == connection.sql("SELECT count(*) FROM made").fetchall()[0][0] > 0
        for hashes in (
            "SELECT value FROM known",
            *(f"SELECT {known}(value) FROM known" for known in ("sha256", "sha1", "md5")),
            *(f"SELECT hash FROM by_{name}_key" for name in keys if name != "right"),
        ):
            assert matches(hashes) == 0, hashes


def test_it_stays_private_until_somebody_says_otherwise(lake: Path, stedi: Stedi) -> None:
    without = stedi("run", NAME)
    assert without.code == 2
    assert "or name it with --key" in without.err
    assert stedi("run", NAME, "--key", "env:PSEUDONYM_KEY").code == 0
    assert stedi("query", f"SELECT subject FROM {NAME}").code == 0
    assert stedi("run", NAME, "--privacy", "identified").code == 0
    assert stedi("query", f"SELECT user FROM {NAME}").code == 0
    assert stedi("run", NAME).code == 0
    assert stedi("query", f"SELECT user FROM {NAME}").code == 0


def test_a_new_lake_names_nobody_and_makes_its_own_key(new: Path, stedi: Stedi) -> None:
    first = subprocess.run([*PROGRAM, "run"], capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    place = key_of(new)
    (said,) = [line for line in first.stderr.splitlines() if "key" in line]
    assert said == (
        f"This lake's pseudonyms have a key of their own, in {place}: keep a copy of it."
    )
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    key = place.read_bytes()
    assert len(bytes.fromhex(key.decode())) == 32
    again = stedi("run", NAME, "--json")
    assert again.code == 0
    assert "key" not in again.err
    assert not [f for f in new.rglob("*") if f.is_file() and key in f.read_bytes()]
    right = expected(landing_rows(landing_of()), privacy="pseudonymous", key=key)
    with Lakehouse.open(new) as opened:
        assert multiset(opened.table(NAME).collect()) == right[NAME]
    # Named after the lake's id, not its path.
    assert place.name == json.loads((new / "lake.json").read_text())["id"]
    assert str(new) not in (new / "lake.json").read_text()


def test_so_does_one_that_is_opened_in_python(new: Path) -> None:
    with Lakehouse.open(new, landing=landing_of(), pipeline=stedi_pipeline("customer")) as lake:
        lake.run().raise_for_status()
        assert lake.table(NAME).columns == list(PSEUDONYMOUS.column_names)
        assert lake.contract(NAME) == PSEUDONYMOUS
    with Lakehouse.open(new, landing=landing_of(), privacy="identified") as lake:
        assert lake.contract(NAME) == PSEUDONYMOUS
        lake.run(NAME).raise_for_status()
        assert lake.contract(NAME) == MACHINE_LEARNING_CURATED


def test_tables_that_need_no_key_ask_for_none(new: Path, stedi: Stedi) -> None:
    assert stedi("run", "customer_trusted").code == 0
    assert not key_of(new).exists()
    # Its first key is not a lost one.
    assert stedi("run").code == 0
    assert key_of(new).exists()


def test_a_key_that_is_lost_or_wrong(new: Path, stedi: Stedi, tmp_path: Path) -> None:
    assert stedi("run").code == 0
    place = key_of(new)
    kept = place.read_bytes()
    place.unlink()
    lost = stedi("run")
    assert lost.code == 2
    assert f"is not in '{place}': put it back there" in lost.err
    assert not place.exists()
    assert kept.decode() not in lost.err
    other = tmp_path / "other.key"
    other.write_text(KEY)
    wrong = stedi("run", "--key", other)
    assert wrong.code == 2
    assert "not the key that the lake's pseudonyms were made with" in wrong.err
    place.write_bytes(kept)
    assert stedi("run", NAME).code == 0
    place.unlink()
    assert stedi("run", NAME, "--privacy", "pseudonymous", "--key", other).code == 0
    assert stedi("run", NAME, "--key", other).code == 0


def test_a_lake_of_before_stays_as_it_is(new: Path, stedi: Stedi, tmp_path: Path) -> None:
    """Of a lake without a note, what readers see tells."""
    assert stedi("run", "--privacy", "identified").code == 0
    (new / "lake.json").unlink()
    assert stedi("run", NAME).code == 0
    assert stedi("query", f"SELECT user FROM {NAME}").code == 0
    other = tmp_path / "other.key"
    other.write_text(KEY)
    assert stedi("run", NAME, "--privacy", "pseudonymous", "--key", other).code == 0
    (new / "lake.json").unlink()
    assert "put it back there" in stedi("run", NAME).err
    assert stedi("run", NAME, "--key", other).code == 0
    assert stedi("query", f"SELECT subject FROM {NAME}").code == 0


def test_what_a_lake_was_told_counts_also_when_nothing_was_published(
    new: Path, stedi: Stedi, own_rules: Path
) -> None:
    add_rule(own_rules / "customer_trusted.json", NO_ROWS)
    assert stedi("run", "--privacy", "identified", "--rules", own_rules).code == 3
    assert stedi("run").code == 0
    assert stedi("query", f"SELECT user FROM {NAME}").code == 0


def test_a_note_that_is_damaged(new: Path, stedi: Stedi) -> None:
    assert stedi("run", "customer_trusted").code == 0
    for text in ("{", "[1]", '{"id": "../../elsewhere"}', '{"privacy": "identified"}'):
        (new / "lake.json").write_text(text)
        said = stedi("run")
        assert (said.code, "is damaged; restore it" in said.err) == (1, True), text


def test_a_key_that_cannot_be_kept(
    new: Path, stedi: Stedi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    said = stedi("run")
    assert said.code == 2
    assert "name it with --key" in said.err


@pytest.mark.slow
def test_a_new_lake_in_s3_must_be_told(account: Account, new: Path, stedi: Stedi) -> None:
    root = f"s3://{BUCKET}"
    run = ("run", "--lake", root, "--landing", landing_of())
    said = stedi(*run)
    assert said.code == 2
    assert "'--key secret:NAME'" in said.err
    assert "'--privacy identified'" in said.err
    assert not account.objects()
    account.client("secretsmanager").create_secret(Name="steps", SecretString=KEY)
    assert stedi(*run, "--key", "secret:steps").code == 0
    assert [c["Name"] for c in account.table(NAME)["StorageDescriptor"]["Columns"]] == list(
        PSEUDONYMOUS.column_names
    )


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
