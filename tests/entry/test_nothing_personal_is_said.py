"""Marked personal values go through everything the program does, and none of it repeats them.

What the tables themselves hold is theirs: their data, Iceberg's statistics about it, raw files,
the parsed copy of these, and quarantine. Everything else is read, however it is packed.
"""

from __future__ import annotations

import gzip
import html
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from stedi_glue.entry.synthetic import write_landing
from stedi_glue.model.table import Zone
from stedi_glue.zones import STEDI
from tests.entry.conftest import Stedi
from tests.entry.test_cli_mistakes import add_rule
from tests.oracle import SUBJECTS, Row, landing_rows

PERSONAL = STEDI.table("customer_landing").personal_columns
NAMES = [table.name for table in STEDI.tables]


def marked(number: int) -> Row:
    """The personal values of a customer: each has eight characters that nothing else has."""
    return {
        "customerName": f"Xqzw{number:04}vkj Yqzw{number:04}vkj",
        "email": f"emqzw{number:04}vkj@example.com",
        "phone": f"9271828{number:03}",
        "birthDay": f"1{871 + number // 28}-02-{1 + number % 28:02}",
        "serialNumber": f"5e71a1{number:02x}-0a0b-4c0d-8e0f-5e71a1{number:06x}",
    }


def marks(rows: list[Row]) -> set[str]:
    """What no text may hold: eight characters of each value, without the first that may stay."""
    values = [str(row[name]) for row in rows for name in PERSONAL]
    values += [str(row["customerName"]).split()[1] for row in rows]
    return {value[1:9].lower() for value in values}


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lake that was not run: everybody's values are marked, and some records are damaged."""
    lake = tmp_path / "lake"
    write_landing(tmp_path / "invented", customers=20)
    rows = landing_rows(tmp_path / "invented")
    people: dict[str, Row] = {}
    for row in rows["customer"]:
        people.setdefault(row["email"], marked(len(people)))
    devices = {row["serialNumber"]: people[row["email"]] for row in rows["customer"]}
    everybody = [row | people[row["email"]] for row in rows["customer"]]
    readings = [row | {"user": people[row["user"]]["email"]} for row in rows["accelerometer"]]
    steps = [
        row | {"serialNumber": devices[row["serialNumber"]]["serialNumber"]}
        for row in rows["step_trainer"]
    ]
    readings[0]["x"] = 1e300
    someone = json.dumps(everybody[0])
    damaged = [
        someone[:-9],
        json.dumps(everybody[0] | {"registrationDate": everybody[0]["email"]}),
        json.dumps(everybody[1] | {everybody[1]["email"]: everybody[1]["phone"]}),
        json.dumps(everybody[2]["customerName"]),
        json.dumps(everybody[3] | {"Email": everybody[3]["email"]}),
        everybody[4]["email"],
    ]
    for subject, made in {
        "customer": everybody * 20,
        "accelerometer": readings,
        "step_trainer": steps,
    }.items():
        folder = lake / subject / "landing"
        folder.mkdir(parents=True)
        lines = [json.dumps(row) for row in made] + (damaged[:4] if subject == "customer" else [])
        (folder / "rows.json").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("STEDI_LAKE", str(lake))
    return lake


def artefacts(lake: Path) -> Iterator[tuple[str, str]]:
    """Every file but the tables' own, as the texts that somebody could read in it."""
    data = {f"{table.location}{place}" for table in STEDI.tables for place in _PLACES}
    for file in sorted(lake.rglob("*")):
        path = file.relative_to(lake).as_posix()
        if not file.is_file() or path.startswith((*data, *_QUARANTINES)) or path.endswith(".avro"):
            continue
        raw = file.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        text = raw.decode("utf-8", "replace")
        yield path, text
        yield path, html.unescape(html.unescape(text))
        yield path, text.encode().decode("unicode_escape", "replace")


_PLACES = ("/data/", "_quarantine/", "_parsed/", "/rows.json")
_QUARANTINES = tuple(f"{subject}/quarantine/" for subject in SUBJECTS)


def rule(kind: str, severity: str = "warning", **kwargs: Any) -> Mapping[str, Any]:
    return {"type": kind, "kwargs": kwargs, "severity": severity, "notes": f"{kind} of nobody."}


def curious(columns: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    """Rules of every kind that fail by showing values of these columns."""
    for column in columns:
        yield rule("expect_column_values_to_be_in_set", column=column, value_set=["none"])
        yield rule("expect_column_values_to_match_regex", column=column, regex="^none$")
        yield rule("expect_column_distinct_values_to_be_in_set", column=column, value_set=["none"])
        yield rule("expect_column_most_common_value_to_be_in_set", column=column, value_set=["no"])
        yield rule("expect_column_value_lengths_to_be_between", column=column, max_value=1)
        yield rule("expect_column_values_to_be_unique", column=column)
        yield rule("expect_column_values_to_be_null", column=column)
        query = f"SELECT b.`{column}` FROM {{batch}} b"
        yield rule("unexpected_rows_expectation", unexpected_rows_query=query)
        query = f"SELECT b.`{column}` AS other, upper(b.`{column}`) AS x FROM {{batch}} b"
        yield rule("unexpected_rows_expectation", unexpected_rows_query=query)
        query = f"SELECT concat('by ', b.`{column}`) AS lastUpdateDate FROM {{batch}} b"
        yield rule("unexpected_rows_expectation", unexpected_rows_query=query)
    if len(columns) > 1:
        both = {"column_A": columns[0], "column_B": columns[1]}
        yield rule("expect_column_pair_values_to_be_equal", **both)
        yield rule("expect_compound_columns_to_be_unique", column_list=[*columns])


@pytest.mark.parametrize(
    "privacy", ["pseudonymous", pytest.param("identified", marks=pytest.mark.slow)]
)
def test_nothing_personal_is_said(
    privacy: str,
    lake: Path,
    stedi: Stedi,
    own_rules: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    secret = marks(landing_rows_of(lake))
    assert len(secret) > 60
    heard: list[tuple[str, str]] = []

    def say(*arguments: str | Path, code: int = 0) -> str:
        said = stedi(*arguments)
        assert said.code == code, (arguments, said.out, said.err)
        heard.append((" ".join(map(str, arguments)), said.out + said.err))
        return said.out + said.err

    say("run", "--privacy", privacy)
    for table in STEDI.tables:
        for one in curious(table.personal_columns):
            add_rule(own_rules / f"{table.name}.json", one)
    say("run", "--rules", own_rules)
    hold = rule("expect_column_values_to_be_in_set", "critical", column="email", value_set=["no"])
    add_rule(own_rules / "customer_trusted.json", hold)
    say("run", "--rules", own_rules, "--json", code=3)
    # As engines quote what they cannot cast; an address they may quote as it is.
    for name, value in {
        "customer_landing": "concat('Cannot cast ', chr(39), b.customerName, chr(39))",
        "accelerometer_landing": "concat('Cannot cast ', b.`user`)",
    }.items():
        query = f"SELECT raise_error({value}) AS n FROM {{batch}} b"
        failing = rule("unexpected_rows_expectation", unexpected_rows_query=query)
        add_rule(own_rules / f"{name}.json", failing)
    said = say("run", "--rules", own_rules, "--json", code=1)
    assert said.count("could not be evaluated") == 2
    for name in NAMES:
        say("profile", name)
        say("history", name)
        say("history", name, "--json")
        say("quarantine", name)
        say("quarantine", name, "--format", "json")
        say("tables", name)
    for command in (
        *(("rules", "suggest", name) for name in ("customer_landing", NAMES[-1])),
        *(("tables",), ("tables", "--json"), ("docs",), ("lineage",), ("ddl",)),
        *(("vacuum",), ("vacuum", "--json"), ("rollback", "accelerometer_trusted")),
    ):
        say(*command)
    say("query", "SELECT nobody FROM customer_trusted", code=1)

    heard += [("log", record.getMessage()) for record in caplog.records]
    read = list(artefacts(lake))
    assert {path.split("/")[0] for path, _ in read} >= {"audits", "docs", "runs", "catalog.db"}
    leaks = {
        (where, mark) for where, text in (*heard, *read) for mark in secret if mark in text.lower()
    }
    assert not leaks, sorted(leaks)[:20]
    # The scan would find them: the tables hold them all.
    assert [file for file in lake.rglob("rows.json") if any(m in file.read_text() for m in secret)]


def landing_rows_of(lake: Path) -> list[Row]:
    """The registrations that are sound."""
    file = lake / "customer" / "landing" / "rows.json"
    rows = []
    for line in file.read_text().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and set(PERSONAL) <= set(row):
            rows.append(row)
    return rows


def test_the_tables_in_question_are_all_there() -> None:
    assert {table.zone for table in STEDI.tables} == set(Zone)
    assert len(PERSONAL) == 5
