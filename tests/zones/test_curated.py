from __future__ import annotations

from typing import Any

import pytest

from stedi_glue.errors import UsageError
from stedi_glue.zones import STEDI, stedi
from tests.small_lake import LocalEngine, made

ANN = {"email": "ann@test.com", "serialNumber": "s-1", "shareWithResearchAsOfDate": 1000}
BOB = {"email": "bob@test.com", "serialNumber": "s-2", "shareWithResearchAsOfDate": 1000}
ANNS_READING = {"user": "ann@test.com", "timestamp": 5, "x": 0.5, "y": -1.0, "z": 0.0}
BOBS_READING = ANNS_READING | {"user": "bob@test.com"}
ANNS_STEP = {"sensorReadingTime": 5, "serialNumber": "s-1", "distanceFromObject": 250}


def pairs(engine: LocalEngine, pipeline: Any = STEDI, **sources: Any) -> list[tuple[Any, Any]]:
    """Who carried the phone in each pair, and whether the step trainer is theirs."""
    sources = {
        "step_trainer_trusted": [ANNS_STEP],
        "accelerometer_trusted": [ANNS_READING],
        "customers_curated": [ANN],
    } | sources
    rows = made(engine, pipeline, "machine_learning_curated", **sources)
    return sorted((row["user"], row["sameCustomer"]) for row in rows)


def test_customers_without_readings_are_not_curated(engine: LocalEngine) -> None:
    curated = made(
        engine,
        STEDI,
        "customers_curated",
        customer_trusted=[ANN, BOB, BOB | {"email": None}],
        accelerometer_trusted=[ANNS_READING, ANNS_READING, ANNS_READING | {"user": None}],
    )
    assert [row["email"] for row in curated] == ["ann@test.com"]


def test_equal_registrations_are_curated_once_and_different_ones_each(engine: LocalEngine) -> None:
    curated = made(
        engine,
        STEDI,
        "customers_curated",
        customer_trusted=[ANN, ANN, ANN | {"serialNumber": "s-9"}],
        accelerometer_trusted=[ANNS_READING],
    )
    assert sorted(row["serialNumber"] for row in curated) == ["s-1", "s-9"]


def test_a_pair_carries_both_readings(engine: LocalEngine) -> None:
    [row] = made(
        engine,
        STEDI,
        "machine_learning_curated",
        step_trainer_trusted=[ANNS_STEP],
        accelerometer_trusted=[ANNS_READING],
        customers_curated=[ANN | {"customerName": "Ann Ash", "phone": "8015551212"}],
    )
    assert row == {
        "sensorReadingTime": 5,
        "serialNumber": "s-1",
        "distanceFromObject": 250,
        "user": "ann@test.com",
        "x": 0.5,
        "y": -1.0,
        "z": 0.0,
        "sameCustomer": True,
    }


def test_strangers_of_one_moment_are_paired_and_marked(engine: LocalEngine) -> None:
    found = pairs(
        engine,
        accelerometer_trusted=[ANNS_READING, BOBS_READING],
        customers_curated=[ANN, BOB],
    )
    assert found == [("ann@test.com", True), ("bob@test.com", False)]


def test_pairing_by_customer_drops_strangers(engine: LocalEngine) -> None:
    found = pairs(
        engine,
        stedi(pairing="customer"),
        accelerometer_trusted=[ANNS_READING, BOBS_READING],
        customers_curated=[ANN, BOB],
    )
    assert found == [("ann@test.com", True)]


def test_customers_who_share_a_step_trainer_are_no_strangers_to_it(engine: LocalEngine) -> None:
    found = pairs(
        engine,
        accelerometer_trusted=[ANNS_READING, BOBS_READING],
        customers_curated=[ANN, BOB | {"serialNumber": "s-1"}],
    )
    assert found == [("ann@test.com", True), ("bob@test.com", True)]


def test_a_customer_listed_twice_does_not_double_pairs(engine: LocalEngine) -> None:
    found = pairs(engine, customers_curated=[ANN, ANN | {"phone": "8015551212"}])
    assert found == [("ann@test.com", True)]


def test_readings_without_a_moment_are_never_paired(engine: LocalEngine) -> None:
    found = pairs(
        engine,
        step_trainer_trusted=[ANNS_STEP | {"sensorReadingTime": None}],
        accelerometer_trusted=[ANNS_READING | {"timestamp": None}],
    )
    assert found == []


def test_an_unknown_pairing_is_refused() -> None:
    with pytest.raises(UsageError, match="pairing cannot be 'customers': did you mean 'customer'"):
        stedi(pairing="customers")  # type: ignore[arg-type]
