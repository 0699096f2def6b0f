"""Pseudonyms are HMAC-SHA-256, on every engine, as Python's own library makes it."""

from __future__ import annotations

import hmac
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stedi_glue.errors import UsageError
from stedi_glue.model.pseudonyms import SHORTEST, Pseudonyms
from tests.small_lake import LocalEngine

# What JSON can carry to a table.
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=200)
KEYS = st.binary(min_size=SHORTEST, max_size=100)


def made(engine: LocalEngine, key: bytes, values: list[str | None]) -> list[str | None]:
    rows = engine.session.createDataFrame(list(enumerate(values)), "number int, value string")
    pseudonyms = rows.select("number", Pseudonyms(key).of(rows["value"]).alias("pseudonym"))
    return [row["pseudonym"] for row in pseudonyms.orderBy("number").collect()]


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(key=KEYS, values=st.lists(TEXTS, min_size=1, max_size=30, unique=True))
def test_they_equal_pythons(engine: LocalEngine, key: bytes, values: list[str]) -> None:
    found = made(engine, key, [*values])
    assert found == [hmac.new(key, value.encode(), "sha256").hexdigest() for value in values]
    assert all(one != other for one, other in combinations(found, 2))


def test_one_value_has_one_pseudonym_with_each_key_and_nobody_has_none(
    engine: LocalEngine,
) -> None:
    one, other = b"1" * 32, b"2" * 32
    first, again, nobody, stranger = made(engine, one, ["ann", "ann", None, "ben"])
    assert first == again
    assert nobody is None
    assert len({first, stranger, *made(engine, other, ["ann", "ben"])}) == 4


# Longer than a block of the hash, the key is hashed first.
@pytest.mark.parametrize("length", [SHORTEST, 63, 64, 65, 200])
def test_keys_of_every_length(engine: LocalEngine, length: int) -> None:
    key = bytes(range(length))
    assert made(engine, key, ["ann"]) == [hmac.new(key, b"ann", "sha256").hexdigest()]


def test_a_short_key_is_refused_and_no_key_is_shown() -> None:
    with pytest.raises(UsageError, match="has 9 bytes and needs at least 32") as refused:
        Pseudonyms(b"my secret")
    assert "my secret" not in str(refused.value)
    assert b"ab" * 20 not in repr(Pseudonyms(b"ab" * 20)).encode()
