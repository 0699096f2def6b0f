"""A sixth table costs less than 20 lines of Python and a rules file."""

from __future__ import annotations

import inspect
import json
import shutil
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from stedi_glue.entry.synthetic import write_landing
from stedi_glue.lakehouse import Lakehouse
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.model.table import Column, Table, Zone
from stedi_glue.model.transform import ZoneTransform
from stedi_glue.zones import STEDI
from stedi_glue.zones.trusted import STEP_TRAINER_TRUSTED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def with_sixth_table() -> Pipeline:
    table = Table(
        name="device_activity",
        zone=Zone.CURATED,
        location="device_activity/curated",
        doc="How often a step trainer was read.",
        columns=(
            *STEP_TRAINER_TRUSTED.pick("serialNumber"),
            Column("readings", "bigint", "Readings of the device; never null."),
        ),
    )

    class DeviceActivity(ZoneTransform, into=table):
        def build(self, step_trainer_trusted: DataFrame) -> DataFrame:
            readings = F.count("*").alias("readings")
            return step_trainer_trusted.groupBy("serialNumber").agg(readings)

    return STEDI.extended(DeviceActivity())


RULES = {
    "name": "device_activity",
    "expectations": [
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "readings", "min_value": 1},
            "severity": "critical",
            "notes": "Every device listed was read.",
        }
    ],
}


def test_a_sixth_table_is_a_table_like_the_others(tmp_path: Path) -> None:
    assert len(inspect.getsource(with_sixth_table).splitlines()) < 20 + 3  # less its first and last
    write_landing(tmp_path / "lake", customers=20)
    with resources.as_file(resources.files("stedi_glue.rules")) as packaged:
        shutil.copytree(packaged, tmp_path / "rules")
    (tmp_path / "rules" / "device_activity.json").write_text(json.dumps(RULES), encoding="utf-8")

    pipeline = with_sixth_table()
    with Lakehouse.open(tmp_path / "lake", pipeline=pipeline, rules=tmp_path / "rules") as lake:
        report = lake.run()
        report.raise_for_status()
        made = report.table("device_activity")
        assert made.status == "published"
        assert [rule.note for rule in made.verdict.results] == ["Every device listed was read."]

        rows = lake.query("SELECT count(*) AS devices, sum(readings) AS n FROM device_activity")
        trusted = report.table("step_trainer_trusted").rows
        assert [(row["devices"], row["n"]) for row in rows.collect()] == [(made.rows, trusted)]
        assert [state.rows for state in lake.tables() if state.table.name == "device_activity"] == [
            made.rows
        ]
        assert "step_trainer_trusted --> device_activity" in lake.lineage()
        assert "`readings`" in lake.ddl("device_activity")
