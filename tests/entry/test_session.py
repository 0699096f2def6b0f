"""The lake in a notebook: what is shown, and what a rehearsal leaves behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from pyspark.sql import functions as F

from stedi_glue.entry import magics, session
from stedi_glue.entry.synthetic import write_landing
from stedi_glue.errors import RulesError, UnknownTable, UsageError
from stedi_glue.lakehouse import Lakehouse
from stedi_glue.model.table import Column, Table, Zone
from stedi_glue.model.transform import ZoneTransform
from stedi_glue.zones.curated import MACHINE_LEARNING_CURATED
from stedi_glue.zones.trusted import CUSTOMER_TRUSTED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

DEVICES = Table(
    name="devices",
    zone=Zone.CURATED,
    location="devices/curated",
    doc="How often a step trainer was read.",
    columns=(
        *MACHINE_LEARNING_CURATED.pick("serialNumber"),
        Column("readings", "bigint", "Readings of the device; never null."),
    ),
)


class Devices(ZoneTransform, into=DEVICES):
    def build(self, step_trainer_trusted: DataFrame) -> DataFrame:
        return step_trainer_trusted.groupBy("serialNumber").agg(F.count("*").alias("readings"))


def files(lake: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in lake.rglob("*") if path.is_file()}


def rule(kind: str, severity: str = "critical", **kwargs: Any) -> dict[str, Any]:
    return {"type": f"expect_{kind}", "kwargs": kwargs, "severity": severity, "notes": f"{kind}."}


UNIQUE = rule("column_values_to_be_unique", column="serialNumber")
MANY = rule("column_values_to_be_between", column="readings", min_value=31)


@pytest.fixture
def lake(demo_lake: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lakehouse]:
    monkeypatch.setenv("STEDI_LAKE", str(demo_lake))
    with session.connect(on_glue="s3://not-here") as opened:
        yield opened


def test_a_rehearsal_judges_the_written_rows_and_leaves_nothing(
    lake: Lakehouse, demo_lake: Path
) -> None:
    trusted = int(lake.table("step_trainer_trusted").count())
    before = files(demo_lake)
    tried = session.try_transform(lake, Devices(), [UNIQUE])
    assert tried.passed
    assert tried.rehearsal.rows == trusted // 30
    assert "devices would be published" in repr(tried)
    assert all(row["readings"] == 30 for row in tried.rehearsal.sample)

    held = session.try_transform(lake, Devices(), [UNIQUE, MANY])
    assert not held.passed
    assert [result.note for result in held.rehearsal.verdict.failed] == [MANY["notes"]]
    assert f"{trusted // 30} of {trusted // 30} rows" in repr(held)

    assert files(demo_lake) == before
    with pytest.raises(UnknownTable):
        lake.table("devices")


def test_a_rehearsal_that_fails_leaves_nothing_either(lake: Lakehouse, demo_lake: Path) -> None:
    class Broken(ZoneTransform, into=DEVICES):
        def build(self, step_trainer_trusted: DataFrame) -> DataFrame:
            broken = F.expr("CASE WHEN true THEN raise_error('no') END").cast("bigint")
            return step_trainer_trusted.select("serialNumber", broken.alias("readings"))

    before = files(demo_lake)
    with pytest.raises(Exception, match="rehearsal"):
        session.try_transform(lake, Broken(), [UNIQUE])
    assert files(demo_lake) == before


def test_rules_of_a_rehearsal_may_look_at_other_tables(lake: Lakehouse) -> None:
    query = (
        "SELECT b.serialNumber FROM {batch} b LEFT ANTI JOIN customers_curated c "
        "ON c.serialNumber = b.serialNumber"
    )
    curated = {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": query}}
    assert session.try_transform(lake, Devices(), [curated]).passed


def test_a_new_version_of_a_table_is_held_to_the_tables_own_rules(lake: Lakehouse) -> None:
    class EveryCustomer(ZoneTransform, into=CUSTOMER_TRUSTED):
        def build(self, customer_landing: DataFrame) -> DataFrame:
            return customer_landing

    tried = session.try_transform(lake, EveryCustomer())
    assert not tried.passed
    assert len(tried.rehearsal.verdict.results) > 20


def test_a_rehearsal_separates_rows_as_a_run_does(lake: Lakehouse) -> None:
    few = rule("column_values_to_be_between", column="distanceFromObject", max_value=295)

    class Distances(ZoneTransform, into=_distances()):
        def build(self, step_trainer_trusted: DataFrame) -> DataFrame:
            return step_trainer_trusted.select("distanceFromObject")

    tried = session.try_transform(
        lake, Distances(), [few | {"meta": {"stedi": {"quarantine": 0.5}}}]
    )
    far = int(lake.table("step_trainer_trusted").where("distanceFromObject > 295").count())
    assert far > 0
    assert tried.rehearsal.quarantined == far
    assert f"({far:,} in quarantine)" in repr(tried)


def _distances() -> Table:
    return Table(
        name="distances",
        zone=Zone.CURATED,
        location="distances/curated",
        doc="Distances.",
        columns=MACHINE_LEARNING_CURATED.pick("distanceFromObject"),
    )


def test_mistakes_in_a_draft_are_named(lake: Lakehouse) -> None:
    with pytest.raises(RulesError, match=r"draft of devices's rules, rule 1 .* 'serial'.*did you"):
        session.try_transform(
            lake, Devices(), [rule("column_values_to_be_unique", column="serial")]
        )
    with pytest.raises(RulesError, match="without one, any data would pass"):
        session.try_transform(lake, Devices(), [])
    with pytest.raises(RulesError, match="'devices' has no rules"):
        session.try_transform(lake, Devices())


def test_a_rehearsal_of_an_unknown_source(lake: Lakehouse) -> None:
    class Wrong(ZoneTransform, into=DEVICES):
        def build(self, step_trainer_trusty: DataFrame) -> DataFrame:
            return step_trainer_trusty

    with pytest.raises(UnknownTable, match="did you mean 'step_trainer_trusted'"):
        session.try_transform(lake, Wrong(), [UNIQUE])


def test_tables_have_rows_and_verdicts_in_text_and_html(lake: Lakehouse) -> None:
    shown = session.tables(lake)
    for state in lake.tables():
        [line] = [line for line in repr(shown).splitlines() if line.startswith(state.table.name)]
        assert f" {state.rows:,} " in line
        assert state.table.name in shown.html
    assert "published" in shown.html
    ElementTree.fromstring(shown.html)


def test_lineage_is_a_drawing_of_every_table_and_edge(lake: Lakehouse) -> None:
    shown = session.lineage(lake)
    drawing = ElementTree.fromstring(shown.html)
    svg = "{http://www.w3.org/2000/svg}"
    names = {text.text for text in drawing.iter(f"{svg}text")}
    assert {table.name for table in lake.pipeline.tables} <= names
    edges = sum(len(lake.pipeline.sources(table.name)) for table in lake.pipeline.tables)
    assert len(list(drawing.iter(f"{svg}path"))) == edges
    assert "step_trainer_landing, customers_curated" in repr(shown)


def test_a_preview_has_no_personal_value(lake: Lakehouse) -> None:
    shown = session.preview(lake, "customer_trusted", rows=3)
    for row in lake.table("customer_trusted").limit(50).collect():
        assert row.email not in shown.html + repr(shown)
        assert row.serialNumber not in shown.html + repr(shown)
    with pytest.raises(UnknownTable):
        session.preview(lake, "customer_trusty")


def test_unmet_rules_name_table_and_severity_worst_first(lake: Lakehouse) -> None:
    lines = repr(session.unmet(lake)).splitlines()[4:]
    severities = [re.split(r"\s{2,}", line)[1] for line in lines]
    assert "warning" in severities
    assert severities == sorted(severities, key=session.SEVERITIES.index)


def test_what_is_in_quarantine_is_told_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_landing(tmp_path, customers=200, readings=200)
    [file] = (tmp_path / "customer" / "landing").glob("*.json")
    with file.open("a") as stream:
        stream.write('{"email": "secret@example.com", "pho\n')
    monkeypatch.setenv("STEDI_LAKE", str(tmp_path))
    with session.connect() as lake:
        report = lake.run("customer_trusted")
        shown = repr(session.quarantined(lake))
        assert re.search(r"customer_landing  \S.* 1$", shown, re.MULTILINE)
        assert "secret" not in shown
        assert "customer_trusted" in repr(session.shown(report))
    assert "customer_trusted" in session.shown(report).html


def test_nothing_in_quarantine_is_said(lake: Lakehouse) -> None:
    assert repr(session.quarantined(lake)) == "Nothing is in quarantine."


def test_a_session_with_its_own_spark_needs_a_lake_in_s3(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "_has_spark", lambda: True)
    with pytest.raises(UsageError, match="on_glue"):
        session.connect()
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    lake = session.connect(on_glue="s3://my-lake")
    assert (lake.root, lake._engine.name) == ("s3://my-lake", "glue")


def test_magics_of_glue_do_nothing_where_nobody_has_them() -> None:
    class Shell:
        def __init__(self, known: dict[str, Any]) -> None:
            self.magics_manager = self
            self.magics = {"line": known}
            self.registered: dict[str, Any] = {}

        def register_magic_function(self, function: Any, kind: str, name: str) -> None:
            assert kind == "line"
            self.registered[name] = function

    plain, glue = Shell({}), Shell(dict.fromkeys(magics.MAGICS))
    magics.load_ipython_extension(plain)
    magics.load_ipython_extension(glue)
    assert set(plain.registered) == set(magics.MAGICS)
    assert plain.registered["glue_version"]("5.1") is None
    assert not glue.registered
