"""The rows of a query: to look at, and to work with."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from stedi_glue.entry.row_view import SHOWN, show_rows
from tests.entry.conftest import Stedi

ODD = """
SELECT 1 AS number, CAST(NULL AS string) AS nothing, double('nan') AS nan, true AS yes,
       1.50 AS exact, date'2022-06-18' AS day, timestamp'2022-06-18 10:00:00' AS moment,
       array(1, 2) AS list, named_struct('a', 1, 'b', 'x') AS pair, 'a "b", c' AS text
"""


@pytest.fixture
def stedi(demo_lake: Path, stedi: Stedi, monkeypatch: pytest.MonkeyPatch) -> Stedi:
    monkeypatch.setenv("STEDI_LAKE", str(demo_lake))
    return stedi


def test_json_keeps_types(stedi: Stedi) -> None:
    assert json.loads(stedi("query", ODD, "--format", "json").out) == [
        {
            "number": 1,
            "nothing": None,
            "nan": None,
            "yes": True,
            "exact": "1.50",
            "day": "2022-06-18",
            "moment": "2022-06-18T10:00:00",
            "list": [1, 2],
            "pair": {"a": 1, "b": "x"},
            "text": 'a "b", c',
        }
    ]


def test_csv_is_quoted_where_it_must_be(stedi: Stedi) -> None:
    rows = list(csv.DictReader(io.StringIO(stedi("query", ODD, "--format", "csv").out)))
    assert rows == [
        {
            "number": "1",
            "nothing": "",
            "nan": "nan",
            "yes": "true",
            "exact": "1.50",
            "day": "2022-06-18",
            "moment": "2022-06-18T10:00:00",
            "list": "[1, 2]",
            "pair": '{"a": 1, "b": "x"}',
            "text": 'a "b", c',
        }
    ]


def test_no_rows(stedi: Stedi) -> None:
    none = "SELECT email, phone FROM customer_trusted WHERE false"
    assert json.loads(stedi("query", none, "--format", "json").out) == []
    assert stedi("query", none, "--format", "csv").out == "email,phone\n"
    assert stedi("query", none).out.endswith("\n0 rows\n")


def test_a_table_shows_the_first_rows_and_csv_all(stedi: Stedi) -> None:
    sql = "SELECT serialNumber FROM step_trainer_trusted"
    total = json.loads(stedi("query", f"SELECT count(*) AS n FROM ({sql})", "--format", "json").out)
    rows = total[0]["n"]
    assert rows > SHOWN
    lines = stedi("query", sql).out.splitlines()
    assert lines[-1].startswith(f"{rows:,} rows, {rows - SHOWN:,} more not shown")
    assert len(lines) == 2 + SHOWN + 2
    assert len(stedi("query", sql, "--format", "csv").out.splitlines()) == 1 + rows


def test_nothing_is_cut_in_a_pipe(stedi: Stedi) -> None:
    sql = "SELECT * FROM customers_curated ORDER BY email LIMIT 3"
    rows = json.loads(stedi("query", sql, "--format", "json").out)
    header, _, *lines = stedi("query", sql).out.splitlines()
    assert header.split() == list(rows[0])
    for row, line in zip(rows, lines, strict=False):
        for value in row.values():
            assert ("null" if value is None else str(value)) in line


def test_an_error_while_rows_are_computed_is_one_sentence(stedi: Stedi) -> None:
    for form in ("table", "csv", "json"):
        sql = "SELECT raise_error('too far') FROM customer_trusted"
        said = stedi("query", sql, "--format", form)
        assert said.code == 1
        assert said.err.startswith("Error: Cannot run the query: ")
        assert said.err.count("\n") == 1
        assert "too far" in said.err


def shown(width: int, names: list[str], row: tuple[object, ...]) -> str:
    out = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    show_rows(out, [(name, "string") for name in names], [row], total=1)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_rows_too_wide_for_a_terminal_are_shown_one_under_the_other_and_whole() -> None:
    serial, email = "3df963e7-8bfd-4afb-8415-b62daf8d180b", "someone.with.a.name@example.com"
    names, row = ["serialNumber", "email"], (serial, email)
    assert [serial, email] in [line.split() for line in shown(80, names, row).splitlines()]
    narrow = [line.split() for line in shown(60, names, row).splitlines()]
    assert narrow[:2] == [["serialNumber", serial], ["email", email]]
    narrowest = "".join(shown(40, names, row).split())
    assert "serialNumber" + serial + "email" + email in narrowest


def test_data_cannot_steer_the_terminal() -> None:
    said = shown(80, ["name"], ("\x1b[2Jgone\r[red]\n",))
    assert "\x1b[2J" not in said
    assert r"\x1b[2Jgone\r[red]\n" in said
