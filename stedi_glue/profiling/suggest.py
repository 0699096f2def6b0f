"""Rules that a table's rows and history suggest; a steward decides."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from stedi_glue.profiling.band import LEARNED_FROM
from stedi_glue.profiling.profile import FORMATS, ColumnProfile, Profile

Rule = Mapping[str, Any]

_SPARK = {
    "string": "StringType",
    "int": "IntegerType",
    "bigint": "LongType",
    "double": "DoubleType",
    "boolean": "BooleanType",
    "array<string>": "ArrayType",
}
_BETWEEN = "expect_column_values_to_be_between"
_COLUMN_KEYS = ("column", "column_list")
# What stands before a value in a JSON object.
_KEY = re.compile(r'[\s,]*("(?:[^"\\]|\\.)*")\s*:\s*')


def suggest(profile: Profile, publications: int) -> tuple[Rule, ...]:
    """Return the rules a table's profile suggests, those about the whole table first.

    What the contract promises is critical; what is only learned from rows warns.
    publications: how many there were; anomaly rules need a few to learn from.
    """
    return (
        *_whole(profile, publications),
        *(r for c in profile.columns for r in _column(c)),
    )


def missing(proposed: Sequence[Rule], existing: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return the proposed rules that none of the existing ones, of whatever limits, stands for."""
    covered: dict[tuple[str, str], set[str]] = {}
    for rule in existing:
        covered.setdefault(_about(rule), set()).update(_limits(rule))
    return tuple(
        rule
        for rule in proposed
        if _about(rule) not in covered or not _limits(rule) <= covered[_about(rule)]
    )


def extended(text: str, rules: Sequence[Rule]) -> str:
    """Return a rules file with more rules after its own; what is there keeps its form."""
    if not rules:
        return text
    end = _end_of_rules(text)
    there = text[:end].rstrip()
    comma = "" if there.endswith("[") else ","
    added = ",\n".join(_written(rule) for rule in rules)
    return f"{there}{comma}\n{added}\n  {text[end:]}"


def empty(table: str) -> str:
    """Return the text of a rules file without rules."""
    return f'{{\n  "name": {json.dumps(table)},\n  "expectations": [\n  ]\n}}\n'


def _end_of_rules(text: str) -> int:
    """Return where the bracket stands that ends a rules file's `expectations`."""
    decoder = json.JSONDecoder()
    place = end = text.index("{") + 1
    while found := _KEY.match(text, place):
        _, place = decoder.raw_decode(text, found.end())
        if json.loads(found[1]) == "expectations":
            end = place - 1
    return end


def _written(rule: Rule) -> str:
    lines = (f"      {json.dumps(key)}: {json.dumps(value)}" for key, value in rule.items())
    return "    {\n" + ",\n".join(lines) + "\n    }"


def _about(rule: Rule) -> tuple[str, str]:
    kwargs = rule.get("kwargs", {})
    return str(rule["type"]), json.dumps([kwargs.get(key) for key in _COLUMN_KEYS])


def _limits(rule: Rule) -> set[str]:
    # A learned bound does not stand for a fixed one, nor the other way round.
    return {
        f"{key}{_parameter(value).partition('_')[0]}"
        for key, value in rule.get("kwargs", {}).items()
        if key not in _COLUMN_KEYS
    }


def _parameter(value: object) -> str:
    """Return the name of the parameter that an argument asks for; empty when it asks for none."""
    return str(value.get("$PARAMETER", "")) if isinstance(value, dict) else ""


def _rule(expectation: str, severity: str, notes: str, **kwargs: Any) -> Rule:
    return {"type": expectation, "kwargs": kwargs, "severity": severity, "notes": notes}


def _whole(profile: Profile, publications: int) -> Iterator[Rule]:
    names = list(profile.table.column_names)
    yield _rule(
        "expect_table_columns_to_match_ordered_list",
        "critical",
        "The columns are exactly those promised, in the promised order.",
        column_list=names,
    )
    if not profile.rows:
        return
    yield _rule(
        "expect_table_row_count_to_be_between",
        "critical",
        "There is at least one row.",
        min_value=1,
    )
    if publications >= LEARNED_FROM:
        yield _rule(
            "expect_table_row_count_to_be_between",
            "warning",
            "There are about as many rows as in the last publications.",
            min_value={"$PARAMETER": "usual_rows_min"},
            max_value={"$PARAMETER": "usual_rows_max"},
        )
        yield from _fresh(profile)
    for key in profile.keys:
        if len(key) > 1:
            yield _rule(
                "expect_compound_columns_to_be_unique",
                "warning",
                f"No two rows have the same {' and '.join(key)}.",
                column_list=list(key),
            )


def _fresh(profile: Profile) -> Iterator[Rule]:
    """Watch the column whose newest moment is the newest of the table."""
    moments = [one for one in profile.columns if one.is_moment and not one.nulls]
    if moments:
        name = max(moments, key=lambda one: one.most or 0).column.name
        yield _rule(
            "expect_column_max_to_be_between",
            "warning",
            f"The newest {name} is about as recent as it usually is when the table is published.",
            column=name,
            min_value={"$PARAMETER": f"usual_newest_{name}"},
        )


def _column(one: ColumnProfile) -> Iterator[Rule]:
    name, type_ = one.column.name, one.column.type
    yield _rule(
        "expect_column_values_to_be_of_type",
        "critical",
        f"{name} has the promised type.",
        column=name,
        type_=_SPARK[type_],
    )
    if not one.values:
        return
    if not one.nulls:
        yield _rule(
            "expect_column_values_to_not_be_null", "warning", f"{name} is known.", column=name
        )
    if one.unique and type_ == "string" and one.values > 1:
        yield _rule(
            "expect_column_values_to_be_unique", "warning", f"No {name} appears twice.", column=name
        )
    if _is_set(one):
        values = [_typed(value, type_) for value in sorted(one.top)]
        yield _rule(
            "expect_column_values_to_be_in_set",
            "warning",
            f"{name} is one of the known values.",
            column=name,
            value_set=values,
        )
    elif one.is_moment:
        yield _moments(one)
    elif limits := _limits_of(one):
        least, most = limits
        said = f"{name} is between {least:g} and {most:g}."
        yield _rule(_BETWEEN, "warning", said, column=name, min_value=least, max_value=most)
    elif one.formats:
        yield _rule(
            "expect_column_values_to_match_regex",
            "warning",
            f"{name} has the form of {'a' if one.formats[0] != 'e-mail address' else 'an'} "
            f"{one.formats[0]}."
            if one.formats[0] != "digits"
            else f"{name} has digits alone.",
            column=name,
            regex=FORMATS[one.formats[0]],
        )
    elif one.shortest is not None and one.longest is not None:
        longest = max(2 * one.longest, 20)
        yield _rule(
            "expect_column_value_lengths_to_be_between",
            "warning",
            f"{name} has {min(one.shortest, 1)} to {longest} characters.",
            column=name,
            min_value=min(one.shortest, 1),
            max_value=longest,
        )


def _is_set(one: ColumnProfile) -> bool:
    if one.column.type == "boolean":
        return one.complete
    # Few values in many rows are a choice, not a coincidence.
    return one.column.type == "string" and one.complete and one.values >= 20 * one.distinct


def _moments(one: ColumnProfile) -> Rule:
    name = one.column.name
    first = datetime.fromtimestamp((one.least or 0) / 1000, UTC)
    begin = int(datetime(first.year, 1, 1, tzinfo=UTC).timestamp() * 1000)
    return _rule(
        _BETWEEN,
        "warning",
        f"{name} is from {first.year} on, and not later than tomorrow.",
        column=name,
        min_value=begin,
        max_value={"$PARAMETER": "tomorrow_ms"},
    )


def _limits_of(one: ColumnProfile) -> tuple[float | int, float | int] | None:
    """Widen the range that was seen to round numbers a person would write.

    None when none was seen, or when nothing wider can be written.
    """
    if one.least is None or one.most is None:
        return None
    least, most = one.least, one.most
    room = (most - least) * 0.1 or max(abs(most), 1) * 0.1
    if not math.isfinite(2 * (abs(least) + abs(most) + room)):
        return None
    step = 10 ** math.floor(math.log10(max(most - least, abs(most), 1e-9)) - 0.5)
    low = math.floor((least - room) / step) * step
    high = math.ceil((most + room) / step) * step
    # What was never negative is not expected to be.
    low = max(low, 0) if least >= 0 else low
    if one.column.type == "double":
        return round(low, 9), round(high, 9)
    return math.floor(low), math.ceil(high)


def _typed(value: str, type_: str) -> Any:
    return value == "true" if type_ == "boolean" else value
