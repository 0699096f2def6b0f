from __future__ import annotations

from typing import Any

import pytest

from stedi_glue.errors import DefinitionError
from stedi_glue.model.table import Column, Table, Zone
from tests.small_lake import LocalEngine

STEPS = (
    Column("stepTime", "bigint", "When; epoch ms UTC."),
    Column("walker", "string", "E-mail address.", personal=True),
    Column("distance", "int", "Centimetres."),
    Column("speed", "double", "Metres per second."),
    Column("sure", "boolean", "Whether the sensor was sure."),
)


def table(**changes: Any) -> Table:
    parts: dict[str, Any] = {
        "name": "step_trusted",
        "zone": Zone.TRUSTED,
        "location": "step/trusted",
        "doc": "A step.",
        "columns": STEPS,
    }
    return Table(**(parts | changes))


def test_what_a_table_says_of_itself() -> None:
    steps = table()
    assert steps.subject == "step"
    assert steps.column_names == ("stepTime", "walker", "distance", "speed", "sure")
    assert steps.personal_columns == ("walker",)
    assert steps.zone == "trusted"


def test_a_column_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(
        DefinitionError, match=r"'age' has the type 'bigInt': did you mean 'bigint'"
    ):
        Column("age", "bigInt", "Years.")
    with pytest.raises(DefinitionError, match=r"'age' has the type 'uuid'; choose one of array<"):
        Column("age", "uuid", "Years.")


@pytest.mark.parametrize("name", ["Step", "step trusted", "step-trusted", "1step", "", "step\n"])
def test_a_table_name_that_readers_would_fold_or_quote_is_refused(name: str) -> None:
    with pytest.raises(DefinitionError, match="must be lower-case letters, digits and '_'"):
        table(name=name)


@pytest.mark.parametrize("location", ["step", "Step/trusted", "/step/trusted", "step/trusted/", ""])
def test_a_location_that_is_no_lower_case_path_is_refused(location: str) -> None:
    with pytest.raises(DefinitionError, match=r"'step_trusted' has the location .*'subject/zone'"):
        table(location=location)


def test_columns_that_differ_in_case_alone_are_refused() -> None:
    with pytest.raises(DefinitionError, match=r"distinct names .*; repeated: walker\.$"):
        table(columns=(*STEPS, Column("Walker", "string", "Again.")))


def test_a_table_without_columns_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"'step_trusted' must have columns .*\)\.$"):
        table(columns=())


def test_columns_are_picked_by_name_in_the_order_asked_for() -> None:
    assert table().pick("speed", "stepTime") == (STEPS[3], STEPS[0])


def test_columns_are_picked_without_some() -> None:
    assert table().pick(without=("walker", "sure")) == (STEPS[0], STEPS[2], STEPS[3])
    assert table().pick("speed", "walker", without=("walker",)) == (STEPS[3],)


@pytest.mark.parametrize("picked", [{"names": ["walkers"]}, {"without": ("walkers",)}])
def test_picking_an_unknown_column_suggests_a_known_one(picked: dict[str, Any]) -> None:
    with pytest.raises(
        DefinitionError, match="'step_trusted' has no column 'walkers': did you mean 'walker'"
    ):
        table().pick(*picked.get("names", ()), without=picked.get("without", ()))


def test_every_column_of_the_schema_may_be_null() -> None:
    fields = table().schema().fields
    assert [(field.name, field.dataType.simpleString()) for field in fields] == [
        (column.name, column.type) for column in STEPS
    ]
    assert all(field.nullable for field in fields)


def test_conform_selects_the_promised_columns_with_their_types(engine: LocalEngine) -> None:
    frame = engine.session.sql(
        "SELECT 'x' AS secret, true AS sure, 2 AS speed, 3L AS distance,"
        " 'ann' AS walker, cast(4 AS int) AS stepTime"
    )
    conformed = table().conform(frame)
    assert conformed.dtypes == [(column.name, column.type) for column in STEPS]
    assert [tuple(row) for row in conformed.collect()] == [(4, "ann", 3, 2.0, True)]


def test_conform_names_what_the_transform_did_not_return(engine: LocalEngine) -> None:
    frame = engine.session.sql("SELECT 1L AS stepTime, 'ann' AS Walker, 1 AS distance")
    with pytest.raises(
        DefinitionError,
        match=r"'step_trusted' promises walker, speed, sure, .* returned stepTime, Walker, dis",
    ):
        table().conform(frame)
