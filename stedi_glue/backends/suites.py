"""Rules files: found, read and checked without Great Expectations, which takes seconds to import.

A rules file is a Great Expectations suite: JSON with a `name` and a list of `expectations`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

from stedi_glue.errors import RulesError, suggest

if TYPE_CHECKING:
    from stedi_glue.model.table import Table

SEVERITIES = ("critical", "warning", "info")
PROBLEMS = "_problems"
_DAY = 86_400_000
_COLUMN_KEYS = ("column", "column_A", "column_B", "column_list", "column_set")
_QUERY = "unexpected_rows_query"


def parameters(now: int) -> dict[str, int]:
    """Return the values of `{"$PARAMETER": ...}` in rules: epoch milliseconds UTC around `now`."""
    return {
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
            *((name, parameters(0), f"asks for '{name}'") for name in self.parameters),
        ):
            if known and value not in known:
                raise RulesError(f"{self.where} {what}{suggest(value, known)}")
        if self.query:
            self._check_query()

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


@dataclass(frozen=True)
class Suite:
    """The rules of one table, in the file's order.

    document: the whole file.
    """

    name: str
    document: Mapping[str, Any]
    rules: tuple[Rule, ...]

    def rule_id(self, place: int) -> str:
        """Return the id of a rule in Great Expectations' results: the same in every run."""
        return str(uuid5(NAMESPACE_OID, f"{self.name}/{place}"))


class RulesFolder:
    """A folder of rules files, one `<table>.json` per table.

    folder: by default the rules that come with the package.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder: Traversable = folder or _packaged()
        self._shown = str(folder or "rules")

    def check(self, tables: Iterable[Table]) -> None:
        """Raise RulesError unless every table has rules that can be put to it."""
        for table in tables:
            for rule in self.suite(table).rules:
                rule.check(table)

    def names(self, table: Table) -> frozenset[str]:
        """Return the names of other tables that a table's queries look at.

        A name with `_problems` at its end means that table's unreadable records.
        """
        known = self._tables()
        queries = [rule.query for rule in self.suite(table).rules]
        words = {word for query in queries for word in re.findall(r"\w+", query.lower())}
        found = {word for word in words if word.removesuffix(PROBLEMS) in known}
        return frozenset(found - {table.name})

    def suite(self, table: Table) -> Suite:
        """Read a table's rules; RulesError when they are missing or not in the right shape."""
        where = f"{self._shown}/{table.suite}.json"
        try:
            text = self._folder.joinpath(f"{table.suite}.json").read_text("utf-8")
        except FileNotFoundError:
            if not self._folder.is_dir():
                raise RulesError(
                    f"There is no folder '{self._shown}'; name one with a JSON file per table."
                ) from None
            raise RulesError(
                f"Table '{table.name}' has no rules: write them in {where}; there are rules for "
                f"{', '.join(sorted(self._tables())) or 'no table yet'}."
            ) from None
        except UnicodeDecodeError:
            raise RulesError(f"{where} is not UTF-8 text; save it as such.") from None
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            raise RulesError(
                f"{where} is not valid JSON: {error.msg} in line {error.lineno}."
            ) from None
        return _suite(where, document)

    def _tables(self) -> frozenset[str]:
        names = [entry.name for entry in self._folder.iterdir()] if self._folder.is_dir() else []
        return frozenset(name.removesuffix(".json") for name in names if name.endswith(".json"))


def _suite(where: str, document: object) -> Suite:
    if not isinstance(document, dict) or not _filled(document.get("name"), str):
        raise RulesError(f"{where} must be a Great Expectations suite: an object with a 'name'.")
    expectations = document.get("expectations")
    if not isinstance(expectations, list) or not expectations:
        raise RulesError(
            f"{where} must list its rules in 'expectations'; without one, any data would pass."
        )
    rules: list[Rule] = []
    for number, expectation in enumerate(expectations, start=1):
        if not isinstance(expectation, dict) or not _filled(expectation.get("type"), str):
            raise RulesError(f"{where}, rule {number}, must be an object with a 'type'.")
        rule = Rule(f"{where}, rule {number} ({expectation['type']}),", expectation)
        if not isinstance(rule.kwargs, dict) or not all(isinstance(n, str) for n in rule.columns):
            raise RulesError(
                f"{rule.where} must have 'kwargs', an object, and name columns by text."
            )
        rules.append(rule)
    return Suite(document["name"], document, tuple(rules))


def _filled(value: object, kind: type) -> bool:
    return isinstance(value, kind) and bool(value)


def _packaged() -> Traversable:
    try:
        return files("stedi_glue.rules")
    except ModuleNotFoundError:
        # A checkout that is on sys.path but not installed has them beside the package.
        return Path(__file__).parents[2] / "rules"


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
