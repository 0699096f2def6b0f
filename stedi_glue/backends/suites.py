"""Rules files: found, read and checked without Great Expectations, which takes seconds to import.

A rules file is a Great Expectations suite: JSON with a `name` and a list of `expectations`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

from stedi_glue.backends.rules import Rule
from stedi_glue.errors import RulesError

if TYPE_CHECKING:
    from stedi_glue.model.table import Table

PROBLEMS = "_problems"


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

    folder: by default the rules that come with the package. drafts: rules of tables, by name,
    that are in no file yet, or shall stand in place of a file's.
    """

    def __init__(
        self,
        folder: Path | None = None,
        drafts: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    ) -> None:
        self._folder: Traversable = folder or _packaged()
        self._drafts = drafts or {}
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

    def text(self, table: Table) -> str | None:
        """Return a table's rules file as it is; None when there is none."""
        file = self._folder.joinpath(f"{table.suite}.json")
        # As bytes, because a diff of it has to match the ends of its lines.
        return file.read_bytes().decode("utf-8") if file.is_file() else None

    def suite(self, table: Table) -> Suite:
        """Read a table's rules; RulesError when they are missing or not in the right shape."""
        if table.name in self._drafts:
            rules = list(self._drafts[table.name])
            draft = {"name": table.name, "expectations": rules}
            return _suite(f"The draft of {table.name}'s rules", draft)
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
