"""Rows that broke a rule, as people are shown them."""

from __future__ import annotations

from pathlib import Path

from tests.backends.test_expectations import TABLE, AnyEngine, judge, rule
from tests.rows import good_rows


def test_broken_rows_are_shown_whole_so_that_somebody_knows_them(
    engine: AnyEngine, tmp_path: Path
) -> None:
    rows = good_rows(TABLE.name)
    for place, x in enumerate((7.5, 8.5, 9.5)):
        rows[place]["x"] = x
    between = "expect_column_values_to_be_between"
    on_few = {"row_condition": "x < 8", "condition_parser": "spark"}
    verdict = judge(
        engine,
        tmp_path,
        # Alike but for a bound, or for the rows they look at.
        rule(between, column="x", max_value=7),
        rule(between, column="x", max_value=9),
        rule(between, column="x", max_value=7, **on_few),
        rule("expect_column_pair_values_a_to_be_greater_than_b", column_A="y", column_B="x"),
        rule("expect_column_values_to_be_unique", column="user"),
        rows=rows,
    )
    shown = [[dict(sample) for sample in result.samples] for result in verdict.results]
    numbers = [sorted(float(row["x"]) for row in found) for found in shown[:3]]
    assert numbers == [[7.5, 8.5, 9.5], [9.5], [7.5]]
    (last,) = shown[1]
    row = rows[2]
    assert last == {
        "x": "9.5",
        "user": f"{row['user'][0]}…",
        **{name: str(row[name]) for name in ("timestamp", "y", "z")},
    }
    # What the rule is about comes first.
    assert list(last) == ["x", "user", "timestamp", "y", "z"]
    assert all(list(found)[:2] == ["y", "x"] for found in shown[3])
    # Of keys that repeat, the keys are shown.
    assert {tuple(found) for found in shown[4]} == {("user",)}
