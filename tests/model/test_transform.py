from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stedi_glue.errors import DefinitionError
from stedi_glue.model.table import Column, Table, Zone
from stedi_glue.model.transform import ZoneTransform
from tests.small_lake import LocalEngine

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

WALKS = Table("walks", Zone.CURATED, "walk/curated", "A walk.", (Column("id", "bigint", "Key."),))


class Walks(ZoneTransform, into=WALKS):
    def __init__(self, unit: str = "km") -> None:
        self.unit = unit

    def build(self, steps: DataFrame, people: DataFrame) -> DataFrame:
        return steps.join(people, on="id", how="left_semi")


def test_the_parameters_of_build_are_the_sources() -> None:
    assert Walks.sources == ("steps", "people")
    assert Walks.table is WALKS


def test_options_are_what_the_transform_was_made_with() -> None:
    assert Walks("mile").options == {"unit": "mile"}


def test_apply_holds_the_result_to_the_contract(engine: LocalEngine) -> None:
    frames = {
        "people": engine.session.sql("SELECT 2 AS id"),
        "steps": engine.session.sql("SELECT 1 AS id, 'x' AS secret UNION ALL SELECT 2, 'y'"),
        "unread": engine.session.sql("SELECT 3 AS id"),
    }
    walks = Walks().apply(frames)
    assert walks.dtypes == [("id", "bigint")]
    assert [tuple(row) for row in walks.collect()] == [(2,)]


def test_a_transform_that_fills_no_table_is_refused() -> None:
    with pytest.raises(
        DefinitionError, match=r"Lost fills no table: .*'class Lost\(ZoneTransform, "
    ):

        class Lost(ZoneTransform):
            def build(self, steps: Any) -> Any: ...


def test_a_transform_without_build_is_told_what_build_is_for() -> None:
    with pytest.raises(
        DefinitionError,
        match="Idle needs a method called 'build': it returns the rows of 'walks'",
    ):

        class Idle(ZoneTransform, into=WALKS):
            pass


def test_a_misspelt_build_is_pointed_out() -> None:
    with pytest.raises(DefinitionError, match="called 'build': did you mean 'builds'"):

        class Typo(ZoneTransform, into=WALKS):
            def builds(self, steps: Any) -> Any: ...


def test_build_must_name_its_sources() -> None:
    message = r"\.build must name each table it reads as a parameter of its own"
    with pytest.raises(DefinitionError, match="Nothing" + message):

        class Nothing(ZoneTransform, into=WALKS):
            def build(self) -> Any: ...

    with pytest.raises(DefinitionError, match="Anything" + message):

        class Anything(ZoneTransform, into=WALKS):
            def build(self, *tables: Any) -> Any: ...

    with pytest.raises(DefinitionError, match="Keywords" + message):

        class Keywords(ZoneTransform, into=WALKS):
            def build(self, *, steps: Any) -> Any: ...
