"""The rules that every contender of `audit` can express, and data that breaks them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from stedi_glue.backends.rules import parameters
from stedi_glue.backends.suites import RulesFolder, Suite
from stedi_glue.zones.trusted import ACCELEROMETER_TRUSTED

Kind = Literal["present", "matches", "between", "true", "unique"]
FAR = 1e13


@dataclass(frozen=True)
class Check:
    """A rule in no library's words.

    low, high: the ends of "between", both allowed; None: open. sql: what is "true" of every row.
    """

    kind: Kind
    columns: tuple[str, ...]
    low: float | None = None
    high: float | None = None
    pattern: str = ""
    sql: str = ""

    @property
    def column(self) -> str:
        """The only column, or the first of them."""
        return self.columns[0]


def select(now: int) -> tuple[Check, ...]:
    """Choose from the rules of accelerometer_trusted; `now` is epoch milliseconds UTC.

    Chosen is what judges rows of this table alone, and uniqueness; left out are rules on other
    tables, on types and columns, on the row count, and with a tolerance.
    """
    found = (_check(rule.type, rule.kwargs, now) for rule in _shipped().rules)
    return tuple(check for check in found if check)


def write_suite(folder: Path) -> None:
    """Write the chosen rules as a rules folder with one suite."""
    chosen = [rule.document for rule in _shipped().rules if _check(rule.type, rule.kwargs, 0)]
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"name": ACCELEROMETER_TRUSTED.name, "expectations": chosen})
    (folder / f"{ACCELEROMETER_TRUSTED.name}.json").write_text(text, "utf-8")


def _shipped() -> Suite:
    return RulesFolder().suite(ACCELEROMETER_TRUSTED)


def _check(kind: str, kwargs: Mapping[str, Any], now: int) -> Check | None:
    if "mostly" in kwargs:
        return None
    match kind:
        case "expect_column_values_to_not_be_null":
            return Check("present", (kwargs["column"],))
        case "expect_column_values_to_match_regex":
            return Check("matches", (kwargs["column"],), pattern=kwargs["regex"])
        case "expect_column_values_to_be_between":
            low, high = (_end(kwargs.get(end), now) for end in ("min_value", "max_value"))
            return Check("between", (kwargs["column"],), low=low, high=high)
        case "expect_compound_columns_to_be_unique":
            return Check("unique", tuple(kwargs["column_list"]))
        case "unexpected_rows_expectation":
            where = r"SELECT .* FROM \{batch\} b WHERE NOT \((.*)\)"
            if found := re.fullmatch(where, kwargs["unexpected_rows_query"]):
                sql = re.sub(r"\bb\.", "", found[1])
                named = [name for name in ACCELEROMETER_TRUSTED.column_names if name in _words(sql)]
                return Check("true", tuple(named), sql=sql)
    return None


def _end(value: Any, now: int) -> float | None:
    return parameters(now)[value["$PARAMETER"]] if isinstance(value, dict) else value


def _words(sql: str) -> set[str]:
    return set(re.findall(r"\w+", sql))


def spoil(clean: pa.Table, checks: Sequence[Check], broken: Collection[int]) -> pa.Table:
    """Return the rows with one more for each of the checks to break."""
    first = clean.slice(0, 1).to_pylist()[0]
    # A name that is odd but allowed must pass.
    rows = [{**first, "user": "o'neil+1@example.com"}]
    for place in broken:
        check = checks[place]
        rows.append({**clean.slice(place + 1, 1).to_pylist()[0], **_breakage(check, first)})
    return pa.concat_tables([clean, pa.Table.from_pylist(rows, clean.schema)])


def _breakage(check: Check, first: Mapping[str, Any]) -> dict[str, Any]:
    match check.kind:
        case "present":
            return {check.column: None}
        case "matches":
            return {check.column: "nobody"}
        case "between":
            beyond = check.high + 1 if check.high is not None else (check.low or 0) - 1
            return {check.column: beyond}
        case "true":
            return {check.column: FAR}
        case "unique":
            return dict(first)
