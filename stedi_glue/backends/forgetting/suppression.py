"""The suppression list: whom a lake must not hold, as keyed hashes that name nobody."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from stedi_glue.backends.storage import open_storage
from stedi_glue.errors import LakeError, UsageError

FOLDER = "forgotten"
# Hashes of the list must not be pseudonyms of a table.
_PREFIX = "forgotten:"


@dataclass(frozen=True)
class Forgotten:
    """One person, as hashes.

    receipt: a number that names the request. at: when it was made, epoch milliseconds UTC.
    subjects: of the e-mail address. devices: of serial numbers that nobody else had. Both with
    their pseudonyms. traces: of what else was theirs alone, such as the name.
    complete: whether everything was erased.
    """

    receipt: str
    at: int
    subjects: frozenset[str]
    devices: frozenset[str] = frozenset()
    traces: frozenset[str] = frozenset()
    complete: bool = False

    @property
    def hashes(self) -> frozenset[str]:
        """Everything by which they are recognised."""
        return self.subjects | self.devices | self.traces


class Suppression:
    """The list of a lake. key: returns what its hashes are made with, None when nobody knows."""

    def __init__(self, root: str, key: Callable[[], bytes | None]) -> None:
        self._path = f"{root}/{FOLDER}/list.json"
        self._storage = open_storage(root)
        self._key = key

    def hash(self, value: str) -> str:
        """Return the hash of a personal value, as the list has it: case and padding are nothing."""
        return self._keyed(f"{_PREFIX}{normal(value)}")

    def pseudonym(self, value: str) -> str:
        """Return what stands for a value in pseudonymous tables."""
        return self._keyed(value)

    def receipt(self, email: str) -> str:
        """Return the number of the request to forget an e-mail address."""
        return self.hash(email)[:16]

    @cached_property
    def people(self) -> tuple[Forgotten, ...]:
        """Everybody who was forgotten, or is being.

        Raises UsageError without the key that the list was made with: to a run with another
        one, everybody forgotten would be a stranger.
        """
        try:
            text = self._storage.read_text(self._path)
            if text is None:
                return ()
            document = json.loads(text)
            people = tuple(_person(one) for one in document["people"])
            mark = document["key"]
        except (ValueError, TypeError, KeyError) as error:
            raise LakeError(
                f"The list of forgotten people '{self._path}' is damaged; restore it."
            ) from error
        if self._key() is None:
            raise UsageError(
                "People were forgotten in this lake, and must not come back: name the key that "
                "was used then with --key."
            )
        if mark != self.hash(""):
            raise UsageError(
                "People were forgotten in this lake with another key; name that one with --key."
            )
        return people

    def look_again(self) -> None:
        """Forget what the list said: somebody may have been forgotten since."""
        self.__dict__.pop("people", None)

    def find(self, receipt: str) -> Forgotten | None:
        """Return whom a receipt is about; None when it is nobody."""
        return next((one for one in self.people if one.receipt == receipt), None)

    def record(self, one: Forgotten) -> None:
        """Add a person to the list, or say what became of them."""
        others = (other for other in self.people if other.receipt != one.receipt)
        people = [
            {name: _listed(value) for name, value in asdict(person).items()}
            for person in (*others, one)
        ]
        document = {"key": self.hash(""), "people": people}
        self._storage.write_text(self._path, json.dumps(document, indent=1))
        self.look_again()

    def _keyed(self, text: str) -> str:
        return hmac.digest(self._secret, text.encode("utf-8", "surrogatepass"), "sha256").hex()

    @cached_property
    def _secret(self) -> bytes:
        key = self._key()
        if key is None:
            raise UsageError("Forgetting needs the lake's key: name it with --key.")
        return key


def normal(value: str) -> str:
    """Return the one spelling of a value: in lower case, without blanks around it or twice."""
    return " ".join(value.split()).casefold()


def _listed(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value


def _person(one: dict[str, Any]) -> Forgotten:
    subjects, devices, traces = (frozenset(one[n]) for n in ("subjects", "devices", "traces"))
    return Forgotten(
        str(one["receipt"]), int(one["at"]), subjects, devices, traces, bool(one["complete"])
    )
