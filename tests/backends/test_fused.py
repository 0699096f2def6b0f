"""The fused engine, which does not yet judge by default, against Great Expectations' own."""

from __future__ import annotations

import pytest

from stedi_glue.backends.engines import SailEngine
from stedi_glue.backends.expectations import ExpectationsAuditor
from stedi_glue.publish.ports import Verdict
from stedi_glue.zones import STEDI
from tests.rows import NOW, Rows, frames, good_lake


def verdict(sail: SailEngine, name: str, lake: dict[str, Rows]) -> Verdict:
    made = frames(sail.session, lake)
    return ExpectationsAuditor().audit(STEDI.table(name), made[name], made, NOW)


@pytest.mark.parametrize("spoilt", [False, True])
@pytest.mark.parametrize("name", [table.name for table in STEDI.tables])
def test_verdicts_are_those_of_great_expectations(
    sail: SailEngine, monkeypatch: pytest.MonkeyPatch, name: str, spoilt: bool
) -> None:
    from stedi_glue.backends.fused import FusedExecutionEngine
    from stedi_glue.backends.validation import FrameDatasource

    lake = good_lake()
    if spoilt:
        lake[name] = [*lake[name], dict.fromkeys(lake[name][0]), lake[name][0]]
    stock = verdict(sail, name, lake)
    monkeypatch.setattr(FrameDatasource, "execution_engine_override", FusedExecutionEngine)
    assert verdict(sail, name, lake) == stock
    assert any(not result.passed for result in stock.results) or not spoilt
