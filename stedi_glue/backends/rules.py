"""One rule of a rules file: what it asks, of which rows, and what follows when it is not met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

from stedi_glue.errors import RulesError, suggest
from stedi_glue.model.table import Zone
from stedi_glue.profiling.band import usual

if TYPE_CHECKING:
    from stedi_glue.model.table import Table
    from stedi_glue.publish.ports import Snapshot

SEVERITIES = ("critical", "warning", "info")
_DAY = 86_400_000
_COLUMN_KEYS = ("column", "column_A", "column_B", "column_list", "column_set")
_QUERY = "unexpected_rows_query"
_VALUES = "value_set"
_QUARANTINE = "quarantine"
# They judge each row by itself, so that those which fail can be told from the others.
ROW_RULES = frozenset(
    {
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_column_pair_values_to_be_equal",
        "expect_column_value_lengths_to_be_between",
        "expect_column_value_lengths_to_equal",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_be_null",
        "expect_column_values_to_match_regex",
        "expect_column_values_to_match_regex_list",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_not_match_regex",
        "expect_column_values_to_not_match_regex_list",
    }
)


def parameters(
    now: int, table: Table | None = None, history: Sequence[Snapshot] = ()
) -> dict[str, int]:
    """Return the values of `{"$PARAMETER": ...}` in rules.

    Epoch milliseconds UTC around `now`, and for a table the bounds of what is usual, learned
    from its published snapshots, newest first.
    """
    learned = usual(table, history, now) if table else {}
    return {
        **learned,
        "now_ms": now,
        "tomorrow_ms": now + _DAY,
        "week_ago_ms": now - 7 * _DAY,
        "month_ago_ms": now - 30 * _DAY,
        "year_ago_ms": now - 365 * _DAY,
    }


@dataclass(frozen=True)
class Rule:
    """One expectation of a rules file.

    where: the file and the rule's place in it, for error messages.
    document: the expectation as the file has it.
    """

    where: str
    document: Mapping[str, Any]

    @property
    def type(self) -> str:
        """The expectation's type (`expect_column_values_to_not_be_null`)."""
        return str(self.document["type"])

    @property
    def kwargs(self) -> Mapping[str, Any]:
        """The expectation's arguments."""
        kwargs: Mapping[str, Any] = self.document.get("kwargs", {})
        return kwargs

    @property
    def severity(self) -> str:
        """How much it matters; critical when the file does not say."""
        return str(self.document.get("severity", "critical"))

    @property
    def limit(self) -> float | None:
        """The greatest share of rows it sends to quarantine instead of holding the table.

        None when it sends none. Written as `"meta": {"stedi": {"quarantine": 0.01}}`.
        """
        limit: float | None = self._ours.get(_QUARANTINE)
        return limit

    @property
    def _ours(self) -> Mapping[str, Any]:
        meta = self.document.get("meta")
        ours = meta.get("stedi") if isinstance(meta, dict) else None
        return ours if isinstance(ours, dict) else {}

    @property
    def fate(self) -> str:
        """What becomes of a table, or its rows, when the rule is not met."""
        if self.limit is None:
            return self.severity
        return f"{self.severity}, up to {100 * self.limit:.3g} % of the rows go to quarantine"

    @property
    def name(self) -> str:
        """What rows in quarantine call it: its label and its note."""
        return f"{self.label}: {self.note}" if self.note else self.label

    @property
    def note(self) -> str:
        """The rule in plain words; empty when the file has none."""
        notes = self.document.get("notes") or ""
        return notes if isinstance(notes, str) else " ".join(notes)

    @property
    def query(self) -> str:
        """The SQL that selects rows which break the rule; empty for other rules."""
        return str(self.kwargs.get(_QUERY, ""))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns its arguments name."""
        found: list[str] = []
        for key in _COLUMN_KEYS:
            value = self.kwargs.get(key, [])
            found.extend(value if isinstance(value, list) else [value])
        return tuple(found)

    @property
    def label(self) -> str:
        """The type, and the columns it looks at unless they are the whole table's."""
        whole = "column" not in self.kwargs and self.type.startswith("expect_table_")
        return (
            f"{self.type} ({', '.join(self.columns)})" if self.columns and not whole else self.type
        )

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters its arguments ask for."""
        values = [value for value in self.kwargs.values() if isinstance(value, dict)]
        return tuple(value["$PARAMETER"] for value in values if "$PARAMETER" in value)

    def check(self, table: Table) -> None:
        """Raise RulesError unless the rule can be put to the table."""
        for value, known, what in (
            (self.type, expectation_types(), "is an unknown expectation"),
            (self.severity, SEVERITIES, f"has the severity '{self.severity}'"),
            *((name, table.column_names, f"names the column '{name}'") for name in self.columns),
            *((name, parameters(0, table), f"asks for '{name}'") for name in self.parameters),
        ):
            if known and value not in known:
                raise RulesError(f"{self.where} {what}{suggest(value, known)}")
        values = self.kwargs.get(_VALUES)
        if isinstance(values, list) and None in values:
            # A comparison with it is neither true nor false, and every row would pass.
            raise RulesError(
                f"{self.where} has null in '{_VALUES}': null is never judged; leave it out."
            )
        if self.query:
            self._check_query()
        self._check_limit(table)

    def at(self, values: Mapping[str, int]) -> Rule:
        """Return the rule with the values of its parameters."""
        kwargs = {
            key: values[value["$PARAMETER"]]
            if isinstance(value, dict) and "$PARAMETER" in value
            else value
            for key, value in self.kwargs.items()
        }
        return Rule(self.where, {**self.document, "kwargs": kwargs})

    def _check_limit(self, table: Table) -> None:
        for word in self._ours:
            if word != _QUARANTINE:
                raise RulesError(f"{self.where} says '{word}' of us{suggest(word, [_QUARANTINE])}")
        if _QUARANTINE not in self._ours:
            return
        limit, problem = self._ours[_QUARANTINE], ""
        if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 < limit <= 1:
            problem = "as the share of rows, a number above 0 and up to 1"
        elif self.type not in ROW_RULES:
            problem = f"only where each row is judged by itself ({', '.join(sorted(ROW_RULES))})"
        elif "mostly" in self.kwargs:
            problem = "without 'mostly': the rows that this lets pass would be published"
        elif self.severity != "critical":
            problem = "with the severity critical: beyond that share, the table is held"
        elif table.zone is Zone.LANDING:
            problem = "in a table that is made: landing data stays as it came"
        if problem:
            raise RulesError(f"{self.where} can say 'quarantine' {problem}.")

    def _check_query(self) -> None:
        try:
            fields = {field for _, field, _, _ in Formatter().parse(self.query)} - {None}
        except ValueError:
            fields = set()
        if fields != {"batch"}:
            raise RulesError(
                f"{self.where} must select from {{batch}}, the rows it judges, and write any "
                "other brace twice."
            )


@cache
def expectation_types() -> frozenset[str]:
    """Return the expectation types Great Expectations brings, without importing it.

    Empty when they cannot be listed.
    """
    spec = find_spec("great_expectations")
    folders = (spec.submodule_search_locations if spec else None) or []
    found = [
        file.stem for folder in folders for file in Path(folder, "expectations/core").glob("*.py")
    ]
    return frozenset(name for name in found if name.startswith(("expect_", "unexpected_")))
