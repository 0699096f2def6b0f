"""The suppression list: whom a lake must not hold, as keyed hashes that name nobody."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from stedi_glue.backends.storage import open_storage
from stedi_glue.errors import LakeError, UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stedi_glue.model.table import Table

FOLDER = "forgotten"
# Hashes of the list must not be pseudonyms of a table.
_PREFIX = "forgotten:"


@dataclass(frozen=True)
class Forgotten:
    """One person, as hashes.

    receipt: a number that names the request. at: when it was made, epoch milliseconds UTC.
    identities: of e-mail addresses, serial numbers that nobody shares, and their pseudonyms:
    what has one of them is theirs. traces: of what else was theirs alone, such as the name.
    complete: whether everything was erased.
    """

    receipt: str
    at: int
    identities: tuple[str, ...]
    traces: tuple[str, ...]
    complete: bool = False


class Suppression:
    """The list of a lake. key: returns what its hashes are made with, None when nobody knows."""

    def __init__(self, root: str, key: Callable[[], bytes | None]) -> None:
        self._path = f"{root}/{FOLDER}/list.json"
        self._storage = open_storage(root)
        self._key = key

    def hash(self, value: str) -> str:
        """Return the hash of a personal value, as the list has it."""
        return hmac.new(self._secret, f"{_PREFIX}{value}".encode(), "sha256").hexdigest()

    def pseudonym(self, value: str) -> str:
        """Return what stands for a value in pseudonymous tables."""
        return hmac.new(self._secret, value.encode(), "sha256").hexdigest()

    @cached_property
    def people(self) -> tuple[Forgotten, ...]:
        """Everybody who was forgotten, or is being.

        Raises UsageError without the key that the list was made with: to a run with another
        one, everybody forgotten would be a stranger.
        """
        text = self._storage.read_text(self._path)
        if text is None:
            return ()
        if self._key() is None:
            raise UsageError(
                "People were forgotten in this lake, and must not come back: name the key that "
                "was used then with --key."
            )
        try:
            document = json.loads(text)
            people = tuple(_person(one) for one in document["people"])
        except (ValueError, TypeError, KeyError) as error:
            raise LakeError(
                f"The list of forgotten people '{self._path}' is damaged; restore it."
            ) from error
        if document["key"] != self.hash(""):
            raise UsageError(
                "People were forgotten in this lake with another key; name that one with --key."
            )
        return people

    def record(self, one: Forgotten) -> None:
        """Add a person to the list, or say what became of them."""
        others = (other for other in self.people if other.receipt != one.receipt)
        people = [asdict(person) for person in (*others, one)]
        document = {"key": self.hash(""), "people": people}
        self._storage.write_text(self._path, json.dumps(document, indent=1))
        self.__dict__.pop("people", None)

    @property
    def identities(self) -> frozenset[str]:
        """Hashes of everybody: what has one of them must not stay."""
        return frozenset(value for one in self.people for value in one.identities)

    @property
    def traces(self) -> frozenset[str]:
        """Hashes of what else was somebody's alone."""
        return frozenset(value for one in self.people for value in one.traces)

    def found(self, values: Iterable[str], hashes: frozenset[str]) -> bool:
        """Return whether one of the values is among the hashes."""
        return any(self.hash(value) in hashes for value in values)

    def without(self, table: Table, rows: DataFrame) -> DataFrame:
        """Leave out the rows of a landing table that belong to somebody on the list."""
        hashes = sorted(self.identities)
        if not hashes:
            return rows
        from pyspark.sql import functions as F

        from stedi_glue.model.pseudonyms import Pseudonyms

        hashed = Pseudonyms(self._secret)
        for column in table.columns:
            if column.pseudonym:
                value = F.concat(F.lit(_PREFIX), F.col(f"`{column.name}`"))
                theirs = F.coalesce(hashed.of(value).isin(*hashes), F.lit(False))
                rows = rows.where(~theirs)
        return rows

    @cached_property
    def _secret(self) -> bytes:
        key = self._key()
        if key is None:
            raise UsageError("Forgetting needs the lake's key: name it with --key.")
        return key


def _person(one: dict[str, Any]) -> Forgotten:
    hashes = {name: tuple(one[name]) for name in ("identities", "traces")}
    return Forgotten(**{**one, **hashes})
