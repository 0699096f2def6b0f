"""The rows of a query, as a table to look at, or as CSV or JSON to work with."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from stedi_glue.entry.terminal import PIPE, console, grid, plural, safe
from stedi_glue.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stedi_glue.backends.athena import Answer

Format = Literal["table", "csv", "json"]

# Rows of a table that are shown; CSV and JSON have them all.
SHOWN = 50
_NUMBERS = ("tinyint", "smallint", "int", "integer", "bigint", "float", "real", "double", "decimal")


def write_rows(frame: DataFrame, form: Format) -> None:
    """Write the rows of a frame to standard output.

    Raises EngineError when the rows cannot be computed, and UsageError when columns of
    the same name would overwrite each other in JSON.
    """
    from stedi_glue.backends.engines import explaining

    with explaining("Cannot run the query"):
        names = frame.columns
        if form == "csv":
            _write_csv(names, frame.toLocalIterator())
        elif form == "json":
            _write_json(names, frame.toLocalIterator())
        else:
            rows = frame.limit(SHOWN + 1).collect()
            total = len(rows) if len(rows) <= SHOWN else int(frame.count())
            show_rows(console(), frame.dtypes, rows[:SHOWN], total)


def write_answer(answer: Answer, form: Format) -> None:
    """Write the rows that Athena answered to standard output.

    Raises UsageError when columns of the same name would overwrite each other in JSON.
    """
    names = [name for name, _ in answer.columns]
    if form == "csv":
        _write_csv(names, answer.rows)
    elif form == "json":
        _write_json(names, answer.rows)
    else:
        rows = list(islice(answer.rows, SHOWN + 1))
        show_rows(
            console(), answer.columns, rows[:SHOWN], len(rows) if len(rows) <= SHOWN else None
        )


def _write_csv(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(names)
    out.writerows(["" if value is None else _text(value) for value in row] for row in rows)


def _write_json(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write an array with one object per line."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            f"The query has several columns called '{twice[0]}', which one JSON object cannot "
            "hold: give them different names with AS."
        )
    before = "[\n"
    for row in rows:
        values = {name: _plain(value) for name, value in zip(names, row, strict=True)}
        sys.stdout.write(before + json.dumps(values, ensure_ascii=False))
        before = ",\n"
    sys.stdout.write("[]\n" if before == "[\n" else "\n]\n")


def show_rows(
    out: Console, types: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]], total: int | None
) -> None:
    """Print rows as a table, or one under the other where a table would not fit.

    types: name and SQL type of each column; total: rows there are, shown or not, or None
    when they are more than shown.
    """
    numeric = [kind.partition("(")[0] in _NUMBERS for _, kind in types]
    table = grid(
        *(
            Column(safe(name), justify="right" if right else "left", no_wrap=True)
            for (name, _), right in zip(types, numeric, strict=True)
        )
    )
    for row in rows:
        table.add_row(*map(_cell, row))
    free = out.options.update_width(PIPE)
    if Measurement.get(out, free, table).maximum <= out.width:
        out.print(table)
        out.print()
    else:
        _show_records(out, [name for name, _ in types], rows)
    if total is None:
        left_out = True
        note = f"the first {plural(len(rows), 'row')}, more not shown"
    else:
        left_out = total > len(rows)
        more = f", {total - len(rows):,} more not shown" if left_out else ""
        note = plural(total, "row") + more
    if left_out:
        note += "; --format csv or json writes all"
    out.print(Text(note, "dim"))


def _show_records(out: Console, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    name_column = Column(style="dim", no_wrap=True)
    for row in rows:
        lines = Table.grid(name_column, Column(overflow="fold"), padding=(0, 2, 0, 0))
        for name, value in zip(names, row, strict=True):
            lines.add_row(safe(name), _cell(value))
        out.print(lines)
        out.print()


def _cell(value: Any) -> Text:
    return Text("null", "dim") if value is None else Text(safe(_text(value)))


def _text(value: Any) -> str:
    """Write a value as JSON would, but text without quotes."""
    plain = value if isinstance(value, float) else _plain(value)
    if isinstance(plain, bool | dict | list):
        return json.dumps(plain, ensure_ascii=False)
    return str(plain)


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it; NaN and infinities, which it cannot, become null."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "asDict"):
        return _plain(value.asDict())
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
