"""The page of a profile, from profiles that tables give seldom."""

from __future__ import annotations

import math

import pytest

from stedi_glue.model.table import Column, Table, Zone
from stedi_glue.pages.profile_page import page_of
from stedi_glue.profiling.profile import ColumnProfile, Profile
from tests.pages import runs

SIZE = Column("size", "double", "How big.")
TABLE = Table("things", Zone.TRUSTED, "things/trusted", "A thing.", (SIZE,))


@pytest.mark.parametrize(
    ("least", "most", "said"),
    [
        (-math.inf, math.inf, "-inf to inf"),
        (0.5, 3.0, "0.5 to 3"),
        (-1200.0, 1e300, "-1,200 to 1e+300"),
    ],
)
def test_a_range_is_written_whatever_it_is(least: float, most: float, said: str) -> None:
    one = ColumnProfile(SIZE, 9, 0, 9, least=least, most=most, quarters=(least, 1, most))
    assert f"<dd>{said}</dd>" in page_of(Profile(TABLE, 9, (one,)), runs.BEGAN)
