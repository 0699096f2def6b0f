"""A proposal's diff, as `git apply` and `patch` take it."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path

import pytest

from stedi_glue.backends.engines import SailEngine
from stedi_glue.backends.proposals import Proposal, propose
from stedi_glue.backends.suites import RulesFolder
from stedi_glue.model.table import Column, Table, Zone
from stedi_glue.profiling.measure import measure
from stedi_glue.profiling.suggest import empty, extended
from tests.rows import NOW

RULE = {"type": "expect_column_to_exist", "kwargs": {"column": "x"}, "notes": "There is an x."}
OWN = {"name": "things", "expectations": [RULE], "meta": {"by": "ann"}}


@pytest.mark.parametrize("tool", [["git", "apply"], ["patch", "-p1"]], ids=["git", "patch"])
@pytest.mark.parametrize(
    "before",
    [
        None,
        json.dumps(OWN, indent=2) + "\n",
        json.dumps(OWN, indent=2),
        json.dumps(OWN),
        json.dumps(OWN | {"notes": "one\u2028line"}, indent=2, ensure_ascii=False),
    ],
    ids=["no file", "usual", "no end of line", "one line", "odd characters"],
)
def test_a_diff_makes_the_file_that_was_proposed(
    tmp_path: Path, before: str | None, tool: list[str]
) -> None:
    if not shutil.which(tool[0]):
        pytest.skip(f"{tool[0]} is not here")
    file = tmp_path / "rules" / "things.json"
    file.parent.mkdir()
    if before:
        file.write_text(before, encoding="utf-8")
    after = extended(before or empty("things"), [RULE])
    diff = Proposal("things", before, after, (RULE,)).diff
    subprocess.run(tool, input=diff.encode(), cwd=tmp_path, check=True, capture_output=True)
    assert file.read_text("utf-8") == after
    assert json.loads(after)["expectations"][-1] == RULE


def test_lists_and_infinite_numbers_do_not_keep_rules_from_being_proposed(
    sail: SailEngine, tmp_path: Path
) -> None:
    columns = (Column("words", "array<string>", "Several."), Column("size", "double", "How big."))
    table = Table("things", Zone.TRUSTED, "things/trusted", "A thing.", columns)
    made = [(["a", str(n)], [1.0, math.inf, -math.inf][n % 3]) for n in range(9)]
    rows = sail.session.createDataFrame(made, table.schema())
    found = propose(measure(table, rows), rows, RulesFolder(tmp_path), (), NOW)
    types = [one["kwargs"]["type_"] for one in found.rules if "of_type" in one["type"]]
    assert types == ["ArrayType", "DoubleType"]
    # Of values that are no numbers a range cannot be promised.
    assert not [
        one for one in found.rules if "between" in one["type"] and "column" in one["kwargs"]
    ]


def test_no_rules_are_no_diff() -> None:
    text = empty("things")
    assert Proposal("things", text, text, ()).diff == ""
