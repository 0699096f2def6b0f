"""The rules that come with the package: good rows meet them all, and every one can fail."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stedi_glue.backends.engines import SailEngine, SparkEngine
from stedi_glue.backends.expectations import ExpectationsAuditor
from stedi_glue.backends.rules import SEVERITIES, Rule
from stedi_glue.backends.suites import RulesFolder
from stedi_glue.model.table import Table
from stedi_glue.publish.ports import RuleResult, Snapshot
from stedi_glue.zones import STEDI
from tests.rows import (
    HOUR,
    NOW,
    PRIVATE,
    PSEUDONYMOUS,
    TABLES,
    frames,
    good_lake,
    good_rows,
)
from tests.rules.breakages import FORMATS, QUERIES, WELL_FORMED, Lake, breakages, broken

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

AnyEngine = SailEngine | SparkEngine

FOLDER = RulesFolder()
RULES = {table: FOLDER.suite(table).rules for table in TABLES}
SPARK_TYPES = {
    "string": "StringType",
    "int": "IntegerType",
    "bigint": "LongType",
    "double": "DoubleType",
    "boolean": "BooleanType",
}
REGEX = "expect_column_values_to_match_regex"
OF_TYPE = "expect_column_values_to_be_of_type"
ORDERED = "expect_table_columns_to_match_ordered_list"
GOOD = good_lake() | {PSEUDONYMOUS.suite: good_rows(PSEUDONYMOUS.suite)}


def cases(*, queries: bool) -> Iterator[Any]:
    """Yield every rule that is a query, or is none, with every way to break it by rows."""
    for table, rules in RULES.items():
        for number, rule in enumerate(rules, start=1):
            if bool(rule.query) is queries:
                for how in breakages(table.suite, rule):
                    name = f"{table.suite}-{number}-{rule.label}"
                    yield pytest.param(table, rule, broken(GOOD, table.suite, how), id=name)


def schema_cases() -> Iterator[Any]:
    for table, rules in RULES.items():
        for rule in rules:
            if rule.type in (OF_TYPE, ORDERED):
                yield pytest.param(table, rule, id=f"{table.suite}-{rule.label}")


def only(table: Table, rules: Iterable[Rule], folder: Path) -> ExpectationsAuditor:
    """Return an auditor with these rules for the table; other tables only have a name."""
    for name in (table.name for table in STEDI.tables):
        (folder / f"{name}.json").write_text("{}", encoding="utf-8")
    suite = {"name": table.name, "expectations": [rule.document for rule in rules]}
    (folder / f"{table.suite}.json").write_text(json.dumps(suite), encoding="utf-8")
    return ExpectationsAuditor(folder)


def judge(engine: AnyEngine, table: Table, rule: Rule, lake: Lake, folder: Path) -> RuleResult:
    """Return what a rule says of a table, alone."""
    auditor = only(table, [rule], folder)
    needed = {table.suite, *auditor.names(table)}
    made = frames(engine.session, {name: lake[name] for name in needed})
    history = publications(table)
    shown = seen(table, made)
    (result,) = auditor.audit(table, made[table.suite], shown, NOW, history).results
    return result


def publications(table: Table) -> list[Snapshot]:
    """Some days on which the good rows were published, each time just made."""
    found = []
    for age in (1, 2, 3):
        moment = NOW - age * 24 * HOUR
        newest = {f"stedi.newest.{name}": str(moment) for name in table.column_names}
        summary = {"stedi.rows": str(len(GOOD[table.name])), **newest}
        found.append(Snapshot(table.name, age, moment, age == 1, summary))
    return found


def seen(table: Table, made: Mapping[str, DataFrame]) -> Mapping[str, DataFrame]:
    """Return the other tables as those of the table look at them."""
    transform = PRIVATE.transform(table.name) if table == PSEUDONYMOUS else None
    names = STEDI.upstream(table.name)
    if transform is None:
        return made
    return {n: transform.seen(STEDI.table(n), made[n]) for n in names if n in made}


def assert_unmet(result: RuleResult, rule: Rule) -> None:
    assert not result.passed
    assert (result.severity, result.note) == (rule.severity, rule.note)


@pytest.mark.parametrize(("table", "rule", "lake"), cases(queries=False))
def test_bad_rows_break_their_rule(
    sail: SailEngine, tmp_path: Path, table: Table, rule: Rule, lake: Lake
) -> None:
    assert_unmet(judge(sail, table, rule, lake, tmp_path), rule)


@pytest.mark.parametrize(
    "engine", ["sail", pytest.param("spark", marks=pytest.mark.slow)], indirect=True
)
@pytest.mark.parametrize(("table", "rule", "lake"), cases(queries=True))
def test_bad_rows_break_their_query_on_every_engine(
    engine: AnyEngine, tmp_path: Path, table: Table, rule: Rule, lake: Lake
) -> None:
    assert_unmet(judge(engine, table, rule, lake, tmp_path), rule)


@pytest.mark.parametrize(("table", "rule"), schema_cases())
def test_a_wrong_schema_breaks_its_rule(
    sail: SailEngine, tmp_path: Path, table: Table, rule: Rule
) -> None:
    auditor = only(table, [rule], tmp_path)
    for wrong in wrong_frames(frames(sail.session, GOOD)[table.suite], table, rule):
        (result,) = auditor.audit(table, wrong, {}, NOW).results
        assert_unmet(result, rule)


def wrong_frames(frame: DataFrame, table: Table, rule: Rule) -> Iterator[DataFrame]:
    first, *others = table.column_names
    if rule.type == ORDERED:
        yield frame.select(*others)
        yield frame.select(*others, first)
        yield frame.withColumn("more", frame[first])
    else:
        column = rule.kwargs["column"]
        promised = next(c.type for c in table.columns if c.name == column)
        other = {"int": "bigint", "bigint": "int", "boolean": "string"}.get(promised, "bigint")
        yield frame.withColumn(column, frame[column].isNull().cast("int").cast(other))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.suite)
def test_good_rows_meet_every_rule(sail: SailEngine, table: Table) -> None:
    made = frames(sail.session, GOOD)
    verdict = ExpectationsAuditor().audit(table, made[table.suite], seen(table, made), NOW)
    assert [str(result) for result in verdict.results if not result.passed] == []
    assert len(verdict.results) == len(RULES[table])


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.suite)
def test_good_rows_meet_every_query_on_every_engine(
    engine: AnyEngine, tmp_path: Path, table: Table
) -> None:
    auditor = only(table, [rule for rule in RULES[table] if rule.query], tmp_path)
    made = frames(engine.session, GOOD)
    verdict = auditor.audit(table, made[table.suite], seen(table, made), NOW)
    assert [str(result) for result in verdict.results if not result.passed] == []


@pytest.mark.parametrize("column", FORMATS)
def test_formats_mean_the_same_on_every_engine(
    engine: AnyEngine, tmp_path: Path, column: str
) -> None:
    bad, good = FORMATS[column], WELL_FORMED[column]
    customers = STEDI.table("customer_landing")
    table = customers if column in customers.column_names else PSEUDONYMOUS
    rule = next(r for r in RULES[table] if r.type == REGEX and r.columns == (column,))
    rows = [{**GOOD[table.suite][0], column: text} for text in (*bad, *good)]
    result = judge(engine, table, rule, {table.suite: rows}, tmp_path)
    assert result.observed.startswith(f"{len(bad)} of {len(rows)} rows")


def test_one_format_holds_for_a_column_in_every_table() -> None:
    """What is proven of the landing tables' formats is then proven of all."""
    found = [
        ("email" if column == "user" else column, rule.kwargs["regex"])
        for rules in RULES.values()
        for rule in rules
        if rule.type == REGEX and "1900" not in rule.note
        for column in rule.columns
    ]
    assert dict(found).keys() == FORMATS.keys()
    assert len(set(found)) == len(FORMATS)


def test_every_query_has_its_breakages() -> None:
    for table, rules in RULES.items():
        notes = [rule.note for rule in rules if rule.query]
        words = QUERIES.get(table.suite, {})
        assert len(notes) == len(words)
        assert all(sum(word in note for note in notes) == 1 for word in words)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.suite)
def test_rules_agree_with_the_contract(table: Table) -> None:
    rules = RULES[table]
    assert [rule.columns for rule in rules if rule.type == ORDERED] == [table.column_names]
    assert [
        (rule.kwargs["column"], rule.kwargs["type_"]) for rule in rules if rule.type == OF_TYPE
    ] == [(column.name, SPARK_TYPES[column.type]) for column in table.columns]
    whole_row = [set(rule.columns) for rule in rules if "unique" in rule.type]
    if not table.name.startswith("customer_"):
        assert set(table.column_names) in whole_row


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.suite)
def test_rules_are_worth_reading(table: Table) -> None:
    for rule in RULES[table]:
        assert rule.document["severity"] in SEVERITIES
        assert re.fullmatch(r"[A-Za-z].+[.]", rule.note), rule.where
        assert ". " not in rule.note, f"{rule.where} wants one sentence"
        pattern = rule.kwargs.get("regex", "")
        assert pattern.isascii()
        assert not re.search(r"\\[wdsWDS]|\(\?", pattern), f"{rule.where} means other characters"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.suite)
def test_queries_select_no_personal_column(table: Table) -> None:
    personal = {name for each in STEDI.tables for name in each.personal_columns}
    for rule in RULES[table]:
        if rule.query:
            selected = re.match(r"SELECT (.*?) FROM", rule.query)
            assert selected
            assert not personal & set(re.findall(r"\w+", selected[1]))
            assert "*" not in selected[1]


def test_starter_data_meets_every_critical_rule(
    sail: SailEngine, starter: Path, tmp_path: Path
) -> None:
    made: dict[str, DataFrame] = {}
    auditor = ExpectationsAuditor()
    unmet = {}
    for table in STEDI.tables:
        transform = STEDI.transform(table.name)
        if transform:
            frame = transform.apply(made)
        else:
            lines = sail.session.read.text(str(starter / table.location))
            schema = table.schema().simpleString()
            frame = lines.selectExpr(f"from_json(value, '{schema}') AS row").select("row.*")
            made |= frames(sail.session, {f"{table.name}_problems": []})
        frame.write.parquet(str(tmp_path / table.name))
        made[table.name] = sail.session.read.parquet(str(tmp_path / table.name))
        verdict = auditor.audit(table, made[table.name], made, STARTER_NOW)
        unmet[table.name] = [r for r in verdict.results if not r.passed and r.severity != "info"]
    found = [(name, r.severity, r.observed) for name, results in unmet.items() for r in results]
    assert found == [("machine_learning_curated", "warning", "2,700 of 43,681 rows (6.18 %)")]


# A day after the newest reading of the starter data.
STARTER_NOW = 1_655_650_919_636
