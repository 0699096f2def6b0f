"""A person is forgotten: nothing of them is left, and nothing brings them back."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stedi_glue.entry.synthetic import write_landing
from stedi_glue.lakehouse import Lakehouse
from tests.entry.conftest import Stedi
from tests.oracle import SUBJECTS, Row, expected, landing_rows, multiset
from tests.scanner import holding

KEY = "fedcba9876543210fedcba9876543210"
TELLING = ("customerName", "email", "serialNumber")


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landing")
    write_landing(folder, customers=60, readings=900)
    return folder


@pytest.fixture
def rows(landing: Path) -> dict[str, list[Row]]:
    return landing_rows(landing)


@pytest.fixture
def lake(tmp_path: Path, landing: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lake with landing data of its own, and a key; it was never run."""
    shutil.copytree(landing, tmp_path / "lake")
    monkeypatch.setenv("STEDI_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("STEDI_PRIVACY", "identified")
    monkeypatch.setenv("LAKE_KEY", KEY)
    monkeypatch.setenv("STEDI_KEY", "env:LAKE_KEY")
    return tmp_path / "lake"


def someone(rows: dict[str, list[Row]], number: int = 0) -> Row:
    """A customer whose readings and steps are in the curated table, and whose name is unique."""
    made = expected(rows)["machine_learning_curated"]
    paired = {row[3] for row in made}
    names = [row["customerName"] for row in rows["customer"]]
    found = [
        row
        for row in rows["customer"]
        if row["email"] in paired
        and sum(row["customerName"] in name for name in names) == 1
        and row["shareWithResearchAsOfDate"]
    ]
    return found[number]


def without(rows: dict[str, list[Row]], *people: Row) -> dict[str, list[Row]]:
    theirs = {person[name] for person in people for name in ("email", "serialNumber")}
    return {
        subject: [row for row in some if not theirs & {*map(str, row.values())}]
        for subject, some in rows.items()
    }


def tables(lake: Path) -> dict[str, Any]:
    with Lakehouse.open(lake) as opened:
        names = [state.table.name for state in opened.tables() if state.snapshot]
        return {name: multiset(opened.table(name).collect()) for name in names}


def contents(lake: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in lake.rglob("*") if file.is_file()}


def telling(person: Row) -> list[str]:
    return [person[name] for name in TELLING]


def leave_behind(lake: Path, person: Row) -> list[str]:
    """What killed runs, rehearsals, queries and unmasked reports might leave of somebody."""
    rows = pa.Table.from_pylist([dict(person)])
    tables = ("customer/trusted/data/killed", "customer/trusted_quarantine/killed", "rehearsals/1")
    for folder in (*tables, "customer/landing_parsed/killed"):
        (lake / folder).mkdir(parents=True)
        pq.write_table(rows, lake / folder / "part-0.parquet")
    texts = {
        "queries/1.csv": f'"n","who"\n"1","{person["customerName"]}"\n',
        "docs/old.html": f"<p>{person['email'].replace('@', '&#64;')}</p>",
        "audits/old.json": json.dumps({"unexpected": [person["serialNumber"], "a word"]}),
    }
    for name, text in texts.items():
        (lake / name).parent.mkdir(exist_ok=True)
        (lake / name).write_text(text)
    (run,) = (lake / "runs").iterdir()
    document = json.loads(run.read_text())
    document["tables"][0]["reason"] = f"{person['email']} is odd"
    run.write_text(json.dumps(document))
    return [*texts, f"runs/{run.name}", *(f"{folder}/part-0.parquet" for folder in tables)]


def test_nothing_is_left_and_nothing_brings_them_back(
    lake: Path, landing: Path, rows: dict[str, list[Row]], stedi: Stedi
) -> None:
    person = someone(rows)
    assert stedi("run").code == 0
    *left, journal = sorted(leave_behind(lake, person), key=lambda name: name.startswith("runs/"))
    assert {*left, journal} < set(holding(lake, *telling(person)))
    assert len(holding(lake, *telling(person))) > 12

    before = contents(lake)
    tried = stedi("forget", person["email"].upper(), "--dry-run", "--json")
    assert (tried.code, tried.err) == (0, "")
    assert contents(lake) == before
    said = stedi("forget", f" {person['email'].upper()} ", "--json")
    assert said.code == 0, said.err
    receipt = json.loads(said.out)
    assert receipt["removed"] == json.loads(tried.out)["removed"]
    assert receipt["removed"]["records of customer_landing"] == 1
    assert not [value for value in telling(person) if value.lower() in said.out.lower()]

    assert holding(lake, *telling(person)) == []
    # What a run came to is remembered, only not by whose fault.
    assert json.loads((lake / journal).read_text())["tables"][0]["reason"] == ""
    right = expected(without(rows, person))
    assert tables(lake) == right
    with Lakehouse.open(lake) as opened:
        for name in right:
            # Nobody can go back to the person, and what readers get passed its rules.
            (snapshot,) = opened.history(name)
            assert snapshot.summary["stedi.success"] == "true"
            assert int(snapshot.summary["stedi.rules-evaluated"]) > 10
            assert opened.attempts(name)[0].run_id == snapshot.summary["stedi.run-id"]
    assert stedi("forget", "--verify").code == 0
    assert stedi("forget", receipt["receipt"], "--verify").code == 0

    after = contents(lake)
    again = stedi("forget", person["email"])
    assert (again.code, "Nothing was left" in again.out) == (0, True)
    assert contents(lake) == after

    shutil.copytree(landing, lake, dirs_exist_ok=True)
    assert stedi("run").code == 0
    assert tables(lake) == right
    raw = {
        f"{subject}/landing/{file.name}"
        for subject in SUBJECTS
        for file in (landing / subject / "landing").iterdir()
    }
    assert set(holding(lake, *telling(person))) <= raw
    found = stedi("forget", person["email"], "--verify")
    assert (found.code, "customer/landing/" in found.err) == (1, True)
    assert stedi("forget", person["email"]).code == 0
    assert holding(lake, *telling(person)) == []
    assert stedi("forget", person["email"], "--verify").code == 0


@pytest.mark.slow
def test_whatever_form_raw_data_has(lake: Path, stedi: Stedi) -> None:
    # So many that a few broken records hold no table.
    shutil.rmtree(lake)
    write_landing(lake, customers=400, readings=1200)
    rows = landing_rows(lake)
    person, other = someone(rows), someone(rows, 1)
    email, serial, name = person["email"], person["serialNumber"], person["customerName"]
    reading = {"user": email.upper(), "timeStamp": 1655564444103, "x": 1.0, "y": 1.0, "z": 1.0}
    theirs = json.dumps({**person, "email": f"  {email} "})
    others = json.dumps(other)
    escaped = json.dumps(person).replace("@", "\\u0040")
    mentions = json.dumps({**other, "friends": [{"note": f"met {email}"}, name]})
    joined = f"{others}{theirs}{escaped},{theirs[:-30]}{others}"
    rubbish = f'rubbish {serial}\n{{"serialNumber":"{serial}"'
    raw = {
        "customer/landing/packed.json.gz": gzip.compress(f"{theirs}\n{others}\n".encode()),
        "customer/landing/joined.json": joined.encode(),
        "customer/landing/cut.json": theirs[: theirs.index("@") - 2].encode(),
        "customer/landing/array.json": f"[{theirs}, {others},\n {mentions}]".encode(),
        "customer/landing/wrong.json": json.dumps({**person, "registrationDate": "soon"}).encode()
        + b"\r\n"
        + others.encode(),
        "accelerometer/landing/other_key.json": json.dumps(reading).encode(),
        "accelerometer/landing/two.gz": gzip.compress(json.dumps(reading).encode()) * 2,
        "step_trainer/landing/rubbish.json": rubbish.encode(),
    }
    for path, content in raw.items():
        (lake / path).write_bytes(content)
    assert stedi("run").code == 0
    before = _records(lake, other["email"])

    said = stedi("forget", email)
    assert said.code == 0, said.err
    assert holding(lake, email, serial, name, email[:-6]) == []
    # Of others everything stayed, but for what it said of the person.
    assert _records(lake, other["email"]) == before == 7
    assert (lake / "customer/landing/joined.json").read_text() == f"{others}{others}"
    packed = gzip.decompress((lake / "customer/landing/packed.json.gz").read_bytes())
    assert packed.decode() == f"{others}\n"

    for path, content in raw.items():
        (lake / path).write_bytes(content)
    assert stedi("run").code == 0
    kept = lake / "customer/landing_parsed"
    assert holding(lake, email, serial, name) == sorted(raw), kept


def _records(lake: Path, email: str) -> int:
    with Lakehouse.open(lake) as opened:
        return int(opened.query(f"SELECT * FROM customer_landing WHERE email = '{email}'").count())


@pytest.mark.slow
def test_what_others_share_is_not_theirs(
    lake: Path, rows: dict[str, list[Row]], stedi: Stedi
) -> None:
    person = someone(rows)
    heir = {**person, "email": "heir@example.com", "registrationDate": 1655564444103}
    with open(lake / "customer/landing/heir.json", "w", encoding="utf-8") as file:
        file.write(json.dumps(heir) + "\n")
    every = landing_rows(lake)
    assert stedi("run").code == 0
    said = stedi("forget", person["email"], "--json")
    assert said.code == 0, said.err
    assert {"customerName", "serialNumber"} <= set(json.loads(said.out)["shared"])
    left = {
        subject: [row for row in some if person["email"] not in row.values()]
        for subject, some in every.items()
    }
    assert any(row["serialNumber"] == heir["serialNumber"] for row in left["step_trainer"])
    assert tables(lake) == expected(left)
    assert holding(lake, person["email"]) == []
    assert stedi("forget", "--verify").code == 0

    # Now nobody else has the name and the device.
    assert stedi("forget", heir["email"]).code == 0
    assert tables(lake) == expected(without(every, person))
    assert holding(lake, *telling(person)) == []


@pytest.mark.slow
def test_a_device_that_is_passed_on_is_its_new_owners(
    lake: Path, rows: dict[str, list[Row]], stedi: Stedi
) -> None:
    person, other = someone(rows), someone(rows, 1)
    assert stedi("run").code == 0
    assert stedi("forget", person["email"]).code == 0
    theirs = {"serialNumber": person["serialNumber"], "customerName": person["customerName"]}
    steps = [
        {
            "serialNumber": person["serialNumber"],
            "sensorReadingTime": 1655564444103 + n,
            "distanceFromObject": 200,
        }
        for n in range(5)
    ]
    with open(lake / "customer/landing/new.json", "w", encoding="utf-8") as file:
        file.write(json.dumps({**other, **theirs}) + "\n")
    with open(lake / "step_trainer/landing/new.json", "w", encoding="utf-8") as file:
        file.writelines(json.dumps(step) + "\n" for step in steps)
    assert stedi("run").code == 0
    assert tables(lake) == expected(landing_rows(lake))
    assert stedi("forget", "--verify").code == 0


@pytest.mark.slow
def test_a_table_that_rules_hold_is_withdrawn(
    lake: Path, rows: dict[str, list[Row]], own_rules: Path, stedi: Stedi
) -> None:
    person = someone(rows)
    assert stedi("run").code == 0
    hold = rule_of_rows(own_rules / "customers_curated.json")
    said = stedi("forget", person["email"], "--rules", hold)
    assert said.code == 0, said.err
    right = expected(without(rows, person))
    held = ("customers_curated", "step_trainer_trusted", "machine_learning_curated")
    assert all(f"{name} is withdrawn" in said.out for name in held)
    assert tables(lake) == {name: right[name] for name in right if name not in held}
    assert holding(lake, *telling(person)) == []
    assert stedi("run").code == 0
    assert tables(lake) == right


@pytest.mark.slow
def test_who_is_in_tables_below_a_withdrawn_one_is_forgotten_too(
    lake: Path, rows: dict[str, list[Row]], own_rules: Path, stedi: Stedi
) -> None:
    """A table that rules hold is no longer there when the next person is to be forgotten."""
    person = someone(rows)
    first = {
        **person,
        "customerName": "Nobody Butone",
        "email": "first@example.com",
        "serialNumber": "00000000-1111-2222-3333-444444444444",
    }
    reading = {"user": first["email"], "timestamp": 1600000000001, "x": 1.0, "y": 1.0, "z": 1.0}
    (lake / "customer/landing/first.json").write_text(json.dumps(first))
    (lake / "accelerometer/landing/first.json").write_text(json.dumps(reading))
    assert stedi("run").code == 0
    hold = rule_of_rows(own_rules / "customers_curated.json")
    said = stedi("forget", first["email"], "--rules", hold, "--json")
    assert json.loads(said.out)["withdrawn"] == ["customers_curated"]
    said = stedi("forget", person["email"], "--rules", hold)
    assert said.code == 0, said.err
    assert holding(lake, *telling(person), *telling(first)) == []
    assert stedi("run").code == 0
    assert tables(lake) == expected(without(rows, person))


def rule_of_rows(file: Path) -> Path:
    """Let a table's rules hold it, and return their folder."""
    suite = json.loads(file.read_text())
    one = {"type": "expect_table_row_count_to_equal", "kwargs": {"value": 1}, "meta": {}}
    suite["expectations"].append({**one, "severity": "critical"})
    file.write_text(json.dumps(suite))
    return file.parent


def test_nothing_is_erased_when_tables_cannot_be_made_again(
    lake: Path, rows: dict[str, list[Row]], own_rules: Path, stedi: Stedi
) -> None:
    assert stedi("run", "customer_trusted").code == 0
    before = contents(lake)
    (own_rules / "customer_trusted.json").write_text("{")
    said = stedi("forget", someone(rows)["email"], "--rules", own_rules)
    assert (said.code, "customer_trusted.json" in said.err) == (1, True)
    assert contents(lake) == before


def test_what_older_snapshots_call_them_is_forgotten_too(
    lake: Path, rows: dict[str, list[Row]], stedi: Stedi
) -> None:
    """They registered anew: another device, and an address in other letters."""
    person = someone(rows)
    assert stedi("run", "customer_trusted").code == 0
    new = {**person, "email": person["email"].title(), "serialNumber": "f" * 8 + "-1-2-3-4"}
    others = [row for row in rows["customer"] if row["email"] != person["email"]]
    for file in (lake / "customer/landing").iterdir():
        file.unlink()
    text = "".join(json.dumps(row) + "\n" for row in [*others, new])
    (lake / "customer/landing/new.json").write_text(text)
    assert stedi("run", "customer_trusted").code == 0
    assert stedi("forget", person["email"].upper()).code == 0
    with Lakehouse.open(lake, key=KEY.encode()) as opened:
        pseudonym = opened._suppression.pseudonym(person["email"])
        list_ = opened._suppression.people[0]
        assert opened._suppression.hash(pseudonym) in list_.subjects
    assert holding(lake, *telling(person), new["serialNumber"]) == []


def test_an_open_lake_hears_who_was_forgotten(
    lake: Path, rows: dict[str, list[Row]], stedi: Stedi
) -> None:
    person = someone(rows)
    with Lakehouse.open(lake, key=KEY.encode()) as opened:
        opened.run("customer_trusted").raise_for_status()
        assert stedi("forget", person["email"]).code == 0
        (lake / "customer/landing/late.json").write_text(json.dumps(person))
        opened.run("customer_trusted").raise_for_status()
        made = multiset(opened.table("customer_trusted").collect())
    assert made == expected(without(rows, person))["customer_trusted"]


def test_runs_need_the_key_that_people_were_forgotten_with(
    lake: Path, rows: dict[str, list[Row]], stedi: Stedi, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing was published yet, so nothing is made again.
    assert stedi("forget", someone(rows)["email"]).code == 0
    assert sorted(os.listdir(lake)) == sorted([".lock", "forgotten", *SUBJECTS])
    monkeypatch.setenv("STEDI_KEY", "")
    assert "must not come back" in stedi("run").err.replace("\n", " ")
    monkeypatch.setenv("STEDI_KEY", "env:OTHER_KEY")
    monkeypatch.setenv("OTHER_KEY", KEY[::-1])
    said = stedi("run")
    assert (said.code, "another key" in said.err) == (2, True)


@pytest.mark.slow
def test_pseudonyms_of_a_person_go_with_them(
    lake: Path, rows: dict[str, list[Row]], stedi: Stedi
) -> None:
    person = someone(rows)
    assert stedi("run", "--privacy", "pseudonymous", "--pairing", "customer").code == 0
    assert stedi("forget", person["email"]).code == 0
    choices: Any = {"privacy": "pseudonymous", "key": KEY.encode(), "pairing": "customer"}
    assert tables(lake) == expected(without(rows, person), **choices)
    with Lakehouse.open(lake, key=KEY.encode()) as opened:
        pseudonym = opened._suppression.pseudonym(person["email"])
    assert holding(lake, *telling(person), pseudonym) == []


def test_what_is_found_in_other_files_is_told(
    lake: Path, rows: dict[str, list[Row]], stedi: Stedi
) -> None:
    person = someone(rows)
    (lake / "notes.html").write_text(f"<p>{person['customerName'].replace(' ', '&#32;')}</p>")
    said = stedi("forget", person["email"])
    assert (said.code, "notes.html" in said.err.replace("\n", "")) == (1, True)
    assert "notes.html" in stedi("forget", "--verify").err.replace("\n", "")
    (lake / "notes.html").unlink()
    assert stedi("forget", person["email"]).code == 0
    assert stedi("forget", "--verify").code == 0


def test_what_cannot_be_asked(lake: Path, stedi: Stedi) -> None:
    for arguments in (
        ["forget"],
        ["forget", "someone"],
        ["forget", "a@example.com", "--verify", "--dry-run"],
    ):
        assert stedi(*arguments).code == 2
    before = contents(lake)
    said = stedi("forget", "nobody@example.com")
    assert (said.code, "nothing was changed" in said.err) == (1, True)
    assert "nobody@example.com" not in said.err
    said = stedi("forget", "nobody@example.com", "--verify")
    assert (said.code, "Nobody was forgotten" in said.err) == (1, True)
    assert {k: v for k, v in contents(lake).items() if k.name != ".lock"} == before


def test_a_lake_makes_the_key_that_it_lacks(
    lake: Path, rows: dict[str, list[Row]], stedi: Stedi, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = someone(rows)
    monkeypatch.delenv("STEDI_KEY")
    before = contents(lake)
    assert stedi("forget", "nobody@example.com").code == 1
    assert stedi("forget", person["email"], "--dry-run").code == 0
    assert {k: v for k, v in contents(lake).items() if k.name != ".lock"} == before
    assert stedi("forget", person["email"]).code == 0
    assert stedi("forget", person["email"], "--verify").code == 0
    gone = [row for subject in SUBJECTS for row in landing_rows(lake)[subject]]
    assert not any(person["email"] in row.values() for row in gone)
