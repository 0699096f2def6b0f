"""A profile says what plain Python says of the same rows, on both engines."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from stedi_glue.backends.engines import SailEngine, SparkEngine
from stedi_glue.model.table import Column, Table, Zone
from stedi_glue.profiling.measure import BINS, measure
from stedi_glue.profiling.profile import ColumnProfile, Profile

TABLE = Table(
    name="things",
    zone=Zone.TRUSTED,
    location="things/trusted",
    doc="A thing.",
    columns=(
        Column("id", "bigint", "Number."),
        Column("mail", "string", "Address.", personal=True),
        Column("kind", "string", "Which kind."),
        Column("weight", "double", "In kg."),
        Column("seen", "bigint", "When; epoch ms UTC."),
        Column("good", "boolean", "Whether it works."),
        Column("never", "string", "Always null."),
    ),
)
Row = tuple[int, str, str | None, float | None, int, bool, None]
BEGAN = 1_655_560_000_000


def rows() -> list[Row]:
    made: list[Row] = []
    for n in range(100):
        weight = None if n == 7 else math.nan if n == 8 else 1000.0 if n == 9 else n / 10
        kind = None if n % 10 == 0 else "ab"[n % 2]
        made.append((n // 2, f"p{n}@example.com", kind, weight, BEGAN + n, n % 4 != 0, None))
    return made


@pytest.fixture
def profiled(engine: SailEngine | SparkEngine) -> Profile:
    return measure(TABLE, engine.session.createDataFrame(rows(), TABLE.schema()))


def column(profile: Profile, name: str) -> ColumnProfile:
    return next(one for one in profile.columns if one.column.name == name)


def test_every_figure_is_right(profiled: Profile) -> None:
    assert profiled.rows == 100
    kind, weight = column(profiled, "kind"), column(profiled, "weight")
    assert (kind.nulls, kind.distinct, kind.top) == (10, 2, {"b": 50, "a": 40})
    # Null and not a number are no values.
    assert (weight.nulls, weight.least, weight.most) == (2, 0.0, 1000.0)
    known = sorted(w for w in (row[3] for row in rows()) if w is not None and not math.isnan(w))
    assert weight.mean == pytest.approx(sum(known) / len(known))
    assert weight.quarters is not None
    assert weight.quarters[1] == pytest.approx((known[48] + known[49]) / 2)
    assert weight.outliers == 1
    assert len(weight.bins) == BINS
    assert (weight.bins[0], weight.bins[-1], sum(weight.bins)) == (97, 1, 98)
    seen = column(profiled, "seen")
    assert seen.is_moment
    assert seen.unique
    assert column(profiled, "good").top == {"true": 75, "false": 25}
    never = column(profiled, "never")
    assert (never.nulls, never.distinct, never.values, never.unique) == (100, 0, 0, False)
    assert profiled.keys == (("mail",), ("seen",))


def test_values_of_personal_columns_stay_unseen(profiled: Profile) -> None:
    mail = column(profiled, "mail")
    assert mail.formats == ("e-mail address",)
    assert (mail.shortest, mail.longest) == (14, 15)
    assert mail.top == {}
    assert "example.com" not in repr(profiled)


def narrow(engine: SailEngine, pick: Callable[[Row], Row]) -> Profile:
    made = [pick(row) for row in rows()]
    return measure(TABLE, engine.session.createDataFrame(made, TABLE.schema()))


def test_a_key_of_two_columns_is_found_where_none_suffices_alone(sail: SailEngine) -> None:
    found = narrow(sail, lambda r: (r[0], "a@example.com", *r[2:4], BEGAN + r[4] % 2, *r[5:]))
    assert found.keys == (("id", "seen"),)


def test_rows_that_repeat_have_no_key(sail: SailEngine) -> None:
    found = narrow(sail, lambda r: (1, "a@example.com", "b", 1.0, BEGAN, True, None))
    assert found.keys == ()
    (weight,) = (one for one in found.columns if one.column.name == "weight")
    assert (weight.least, weight.most, weight.outliers, weight.bins) == (1.0, 1.0, 0, ())


def test_infinite_numbers_are_no_values(engine: SailEngine | SparkEngine) -> None:
    made = [(n, value) for n, value in enumerate([1.0, math.inf, -math.inf, math.nan, 2.0, 4.0])]
    ids, weights = TABLE.columns[0], TABLE.columns[3]
    table = replace(TABLE, columns=(ids, weights))
    found = measure(table, engine.session.createDataFrame(made, table.schema()))
    weight = column(found, "weight")
    assert (weight.nulls, weight.distinct, weight.least, weight.most) == (3, 3, 1.0, 4.0)
    assert (weight.mean, sum(weight.bins)) == (pytest.approx(7 / 3), 3)


def test_an_empty_table_has_a_profile(sail: SailEngine) -> None:
    found = measure(TABLE, sail.session.createDataFrame([], TABLE.schema()))
    assert (found.rows, found.keys) == (0, ())
    assert all(one.values == 0 for one in found.columns)
