"""Landing data as bad as real exports get, and worse, for Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Row = dict[str, Any]
Landing = dict[str, list[Row]]

# Small pools make rows meet: one customer registers twice, strangers share a serial
# number or a moment, names differ in case or Unicode form alone. The first of each pool
# is sound, so the simplest landing data is one customer's, repeated.
EMAILS = ("ann@test.com", "ANN@test.com", "ann@test.com ", "zoë@test.com", "zoe\u0308@test.com", "")
SERIALS = ("s-1", "S-1", "s-2", "серийный-3", "")
MOMENTS = (1655564444103, 1655564444104, 1655564444102, 1, 0, -1, -(2**63), 2**63 - 1)
TEXTS = ("Ann", "", " ", "null", '"\\', "\n\t\r", "O'Brien", "🚶\u200d♀️", "\u0000", "1900-01-01")

EMAIL = st.sampled_from(EMAILS)
SERIAL = st.sampled_from(SERIALS)
MOMENT = st.sampled_from(MOMENTS)
TEXT = st.sampled_from(TEXTS) | st.text(max_size=5)
ANY_BIGINT = MOMENT | st.integers(-(2**63), 2**63 - 1)
NUMBER = st.sampled_from((0.0, -0.0, 1.0)) | st.floats(allow_nan=False, allow_infinity=False)


def blemished(row: Row, blemishes: dict[str, bool]) -> Row:
    """Make values of the row null; where a blemish says True, drop the key with its value."""
    flawed = row | dict.fromkeys(blemishes)
    return {name: value for name, value in flawed.items() if not blemishes.get(name)}


def rows(minimum: int, **columns: SearchStrategy[Any]) -> SearchStrategy[list[Row]]:
    """Rows of which some lack keys or values, and some are repeated."""
    blemishes = st.dictionaries(st.sampled_from(list(columns)), st.booleans(), max_size=2)
    row = st.builds(blemished, st.fixed_dictionaries(columns), st.just({}) | blemishes)
    first = st.lists(row, min_size=minimum, max_size=minimum + 20)
    return st.builds(lambda rows, repeated: rows + rows[:repeated], first, st.integers(0, 5))


def dirty_landing(minimum: int) -> SearchStrategy[Landing]:
    """Rows of the three landing tables, by subject, at least `minimum` of each."""
    return st.fixed_dictionaries(
        {
            "customer": rows(
                minimum,
                customerName=TEXT,
                email=EMAIL,
                phone=TEXT,
                birthDay=TEXT,
                serialNumber=SERIAL,
                registrationDate=st.sampled_from(MOMENTS[:2]),
                lastUpdateDate=st.sampled_from(MOMENTS[:2]) | ANY_BIGINT,
                shareWithResearchAsOfDate=MOMENT,
                shareWithPublicAsOfDate=ANY_BIGINT,
                shareWithFriendsAsOfDate=ANY_BIGINT,
            ),
            "accelerometer": rows(
                minimum, user=EMAIL, timestamp=MOMENT, x=NUMBER, y=NUMBER, z=NUMBER
            ),
            "step_trainer": rows(
                minimum,
                sensorReadingTime=MOMENT,
                serialNumber=SERIAL,
                distanceFromObject=st.integers(-(2**31), 2**31 - 1),
            ),
        }
    )
