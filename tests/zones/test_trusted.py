from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stedi_glue.errors import UsageError
from stedi_glue.zones import STEDI, stedi
from stedi_glue.zones.landing import CUSTOMER_LANDING
from tests.small_lake import LocalEngine, land, landed, made

ANN = {
    "customerName": "Ann Ash",
    "email": "ann@test.com",
    "phone": "8015551212",
    "birthDay": "1990-01-01",
    "serialNumber": "s-1",
    "shareWithResearchAsOfDate": 1000,
}
READING = {"user": "ann@test.com", "timestamp": 1000, "x": 0.5, "y": -1.0, "z": 0.0}
STEP = {"sensorReadingTime": 1000, "serialNumber": "s-1", "distanceFromObject": 250}


def test_only_customers_with_a_consent_date_are_trusted(
    engine: LocalEngine, tmp_path: Path
) -> None:
    absent = {"email": "absent@test.com"}
    null = {"email": "null@test.com", "shareWithResearchAsOfDate": None}
    zero = {"email": "zero@test.com", "shareWithResearchAsOfDate": 0}
    land(tmp_path, {"customer": [absent, ANN, null, zero]})
    frames = {"customer_landing": landed(engine, CUSTOMER_LANDING, tmp_path)}
    trusted = STEDI.transform("customer_trusted").apply(frames).collect()
    assert [row.email for row in trusted] == ["ann@test.com"]


def versions_of_ann(
    engine: LocalEngine, *changes: dict[str, Any], **options: Any
) -> list[dict[str, Any]]:
    """What is trusted of versions of one registration: of each row, what the versions differ in."""
    told = {name for change in changes for name in change}
    landing = [
        ANN | {"registrationDate": 100, "lastUpdateDate": 100} | change for change in changes
    ]
    trusted = made(engine, stedi(**options), "customer_trusted", customer_landing=landing)
    return [{name: row[name] for name in row if name in told} for row in trusted]


@pytest.mark.parametrize("turned", [False, True])
def test_the_last_version_of_a_registration_counts(engine: LocalEngine, turned: bool) -> None:
    changes = [{"lastUpdateDate": when, "phone": str(when)} for when in (100, 300, 200)]
    changes.append({"lastUpdateDate": None, "phone": "undated"})
    if turned:
        changes.reverse()
    assert versions_of_ann(engine, *changes) == [{"lastUpdateDate": 300, "phone": "300"}]
    assert len(versions_of_ann(engine, *changes, versions="all")) == 4


@pytest.mark.parametrize("revoked", [None, 0])
def test_a_later_revocation_removes_a_customer(engine: LocalEngine, revoked: int | None) -> None:
    given = {"lastUpdateDate": 100, "shareWithResearchAsOfDate": 100}
    taken = {"lastUpdateDate": 200, "shareWithResearchAsOfDate": revoked}
    assert versions_of_ann(engine, given, taken) == []
    assert versions_of_ann(engine, taken, given, versions="all") == [given]
    again = {"lastUpdateDate": 300, "shareWithResearchAsOfDate": 300}
    assert versions_of_ann(engine, again, taken, given) == [again]


def test_of_versions_of_one_moment_the_one_that_shares_less_counts(engine: LocalEngine) -> None:
    early, late = ({"shareWithResearchAsOfDate": moment} for moment in (100, 200))
    assert versions_of_ann(engine, early, late) == [late]
    for never in (None, 0, -1):
        assert versions_of_ann(engine, early, {"shareWithResearchAsOfDate": never}, late) == []


def test_versions_that_differ_in_nothing_else_are_chosen_by_the_alphabet(
    engine: LocalEngine,
) -> None:
    ann, ben = {"customerName": "Ann"}, {"customerName": "Ben"}
    assert versions_of_ann(engine, ben, ann) == versions_of_ann(engine, ann, ben) == [ann]


@pytest.mark.parametrize(
    "other", [{"email": "ben@test.com"}, {"serialNumber": "s-2"}, {"registrationDate": 101}]
)
def test_another_registration_is_no_version(engine: LocalEngine, other: dict[str, Any]) -> None:
    assert len(versions_of_ann(engine, {}, other | {"lastUpdateDate": 200})) == 2


def test_a_repeated_registration_is_kept_once_and_with_all_versions_each_time(
    engine: LocalEngine,
) -> None:
    assert len(versions_of_ann(engine, {}, {})) == 1
    assert len(versions_of_ann(engine, {}, {}, versions="all")) == 2


def test_readings_of_customers_who_did_not_agree_are_dropped(engine: LocalEngine) -> None:
    readings = [READING, READING | {"user": "bob@test.com"}, READING | {"user": "ANN@test.com"}]
    trusted = made(
        engine,
        STEDI,
        "accelerometer_trusted",
        accelerometer_landing=readings,
        customer_trusted=[ANN],
    )
    assert trusted == [READING]


def test_a_duplicate_customer_cannot_multiply_readings(engine: LocalEngine) -> None:
    trusted = made(
        engine,
        STEDI,
        "accelerometer_trusted",
        accelerometer_landing=[READING],
        customer_trusted=[ANN, ANN, ANN | {"serialNumber": "s-2"}],
    )
    assert trusted == [READING]


def test_a_reading_without_a_user_belongs_to_nobody(engine: LocalEngine) -> None:
    trusted = made(
        engine,
        STEDI,
        "accelerometer_trusted",
        accelerometer_landing=[READING | {"user": None}],
        customer_trusted=[ANN, ANN | {"email": None}],
    )
    assert trusted == []


def test_no_customer_column_leaks_into_readings(engine: LocalEngine) -> None:
    transform = STEDI.transform("accelerometer_trusted")
    frames = {name: engine.read(STEDI.table(name), []) for name in transform.sources}
    # Before the contract's allow-list is applied, too.
    assert transform.build(**frames).columns == ["user", "timestamp", "x", "y", "z"]
    assert transform.apply(frames).columns == ["user", "timestamp", "x", "y", "z"]


def test_as_of_keeps_readings_from_the_moment_of_consent(engine: LocalEngine) -> None:
    readings = [READING | {"timestamp": moment} for moment in (None, 999, 1000, 1001)]
    trusted = made(
        engine,
        stedi(consent="as-of"),
        "accelerometer_trusted",
        accelerometer_landing=readings,
        customer_trusted=[ANN],
    )
    assert sorted(row["timestamp"] for row in trusted) == [1000, 1001]


def test_as_of_looks_at_every_registration_of_the_customer(engine: LocalEngine) -> None:
    trusted = made(
        engine,
        stedi(consent="as-of"),
        "accelerometer_trusted",
        accelerometer_landing=[READING | {"timestamp": 600}, READING | {"timestamp": 400}],
        customer_trusted=[ANN, ANN | {"shareWithResearchAsOfDate": 500}],
    )
    assert [row["timestamp"] for row in trusted] == [600]


def test_one_serial_number_of_many_customers_cannot_multiply_steps(engine: LocalEngine) -> None:
    trusted = made(
        engine,
        STEDI,
        "step_trainer_trusted",
        step_trainer_landing=[STEP, STEP | {"serialNumber": "s-2"}],
        customers_curated=[ANN, ANN | {"email": "bob@test.com"}],
    )
    assert trusted == [STEP]


def test_a_step_without_a_serial_number_belongs_to_nobody(engine: LocalEngine) -> None:
    trusted = made(
        engine,
        STEDI,
        "step_trainer_trusted",
        step_trainer_landing=[STEP | {"serialNumber": None}],
        customers_curated=[ANN, ANN | {"serialNumber": None}],
    )
    assert trusted == []


def test_an_unknown_consent_is_refused() -> None:
    with pytest.raises(UsageError, match="consent cannot be 'asof': did you mean 'as-of'"):
        stedi(consent="asof")  # type: ignore[arg-type]


def test_unknown_versions_are_refused() -> None:
    with pytest.raises(UsageError, match="versions cannot be 'last': did you mean 'latest'"):
        stedi(versions="last")  # type: ignore[arg-type]
