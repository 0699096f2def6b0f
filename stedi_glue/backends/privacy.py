"""Whether a lake names people, and the key that its pseudonyms are made with."""

from __future__ import annotations

import hmac
import json
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

from stedi_glue.backends.keys import read_key
from stedi_glue.backends.storage import NOTE, S3, open_storage
from stedi_glue.errors import DamageError, LakeError, UsageError, suggest
from stedi_glue.model.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from stedi_glue.backends.catalog import IcebergCatalog
    from stedi_glue.model.pipeline import Pipeline

Privacy = Literal["pseudonymous", "identified"]
# Of a lake that nothing was published in yet.
DEFAULT: Privacy = "pseudonymous"


def check_privacy(wanted: str | None) -> None:
    """Raise UsageError unless it is one of `Privacy`, or left open."""
    if wanted is not None and wanted not in get_args(Privacy):
        raise UsageError(f"privacy cannot be '{wanted}'{suggest(wanted, get_args(Privacy))}")


def published_privacy(pipeline: Pipeline, catalog: IcebergCatalog) -> Privacy | None:
    """Return what readers see of a lake that notes nothing; None when that cannot be told."""
    with suppress(DamageError):
        for table in pipeline.pseudonymous().tables:
            snapshot = catalog.current(table) if table.form else None
            if snapshot:
                told = snapshot.summary.get("stedi.option.privacy")
                return "pseudonymous" if told == "pseudonymous" else "identified"
    return None


class LakePrivacy:
    """What a lake was told of privacy, as its `lake.json` notes it, and its key.

    A lake on disk that is told of no key makes one of its own. It is kept in the user's
    configuration, away from whoever may read the lake, under an id that the note has: a lake
    that was renamed still finds it. The note tells a wrong key by a keyed hash of the id.

    wanted: what the caller says of privacy; None leaves the lake as it is.
    key: the secret itself, or the place where it is, as `read_key` takes it.
    """

    def __init__(
        self,
        root: str,
        wanted: str | None = None,
        key: bytes | str | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        check_privacy(wanted)
        self._root = root
        self._wanted = wanted
        self._given = key
        self._environ = environ
        self._storage = open_storage(root)

    def settled(self, published: Callable[[], Privacy | None]) -> Privacy:
        """Return what the next run publishes: as it is told, else as the lake was told before.

        published: tells what readers see of a lake that notes nothing.
        """
        told = self._wanted or self._note.get("privacy") or published() or DEFAULT
        return "identified" if told == "identified" else "pseudonymous"

    def look_again(self) -> None:
        """Forget what the note said: another run may have written it since."""
        for seen in ("_note", "_id"):
            self.__dict__.pop(seen, None)

    def known_key(self) -> bytes | None:
        """Return the key that the caller gave, or the lake's own; None when there is neither."""
        return self._named or self._own()

    def right_key(self) -> bytes | None:
        """Return the known key; None when the lake's pseudonyms were made with another."""
        key, noted = self.known_key(), self._note.get("key")
        return key if key and noted in (None, self._print(key)) else None

    def check(self, published: Callable[[], Privacy | None]) -> None:
        """Raise UsageError when the key is lost, is another than before, or must be named."""
        if self.known_key() is not None:
            if self.right_key() is None and self._wanted is None:
                raise UsageError(
                    "This is not the key that the lake's pseudonyms were made with: name that one "
                    "with --key, or say '--privacy pseudonymous' to give everybody a new pseudonym."
                )
        elif self._root.startswith(S3):
            raise UsageError(
                "Pseudonyms need a key, and a lake in S3 keeps none of its own: name one with "
                "'--key secret:NAME', or publish people by name with '--privacy identified'."
            )
        elif self._note.get("key") or published() == "pseudonymous":
            raise UsageError(
                f"The key of this lake's pseudonyms is not in '{self._place}': put it back there, "
                "or name it with --key. If it is lost, say '--privacy pseudonymous --key FILE' "
                "with a new one, and everybody gets a new pseudonym."
            )

    def noted(self, privacy: Privacy, *, keyed: bool) -> bytes | None:
        """Note what the lake is told, and return its key if one is needed: made, if need be.

        Nobody else may write to the lake meanwhile, nor since the last `look_again`.
        """
        key = (self.known_key() or self._made()) if keyed else None
        note = {**self._note, "id": self._id, "privacy": privacy}
        if key is not None:
            note["key"] = self._print(key)
        if note != self._note:
            self._storage.write_text(f"{self._root}/{NOTE}", json.dumps(note))
            self.__dict__["_note"] = note
        return key

    @cached_property
    def _note(self) -> dict[str, Any]:
        path = f"{self._root}/{NOTE}"
        try:
            note = dict(json.loads(self._storage.read_text(path) or "{}"))
            if not {*note} or str(note["id"]).isalnum():
                return note
        except (ValueError, TypeError, KeyError):
            pass
        # Guessed, it could name people in a lake that was told to name none.
        raise LakeError(f"The lake's own note '{path}' is damaged; restore it, or delete it.")

    @cached_property
    def _id(self) -> str:
        return str(self._note.get("id") or secrets.token_hex(16))

    @cached_property
    def _named(self) -> bytes | None:
        if self._given is None:
            return None
        if isinstance(self._given, bytes):
            key = self._given
        elif _inside(self._given, self._root):
            raise UsageError(
                "The key of pseudonyms is in the lake, where readers of the lake would find it; "
                "keep it elsewhere."
            )
        else:
            key = read_key(self._given, self._environ)
        Pseudonyms(key)
        return key

    def _own(self) -> bytes | None:
        return read_key(self._place) if os.path.isfile(self._place) else None

    def _made(self) -> bytes:
        key = secrets.token_hex(32)
        try:
            os.makedirs(os.path.dirname(self._place), mode=0o700, exist_ok=True)
            with open(self._place, "x", encoding="ascii", opener=_private) as file:
                file.write(key)
        except OSError as error:
            raise UsageError(
                f"The key of this lake's pseudonyms cannot be kept in '{self._place}' "
                f"({error.strerror}); keep one elsewhere, and name it with --key."
            ) from None
        logging.getLogger(__name__).warning(
            "This lake's pseudonyms have a key of their own, in %s: keep a copy of it.", self._place
        )
        return key.encode()

    @property
    def _place(self) -> str:
        home = self._environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        return os.path.join(home, "stedi_glue", "keys", self._id)

    def _print(self, key: bytes) -> str:
        # Pseudonyms are hashes of values alone, so this is nobody's.
        return hmac.new(key, f"lake:{self._id}".encode(), "sha256").hexdigest()


def _inside(path: str, folder: str) -> bool:
    real = os.path.realpath(os.path.expanduser(path.split("\0")[0]))
    return real.startswith(f"{os.path.realpath(folder)}/")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
