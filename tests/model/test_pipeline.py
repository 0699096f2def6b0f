from __future__ import annotations

from typing import Any

import pytest

from stedi_glue.errors import DefinitionError, UnknownTable, UsageError
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.model.table import Column, Table, Zone
from stedi_glue.model.transform import ZoneTransform

COLUMNS = (Column("id", "bigint", "Key."),)


def table(name: str, zone: Zone = Zone.TRUSTED, location: str = "") -> Table:
    return Table(name, zone, location or f"{name}/{zone}", "Rows.", COLUMNS)


PEOPLE = table("people", Zone.LANDING)
STEPS = table("steps", Zone.LANDING)


class Members(ZoneTransform, into=table("members")):
    def build(self, people: Any) -> Any: ...


class Walks(ZoneTransform, into=table("walks")):
    def __init__(self, unit: str = "km") -> None:
        self.unit = unit

    def build(self, steps: Any, members: Any) -> Any: ...


class Races(ZoneTransform, into=table("races", Zone.CURATED)):
    def __init__(self, laps: int = 3) -> None:
        self.laps = laps

    def build(self, walks: Any, steps: Any) -> Any: ...


# Declared against the lineage, so that order is the pipeline's doing.
PIPELINE = Pipeline((STEPS, PEOPLE), (Races(), Walks(), Members()))


def names(tables: tuple[Table, ...]) -> list[str]:
    return [table.name for table in tables]


def test_sources_come_before_what_is_made_of_them() -> None:
    order = names(PIPELINE.tables)
    assert sorted(order) == ["members", "people", "races", "steps", "walks"]
    for name in order:
        assert all(order.index(source) < order.index(name) for source in PIPELINE.sources(name))


def test_tables_and_transforms_are_found_by_name() -> None:
    assert PIPELINE.table("walks") is Walks.table
    assert PIPELINE.table("people") is PEOPLE
    assert isinstance(PIPELINE.transform("walks"), Walks)
    assert PIPELINE.transform("people") is None


def test_near_and_far_sources() -> None:
    assert PIPELINE.sources("races") == ("walks", "steps")
    assert PIPELINE.sources("people") == ()
    assert PIPELINE.upstream("people") == ()
    upstream = PIPELINE.upstream("races")
    assert set(upstream) == {"people", "steps", "members", "walks"}
    assert upstream == tuple(name for name in names(PIPELINE.tables) if name in upstream)


@pytest.mark.parametrize("ask", ["table", "transform", "sources", "upstream"])
def test_an_unknown_table_suggests_a_known_one(ask: str) -> None:
    with pytest.raises(UnknownTable, match="No table is called 'Walk': did you mean 'walks'"):
        getattr(PIPELINE, ask)("Walk")


def test_an_unknown_name_like_no_other_lists_every_table() -> None:
    with pytest.raises(
        UsageError, match=r"'xyz'; choose one of members, people, races, steps, walks\.$"
    ):
        PIPELINE.table("xyz")


def test_selecting_nothing_selects_everything() -> None:
    assert PIPELINE.select() == PIPELINE.tables


def test_a_selection_brings_the_landing_tables_it_reads_and_nothing_else() -> None:
    # Not 'members' or 'people': walks that are there already are read as published.
    assert names(PIPELINE.select(["races"])) == ["steps", "races"]


def test_a_selection_is_in_lineage_order_whatever_was_asked_first() -> None:
    chosen = PIPELINE.select(["races", "walks", "members", "races"])
    assert chosen == PIPELINE.tables


def test_selecting_an_unknown_table_is_refused() -> None:
    with pytest.raises(UnknownTable, match="did you mean 'members'"):
        PIPELINE.select(["walks", "member"])


def test_options_of_all_transforms_are_gathered() -> None:
    assert PIPELINE.options == {"unit": "km", "laps": "3"}


def test_extending_leaves_the_pipeline_as_it_is() -> None:
    class Medals(ZoneTransform, into=table("medals", Zone.CURATED)):
        def build(self, races: Any, sponsors: Any) -> Any: ...

    extended = PIPELINE.extended(Medals(), landing=[table("sponsors", Zone.LANDING)])
    assert set(names(extended.tables)) - set(names(PIPELINE.tables)) == {"medals", "sponsors"}
    assert set(extended.upstream("medals")) == {*names(PIPELINE.tables), "sponsors"}
    with pytest.raises(UnknownTable):
        PIPELINE.table("medals")


def test_landing_must_be_in_the_landing_zone() -> None:
    with pytest.raises(DefinitionError, match=r"'gold' is declared as landing data .* 'curated'"):
        Pipeline([table("gold", Zone.CURATED)], [])


def test_a_table_has_one_maker() -> None:
    with pytest.raises(DefinitionError, match="Members makes 'members', which is already made"):
        PIPELINE.extended(Members())


def test_a_landing_table_is_not_made() -> None:
    class People(ZoneTransform, into=table("people", location="people/made")):
        def build(self, steps: Any) -> Any: ...

    with pytest.raises(DefinitionError, match="People makes 'people', which is already made"):
        PIPELINE.extended(People())


def test_a_landing_table_is_declared_once() -> None:
    other = table("people", Zone.LANDING, location="people/elsewhere")
    with pytest.raises(DefinitionError, match="'people'"):
        PIPELINE.extended(landing=[other])


def test_reading_a_table_nobody_makes_suggests_one_that_is_made() -> None:
    class Typo(ZoneTransform, into=table("typo")):
        def build(self, step: Any) -> Any: ...

    with pytest.raises(
        DefinitionError, match=r"Typo\.build reads 'step', .* called: did you mean 'steps'"
    ):
        PIPELINE.extended(Typo())


@pytest.mark.parametrize("location", ["walks/trusted", "walks/trusted/inside"])
def test_two_tables_cannot_share_a_location(location: str) -> None:
    class Squatters(ZoneTransform, into=table("squatters", location=location)):
        def build(self, steps: Any) -> Any: ...

    with pytest.raises(DefinitionError, match=r"'walks' and 'squatters' share .* 'walks/trusted'"):
        PIPELINE.extended(Squatters())


def test_a_circle_of_reads_is_named() -> None:
    class Hen(ZoneTransform, into=table("hen")):
        def build(self, egg: Any) -> Any: ...

    class Egg(ZoneTransform, into=table("egg")):
        def build(self, hen: Any) -> Any: ...

    with pytest.raises(
        DefinitionError, match=r"in a circle: (hen -> egg -> hen|egg -> hen -> egg)"
    ):
        Pipeline([], [Hen(), Egg()])


def test_a_table_cannot_be_made_of_itself() -> None:
    class Ouroboros(ZoneTransform, into=table("ouroboros")):
        def build(self, ouroboros: Any) -> Any: ...

    with pytest.raises(DefinitionError, match="in a circle: ouroboros -> ouroboros"):
        Pipeline([], [Ouroboros()])
