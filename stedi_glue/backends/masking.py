"""What may be shown of rows that hold personal values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from numbers import Number
from typing import Any

from stedi_glue.backends.raw.contract import staged_contract
from stedi_glue.model.table import Table

# As many as a person looks at before they open the table itself.
SAMPLES = 8


def masked(value: Any, personal: frozenset[str], *, hide: bool) -> Any:
    """Return a value without what is personal in it: a text's first letter stays, as a hint.

    personal: names of columns; a mapping's values under these names are hidden. hide: whether
    the value itself is personal.
    """
    if isinstance(value, list):
        return [masked(item, personal, hide=hide) for item in value]
    if isinstance(value, dict):
        return {
            key: masked(item, personal, hide=hide or key in personal) for key, item in value.items()
        }
    return f"{value[:1]}…" if hide and isinstance(value, str) else value


def masked_row(row: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """Return a row that a query selected without what may be personal in it.

    Queries can give any value any name, so one stays only under the name of a column that
    promises values of its kind and of nobody.
    """
    kinds = open_kinds(table)
    return {name: _shown(value, kinds.get(name)) for name, value in row.items()}


def open_kinds(table: Table) -> dict[str, str]:
    """Return the types of a table's columns whose values are nobody's, by name."""
    columns = staged_contract(table).columns
    return {column.name: column.type for column in columns if not column.personal}


def samples(
    found: Iterable[Any], columns: tuple[str, ...], table: Table
) -> tuple[Mapping[str, str], ...]:
    """Return the first different rows among those that were found, as text.

    found: values of the one column that is named, tuples of several, or whole rows by column.
    columns: what the rule is about; they come first.
    A text under a name that the table's contract does not know may be anybody's, so it is masked.
    """
    kinds = open_kinds(table)
    rows: dict[tuple[tuple[str, str], ...], None] = {}
    for one in found:
        if isinstance(one, Mapping):
            row = one
        else:
            row = dict(zip(columns, one if isinstance(one, (list, tuple)) else [one], strict=False))
        first = [name for name in columns if name in row]
        names = dict.fromkeys([*first, *row])
        shown = ((name, _text(row[name], kinds.get(name))) for name in names)
        rows.setdefault(tuple(shown))
        if len(rows) == SAMPLES:
            break
    return tuple(dict(row) for row in rows)


def unquoted(line: str, asked: str = "") -> str:
    """Return an engine's message without what it quotes, which may be anybody's.

    asked: what it was asked to do; single words that stand there are named.
    """
    words = set(re.findall(r"\w+", asked))
    line = re.sub(r"(['\"])(\w+)\1", lambda m: m[2] if m[2] in words else m[0], line)
    # From the first quote to the last: a value may have quotes of its own.
    return re.sub(r"(['\"]).*\1|\S+@\S+", "...", line)


def cause(message: str, asked: str) -> str:
    """Shorten an engine's message to its first sentence, without what it may quote from rows."""
    line = next((line.strip() for line in message.splitlines() if line.strip()), "unknown cause")
    return unquoted(line, asked)[:300].rstrip(". ") + "."


def _text(value: Any, kind: str | None) -> str:
    if value is None:
        return "null"
    shown = _shown(value, kind)
    return str(shown).lower() if isinstance(shown, bool) else str(shown)[:80]


def _shown(value: Any, kind: str | None) -> Any:
    """Return a value of the kind that its column promises; of any other the first letter."""
    if value is None or isinstance(value, bool):
        return value
    fits = kind == "string" if isinstance(value, str) else isinstance(value, Number)
    return value if kind and fits else f"{str(value)[:1]}…"
