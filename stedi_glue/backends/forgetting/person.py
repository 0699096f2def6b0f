"""Who somebody is to a lake: what it holds of them, and what of it is theirs alone."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from stedi_glue.backends.forgetting.suppression import Forgotten, Suppression, normal
from stedi_glue.backends.forgetting.words import BOUND
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.model.table import Table

# Registrations by column; callable, because they are gone through twice and may be many.
Registrations = Callable[[], Iterator[dict[str, str]]]

_SHORTEST = 6
_DATE = re.compile(r"\d{1,4}([-./ ])\d{1,2}\1\d{1,4}")
_TAIL = re.compile(r'"([^"]*)$')
_HEAD = re.compile(r'^([^"{}]*)"')


@dataclass(frozen=True)
class Person:
    """Somebody who is to be forgotten.

    entry: their hashes. values: what is behind these, as far as the lake still tells it, each in
    its one spelling. shared: columns whose value is others' as well, or too common to be looked
    for by itself.
    """

    entry: Forgotten
    values: frozenset[str]
    shared: tuple[str, ...] = ()


class Theirs:
    """Tells a person's values from others'.

    hashes: those of the person. values: the texts behind all of them; None when some are unknown.
    """

    def __init__(
        self, suppression: Suppression, hashes: frozenset[str], values: frozenset[str] | None = None
    ) -> None:
        self._values = values
        self._is = lru_cache(maxsize=1 << 16)(lambda value: suppression.hash(value) in hashes)

    def __call__(self, value: str) -> bool:
        """Return whether a value is theirs."""
        return self._is(value)

    def any(self, values: Iterable[str]) -> bool:
        """Return whether one of the values is theirs."""
        return any(self._is(value) for value in values)

    def cut(self, piece: str) -> bool:
        """Return whether a broken piece begins or ends within one of their values."""
        head, tail = _HEAD.search(piece), _TAIL.search(piece)
        first = normal(head[1]) if head else ""
        last = normal(tail[1]) if tail else ""
        return any(
            (len(first) >= _SHORTEST and value.endswith(first))
            or (len(last) >= _SHORTEST and value.startswith(last))
            for value in self._values or ()
        )

    def nowhere_in(self, text: str) -> bool:
        """Return whether a look at a text's characters is enough to say that they are not in it."""
        if self._values is None or "\\" in text:
            return False
        folded = normal(text)
        # A piece that was cut may have the beginning or the end of a value.
        ends = (end for v in self._values for end in (v[:_SHORTEST], v[-_SHORTEST:]))
        return not any(end in folded for end in ends)


def registers(pipeline: Pipeline) -> Table | None:
    """Return the landing table that says who has which device; None when there is none."""
    for table in pipeline.landing:
        named = [column.pseudonym for column in table.columns if column.pseudonym]
        if "subject" in named and len(named) > 1:
            return table
    return None


def find(
    email: str, subject: str, devices: frozenset[str], registered: Registrations, of: Suppression
) -> Person:
    """Return who has an e-mail address.

    subject, devices: the columns of registrations that say who it is and what device they have.
    What a registration of somebody else says as well is not theirs alone; those of people who
    were forgotten do not count.
    """
    wanted, spellings, found = normal(email), {email.strip()}, _Found()
    for row in registered():
        if normal(row.get(subject, "")) == wanted:
            spellings.add(row[subject])
            for name, value in row.items():
                if name != subject:
                    found.add(name, value)
    old = of.find(of.receipt(email))
    hashes = {h for one in of.people for h in one.subjects}
    known = old.devices | old.traces if old else frozenset[str]()
    for row in registered():
        other = row.get(subject, "")
        if not other or normal(other) == wanted or of.hash(other) in hashes:
            continue
        found.strike(row.values())
        if known:
            known -= {of.hash(part) for value in row.values() for part in (value, *bounds(value))}
    own = found.of(devices)
    rest = found.of(found.values.keys() - devices)
    starts = {b for v in (*spellings, *own, *rest) for b in bounds(v)} - found.starts
    entry = Forgotten(
        receipt=of.receipt(email),
        at=old.at if old else int(time.time() * 1000),
        subjects=_hashed(of, spellings, spellings) | (old.subjects if old else frozenset()),
        devices=_hashed(of, own, own),
        traces=_hashed(of, rest | starts),
    )
    told = entry.hashes
    if old:
        entry = replace(
            entry,
            devices=entry.devices | (known & old.devices),
            traces=entry.traces | (known & old.traces),
            complete=old.complete,
        )
    values = {normal(v) for v in (*spellings, *own, *rest)} if told == entry.hashes else set()
    return Person(entry, frozenset(values), tuple(sorted(found.shared)))


class _Found:
    """What registrations say of somebody, and what of it others' say as well."""

    def __init__(self) -> None:
        self.values: dict[str, set[str]] = {}
        self.shared: set[str] = set()
        self.starts: set[str] = set()
        self._names: dict[str, str] = {}

    def add(self, name: str, value: str) -> None:
        if not _telling(value):
            self.shared.add(name)
            return
        self.values.setdefault(name, set()).add(value)
        self._names[normal(value)] = name

    def of(self, names: Iterable[str]) -> set[str]:
        return set[str]().union(*(self.values.get(name, ()) for name in names))

    def strike(self, others: Iterable[str]) -> None:
        for value in others:
            self.starts.update(bounds(value))
            if name := self._names.get(normal(value)):
                self.values[name] = {v for v in self.values[name] if normal(v) != normal(value)}
                self.shared.add(name)


def bounds(value: str) -> tuple[str, ...]:
    """Return what Iceberg keeps of a long text as a file's least and greatest value."""
    if len(value) <= BOUND:
        return ()
    start = value[:BOUND]
    return start, start[:-1] + chr(min(ord(start[-1]) + 1, 0x10FFFF))


def _telling(value: str) -> bool:
    """Return whether a text by itself points to somebody: no date, no word, no few digits."""
    plain = normal(value)
    if len(plain) < _SHORTEST or _DATE.fullmatch(plain):
        return False
    return " " in plain or any(letter.isdigit() for letter in plain) or "@" in plain


def _hashed(of: Suppression, values: Iterable[str], named: Iterable[str] = ()) -> frozenset[str]:
    pseudonyms = (of.pseudonym(value) for value in named)
    return frozenset(of.hash(value) for value in (*values, *pseudonyms))
