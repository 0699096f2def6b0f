"""A few rows of every table that agree with each other and meet every rule.

Ana and Ben agreed and have readings, Cleo agreed and has none, Dan did not agree.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyspark.sql import types

from stedi_glue.zones import STEDI

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Rows = list[dict[str, Any]]

# The moment of the audit: 1 March 2024, 12:00 UTC.
NOW = 1_709_294_400_000
HOUR = 3_600_000
PROBLEMS = types.StructType(
    [types.StructField(name, types.StringType()) for name in ("_file", "_problem", "_raw")]
)


KEY = b"a key that is only good for tests"
PRIVATE = STEDI.pseudonymous(KEY)
PSEUDONYMOUS = PRIVATE.table("machine_learning_curated")
# Every contract that has rules of its own.
TABLES = (*STEDI.tables, PSEUDONYMOUS)


def pseudonym(value: str, key: bytes = KEY) -> str:
    """Return what must stand for a personal value, as Python's own library has it."""
    return hmac.new(key, value.encode(), "sha256").hexdigest()


def good_rows(table: str) -> Rows:
    """Return fresh good rows of a table, or of `<landing table>_problems`: none."""
    if table.endswith("_problems"):
        return []
    contract = next(one for one in TABLES if one.suite == table)
    return [{name: row[name] for name in contract.column_names} for row in _LAKE[table]()]


def good_lake() -> dict[str, Rows]:
    """Return fresh good rows of every table and of every landing table's problems."""
    names = [table.name for table in STEDI.tables]
    names += [f"{name}_problems" for name in names if name.endswith("_landing")]
    return {name: good_rows(name) for name in names}


def frames(session: SparkSession, lake: Mapping[str, Rows]) -> dict[str, DataFrame]:
    """Return the rows as frames with the types their contracts promise."""
    schemas = {table.suite: table.schema() for table in TABLES}
    return {
        name: session.createDataFrame([tuple(row.values()) for row in rows], schema)
        for name, rows in lake.items()
        for schema in [schemas.get(name, PROBLEMS)]
    }


def _customer(number: int, name: str, *, agreed: bool) -> dict[str, Any]:
    registered = NOW - 48 * HOUR + number
    return {
        "customerName": f"{name} Test",
        "email": _email(name),
        "phone": f"801555121{number}",
        "birthDay": f"198{number}-02-03",
        "serialNumber": _serial(name),
        "registrationDate": registered,
        "lastUpdateDate": registered + HOUR,
        "shareWithResearchAsOfDate": registered + HOUR if agreed else None,
        "shareWithPublicAsOfDate": None,
        "shareWithFriendsAsOfDate": registered + HOUR,
    }


def _email(name: str) -> str:
    return f"{name}@example.com"


def _serial(name: str) -> str:
    return f"{name.encode().hex():0<8.8}-1111-2222-3333-444444444444"


def _customers(*names: str) -> Rows:
    agreed = {"ana": True, "ben": True, "cleo": True, "dan": False}
    return [
        _customer(number, name, agreed=agrees)
        for number, (name, agrees) in enumerate(agreed.items())
        if name in names
    ]


def _pairs(*names: str) -> Rows:
    """Return three paired readings each, no two of the same moment."""
    return [
        {
            "user": _email(name),
            "timestamp": moment,
            "sensorReadingTime": moment,
            "x": float(beat),
            "y": -1.0,
            "z": 0.5,
            "serialNumber": _serial(name),
            "distanceFromObject": 200 + beat,
            "sameCustomer": True,
        }
        for start, name in enumerate(names)
        for beat in range(3)
        for moment in [NOW - 12 * HOUR + 1000 * start + beat]
    ]


_LAKE = {
    "customer_landing": lambda: _customers("ana", "ben", "cleo", "dan"),
    "accelerometer_landing": lambda: _pairs("ana", "ben", "dan"),
    "step_trainer_landing": lambda: _pairs("ana", "ben", "dan"),
    "customer_trusted": lambda: _customers("ana", "ben", "cleo"),
    "accelerometer_trusted": lambda: _pairs("ana", "ben"),
    "customers_curated": lambda: _customers("ana", "ben"),
    "step_trainer_trusted": lambda: _pairs("ana", "ben"),
    "machine_learning_curated": lambda: _pairs("ana", "ben"),
    "machine_learning_curated.pseudonymous": lambda: [
        row | {"subject": pseudonym(row["user"]), "device": pseudonym(row["serialNumber"])}
        for row in _pairs("ana", "ben")
    ],
}
