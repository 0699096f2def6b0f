"""What may be shown of rows that hold personal values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def samples(
    found: Iterable[Any], columns: tuple[str, ...], table: Table
) -> tuple[Mapping[str, str], ...]:
    """Return the first different rows among those that were found, as text.

    found: values of the one column that is named, tuples of several, or whole rows by column.
    A text under a name that the table's contract does not know may be anybody's, so it is masked.
    """
    open_columns = {c.name for c in staged_contract(table).columns if not c.personal}
    rows: dict[tuple[tuple[str, str], ...], None] = {}
    for one in found:
        if isinstance(one, Mapping):
            row = one
        else:
            row = dict(zip(columns, one if isinstance(one, (list, tuple)) else [one], strict=False))
        shown = ((name, _text(row[name], hide=name not in open_columns)) for name in row)
        rows.setdefault(tuple(shown))
        if len(rows) == SAMPLES:
            break
    return tuple(dict(row) for row in rows)


def _text(value: Any, *, hide: bool) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return f"{text[:1]}…" if hide else text[:80]
