"""Raw text, one object at a time: each becomes a record, or a problem with its reason.

Objects need no lines of their own: they may follow each other directly, be parted by commas or
stand in one array. Where an object breaks off, reading goes on with the next that is whole.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from stedi_glue.backends.raw.shape import Batch, Shape
from stedi_glue.model.table import Column

BROKEN = "broken JSON object"
NO_OBJECT = "not a JSON object"
NO_TEXT = "not valid Unicode text"
STRANGE = "no key of this table"
DAMAGED = "damaged archive: the rest is not there"
CORRUPT = "damaged archive: the rest cannot be unpacked, and what came last may be wrong"

_RECORDS = 50_000
_BETWEEN = re.compile(r"(?:[ \t\r\n,\]]|\[(?=\s*[{\]]))*")
_NEXT = re.compile(r'\n|\{(?=\s*")')
_BLANK = re.compile(r"[ \t\r\n]*")
# A broken object goes on in the next line if that begins like a part of one.
_PARTS = ('"', "}", "]", ",")
# So many objects within a broken one are looked at; a text made to be slow has millions.
_TRIES = 100
_SURROGATE = re.compile("[\ud800-\udfff]|\\\\u[dD][89a-fA-F]")
_LIMITS = {"int": 31, "bigint": 63}
_LONG = 40


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


class Pairs(list[tuple[str, Any]]):
    """An object's keys and values, in order, repeated keys included."""


_DECODER = json.JSONDecoder(object_pairs_hook=Pairs, parse_float=_Number, parse_int=_Number)


class _Refused(Exception):
    """Why a record cannot be used."""


def decode(block: bytes, shape: Shape) -> Iterator[Batch]:
    """Read a block, some ten thousand records at a time."""
    text = block.decode("utf-8", "surrogateescape")
    reader = _Reader(text, shape)
    for _ in reader.read():
        if len(reader.rows) >= _RECORDS:
            yield reader.batch()
    yield reader.batch()


def pieces(text: str, shape: Shape) -> Iterator[tuple[int, int, Pairs | None]]:
    """Yield where each piece of a text begins and ends, as it is read: objects, and what is none.

    Of objects also the keys and values, numbers as they were written.
    """
    return _Reader(text, shape).pieces()


class _Reader:
    """Goes through a text, and collects what it finds until it is asked for a batch."""

    def __init__(self, text: str, shape: Shape) -> None:
        self._text = text
        self._shape = shape
        self._columns = {column.name: column for column in shape.columns}
        self.rows: list[dict[str, Any]] = []
        self._problems: list[tuple[str, str]] = []
        self._mended: Counter[str] = Counter()

    def batch(self) -> Batch:
        """Hand out what was found since the last time."""
        records = pa.table(
            {
                name: pa.array([row.get(name) for row in self.rows], kind)
                for name, kind in self._shape.types.items()
            }
        )
        batch = Batch(records, self._problems, self._mended)
        self.rows, self._problems, self._mended = [], [], Counter()
        return batch

    def read(self) -> Iterator[None]:
        """Find one record or problem after the other."""
        end = 0
        for start, stop, pairs in self.pieces():
            if pairs is None:
                self._refuse(BROKEN if self._text[start] == "{" else NO_OBJECT, start, stop)
            else:
                self._take(pairs, start, stop, alone=self._alone(start, stop, end))
            end = stop
            yield

    def pieces(self) -> Iterator[tuple[int, int, Pairs | None]]:
        """Yield where each object begins and ends, and what is in it; None of what is no object."""
        text, end = self._text, 0
        while True:
            start = _skip(_BETWEEN, text, end)
            if start == len(text):
                return
            pairs, end = _object(text, start)
            if pairs is None:
                end = self._resume(start)
            yield start, end, pairs

    def _take(self, pairs: Pairs, start: int, stop: int, *, alone: bool) -> None:
        mended: list[str] = [] if alone else ["object without a line of its own"]
        try:
            _require_text(self._text[start:stop], pairs)
            self.rows.append(self._record(pairs, mended))
            self._mended.update(mended)
        except _Refused as refused:
            self._refuse(str(refused), start, stop)

    def _record(self, pairs: Pairs, mended: list[str]) -> dict[str, Any]:
        record: dict[str, Any] = {}
        wrong: list[str] = []
        for key, value in pairs:
            name = self._shape.keys.get(key)
            if name is None:
                continue
            if value is None and name in record:
                continue
            if record.get(name) is not None or name in wrong:
                raise _Refused(f"two values: {name}")
            if key != name and value is not None:
                mended.append(f"key '{key}' for '{name}'")
            try:
                record[name] = _value(self._columns[name], value, mended)
            except ValueError:
                record[name] = None
                wrong.append(name)
        if wrong:
            raise _Refused(f"wrong type: {', '.join(n for n in self._columns if n in wrong)}")
        if not record:
            raise _Refused(STRANGE)
        return record

    def _refuse(self, reason: str, start: int, end: int) -> None:
        piece = self._text[start:end].rstrip().encode("utf-8", "surrogateescape")
        self._problems.append((reason, piece.decode("utf-8", "replace")))

    def _alone(self, start: int, stop: int, previous: int) -> bool:
        """Tell whether an object is the only thing on its lines."""
        before = self._text[previous:start]
        after = _skip(_BLANK, self._text, stop)
        return (
            ("\n" in before or not previous)
            and not before.strip()
            and (after == len(self._text) or "\n" in self._text[stop:after])
        )

    def _resume(self, start: int) -> int:
        """Return where to read on behind a text that is no whole object."""
        text, tries = self._text, 0
        for found in _NEXT.finditer(text, start + 1):
            place = found.start()
            if text[place] == "\n":
                behind = _skip(_BLANK, text, place)
                if text[start] != "{" or not text.startswith(_PARTS, behind):
                    return place
            elif tries < _TRIES:
                tries += 1
                if self._is_record(_object(text, place)[0]):
                    return place
        return len(text)

    def _is_record(self, pairs: Pairs | None) -> bool:
        """Tell whether an object is a record, rather than a part of the broken one around it."""
        known = {self._shape.keys.get(key) for key, _ in pairs or ()} - {None}
        return 2 * len(known) >= len(self._columns)


def _object(text: str, start: int) -> tuple[Pairs | None, int]:
    """Read the whole object at a place; None when there is none."""
    try:
        value, stop = _DECODER.raw_decode(text, start)
    except (json.JSONDecodeError, RecursionError):
        return None, start
    return (value, stop) if isinstance(value, Pairs) else (None, start)


def _skip(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start


def _require_text(piece: str, pairs: Pairs) -> None:
    """Refuse bytes that are not UTF-8, and halves of characters that were escaped."""
    if piece.isascii() and "\\u" not in piece:
        return
    if _SURROGATE.search(piece):
        try:
            json.dumps(pairs, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise _Refused(NO_TEXT) from None
        except RecursionError:
            # It could just be read.
            raise _Refused(BROKEN) from None


def _value(column: Column, value: Any, mended: list[str]) -> Any:
    """Return a value in its column's type, when nothing of it is lost; else raise ValueError."""
    if value is None:
        return None
    return _CONVERT[column.type](column, value, mended)


def _text(column: Column, value: Any, mended: list[str]) -> str:
    if isinstance(value, _Number):
        mended.append(f"number for text in '{column.name}'")
        return str(value)
    if isinstance(value, str):
        return value
    raise ValueError


def _whole(column: Column, value: Any, mended: list[str]) -> int:
    if not isinstance(value, _Number) or len(value) > _LONG:
        raise ValueError
    plain = value.removeprefix("-").isdecimal()
    number, limit = int(value) if plain else _exact(value), 1 << _LIMITS[column.type]
    if not -limit <= number < limit:
        raise ValueError
    if not plain:
        mended.append(f"decimal for whole number in '{column.name}'")
    return number


def _exact(value: str) -> int:
    try:
        exact = Decimal(value)
    except InvalidOperation:
        raise ValueError from None
    if exact.adjusted() > _LONG or exact != exact.to_integral_value():
        raise ValueError
    return int(exact)


def _decimal(column: Column, value: Any, mended: list[str]) -> float:
    if not isinstance(value, _Number):
        raise ValueError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _truth(column: Column, value: Any, mended: list[str]) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError


_CONVERT: dict[str, Callable[[Column, Any, list[str]], Any]] = {
    "string": _text,
    "int": _whole,
    "bigint": _whole,
    "double": _decimal,
    "boolean": _truth,
}
