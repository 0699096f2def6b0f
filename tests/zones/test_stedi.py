"""The pipeline as a whole: what it holds, and what it promises."""

from __future__ import annotations

from stedi_glue.model.table import Zone
from stedi_glue.zones import STEDI, stedi
from tests.small_lake import LocalEngine


def test_tables_and_their_places() -> None:
    assert {table.name: table.location for table in STEDI.tables} == {
        "customer_landing": "customer/landing",
        "accelerometer_landing": "accelerometer/landing",
        "step_trainer_landing": "step_trainer/landing",
        "customer_trusted": "customer/trusted",
        "accelerometer_trusted": "accelerometer/trusted",
        "customers_curated": "customer/curated",
        "step_trainer_trusted": "step_trainer/trusted",
        "machine_learning_curated": "machine_learning/curated",
    }
    assert all(table.name.endswith(table.zone) for table in STEDI.tables)


def test_lineage_crosses_zones() -> None:
    assert STEDI.table("customers_curated").zone is Zone.CURATED
    assert STEDI.table("step_trainer_trusted").zone is Zone.TRUSTED
    assert "customers_curated" in STEDI.sources("step_trainer_trusted")


def test_personal_columns_beyond_the_customer_tables_are_the_two_keys() -> None:
    personal = {
        table.name: table.personal_columns for table in STEDI.tables if table.subject != "customer"
    }
    assert personal == {
        "accelerometer_landing": ("user",),
        "step_trainer_landing": ("serialNumber",),
        "accelerometer_trusted": ("user",),
        "step_trainer_trusted": ("serialNumber",),
        "machine_learning_curated": ("serialNumber", "user"),
    }


def test_personal_columns_of_customers_name_or_reach_them() -> None:
    personal = ("customerName", "email", "phone", "birthDay", "serialNumber")
    tables = [table for table in STEDI.tables if table.subject == "customer"]
    assert [table.personal_columns for table in tables] == [personal] * len(tables)


def test_options_are_reported() -> None:
    assert STEDI.options == {"consent": "current", "pairing": "timestamp", "versions": "latest"}
    others = {"consent": "as-of", "pairing": "customer", "versions": "all"}
    assert stedi("customer", "as-of", "all").options == others


def test_tables_made_of_nothing_are_empty_and_keep_their_contract(engine: LocalEngine) -> None:
    empty = {table.name: engine.read(table, []) for table in STEDI.tables}
    for table in STEDI.tables:
        transform = STEDI.transform(table.name)
        frame = transform.apply(empty) if transform else empty[table.name]
        assert frame.dtypes == [(column.name, column.type) for column in table.columns]
        assert frame.collect() == []
