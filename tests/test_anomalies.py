"""Rows of a real run that make no sense: which are left out, held or only reported."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from stedi_glue.backends.engines import SailEngine, SparkEngine
from stedi_glue.entry.synthetic import write_landing
from stedi_glue.lakehouse import Lakehouse
from stedi_glue.publish.report import RunReport
from tests.oracle import SUBJECTS, Row, landing_rows, multiset, separated
from tests.small_lake import LocalEngine

# A record of a subject, counted from the start, and what is changed in it.
Flaw = tuple[str, int, dict[str, Any]]

SECONDS = 1_655_561_000
FUTURE = 4_102_444_800_000
# Of the year 54432, which no calendar has.
MICROSECONDS = 1_655_561_000_000_000
MADE_OF = {"customer": 40, "accelerometer": 1000, "step_trainer": 1000}


def flaws(subject: str, columns: Iterable[str], *values: Any, most: int) -> st.SearchStrategy[Any]:
    change = st.dictionaries(st.sampled_from(list(columns)), st.sampled_from(values), min_size=1)
    record = st.integers(0, MADE_OF[subject] - 1)
    return st.lists(st.tuples(st.just(subject), record, change), max_size=most)


FLAWS = st.tuples(
    flaws(
        "customer",
        ("registrationDate", "lastUpdateDate", "shareWithResearchAsOfDate"),
        *(FUTURE, None, 0),
        most=2,
    ),
    flaws("accelerometer", ("timestamp",), SECONDS, MICROSECONDS, FUTURE, None, 0, -1, most=15),
    flaws("accelerometer", "xyz", 161.0, -160.5, 1e300, None, most=15),
    flaws("step_trainer", ("sensorReadingTime",), SECONDS, FUTURE, None, 0, most=15),
    flaws("step_trainer", ("distanceFromObject",), -1, 1001, 1000, 0, None, most=15),
).map(lambda lists: [flaw for one in lists for flaw in one])


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    folder = tmp_path_factory.mktemp("sound")
    write_landing(folder, customers=40)
    return landing_rows(folder)


def spoilt(sound: dict[str, list[Row]], found: Iterable[Flaw]) -> dict[str, list[Row]]:
    rows = {subject: [dict(row) for row in sound[subject]] for subject in SUBJECTS}
    for subject, number, change in found:
        rows[subject][number] |= change
    return rows


def run(
    engine: LocalEngine, folder: Path, landing: dict[str, list[Row]]
) -> tuple[Lakehouse, RunReport]:
    for subject in SUBJECTS:
        place = folder / subject / "landing"
        place.mkdir(parents=True)
        (place / "rows.json").write_text("".join(json.dumps(r) + "\n" for r in landing[subject]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stedi_glue.lakehouse.opened.open_engine", lambda name, **_: engine)
        lake = Lakehouse.open(folder, privacy="identified")
    return lake, lake.run()


def check(engine: LocalEngine, folder: Path, landing: dict[str, list[Row]]) -> None:
    """Every row is where the specification says, and none is lost or counted twice."""
    lake, report = run(engine, folder, landing)
    blocked: set[str] = set()
    for name, wanted in separated(landing, int(time.time() * 1000)).items():
        found = report.table(name)
        if blocked & set(lake.pipeline.upstream(name)):
            assert found.status == "skipped"
        elif wanted.held:
            blocked.add(name)
            assert (found.status, found.quarantined) == ("held", 0), found.reason
        else:
            assert found.status == "published", found.reason
            assert multiset(lake.table(name).collect()) == wanted.kept, name
            left_out = [tuple(row)[:-1] for row in lake.quarantine(name).collect()]
            assert multiset(left_out) == wanted.left_out, name
            assert (found.rows, found.quarantined) == (
                wanted.kept.total(),
                wanted.left_out.total(),
            )


EXAMPLES = settings(deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
OF_EACH = [
    ("customer", 0, {"shareWithResearchAsOfDate": FUTURE}),
    ("accelerometer", 100, {"timestamp": SECONDS}),
    ("accelerometer", 101, {"x": 161.0, "y": None}),
    ("accelerometer", 102, {"timestamp": MICROSECONDS}),
    ("step_trainer", 100, {"sensorReadingTime": FUTURE, "distanceFromObject": -1}),
]


def test_sail(sail: SailEngine, tmp_path: Path, sound: dict[str, list[Row]]) -> None:
    check(sail, tmp_path, spoilt(sound, OF_EACH))


@pytest.mark.slow
@settings(EXAMPLES, max_examples=8)
@given(found=FLAWS)
def test_whatever_rows_are_spoilt(
    sail: SailEngine,
    tmp_path_factory: pytest.TempPathFactory,
    sound: dict[str, list[Row]],
    found: list[Flaw],
) -> None:
    check(sail, tmp_path_factory.mktemp("lake"), spoilt(sound, found))


@pytest.mark.slow
def test_spark(spark: SparkEngine, tmp_path: Path, sound: dict[str, list[Row]]) -> None:
    check(spark, tmp_path, spoilt(sound, OF_EACH))


def test_too_many_bad_rows_hold_the_table(
    sail: SailEngine, tmp_path: Path, sound: dict[str, list[Row]]
) -> None:
    """A phone whose clock counts seconds would otherwise vanish without a word."""
    half = [("accelerometer", number, {"timestamp": SECONDS}) for number in range(1000)]
    check(sail, tmp_path, spoilt(sound, half))


def warned(report: RunReport, table: str) -> dict[str, str]:
    verdict = report.table(table).verdict
    assert verdict is not None
    return {rule.note.partition(";")[0]: rule.observed for rule in verdict.warnings}


def test_anomalies_that_are_reported(
    sail: SailEngine, tmp_path: Path, sound: dict[str, list[Row]]
) -> None:
    agreed = [n for n, row in enumerate(sound["customer"]) if row.get("shareWithResearchAsOfDate")]
    one, two, three, four = agreed[:4]
    customers = sound["customer"]
    landing = spoilt(
        sound,
        [
            ("customer", two, {"serialNumber": customers[one]["serialNumber"]}),
            ("customer", three, {"email": customers[four]["email"].upper()}),
            ("customer", four, {"birthDay": "2999-01-01"}),
            ("customer", 39, {"email": f" {customers[four]['email']}"}),
            ("accelerometer", 100, {"timestamp": MICROSECONDS}),
        ],
    )
    _, report = run(sail, tmp_path, landing)
    assert report.status == "published"
    trusted = warned(report, "customer_trusted")
    assert trusted["No serial number belongs to several customers"] == "1 row"
    assert trusted["Nobody was born later than today."] == "1 row"
    raw = warned(report, "customer_landing")
    alone = "No two e-mail addresses differ in case or in spaces around them alone"
    assert raw[alone] == "1 row"
    assert report.table("customer_trusted").quarantined == 0
    readings = warned(report, "accelerometer_landing")
    tomorrow = "No reading is from later than tomorrow: clocks may differ by hours, not by days."
    assert readings[tomorrow].startswith("1 of ")
    assert report.table("accelerometer_trusted").quarantined == 1
    verdict = report.table("accelerometer_landing").verdict
    assert verdict is not None
    newest = [one.observed for one in verdict.results if "_max_" in one.rule]
    assert newest == ["observed 1,655,561,000,000,000 ms"]


def test_a_table_of_strangers_is_held(
    sail: SailEngine, tmp_path: Path, sound: dict[str, list[Row]]
) -> None:
    """Fewer than half of the pairs are of one customer: such a table teaches nothing true."""
    landing = spoilt(sound, [])
    serials = [row["serialNumber"] for row in landing["customer"]]
    turned = dict(zip(serials, [*serials[1:], serials[0]], strict=True))
    for row in landing["step_trainer"]:
        row["serialNumber"] = turned[row["serialNumber"]]
    _, report = run(sail, tmp_path, landing)
    curated = report.table("machine_learning_curated")
    assert curated.status == "held"
    assert "a table of strangers teaches nothing true" in curated.reason


@pytest.mark.slow
def test_the_same_without_the_bad_rows_makes_the_same_tables(
    sail: SailEngine, tmp_path: Path, sound: dict[str, list[Row]]
) -> None:
    bad = [flaw for flaw in OF_EACH if flaw[0] != "customer"]
    lake, report = run(sail, tmp_path / "with", spoilt(sound, bad))
    gone = Counter((subject, number) for subject, number, _ in bad)
    clean = {
        subject: [row for number, row in enumerate(rows) if (subject, number) not in gone]
        for subject, rows in sound.items()
    }
    other, again = run(sail, tmp_path / "without", clean)
    assert sum(table.quarantined for table in report.tables) == 4
    assert sum(table.quarantined for table in again.tables) == 0
    for table in lake.pipeline.tables:
        if table.zone != "landing":
            mine = multiset(lake.table(table.name).collect())
            assert mine == multiset(other.table(table.name).collect()), table.name
