from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stedi_glue.backends.engines import SailEngine, SparkEngine
from stedi_glue.backends.expectations import ExpectationsAuditor
from stedi_glue.errors import RulesError
from stedi_glue.publish.ports import RuleResult, Verdict
from stedi_glue.zones import STEDI
from tests.rows import HOUR, NOW, Rows, frames, good_lake, good_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

AnyEngine = SailEngine | SparkEngine
TABLE = STEDI.table("accelerometer_trusted")
NOT_NULL = "expect_column_values_to_not_be_null"


def rule(kind: str, severity: str = "critical", **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs, "severity": severity, "notes": f"About {kind}."}


def query(sql: str, severity: str = "critical") -> dict[str, Any]:
    return rule("unexpected_rows_expectation", severity, unexpected_rows_query=sql)


def auditor(folder: Path, *rules: dict[str, Any]) -> ExpectationsAuditor:
    """Return an auditor with these rules for TABLE, and customer_trusted known by name."""
    suite = {"name": "readings", "expectations": rules}
    (folder / f"{TABLE.name}.json").write_text(json.dumps(suite), encoding="utf-8")
    (folder / "customer_trusted.json").write_text("{}", encoding="utf-8")
    return ExpectationsAuditor(folder)


def readings(engine: AnyEngine, rows: Rows | None = None) -> DataFrame:
    rows = good_rows(TABLE.name) if rows is None else rows
    return frames(engine.session, {TABLE.name: rows})[TABLE.name]


def judge(engine: AnyEngine, folder: Path, *rules: dict[str, Any], rows: Rows | None = None) -> Any:
    return auditor(folder, *rules).audit(TABLE, readings(engine, rows), {}, NOW)


def observed(verdict: Verdict) -> list[str]:
    return [result.observed for result in verdict.results]


def views(engine: AnyEngine) -> set[str]:
    return {table.name for table in engine.session.catalog.listTables() if table.isTemporary}


def test_results_follow_the_file_and_carry_its_words(engine: AnyEngine, tmp_path: Path) -> None:
    rows = good_rows(TABLE.name)
    rows[0] |= {"user": None, "x": 7.5}
    row = rows[0]
    verdict = judge(
        engine,
        tmp_path,
        rule("expect_column_values_to_be_of_type", "critical", column="x", type_="DoubleType"),
        query("SELECT b.x FROM {batch} b WHERE b.x > 7", "warning"),
        rule(NOT_NULL, "info", column="user"),
        rule("expect_compound_columns_to_be_unique", column_list=["user", "timestamp"]),
        rule("expect_table_row_count_to_be_between", max_value=3),
        rule("expect_table_columns_to_match_ordered_list", column_list=list(TABLE.column_names)),
        rows=rows,
    )
    assert verdict == Verdict(
        "readings",
        (
            RuleResult(
                "expect_column_values_to_be_of_type (x)",
                "About expect_column_values_to_be_of_type.",
                "critical",
                True,
                "observed DoubleType",
            ),
            RuleResult(
                "unexpected_rows_expectation",
                "About unexpected_rows_expectation.",
                "warning",
                False,
                "1 row",
                ({"x": "7.5"},),
            ),
            RuleResult(
                f"{NOT_NULL} (user)",
                f"About {NOT_NULL}.",
                "info",
                False,
                "1 of 6 rows (16.7 %)",
                samples=({name: "null" if name == "user" else str(row[name]) for name in row},),
                judged=6,
                broke=1,
            ),
            RuleResult(
                "expect_compound_columns_to_be_unique (user, timestamp)",
                "About expect_compound_columns_to_be_unique.",
                "critical",
                True,
                "0 of 6 rows",
                judged=6,
            ),
            RuleResult(
                "expect_table_row_count_to_be_between",
                "About expect_table_row_count_to_be_between.",
                "critical",
                False,
                "observed 6",
            ),
            RuleResult(
                "expect_table_columns_to_match_ordered_list",
                "About expect_table_columns_to_match_ordered_list.",
                "critical",
                True,
                "observed user, timestamp, x, y, z",
            ),
        ),
    )
    assert not verdict.passed


def test_times_are_observed_as_dates(sail: SailEngine, tmp_path: Path) -> None:
    newest = rule(
        "expect_column_max_to_be_between",
        column="timestamp",
        min_value={"$PARAMETER": "now_ms"},
    )
    rows = [{**row, "timestamp": NOW - HOUR} for row in good_rows(TABLE.name)]
    assert observed(judge(sail, tmp_path, newest, rows=rows)) == ["observed 2024-03-01 11:00 UTC"]


@pytest.mark.parametrize("sign", [1, -1])
def test_times_that_no_calendar_has_are_observed_as_numbers(
    sail: SailEngine, tmp_path: Path, sign: int
) -> None:
    kind = "expect_column_max_to_be_between"
    newest = rule(kind, column="timestamp", min_value={"$PARAMETER": "now_ms"})
    rows = [{**row, "timestamp": sign * 1_655_564_444_110_000} for row in good_rows(TABLE.name)]
    said = f"observed {'' if sign > 0 else '-'}1,655,564,444,110,000 ms"
    assert observed(judge(sail, tmp_path, newest, rows=rows)) == [said]


def test_a_suite_that_great_expectations_saved_is_judged(sail: SailEngine, tmp_path: Path) -> None:
    # As it is imported for audits: without its analytics.
    gx: Any = import_module("stedi_glue.backends.validation").gx
    context = gx.get_context(mode="file", project_root_dir=tmp_path / "theirs")
    suite = context.suites.add(gx.ExpectationSuite(TABLE.name))
    suite.add_expectation(gx.expectations.ExpectColumnValuesToNotBeNull(column="user"))
    (saved,) = (tmp_path / "theirs").rglob(f"{TABLE.name}.json")
    assert json.loads(saved.read_text("utf-8"))["expectations"][0]["id"]
    judged = ExpectationsAuditor(saved.parent)
    judged.check([TABLE])
    assert observed(judged.audit(TABLE, readings(sail), {}, NOW)) == ["0 of 6 rows"]


def test_parameters_follow_the_clock(sail: SailEngine, tmp_path: Path) -> None:
    judged = auditor(
        tmp_path,
        rule(
            "expect_column_values_to_be_between",
            column="timestamp",
            max_value={"$PARAMETER": "tomorrow_ms"},
        ),
    )
    rows = readings(sail)
    assert judged.audit(TABLE, rows, {}, NOW).passed
    assert not judged.audit(TABLE, rows, {}, NOW - 72 * HOUR).passed


def test_no_personal_value_is_observed(sail: SailEngine, tmp_path: Path) -> None:
    user = good_rows(TABLE.name)[0]["user"]
    verdict = judge(
        sail,
        tmp_path,
        rule("expect_column_values_to_not_be_in_set", column="user", value_set=[user]),
        rule("expect_column_distinct_values_to_be_in_set", column="user", value_set=["nobody"]),
        rule("expect_column_most_common_value_to_be_in_set", column="user", value_set=["nobody"]),
        query("SELECT b.`user` FROM {batch} b"),
    )
    assert [result.passed for result in verdict.results] == [False] * 4
    assert observed(verdict) == ["3 of 6 rows (50 %)", "", "", "6 rows"]
    assert "@" not in str(verdict)


@pytest.mark.parametrize(
    ("broken", "cause"),
    [
        (query("SELECT b.nothing FROM {batch} b"), "nothing"),
        (query("SELECT b.x FROM {batch} b JOIN nowhere n ON n.x = b.x"), "nowhere"),
        (query("SELEKT b.x FROM {batch} b"), ""),
        (query("SELECT assert_true(b.x = 'ana@example.com') FROM {batch} b"), ""),
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_never_passed(
    engine: AnyEngine, tmp_path: Path, broken: dict[str, Any], cause: str
) -> None:
    with pytest.raises(RulesError) as raised:
        judge(engine, tmp_path, rule(NOT_NULL, column="user"), broken)
    assert "rule 2 (unexpected_rows_expectation), could not be evaluated" in str(raised.value)
    assert cause in str(raised.value)
    assert "@" not in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    "broken",
    [
        rule("expect_column_values_to_be_between", column="x", min_valeu=1),
        rule("expect_column_values_to_be_between", column="x", min_value=2, max_value=1),
        rule(NOT_NULL, column="user", mostly=5),
        rule(NOT_NULL),
        {**rule(NOT_NULL, column="user"), "sevirity": "info"},
    ],
)
def test_a_rule_with_wrong_arguments_is_refused(
    sail: SailEngine, tmp_path: Path, broken: dict[str, Any]
) -> None:
    with pytest.raises(RulesError, match=r"rule 2 \(.*\), (is not a valid|could not be)") as raised:
        judge(sail, tmp_path, rule(NOT_NULL, column="user"), broken)
    assert len(str(raised.value).splitlines()) == 1


def test_queries_see_the_references_they_name(engine: AnyEngine, tmp_path: Path) -> None:
    strangers = query(
        "SELECT b.x FROM {batch} b LEFT ANTI JOIN customer_trusted c ON c.email = b.`user`"
    )
    judged = auditor(tmp_path, strangers)
    made = frames(engine.session, good_lake())
    assert judged.names(TABLE) == {"customer_trusted"}
    assert judged.audit(TABLE, made[TABLE.name], made, NOW).passed

    made["customer_trusted"] = made["customer_trusted"].where("email LIKE 'ben@%'")
    assert observed(judged.audit(TABLE, made[TABLE.name], made, NOW)) == ["3 rows"]


def test_a_reference_without_rows_is_asked_for(sail: SailEngine, tmp_path: Path) -> None:
    judged = auditor(tmp_path, query("SELECT b.x FROM {batch} b, customer_trusted c"))
    with pytest.raises(RulesError, match=r"look at customer_trusted, .* publish it first"):
        judged.audit(TABLE, readings(sail), {}, NOW)


def test_views_are_gone_afterwards(engine: AnyEngine, tmp_path: Path) -> None:
    before = views(engine)
    made = frames(engine.session, good_lake())
    good = query("SELECT b.x FROM {batch} b, customer_trusted c WHERE b.x > 9")
    auditor(tmp_path, good).audit(TABLE, made[TABLE.name], made, NOW)
    assert views(engine) == before

    bad = query("SELECT b.nothing FROM {batch} b, customer_trusted c")
    with pytest.raises(RulesError):
        auditor(tmp_path, bad).audit(TABLE, made[TABLE.name], made, NOW)
    assert views(engine) == before


def test_audits_at_the_same_time_keep_apart(sail: SailEngine, tmp_path: Path) -> None:
    every_row = query("SELECT b.x FROM {batch} b")
    judged = auditor(tmp_path, every_row)
    sizes = [1, 2, 3, 4, 5, 6] * 2
    made = [readings(sail, good_rows(TABLE.name)[:size]) for size in sizes]
    with ThreadPoolExecutor(max_workers=6) as pool:
        verdicts = list(pool.map(lambda rows: judged.audit(TABLE, rows, {}, NOW), made))
    assert [int(observed(verdict)[0].split()[0]) for verdict in verdicts] == sizes


QUIET = """
from stedi_glue.backends.engines import SailEngine
from stedi_glue.backends.expectations import ExpectationsAuditor
from stedi_glue.errors import RulesError
from stedi_glue.zones import STEDI
from tests.rows import NOW, frames, good_lake
import pathlib, sys
auditor = ExpectationsAuditor()
auditor.check(STEDI.tables)
assert "great_expectations" not in sys.modules
engine = SailEngine()
made = frames(engine.session, good_lake())
table = STEDI.table("machine_learning_curated")
assert auditor.audit(table, made[table.name], made, NOW).passed
assert not auditor.audit(table, made[table.name].limit(0), made, NOW).passed
try:
    auditor.audit(table, made[table.name].drop("x"), made, NOW)
except RulesError as error:
    assert "could not be evaluated" in str(error)
else:
    raise AssertionError
"""


def test_an_audit_says_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", QUIET],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
