"""Rules proposed for a table, tried on its own rows first."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from stedi_glue.backends.expectations import ExpectationsAuditor
from stedi_glue.backends.suites import RulesFolder
from stedi_glue.profiling.suggest import Rule, empty, extended, missing, suggest

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stedi_glue.profiling.profile import Profile
    from stedi_glue.publish.ports import Snapshot

_UNENDED = "\n\\ No newline at end of file\n"


@dataclass(frozen=True)
class Proposal:
    """More rules for a table.

    suite: the name of its rules file. before: the text of that, None without one. after: with
    the rules.
    """

    suite: str
    before: str | None
    after: str
    rules: tuple[Rule, ...]

    @property
    def diff(self) -> str:
        """The change as `git apply` and `patch -p1` take it; empty when there is none."""
        name = f"rules/{self.suite}.json"
        lines = difflib.unified_diff(
            _lines(self.before or ""),
            _lines(self.after) if self.rules else [],
            fromfile=f"a/{name}" if self.before else "/dev/null",
            tofile=f"b/{name}",
        )
        marked = (line if line.endswith("\n") else f"{line}{_UNENDED}" for line in lines)
        return "".join(marked) if self.rules else ""


def _lines(text: str) -> list[str]:
    # `splitlines` would break lines at characters that JSON and patches take for text.
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def propose(
    profile: Profile,
    rows: DataFrame,
    folder: RulesFolder,
    history: Sequence[Snapshot],
    now: int,
) -> Proposal:
    """Return the rules that a table's rows and history suggest and that its file lacks.

    None of them fails on the rows themselves.
    """
    table = profile.table
    before = folder.text(table)
    existing = [rule.document for rule in folder.suite(table).rules] if before else []
    proposed = missing(suggest(profile, len(history)), existing)
    with TemporaryDirectory() as scratch:
        file = Path(scratch, f"{table.suite}.json")
        file.write_text(extended(empty(table.name), proposed), encoding="utf-8")
        met: list[Rule] = []
        if proposed:
            verdict = ExpectationsAuditor(Path(scratch)).audit(table, rows, {}, now, history)
            judged = zip(proposed, verdict.results, strict=True)
            met = [rule for rule, result in judged if result.passed]
    after = extended(before or empty(table.name), met)
    return Proposal(table.suite, before, after, tuple(met))
