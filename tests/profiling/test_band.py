"""What is usual follows a table's publications, and knows nothing before there are some."""

from __future__ import annotations

import pytest

from stedi_glue.profiling.band import usual
from stedi_glue.publish.ports import Snapshot
from stedi_glue.zones import STEDI

TABLE = STEDI.table("accelerometer_trusted")
DAY = 86_400_000
NOW = 1_764_061_726_000


def published(
    rows: list[int], behind: int = 3_600_000, every: int = DAY, column: str = "timestamp"
) -> list[Snapshot]:
    """Publications with these rows, the newest first, each as far behind as said."""
    found = []
    for age, count in enumerate(rows, start=1):
        moment = NOW - age * every
        summary = {"stedi.rows": str(count), f"stedi.newest.{column}": str(moment - behind)}
        found.append(Snapshot(TABLE.name, age, moment, age == 1, summary))
    return found


def test_nothing_is_unusual_at_first() -> None:
    for few in ([], published([100]), published([100, 100])):
        bounds = usual(TABLE, few, NOW)
        assert bounds["usual_rows_min"] == 0
        assert bounds["usual_rows_max"] > 10**15
        assert bounds["usual_newest_timestamp"] == 0


@pytest.mark.parametrize(
    ("rows", "low", "high"),
    [
        # A fifth around a steady table.
        ([1000, 1000, 1000], 800, 1201),
        # A table that grows by a third each time is expected to go on.
        ([3000, 2000, 1000], 0, 6001),
        # One odd publication does not widen the band.
        ([1000, 1000, 9000, 1000, 1000, 1000], 800, 1201),
    ],
)
def test_rows_stay_near_the_last_publication(rows: list[int], low: int, high: int) -> None:
    bounds = usual(TABLE, published(rows), NOW)
    assert (bounds["usual_rows_min"], bounds["usual_rows_max"]) == (low, high)


def test_readings_stay_as_recent_as_they_were() -> None:
    bounds = usual(TABLE, published([10] * 5, behind=DAY // 2), NOW)
    assert bounds["usual_newest_timestamp"] == NOW - DAY // 2 - DAY


def test_a_table_that_no_longer_gets_readings_becomes_unusual() -> None:
    newest = NOW - 10 * DAY
    stuck = [
        Snapshot(
            TABLE.name,
            age,
            NOW - age * DAY,
            age == 1,
            {
                "stedi.rows": "10",
                "stedi.newest.timestamp": str(min(newest, NOW - age * DAY)),
            },
        )
        for age in range(1, 11)
    ]
    bounds = usual(TABLE, [one for one in stuck if one.published_at <= newest + 3 * DAY], NOW)
    assert newest < bounds["usual_newest_timestamp"]
