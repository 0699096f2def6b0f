"""How a person is told from others, in raw text, in files, and in what Iceberg keeps of them."""

from __future__ import annotations

import gzip
import html
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stedi_glue.backends.catalog import IcebergCatalog
from stedi_glue.backends.forgetting import person, raw_text
from stedi_glue.backends.forgetting.person import Person, Theirs
from stedi_glue.backends.forgetting.sieve import Sieve, registered
from stedi_glue.backends.forgetting.suppression import Suppression
from stedi_glue.backends.forgetting.words import words
from stedi_glue.backends.raw.shape import Batch, Shape
from stedi_glue.zones import STEDI
from stedi_glue.zones.landing import CUSTOMER_LANDING, STEP_TRAINER_LANDING
from tests.scanner import decoded

KEY = b"0123456789abcdef0123456789abcdef"
THEM = {
    "customerName": "Ada O'Neil Løve",
    "email": "Ada.ONeil-Love@example.com",
    "phone": "8015550100",
    "birthDay": "1815-12-10",
    "serialNumber": "50f7b4f3-7af5-4b07-a421-7b902c8d2b7c",
    "registrationDate": 1655564376361,
}
OTHER = {
    "customerName": "Bob Short",
    "email": "bob@example.com",
    "phone": "8015550101",
    "birthDay": "1815-12-10",
    "serialNumber": "98ec1419-44b7-4016-a584-777f96115cce",
    "registrationDate": 1655564376361,
}
TELLING = ("customerName", "email", "phone", "serialNumber")


@pytest.fixture
def suppression(tmp_path: Path) -> Suppression:
    return Suppression(str(tmp_path), lambda: KEY)


def found(suppression: Suppression, *registrations: dict[str, Any]) -> Person:
    text = "\n".join(map(json.dumps, registrations))
    return person.find(
        " ADA.oneil-LOVE@example.com",
        "email",
        frozenset({"serialNumber"}),
        lambda: raw_text.fields(text, CUSTOMER_LANDING),
        suppression,
    )


@pytest.fixture
def them(suppression: Suppression) -> Person:
    return found(suppression, THEM, OTHER)


@pytest.fixture
def theirs(suppression: Suppression, them: Person) -> Theirs:
    return Theirs(suppression, them.entry.hashes, them.values)


def parquet(value: str) -> bytes:
    target = BytesIO()
    pq.write_table(pa.table({"n": [1, 2], "who": ["somebody", value]}), target)
    return target.getvalue()


@pytest.mark.parametrize("name", TELLING)
@pytest.mark.parametrize(
    "written",
    [
        lambda value: value.encode(),
        lambda value: f"  x {value.upper()}, y".encode(),
        lambda value: json.dumps({"a": [{"b": value}]}).encode(),
        lambda value: json.dumps(json.dumps({"a": value})).encode(),
        lambda value: f"<td>{html.escape(value)}</td>".encode(),
        lambda value: f'<a title="{html.escape(value)}">x</a>'.encode(),
        lambda value: f"1,{value},2\n3,x,4\n".encode(),
        lambda value: gzip.compress(f"first\n{value}\n".encode()) + gzip.compress(b"second"),
        lambda value: gzip.compress(b"first\n") + gzip.compress(value.encode()),
        lambda value: gzip.compress(f"{value}\n{'x ' * 99}".encode(), 0)[:-8],
        parquet,
        lambda value: b"PAR1 damaged " + value.encode(),
        lambda value: b"\0\0" + value.encode() + b"\0",
    ],
)
def test_a_value_is_found_in_whatever_holds_it(theirs: Theirs, name: str, written: Any) -> None:
    value = str(THEM[name])
    assert theirs.any(words("file", written(value)))
    assert not theirs.any(words("file", written(str(OTHER[name]))))
    # What is part of something longer is not theirs; digits are, in whatever they are.
    longer = theirs.any(words("file", f"x{value.replace(' ', 'x')}x".encode()))
    assert longer == (name == "phone")


def test_what_others_have_too_is_not_theirs(suppression: Suppression) -> None:
    twin = {**OTHER, "serialNumber": THEM["serialNumber"], "customerName": "ada o'neil LØVE "}
    who = found(suppression, THEM, twin)
    assert who.shared == ("birthDay", "customerName", "serialNumber")
    theirs = Theirs(suppression, who.entry.hashes)
    assert [theirs(str(THEM[name])) for name in TELLING] == [False, True, True, False]
    # A second registration of theirs is nobody else's.
    who = found(suppression, THEM, {**THEM, "email": "ada.oneil-love@EXAMPLE.com "})
    assert who.shared == ("birthDay",)


def test_people_who_were_forgotten_share_nothing(suppression: Suppression, them: Person) -> None:
    suppression.record(them.entry)
    heir = {**THEM, "email": "heir@example.com"}
    who = person.find(
        "heir@example.com",
        "email",
        frozenset({"serialNumber"}),
        lambda: raw_text.fields(json.dumps(THEM) + json.dumps(heir), CUSTOMER_LANDING),
        suppression,
    )
    assert who.shared == ("birthDay",)


MINE, YOURS = json.dumps(THEM), json.dumps(OTHER)


@pytest.mark.parametrize(
    ("text", "left", "changed"),
    [
        (f"{YOURS}\n", f"{YOURS}\n", 0),
        (f"{MINE}\n{YOURS}\n", f"{YOURS}\n", 1),
        (f"{YOURS}\n{MINE}", f"{YOURS}\n", 1),
        (f"{MINE}{YOURS}{MINE}", YOURS, 2),
        (f"[{MINE}, {YOURS}]", f"[{YOURS}]", 1),
        (f"{MINE},\n{YOURS},\n", f"{YOURS},\n", 1),
        (MINE.replace("@", "\\u0040") + "\n", "", 1),
        (f'{{"a": {MINE}}}', "", 1),
        (f"{MINE[:-40]}\n{YOURS}", f"\n{YOURS}", 1),
        (f"{MINE[:30]}\n{YOURS}", f"\n{YOURS}", 1),
        (f"{MINE[70:]}\n{YOURS}", f"\n{YOURS}", 1),
        (f"{MINE[MINE.index('Neil-') :]}\n{YOURS}", f"\n{YOURS}", 1),
        ("rubbish 8015550100\nrubbish", "\nrubbish", 1),
        ('{"email": "bob@example.com", "email": "Ada.ONeil-Love@example.com"}', "", 1),
        (
            '{"email": "bob@example.com", "of": [8015550100, "to ada.oneil-love@example.com."]}',
            '{"email": "bob@example.com", "of": [0, ""]}',
            1,
        ),
    ],
)
def test_raw_text_without_them(theirs: Theirs, text: str, left: str, changed: int) -> None:
    shape, keys = Shape(CUSTOMER_LANDING.columns), raw_text.subject_keys(CUSTOMER_LANDING)
    got, number = raw_text.without(text, shape, keys, theirs)
    assert (got.strip(), number) == (left.strip(), changed)


def test_the_sieve_keeps_a_device_that_was_passed_on(
    suppression: Suppression, them: Person
) -> None:
    suppression.record(them.entry)
    shape = Shape(STEP_TRAINER_LANDING.columns)
    serials = [THEM["serialNumber"], OTHER["serialNumber"], None]
    columns = {"sensorReadingTime": [1, 2, 3], "serialNumber": serials}
    rows = pa.Table.from_pydict(
        {**columns, "distanceFromObject": [1, 2, 3]}, pa.schema(shape.types.items())
    )
    batch = Batch(rows, [("broken", MINE), ("broken", YOURS)])
    sieve = Sieve(STEP_TRAINER_LANDING, suppression)
    assert sieve(batch).records["sensorReadingTime"].to_pylist() == [2, 3]
    assert list(sieve(batch).problems) == [("broken", YOURS)]

    people = pa.Table.from_pylist([THEM, {**OTHER, "serialNumber": THEM["serialNumber"]}])
    others = registered(people, CUSTOMER_LANDING, suppression)
    owned = Sieve(STEP_TRAINER_LANDING, suppression, others)
    assert owned(batch).records["sensorReadingTime"].to_pylist() == [1, 2, 3]
    assert owned.stamp != sieve.stamp


def test_a_commit_does_not_tell_the_values_that_it_deletes(tmp_path: Path) -> None:
    table = STEDI.table("accelerometer_trusted")
    catalog = IcebergCatalog.local(str(tmp_path))
    catalog.create()
    for number, user in enumerate((str(THEM["email"]), "bob@example.com")):
        folder = Path(catalog.new_folder(table, str(number)))
        folder.mkdir(parents=True)
        row = {"user": user, "timestamp": 1, "x": 0.0, "y": 0.0, "z": 0.0}
        pq.write_table(pa.Table.from_pylist([row]), folder / "part-0.parquet")
        snapshot = catalog.publish(table, catalog.written(str(folder)), {"stedi.run-id": "1"})
    catalog.drop_history(table)
    used = catalog.used(table)
    texts = [text for file in used for text in decoded(Path(file))]
    assert any("bob@example.com" in text for text in texts)
    assert not any(str(THEM["email"])[:16] in text for text in texts)
    assert catalog.history(table) == (snapshot,)
