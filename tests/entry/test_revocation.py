"""A consent that is revoked: what still holds its rows is told, and the next run takes them out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from stedi_glue.entry.cli import main
from stedi_glue.entry.synthetic import write_landing
from stedi_glue.lakehouse import Lakehouse
from stedi_glue.model.table import Zone
from stedi_glue.zones import STEDI
from tests.entry.conftest import Said, Stedi, listing
from tests.entry.test_cli import NO_ROWS
from tests.entry.test_cli_mistakes import add_rule
from tests.kept import Kept
from tests.oracle import Multiset, Row, expected, landing_rows, multiset
from tests.rows import KEY

MADE = [table.name for table in STEDI.tables if table.zone is not Zone.LANDING]
CONSENT = "shareWithResearchAsOfDate"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    root = tmp_path_factory.mktemp("kept")
    write_landing(root / "landing", customers=30, readings=600)
    (root / "key").write_bytes(KEY)
    places = {"--lake": "lake", "--landing": "landing", "--key": "key"}
    options = [word for name, place in places.items() for word in (name, str(root / place))]
    assert main(["run", *options]) == 0
    return Kept(root)


@pytest.fixture
def landing(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The raw data of a lake that was run."""
    root = kept.restored()
    for name, value in {"LANDING": "landing", "LAKE": "lake", "KEY": "key"}.items():
        monkeypatch.setenv(f"STEDI_{name}", str(root / value))
    return root / "landing"


def oracle(landing: Path) -> dict[str, Multiset]:
    return expected(landing_rows(landing), privacy="pseudonymous", key=KEY)


def published(lake: Path) -> dict[str, Multiset]:
    with Lakehouse.open(lake) as opened:
        return {name: multiset(opened.table(name).collect()) for name in MADE}


def agreeing(landing: Path) -> list[Row]:
    """Customers who agree and whose readings are paired, as they registered last."""
    trusted = {row[1] for row in oracle(landing)["customers_curated"]}
    last = {row["email"]: row for row in landing_rows(landing)["customer"]}
    return [row for email, row in last.items() if email in trusted]


def revoke(landing: Path, rows: Iterable[Row]) -> None:
    later = [
        {k: v for k, v in row.items() if k != CONSENT}
        | {"lastUpdateDate": row["lastUpdateDate"] + 1}
        for row in rows
    ]
    text = "".join(json.dumps(row) + "\n" for row in later)
    (landing / "customer" / "landing" / "revoked.json").write_text(text)


def revoked(stedi: Stedi) -> dict[str, Any]:
    states = json.loads(stedi("tables", "--json").out)
    return {state["table"]: state["revoked"] for state in states if state["table"] in MADE}


def outcome(said: Said) -> Mapping[str, Any]:
    return {table["table"]: table for table in json.loads(said.out)["tables"]}


def test_it_takes_effect_at_the_next_run_and_until_then_is_told(
    landing: Path, stedi: Stedi
) -> None:
    before = oracle(landing)
    assert revoked(stedi) == dict.fromkeys(MADE, 0)
    person = agreeing(landing)[0]
    revoke(landing, [person])
    after = oracle(landing)
    lost = {name: (before[name] - after[name]).total() for name in MADE}
    assert min(lost.values()) > 0

    files = listing(landing.parent)
    assert revoked(stedi) == lost
    said = stedi("tables")
    told = said.out.splitlines()[-1]
    assert told.startswith("People revoked their consent and are still in customer_trusted (1 row)")
    assert f"machine_learning_curated ({lost['machine_learning_curated']} rows)" in told
    assert not [value for value in person.values() if isinstance(value, str) and value in said.out]
    assert listing(landing.parent) == files, "looking changes nothing"

    assert stedi("run").code == 0
    assert revoked(stedi) == dict.fromkeys(MADE, 0)
    assert "revoked" not in stedi("tables").out
    assert published(landing.parent / "lake") == after


def test_a_table_that_was_held_is_told_of_until_it_is_published(
    landing: Path, stedi: Stedi, own_rules: Path
) -> None:
    revoke(landing, agreeing(landing)[:1])
    still = revoked(stedi)
    add_rule(own_rules / "accelerometer_trusted.json", NO_ROWS)
    assert stedi("run", "--rules", own_rules).code == 3
    assert revoked(stedi) == still | {"customer_trusted": 0}
    assert stedi("run").code == 0
    assert set(revoked(stedi).values()) == {0}


def test_what_nobody_can_tell_is_told_as_such(
    landing: Path, stedi: Stedi, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoke(landing, agreeing(landing)[:1])
    monkeypatch.delenv("STEDI_KEY")
    assert revoked(stedi)["machine_learning_curated"] is None
    assert revoked(stedi)["accelerometer_trusted"] > 0
    assert "machine_learning_curated (rows)" in stedi("tables").out
    monkeypatch.delenv("STEDI_LANDING")
    assert set(revoked(stedi).values()) == {None}
    assert "is told with --landing" in stedi("tables").out


def test_with_another_lakes_key_nobody_can_tell(
    landing: Path, stedi: Stedi, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoke(landing, agreeing(landing)[:1])
    assert revoked(stedi)["machine_learning_curated"] > 0
    (landing.parent / "other").write_bytes(KEY[::-1])
    monkeypatch.setenv("STEDI_KEY", str(landing.parent / "other"))
    assert revoked(stedi)["machine_learning_curated"] is None


def test_a_damaged_table_is_told_when_somebody_revoked(landing: Path, stedi: Stedi) -> None:
    revoke(landing, agreeing(landing)[:1])
    with Lakehouse.open(landing.parent / "lake") as opened:
        (file, *_) = opened._catalog.files(STEDI.table("customer_trusted"))
    Path(file).write_bytes(b"PAR1" + b"\xa5" * 4000 + b"PAR1")
    said = stedi("tables")
    assert said.code == 1
    assert "Cannot read" in said.err
    assert "bug" not in said.err


def test_a_registration_that_is_new_or_gone_revokes_nothing(landing: Path, stedi: Stedi) -> None:
    (new,) = agreeing(landing)[:1]
    new = {**new, "email": "new@example.com", "serialNumber": "0" * 8}
    file = landing / "customer" / "landing" / "new.json"
    file.write_text(json.dumps(new) + "\n")
    assert set(revoked(stedi).values()) == {0}
    for other in file.parent.iterdir():
        other.unlink()
    file.write_text(json.dumps({k: v for k, v in new.items() if k != CONSENT}) + "\n")
    assert set(revoked(stedi).values()) == {0}
    # Whoever lost an export must not wipe out what readers have.
    before = published(landing.parent / "lake")
    assert stedi("run").code == 3
    assert published(landing.parent / "lake") == before


@pytest.mark.slow
def test_when_the_last_one_revokes_readers_see_nobody(landing: Path, stedi: Stedi) -> None:
    revoke(landing, landing_rows(landing)["customer"])
    nobody = {name: multiset([]) for name in MADE}
    assert oracle(landing) == nobody
    for _ in ("first", "again"):
        done = stedi("run", "--json")
        assert done.code == 0, done.err
        tables = outcome(done)
        for name in MADE:
            assert (tables[name]["status"], tables[name]["rows"]) == ("published", 0)
            assert tables[name]["expectations"]["warnings"] > 0
        assert published(landing.parent / "lake") == nobody
        assert set(revoked(stedi).values()) == {0}
    (landing / "customer" / "landing" / "revoked.json").unlink()
    assert stedi("run").code == 0
    assert published(landing.parent / "lake") == oracle(landing)


def test_a_table_that_is_empty_for_another_reason_is_held(landing: Path, stedi: Stedi) -> None:
    """Somebody revoked, but others' readings went missing."""
    before = published(landing.parent / "lake")
    revoke(landing, agreeing(landing)[:1])
    kept = {row["email"] for row in agreeing(landing)}
    folder = landing / "accelerometer" / "landing"
    rows = [row for row in landing_rows(landing)["accelerometer"] if row["user"] not in kept]
    for file in folder.iterdir():
        file.unlink()
    (folder / "rest.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert stedi("run", "--json").code == 3
    assert (
        published(landing.parent / "lake")["accelerometer_trusted"]
        == (before["accelerometer_trusted"])
    )
