from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import duckdb
import pytest

from stedi_glue.entry.synthetic import write_landing
from stedi_glue.errors import LandingError, UsageError
from tests.oracle import SUBJECTS, expected, landing_rows

# The smallest lake in which every oddity is promised, two more of that size, and the demo's.
LAKES = ((8, 2022), (8, 1), (8, 2), (200, 2022))


@pytest.fixture(scope="module", params=LAKES, ids=str)
def lake(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    customers, seed = request.param
    folder = tmp_path_factory.mktemp("lake")
    write_landing(folder, customers=customers, seed=seed)
    return folder


@pytest.fixture
def database(lake: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with opened(lake) as connection:
        yield connection


def opened(lake: Path) -> duckdb.DuckDBPyConnection:
    """Return the landing files as DuckDB reads them: one view per subject."""
    connection = duckdb.connect()
    for subject in SUBJECTS:
        connection.execute(
            f"CREATE VIEW {subject} AS SELECT * FROM read_json("
            f"'{lake}/{subject}/landing/*.json', format='newline_delimited', sample_size=-1)"
        )
    return connection


def one(database: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = database.execute(query).fetchone()
    assert row is not None
    return row


def contents(lake: Path) -> dict[str, bytes]:
    return {f.relative_to(lake).as_posix(): f.read_bytes() for f in sorted(lake.rglob("*.json"))}


def records(lake: Path, subject: str) -> list[str]:
    files = sorted((lake / subject / "landing").glob("*.json"))
    return [line for file in files for line in file.read_text().splitlines()]


def test_the_same_arguments_give_the_same_bytes_on_every_machine(tmp_path: Path) -> None:
    write_landing(tmp_path, customers=500)
    sha = hashlib.sha256()
    for name, text in contents(tmp_path).items():
        sha.update(name.encode() + b"\0" + text)
    # Whoever changes the data on purpose writes the new digest here.
    assert sha.hexdigest() == "b03f4c84b71bad1aaa00f08252fc80ac516d4d73d19e83a6af9bfe44db574913"


def test_another_seed_gives_other_data(tmp_path: Path) -> None:
    serials = []
    for seed in (1, 2):
        write_landing(tmp_path / str(seed), customers=30, seed=seed)
        rows = map(json.loads, records(tmp_path / str(seed), "step_trainer"))
        serials.append({row["serialNumber"] for row in rows})
    assert not serials[0] & serials[1]


def test_the_counts_returned_are_the_lines_written(tmp_path: Path) -> None:
    counts = write_landing(tmp_path, customers=40)
    assert counts == {f"{subject}_landing": len(records(tmp_path, subject)) for subject in SUBJECTS}
    assert counts == {
        "customer_landing": 40,
        "accelerometer_landing": 38 * 85,
        "step_trainer_landing": 40 * 30,
    }


@pytest.mark.parametrize(
    ("readings", "customers"),
    [(1, 10), (100, 10), (765, 10), (766, 11), (1000, 13), (26 * 85, 28), (27 * 85, 29)],
)
def test_readings_are_exact_and_bring_the_customers_they_need(
    tmp_path: Path, readings: int, customers: int
) -> None:
    counts = write_landing(tmp_path, customers=10, readings=readings)
    assert counts["accelerometer_landing"] == readings == len(records(tmp_path, "accelerometer"))
    assert counts["customer_landing"] == customers
    users = Counter(json.loads(line)["user"] for line in records(tmp_path, "accelerometer"))
    assert set(users) <= {json.loads(line)["email"] for line in records(tmp_path, "customer")}
    assert len(users) == -(-readings // 85)


def test_a_large_lake_is_split_into_large_files_without_a_seam(tmp_path: Path) -> None:
    counts = write_landing(tmp_path, readings=600_000)
    folder = tmp_path / "accelerometer" / "landing"
    lines = [file.read_bytes().count(b"\n") for file in sorted(folder.iterdir())]
    assert lines == [500_000, 100_000]
    with opened(tmp_path) as database:
        assert one(
            database, "SELECT count(*), count(DISTINCT accelerometer) FROM accelerometer"
        ) == (
            600_000,
            600_000,
        )
        # Every user has all readings: blocks and files cut none off and repeat none.
        assert one(
            database,
            'SELECT count(*) FROM (SELECT "user" FROM accelerometer GROUP BY 1 '
            "HAVING count(*) = 85 AND count(DISTINCT timestamp) = 30)",
        ) == (600_000 // 85,)
        assert (
            one(
                database,
                "SELECT count(DISTINCT email), count(DISTINCT serialNumber), "
                "count(DISTINCT customerName) FROM customer",
            )
            == (counts["customer_landing"],) * 3
        )


def test_people_are_obviously_invented(lake: Path) -> None:
    rows = [json.loads(line) for line in records(lake, "customer")]
    for row in rows:
        assert re.fullmatch(r"[A-Z][a-z]+\.[A-Z][a-z]+\d*@example\.com", row["email"])
        assert row["customerName"].replace(" ", ".") + "@example.com" == row["email"]
        assert re.fullmatch(r"80155501\d\d", row["phone"])
        assert UUID(row["serialNumber"]).version == 4
    for key in ("email", "serialNumber"):
        assert len({row[key] for row in rows}) == len(rows)


def test_consent_is_given_absent_null_or_zero(lake: Path) -> None:
    customers = [json.loads(line) for line in records(lake, "customer")]
    key = "shareWithResearchAsOfDate"
    kinds = Counter(
        "absent" if key not in row else "null" if row[key] is None else "given" if row[key] else "0"
        for row in customers
    )
    assert set(kinds) == {"given", "absent", "null", "0"}
    assert 0.35 <= kinds["given"] / len(customers) <= 0.6
    a_while_ago = max(row["registrationDate"] for row in customers) - 300 * 86_400_000
    assert all(row["registrationDate"] < a_while_ago for row in customers if row.get(key) == 0)


def test_birth_years_below_1000_occur(lake: Path) -> None:
    births = [json.loads(line)["birthDay"] for line in records(lake, "customer")]
    assert any(len(birth) == len("999-01-01") for birth in births)


def test_a_user_has_several_readings_in_one_millisecond_but_never_the_same(
    database: duckdb.DuckDBPyConnection,
) -> None:
    per_moment = database.execute(
        'SELECT DISTINCT count(*) FROM accelerometer GROUP BY "user", timestamp ORDER BY 1'
    ).fetchall()
    assert per_moment == [(2,), (3,)]
    repeats = "SELECT count(*) - count(DISTINCT accelerometer) FROM accelerometer"
    assert one(database, repeats) == (0,)


def test_devices_and_phones_of_a_customer_read_at_the_same_moments(
    database: duckdb.DuckDBPyConnection,
) -> None:
    assert database.execute(
        "SELECT DISTINCT count(*), count(DISTINCT sensorReadingTime) FROM step_trainer "
        "GROUP BY serialNumber"
    ).fetchall() == [(30, 30)]
    assert one(
        database,
        'SELECT count(*) FROM accelerometer JOIN customer ON email = "user" '
        "ANTI JOIN step_trainer ON step_trainer.serialNumber = customer.serialNumber "
        "AND sensorReadingTime = timestamp",
    ) == (0,)


def test_the_pipeline_has_something_to_show(lake: Path) -> None:
    landing = landing_rows(lake)
    tables = {name: rows.total() for name, rows in expected(landing).items()}
    as_of = {name: rows.total() for name, rows in expected(landing, consent="as-of").items()}
    true_pairs = expected(landing, pairing="customer")["machine_learning_curated"].total()

    assert 0 < tables["customers_curated"] < tables["customer_trusted"] < len(landing["customer"])
    assert 0 < as_of["accelerometer_trusted"] < tables["accelerometer_trusted"]
    assert as_of["customers_curated"] < tables["customers_curated"]
    assert true_pairs == tables["accelerometer_trusted"]
    assert true_pairs < tables["machine_learning_curated"]


@pytest.mark.parametrize("customers", [200, 956, 5000])
def test_strangers_share_a_few_percent_of_the_pairs_at_any_size(
    tmp_path: Path, customers: int
) -> None:
    write_landing(tmp_path, customers=customers)
    with opened(tmp_path) as database:
        pairs, strangers = one(
            database,
            """
            WITH agreed AS (SELECT * FROM customer WHERE shareWithResearchAsOfDate > 0),
            reading AS (SELECT * FROM accelerometer SEMI JOIN agreed ON email = "user"),
            owner AS (SELECT * FROM agreed SEMI JOIN accelerometer ON email = "user")
            SELECT count(*), count(*) FILTER (email <> "user")
            FROM step_trainer JOIN owner USING (serialNumber)
            JOIN reading ON sensorReadingTime = timestamp
            """,
        )
    assert 0.01 <= strangers / pairs <= 0.10


def shape(line: str) -> str:
    """Return a record with values replaced by their form: keys, order and spacing remain."""
    text = re.sub(r'(: ?)"\d{3,4}-01-01"', r'\1"day"', line)
    text = re.sub(
        r'(: ?)"\d+"', lambda m: m[1] + '"' + "9" * (len(m[0]) - len(m[1]) - 2) + '"', text
    )
    text = re.sub(r'(: ?)"[0-9a-f-]{36}"', r'\1"uuid"', text)
    text = re.sub(r'(: ?)"[^"@]+@[^"]+"', r'\1"email"', text)
    text = re.sub(r'(: ?)"[A-Z][^"]+ [A-Z][^"]+"', r'\1"name"', text)
    return re.sub(r"(?<=:)( ?)-?(\d+)", lambda m: m[1] + "9" * len(m[2]), text)


def test_records_are_written_as_in_the_real_export(tmp_path: Path, starter: Path) -> None:
    write_landing(tmp_path, customers=400)
    for subject in ("accelerometer", "step_trainer"):
        real, ours = (set(map(shape, records(lake, subject))) for lake in (starter, tmp_path))
        assert ours == real, subject
    real, ours = (set(map(shape, records(lake, "customer"))) for lake in (starter, tmp_path))
    assert real <= ours
    # The starter export has no explicit null and no 0; older ones do.
    assert all('AsOfDate": null' in line or 'AsOfDate": 9,' in line for line in ours - real)
    for lake in (starter, tmp_path):
        for file in lake.rglob("*.json"):
            assert file.read_bytes().endswith(b"}\n")


def test_values_range_as_in_the_real_export(tmp_path: Path, starter: Path) -> None:
    write_landing(tmp_path, customers=956)
    measures = (
        "SELECT list_sort(list(DISTINCT (x, y, z))) FROM accelerometer",
        "SELECT min(distanceFromObject), max(distanceFromObject) FROM step_trainer",
        "SELECT min(gap), max(gap) FROM (SELECT sensorReadingTime - lag(sensorReadingTime) OVER "
        "(PARTITION BY serialNumber ORDER BY sensorReadingTime) AS gap FROM step_trainer)",
    )
    shares = (
        "SELECT count(*) FILTER (shareWithResearchAsOfDate > 0) / count(*) FROM customer",
        'SELECT count(*) / count(DISTINCT ("user", timestamp)) FROM accelerometer',
        "SELECT avg((timestamp < shareWithResearchAsOfDate)::INT) FROM accelerometer "
        'JOIN customer ON email = "user" WHERE shareWithResearchAsOfDate > 0',
    )
    with opened(starter) as real, opened(tmp_path) as ours:
        for query in measures:
            assert one(ours, query) == one(real, query), query
        for query in shares:
            assert one(ours, query) == pytest.approx(one(real, query), abs=0.05), query


@pytest.mark.parametrize("wrong", [{"customers": 0}, {"readings": 0}, {"readings": -5}])
def test_numbers_must_be_positive(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="must be 1 or more"):
        write_landing(tmp_path, **wrong)
    assert not list(tmp_path.iterdir())


def test_data_that_is_already_there_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "step_trainer" / "landing" / "mine.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("{}\n")
    with pytest.raises(UsageError, match="already holds files"):
        write_landing(tmp_path, customers=8)
    assert contents(tmp_path) == {"step_trainer/landing/mine.json": b"{}\n"}


def test_a_folder_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LandingError, match="cannot be written"):
        write_landing(tmp_path / "file", customers=8)


def test_importing_it_is_cheap() -> None:
    code = (
        "import sys, stedi_glue.errors; before = set(sys.modules);"
        "import stedi_glue.entry.synthetic; print(*(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "stedi_glue.entry.synthetic" in done.stdout.split()
    assert not {"numpy", "pyarrow", "pyspark"} & set(done.stdout.split())
