"""Every error this package raises on purpose.

    StediError                 exit code 1
    ├── DefinitionError        a table, transform or pipeline is declared wrongly
    ├── RulesError             a rules file cannot be used
    ├── LandingError           raw data is missing or cannot be read
    ├── LakeError              the lake or its catalog cannot be opened, read or written
    │   └── DamageError        a file of the lake is damaged or gone
    ├── EngineError            the engine is missing, or failed at its work
    ├── DeployError            artifacts cannot be built, or AWS refused a deployment
    ├── SessionError           the local sessions endpoint, or a session, cannot be had
    ├── TableHeld              exit code 3: rules held a table back
    └── UsageError             exit code 2: the caller asked for something that is not there
        └── UnknownTable

Each message says what is wrong, where, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class StediError(Exception):
    """The root: catch it to catch every error of this package."""

    exit_code = 1


class DefinitionError(StediError):
    """A table, transform or pipeline is declared wrongly."""


class RulesError(StediError):
    """A rules file cannot be used."""


class LandingError(StediError):
    """Raw data is missing or cannot be read."""


class LakeError(StediError):
    """The lake or its catalog cannot be opened, read or written."""


class DamageError(LakeError):
    """A file of the lake is damaged or gone; the next run of the table makes up for it."""


class EngineError(StediError):
    """The engine is missing, or failed at its work."""


class DeployError(StediError):
    """Artifacts cannot be built, or AWS refused a deployment."""


class SessionError(StediError):
    """The local sessions endpoint, or a session, cannot be had."""


class TableHeld(StediError):
    """Rules held a table back: readers still see what was published before."""

    exit_code = 3


class UsageError(StediError):
    """The caller asked for something that is not there."""

    exit_code = 2


class UnknownTable(UsageError):
    """No table has that name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"No table is called '{name}'{suggest(name, known)}")


def suggest(name: str, known: Iterable[str]) -> str:
    """End a sentence about an unknown name: with the nearest known one, or with all of them."""
    names = sorted(known)
    if not names:
        return "."
    near = get_close_matches(name.lower(), names, n=1) or get_close_matches(name, names, n=1)
    return f": did you mean '{near[0]}'?" if near else f"; choose one of {', '.join(names)}."
