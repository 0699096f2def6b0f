"""Every engine must make of any landing data what the specification makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, example, given, settings

from stedi_glue.zones import stedi
from stedi_glue.zones.landing import ACCELEROMETER_LANDING
from tests.dirty_landing import Landing, dirty_landing
from tests.oracle import SUBJECTS, expected, multiset
from tests.small_lake import LocalEngine, land, landed, stored

# They are options of different transforms: two pipelines see all six values.
VARIANTS: list[dict[str, Any]] = [
    {"consent": "current", "pairing": "timestamp", "versions": "all"},
    {"consent": "as-of", "pairing": "customer", "versions": "latest"},
]
NOTHING: Landing = {subject: [] for subject in SUBJECTS}


def check(engine: LocalEngine, folders: pytest.TempPathFactory, landing: Landing) -> None:
    lake = folders.mktemp("lake")
    land(lake, landing)
    raw = {
        table.name: stored(engine, table, landed(engine, table, lake), lake)
        for table in stedi().tables
        if stedi().transform(table.name) is None
    }
    for options in VARIANTS:
        pipeline, frames = stedi(**options), dict(raw)
        for table in pipeline.tables:
            transform = pipeline.transform(table.name)
            if transform:
                made = transform.apply(frames)
                frames[table.name] = stored(engine, table, made, lake / options["consent"])
        for name, rows in expected(landing, **options).items():
            assert multiset(frames[name].collect()) == rows, (name, options)


# The difference of two multisets says which row is wrong; shrinking would take minutes.
PARITY = settings(deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))


@settings(PARITY, max_examples=10)
@example(landing=NOTHING)
@given(landing=dirty_landing(minimum=10))
def test_sail(
    sail: LocalEngine, tmp_path_factory: pytest.TempPathFactory, landing: Landing
) -> None:
    check(sail, tmp_path_factory, landing)


@pytest.mark.slow
@settings(PARITY, max_examples=50)
@given(landing=dirty_landing(minimum=10))
def test_sail_with_more_of_everything(
    sail: LocalEngine, tmp_path_factory: pytest.TempPathFactory, landing: Landing
) -> None:
    check(sail, tmp_path_factory, landing)


# An example costs seconds here: the simplest, one customer's rows repeated, and one with more rows.
@settings(PARITY, max_examples=2)
@given(landing=dirty_landing(minimum=40))
def test_spark(
    spark: LocalEngine, tmp_path_factory: pytest.TempPathFactory, landing: Landing
) -> None:
    check(spark, tmp_path_factory, landing)


def test_numbers_keep_every_digit(engine: LocalEngine, tmp_path: Path) -> None:
    numbers = [0.1 + 0.2, 2 / 3, -9.806650161743164, -2.8938743832791658e178, 5e-324]
    land(tmp_path, {"accelerometer": [{"x": number} for number in numbers]})
    readings = landed(engine, ACCELEROMETER_LANDING, tmp_path).collect()
    assert sorted(row.x for row in readings) == sorted(numbers)
