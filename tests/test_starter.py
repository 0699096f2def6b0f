"""The real export, from raw files to published tables, row for row as specified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stedi_glue.backends.engines import SparkEngine
from stedi_glue.backends.privacy import Privacy
from stedi_glue.lakehouse import Lakehouse
from stedi_glue.zones import stedi
from tests.oracle import Row, expected, landing_rows, multiset
from tests.rows import KEY

LANDING = {
    "customer_landing": 956,
    "accelerometer_landing": 81_273,
    "step_trainer_landing": 28_680,
}
CURRENT = {
    "customer_trusted": 482,
    "accelerometer_trusted": 40_981,
    "customers_curated": 482,
    "step_trainer_trusted": 14_460,
    "machine_learning_curated": 43_681,
}
AS_OF = {
    "customer_trusted": 482,
    "accelerometer_trusted": 32_025,
    "customers_curated": 464,
    "step_trainer_trusted": 13_920,
    "machine_learning_curated": 34_437,
}


@pytest.fixture(scope="module")
def rows(starter: Path) -> dict[str, list[Row]]:
    return landing_rows(starter)


def check(
    engine: str,
    lake: Path,
    starter: Path,
    rows: dict[str, list[Row]],
    privacy: Privacy = "identified",
    **options: Any,
) -> dict[str, int | None]:
    """Build a lake, compare every row with the oracle's, and return how many there are."""
    with Lakehouse.open(
        lake,
        landing=starter,
        engine=engine,
        pipeline=stedi(**options),
        privacy=privacy,
        key=KEY if privacy == "pseudonymous" else None,
    ) as lakehouse:
        report = lakehouse.run()
        report.raise_for_status()
        for name, table in expected(rows, **options, privacy=privacy, key=KEY).items():
            assert multiset(lakehouse.table(name).collect()) == table, name
    return {table.table: table.rows for table in report.tables}


def test_default_options(tmp_path: Path, starter: Path, rows: dict[str, list[Row]]) -> None:
    assert check("sail", tmp_path / "lake", starter, rows) == LANDING | CURRENT


# Great Expectations asks classic Spark some 250 queries for the eight suites.
@pytest.mark.slow
def test_default_options_on_spark(
    spark: SparkEngine, tmp_path: Path, starter: Path, rows: dict[str, list[Row]]
) -> None:
    assert check(spark.name, tmp_path / "lake", starter, rows) == LANDING | CURRENT


def test_pseudonymous(tmp_path: Path, starter: Path, rows: dict[str, list[Row]]) -> None:
    found = check("sail", tmp_path / "lake", starter, rows, "pseudonymous")
    assert found == LANDING | CURRENT


@pytest.mark.parametrize(
    ("pairing", "consent", "counts"),
    [
        pytest.param(
            *("customer", "current", CURRENT | {"machine_learning_curated": 40_981}),
            marks=pytest.mark.slow,
        ),
        pytest.param("timestamp", "as-of", AS_OF, marks=pytest.mark.slow),
        ("customer", "as-of", AS_OF | {"machine_learning_curated": 32_025}),
    ],
)
def test_other_options(
    tmp_path: Path,
    starter: Path,
    rows: dict[str, list[Row]],
    pairing: str,
    consent: str,
    counts: dict[str, int],
) -> None:
    found = check("sail", tmp_path / "lake", starter, rows, pairing=pairing, consent=consent)
    assert found == LANDING | counts
