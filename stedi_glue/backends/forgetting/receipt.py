"""What whoever asked to forget somebody is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Receipt:
    """What became of one request; it names nobody.

    number: names it. at: when it was made, epoch milliseconds UTC. removed: how many records,
    rows and files, by place; nothing when there was nothing left of them. withdrawn: tables that
    nobody can read until a run publishes them, because their rules hold them without the person
    too. shared: columns whose value others have as well, which therefore is not looked for.
    """

    number: str
    at: int
    removed: dict[str, int] = field(default_factory=dict)
    withdrawn: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    dry_run: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "receipt": self.number,
            "at": self.at,
            "dry_run": self.dry_run,
            "removed": self.removed,
            "withdrawn": self.withdrawn,
            "shared": self.shared,
        }
