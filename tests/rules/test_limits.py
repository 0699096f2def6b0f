"""Where the rules that come with the package draw the line."""

from __future__ import annotations

from typing import Any

import pytest

from stedi_glue.backends.engines import SailEngine
from stedi_glue.backends.expectations import ExpectationsAuditor
from stedi_glue.model.table import Table
from stedi_glue.zones import STEDI
from tests.rows import NOW, frames, good_lake, good_rows


@pytest.mark.parametrize("table", STEDI.tables, ids=lambda table: table.name)
def test_an_empty_table_is_held_for_being_empty(sail: SailEngine, table: Table) -> None:
    made = frames(sail.session, good_lake())
    verdict = ExpectationsAuditor().audit(table, made[table.name].limit(0), made, NOW)
    (held,) = verdict.failed
    assert held.rule == "expect_table_row_count_to_be_between"
    assert held.observed == "observed 0"


@pytest.mark.parametrize(
    ("table", "change", "bad", "holds"),
    [
        ("accelerometer_landing", {"user": None}, 5, False),
        ("accelerometer_landing", {"user": None}, 6, True),
        ("accelerometer_trusted", {"x": 0.0}, 15, False),
        ("accelerometer_trusted", {"x": 0.0}, 16, True),
    ],
)
def test_shares_are_tolerated_up_to_their_limit(
    sail: SailEngine, table: str, change: dict[str, Any], bad: int, holds: bool
) -> None:
    """Of 100 rows some lack their user, or are all alike."""
    row = good_rows(table)[0]
    rows = [
        {**row, "x": 1 + number / 100, **(change if number < bad else {})} for number in range(100)
    ]
    made = frames(sail.session, {**good_lake(), table: rows})
    verdict = ExpectationsAuditor().audit(STEDI.table(table), made[table], made, NOW)
    assert bool(verdict.failed) is holds
    assert verdict.warnings


@pytest.mark.parametrize(("bad", "holds"), [(1, False), (2, True)])
def test_one_unreadable_record_in_a_hundred_is_tolerated(
    sail: SailEngine, bad: int, holds: bool
) -> None:
    table = STEDI.table("step_trainer_landing")
    row = good_rows(table.name)[0]
    rows = [{**row, "distanceFromObject": number} for number in range(100)]
    problem = {"_file": "a.json", "_problem": "cut short", "_raw": "{"}
    lake = {table.name: rows, f"{table.name}_problems": [problem] * bad}
    made = frames(sail.session, lake)
    verdict = ExpectationsAuditor().audit(table, made[table.name], made, NOW)
    assert [result.note.split()[:4] for result in verdict.failed] == [
        ["At", "most", "1", "unreadable"]
    ] * holds
