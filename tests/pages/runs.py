"""Runs to show: invented outcomes of the STEDI pipeline, as a lake would remember them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from stedi_glue.publish.ports import RuleResult, Verdict
from stedi_glue.publish.report import Attempt, PastRun, RunReport, Seconds, Status, TableReport
from stedi_glue.zones import STEDI

BEGAN = 1_764_061_726_000
HOUR = 3_600_000
ROWS = {
    "customer_landing": 956,
    "accelerometer_landing": 81_273,
    "step_trainer_landing": 28_680,
    "customer_trusted": 482,
    "accelerometer_trusted": 40_981,
    "customers_curated": 482,
    "step_trainer_trusted": 14_460,
    "machine_learning_curated": 43_681,
}
MET = tuple(
    RuleResult(f"expect_{number}", f"Rule {number} is met.", "critical", True)
    for number in range(30)
)
STRANGERS = RuleResult(
    rule="expect_column_values_to_be_in_set (sameCustomer)",
    note="Phone and step trainer of a pair belong to one customer; keep only the rows where "
    "sameCustomer is true, or run with pairing='customer'.",
    severity="warning",
    passed=False,
    observed="2,700 of 43,681 rows (6.18 %)",
    samples=tuple(
        {
            "sameCustomer": "false",
            "sensorReadingTime": read,
            "serialNumber": f"{owner}…",
            "distanceFromObject": far,
            "user": f"{user}…",
        }
        for read, owner, far, user in (
            ("1655564247390", "4", "214", "J"),
            ("1655564353151", "8", "231", "C"),
        )
    ),
)
TOO_FAR = RuleResult(
    rule="expect_column_values_to_be_between (distanceFromObject)",
    note="Distances are between 0 and 400 cm, what the sensor can see.",
    severity="critical",
    passed=False,
    observed="3 of 14,460 rows (0.0207 %)",
    samples=tuple(
        {"distanceFromObject": far, "serialNumber": f"{owner}…", "sensorReadingTime": read}
        for far, owner, read in (
            ("4011", "2", "1655564103041"),
            ("412", "9", "1655564128336"),
            ("-7", "2", "1655564140204"),
        )
    ),
)
LEVELS = RuleResult(
    rule="expect_column_values_to_be_between (x)",
    note="Levels are between -50 and 50, what the phone's sensor can see.",
    severity="critical",
    passed=False,
    observed="7 of 40,988 rows (0.0171 %), limit 5 %",
    samples=({"x": "1e300", "user": "J…", "timestamp": "1655564247390", "y": "0.0", "z": "-1.0"},),
    limit=0.05,
    judged=40_988,
    broke=7,
)
OLD = RuleResult(
    rule="expect_column_max_to_be_between (timestamp)",
    note="The newest reading is at most 30 days old.",
    severity="info",
    passed=False,
    observed="observed 2022-06-18 13:48 UTC",
)


def published(*extra: RuleResult, **rules: tuple[RuleResult, ...]) -> RunReport:
    """A run that published everything; `rules` are unmet ones by table."""
    tables = tuple(
        _table(name, rules.get(name, ()), place) for place, name in enumerate(ROWS, start=1)
    )
    return RunReport("20251125T090846-65aacd1c", "sail", tables, BEGAN)


def warned() -> RunReport:
    return published(machine_learning_curated=(STRANGERS, OLD), accelerometer_landing=(OLD,))


def held() -> RunReport:
    """A run whose step trainer readings were held, so that what they feed was skipped."""
    run = published(accelerometer_landing=(OLD,))
    tables = {table.table: table for table in run.tables}
    name = "step_trainer_trusted"
    tables["step_trainer_landing"] = replace(
        tables["step_trainer_landing"],
        quarantined=41,
        reasons={"broken JSON object": 33, "wrong type: distanceFromObject": 8},
        mended={"another name of a key": 9_570, "several objects on a line": 412},
    )
    readings = tables["accelerometer_trusted"]
    assert readings.verdict
    tables[readings.table] = replace(
        readings,
        quarantined=7,
        reasons={LEVELS.note: 7},
        verdict=replace(readings.verdict, quarantined=(LEVELS,)),
    )
    tables[name] = replace(
        tables[name],
        status="held",
        snapshot_id=None,
        record={},
        verdict=Verdict(name, (*MET, TOO_FAR)),
        reason=str(TOO_FAR),
    )
    tables["machine_learning_curated"] = TableReport(
        "machine_learning_curated",
        "curated",
        "skipped",
        reason="its source step_trainer_trusted was held",
    )
    return replace(run, tables=tuple(tables.values()))


def earlier(count: int) -> tuple[PastRun, ...]:
    """As many earlier runs, newest first: growing tables, some warnings, now and then a hold."""
    return tuple(_past(age) for age in range(1, count + 1))


def _past(age: int) -> PastRun:
    is_held, has_warning = age % 17 == 5, age % 3 != 0
    attempts: Mapping[str, Attempt] = {
        name: Attempt(
            run_id=f"run-{1000 - age:04}",
            started_at=BEGAN - age * 24 * HOUR,
            engine="sail",
            status=_past_status(name, is_held),
            rows=max(int(rows * (1 - age / 400)) + (age * 7919) % 97 % (rows // 40), 1),
            snapshot_id=None if "landing" in name else 10_000 - age,
            evaluated=30,
            failed=int(is_held and name == "step_trainer_trusted"),
            warned=int(has_warning and name == "machine_learning_curated"),
            seconds=0.5,
            suite=name,
        )
        for name, rows in ROWS.items()
    }
    status = "held" if is_held else "published"
    return PastRun(f"run-{1000 - age:04}", BEGAN - age * 24 * HOUR, "sail", status, attempts)


def _past_status(name: str, is_held: bool) -> Status:
    if "landing" in name:
        return "audited"
    return "held" if is_held and name == "step_trainer_trusted" else "published"


def _table(name: str, unmet: tuple[RuleResult, ...], place: int) -> TableReport:
    landing = name.endswith("_landing")
    record = {
        "total-files-size": "2096152",
        "total-data-files": "2",
        "stedi.option.pairing": "timestamp",
        **{f"stedi.source.{source}": "5120937446" for source in STEDI.sources(name)},
    }
    return TableReport(
        table=name,
        zone=STEDI.table(name).zone,
        status="audited" if landing else "published",
        rows=ROWS[name],
        snapshot_id=None if landing else 4_228_536_434_003_884_000 + place,
        record={} if landing else record,
        verdict=Verdict(name, (*MET, *unmet)),
        seconds=Seconds(0.12 * place, 0.31, None if landing else 0.05),
    )
