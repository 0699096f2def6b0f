"""The tables as the specification words them, in plain SQL on DuckDB.

Independent of the package on purpose: no contract, transform or engine is used here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import duckdb
import pyarrow as pa

Row = Mapping[str, Any]
# Tables hold no order, so they are compared as multisets of rows.
Multiset = Counter[tuple[Any, ...]]

SCHEMAS = {
    "customer": pa.schema(
        {
            "customerName": pa.string(),
            "email": pa.string(),
            "phone": pa.string(),
            "birthDay": pa.string(),
            "serialNumber": pa.string(),
            "registrationDate": pa.int64(),
            "lastUpdateDate": pa.int64(),
            "shareWithResearchAsOfDate": pa.int64(),
            "shareWithPublicAsOfDate": pa.int64(),
            "shareWithFriendsAsOfDate": pa.int64(),
        }
    ),
    "accelerometer": pa.schema(
        {
            "user": pa.string(),
            "timestamp": pa.int64(),
            "x": pa.float64(),
            "y": pa.float64(),
            "z": pa.float64(),
        }
    ),
    "step_trainer": pa.schema(
        {
            "sensorReadingTime": pa.int64(),
            "serialNumber": pa.string(),
            "distanceFromObject": pa.int32(),
        }
    ),
}
SUBJECTS = tuple(SCHEMAS)

ALL_VERSIONS = """
    SELECT * FROM customer_landing
    WHERE shareWithResearchAsOfDate IS NOT NULL AND shareWithResearchAsOfDate > 0
"""
# A customer is known by what does not change; of two versions of one moment, the one that
# shares less with research counts, and else the one that comes first in the alphabet.
LATEST_VERSIONS = """
    SELECT version.* FROM (
        SELECT list(registration ORDER BY
            registration.lastUpdateDate DESC NULLS LAST,
            CASE WHEN registration.shareWithResearchAsOfDate > 0 THEN 1 ELSE 0 END,
            registration.shareWithResearchAsOfDate DESC NULLS LAST,
            registration.customerName ASC NULLS FIRST,
            registration.phone ASC NULLS FIRST,
            registration.birthDay ASC NULLS FIRST,
            registration.shareWithPublicAsOfDate ASC NULLS FIRST,
            registration.shareWithFriendsAsOfDate ASC NULLS FIRST
        )[1] AS version
        FROM customer_landing AS registration
        GROUP BY email, serialNumber, registrationDate
    )
    WHERE version.shareWithResearchAsOfDate > 0
"""
CUSTOMER_TRUSTED = {"latest": LATEST_VERSIONS, "all": ALL_VERSIONS}

ACCELEROMETER_TRUSTED = {
    "current": """
        SELECT * FROM accelerometer_landing AS reading
        WHERE EXISTS (
            SELECT 1 FROM customer_trusted AS customer WHERE customer.email = reading."user"
        )
    """,
    "as-of": """
        SELECT * FROM accelerometer_landing AS reading
        WHERE EXISTS (
            SELECT 1 FROM customer_trusted AS customer
            WHERE customer.email = reading."user"
            AND reading."timestamp" >= customer.shareWithResearchAsOfDate
        )
    """,
}

CUSTOMERS_CURATED = """
    SELECT DISTINCT * FROM customer_trusted AS customer
    WHERE EXISTS (
        SELECT 1 FROM accelerometer_trusted AS reading WHERE reading."user" = customer.email
    )
"""

STEP_TRAINER_TRUSTED = """
    SELECT * FROM step_trainer_landing AS step
    WHERE EXISTS (
        SELECT 1 FROM customers_curated AS customer
        WHERE customer.serialNumber = step.serialNumber
    )
"""

PAIRS = """
    SELECT
        step.sensorReadingTime, step.serialNumber, step.distanceFromObject,
        reading."user", reading.x, reading.y, reading.z,
        EXISTS (
            SELECT 1 FROM customers_curated AS customer
            WHERE customer.serialNumber = step.serialNumber AND customer.email = reading."user"
        ) AS sameCustomer
    FROM step_trainer_trusted AS step, accelerometer_trusted AS reading
    WHERE step.sensorReadingTime = reading."timestamp"
"""
MACHINE_LEARNING_CURATED = {
    "timestamp": PAIRS,
    "customer": f"SELECT * FROM ({PAIRS}) WHERE sameCustomer",
}
PSEUDONYMOUS = """
    SELECT
        sensorReadingTime, device.pseudonym, distanceFromObject, subject.pseudonym,
        x, y, z, sameCustomer
    FROM ({pairs})
    JOIN pseudonyms AS device ON device.value = serialNumber
    JOIN pseudonyms AS subject ON subject.value = "user"
"""


def multiset(rows: Iterable[Iterable[Any]]) -> Multiset:
    """Rows as a multiset; they may be DuckDB tuples or Spark rows."""
    return Counter(tuple(row) for row in rows)


def landing_rows(lake: Path) -> dict[str, list[Row]]:
    """Read every record under `<lake>/<subject>/landing`, by subject."""
    return {
        subject: [
            json.loads(line)
            for file in sorted((lake / subject / "landing").glob("*.json"))
            for line in file.read_text(encoding="utf-8").split("\n")
            if line
        ]
        for subject in SUBJECTS
    }


# What a row of a table is left out for, each by itself; `tomorrow` is a day after the run.
# A share of more than LEFT_OUT_AT_MOST for any of these holds the table.
LEFT_OUT_AT_MOST = 0.05
ANOMALIES: dict[str, tuple[str, ...]] = {
    "customer_trusted": (
        "email IS NULL",
        "serialNumber IS NULL",
        "registrationDate IS NULL",
        "registrationDate > tomorrow",
        "lastUpdateDate > tomorrow",
        "shareWithResearchAsOfDate > tomorrow",
    ),
    "accelerometer_trusted": (
        '"timestamp" IS NULL',
        "\"timestamp\" < epoch_ms(TIMESTAMP '2015-01-01')",
        '"timestamp" > tomorrow',
        *(f"{axis} IS NULL" for axis in "xyz"),
        *(f"NOT {axis} BETWEEN -160 AND 160" for axis in "xyz"),
    ),
    "step_trainer_trusted": (
        "sensorReadingTime IS NULL",
        "sensorReadingTime < epoch_ms(TIMESTAMP '2015-01-01')",
        "sensorReadingTime > tomorrow",
        "distanceFromObject IS NULL",
        "NOT distanceFromObject BETWEEN 0 AND 1000",
    ),
}


class Separated(NamedTuple):
    """Rows readers get, rows left out, and whether a table is held for too many of these."""

    kept: Multiset
    left_out: Multiset
    held: bool


def expected(
    landing: Mapping[str, Iterable[Row]],
    pairing: Literal["timestamp", "customer"] = "timestamp",
    consent: Literal["current", "as-of"] = "current",
    versions: Literal["latest", "all"] = "latest",
    privacy: Literal["identified", "pseudonymous"] = "identified",
    key: bytes = b"",
) -> dict[str, Multiset]:
    """Return the rows of the five tables made of the landing rows, given by subject."""
    tables = separated(landing, None, pairing, consent, versions, privacy, key)
    return {name: table.kept for name, table in tables.items()}


def separated(
    landing: Mapping[str, Iterable[Row]],
    now: int | None,
    pairing: Literal["timestamp", "customer"] = "timestamp",
    consent: Literal["current", "as-of"] = "current",
    versions: Literal["latest", "all"] = "latest",
    privacy: Literal["identified", "pseudonymous"] = "identified",
    key: bytes = b"",
) -> dict[str, Separated]:
    """Return what becomes of the rows of the five tables in a run at `now`, epoch ms UTC.

    Without a time, no row is left out. Each table is made of what others keep.
    """
    queries = {
        "customer_trusted": CUSTOMER_TRUSTED[versions],
        "accelerometer_trusted": ACCELEROMETER_TRUSTED[consent],
        "customers_curated": CUSTOMERS_CURATED,
        "step_trainer_trusted": STEP_TRAINER_TRUSTED,
        "machine_learning_curated": MACHINE_LEARNING_CURATED[pairing],
    }
    if privacy == "pseudonymous":
        queries["machine_learning_curated"] = PSEUDONYMOUS.format(
            pairs=MACHINE_LEARNING_CURATED[pairing]
        )

    names = ("email", "serialNumber")
    named = {row.get(name) for row in landing["customer"] for name in names}
    pseudonyms = [
        {"value": value, "pseudonym": hmac.new(key, value.encode(), hashlib.sha256).hexdigest()}
        for value in named
        if value is not None
    ]
    with duckdb.connect() as connection:
        texts = pa.schema({"value": pa.string(), "pseudonym": pa.string()})
        connection.register("pseudonyms", pa.Table.from_pylist(pseudonyms, texts))
        for subject, schema in SCHEMAS.items():
            connection.register(
                f"{subject}_landing", pa.Table.from_pylist(list(landing[subject]), schema)
            )
        return {
            name: _separated(
                connection, name, query, () if now is None else ANOMALIES.get(name, ()), now
            )
            for name, query in queries.items()
        }


def _separated(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    query: str,
    anomalies: tuple[str, ...],
    now: int | None,
) -> Separated:
    tomorrow = (now or 0) + 24 * 60 * 60 * 1000
    connection.execute(
        f"CREATE TABLE {name}_made AS SELECT *, {tomorrow} AS tomorrow FROM ({query})"
    )
    shares = [
        connection.execute(f"SELECT avg(coalesce({one}, false)::INT) FROM {name}_made").fetchone()
        for one in anomalies
    ]
    bad = " OR ".join(f"coalesce({one}, false)" for one in anomalies) or "false"
    connection.execute(
        f"CREATE TABLE {name} AS SELECT * EXCLUDE (tomorrow) FROM {name}_made WHERE NOT ({bad})"
    )
    left_out = f"SELECT * EXCLUDE (tomorrow) FROM {name}_made WHERE {bad}"
    return Separated(
        multiset(connection.execute(f"SELECT * FROM {name}").fetchall()),
        multiset(connection.execute(left_out).fetchall()),
        any(share and (share[0] or 0) > LEFT_OUT_AT_MOST for share in shares),
    )
