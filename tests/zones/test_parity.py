"""Every engine must make of any landing data what the specification makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings

from stedi_glue.zones import stedi
from tests.dirty_landing import Landing, dirty_landing
from tests.oracle import SUBJECTS, expected, multiset
from tests.small_lake import LocalEngine, land, landed, stored

# Consent and pairing are options of different transforms: two pipelines see all four values.
VARIANTS: list[dict[str, Any]] = [
    {"consent": "current", "pairing": "timestamp"},
    {"consent": "as-of", "pairing": "customer"},
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


@settings(max_examples=25, deadline=None, derandomize=True)
@example(landing=NOTHING)
@given(landing=dirty_landing(minimum=10))
def test_sail(
    sail: LocalEngine, tmp_path_factory: pytest.TempPathFactory, landing: Landing
) -> None:
    check(sail, tmp_path_factory, landing)


# An example costs seconds here, so there are few, with more rows.
@settings(max_examples=3, deadline=None, derandomize=True)
@example(landing=NOTHING)
@given(landing=dirty_landing(minimum=30))
def test_spark(
    spark: LocalEngine, tmp_path_factory: pytest.TempPathFactory, landing: Landing
) -> None:
    check(spark, tmp_path_factory, landing)
