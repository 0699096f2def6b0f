from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from stedi_glue.backends.rules import expectation_types, parameters
from stedi_glue.backends.suites import RulesFolder
from stedi_glue.errors import RulesError
from stedi_glue.zones import STEDI

TABLE = STEDI.table("accelerometer_trusted")
GOOD_RULE: dict[str, Any] = {
    "type": "expect_column_values_to_not_be_null",
    "kwargs": {"column": "user"},
    "severity": "warning",
    "notes": "Every reading has a user.",
}
PROJECT = Path(__file__).parents[2]


def rules(folder: Path, *expectations: object, name: str = TABLE.name) -> RulesFolder:
    return text(folder, json.dumps({"name": name, "expectations": expectations}))


def text(folder: Path, content: str) -> RulesFolder:
    (folder / f"{TABLE.name}.json").write_text(content, encoding="utf-8")
    return RulesFolder(folder)


def query(sql: str) -> dict[str, Any]:
    return {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": sql}}


def test_packaged_rules_can_be_used() -> None:
    RulesFolder().check(STEDI.tables)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        '{"name": "a", "expectations": [1 2]}',
        "[]",
        "null",
        "{}",
        '{"name": ""}',
        '{"name": 5, "expectations": [{"type": "expect_column_to_exist"}]}',
        '{"name": "a"}',
        '{"name": "a", "expectations": {}}',
        '{"name": "a", "expectations": []}',
        '{"name": "a", "expectations": [[]]}',
        '{"name": "a", "expectations": [{"kwargs": {}}]}',
        '{"name": "a", "expectations": [{"type": 5}]}',
        '{"name": "a", "expectations": [{"type": "expect_column_to_exist", "kwargs": []}]}',
        '{"name": "a", "expectations": [{"type": "expect_column_to_exist", "kwargs": null}]}',
    ],
)
def test_a_file_of_the_wrong_shape_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(RulesError, match=rf"{TABLE.name}[.]json.* (must|is not valid JSON)"):
        text(tmp_path, content).check([TABLE])


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / f"{TABLE.name}.json").write_bytes(b'{"name": "\xe9"}')
    with pytest.raises(RulesError, match="not UTF-8"):
        RulesFolder(tmp_path).check([TABLE])


def test_invalid_json_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="in line 2"):
        text(tmp_path, '{"name": "a",\n "expectations" []}').check([TABLE])


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        (
            {"type": "expect_column_values_to_not_be_nul", "kwargs": {"column": "user"}},
            "unknown expectation: did you mean 'expect_column_values_to_not_be_null'",
        ),
        (
            {**GOOD_RULE, "severity": "warn"},
            "severity 'warn': did you mean 'warning'",
        ),
        (
            {**GOOD_RULE, "kwargs": {"column": "usr"}},
            "column 'usr': did you mean 'user'",
        ),
        (
            {**GOOD_RULE, "kwargs": {"column": "User"}},
            "column 'User': did you mean 'user'",
        ),
        (
            {**GOOD_RULE, "kwargs": {"column": 5}},
            "name columns by text",
        ),
        (
            {
                "type": "expect_column_pair_values_to_be_equal",
                "kwargs": {"column_A": "x", "column_B": "yy"},
            },
            "column 'yy': did you mean 'y'",
        ),
        (
            {
                "type": "expect_column_pair_values_to_be_equal",
                "kwargs": {"column_A": "xx", "column_B": "y"},
            },
            "column 'xx': did you mean 'x'",
        ),
        (
            {
                "type": "expect_compound_columns_to_be_unique",
                "kwargs": {"column_list": ["user", "timestmp"]},
            },
            "column 'timestmp': did you mean 'timestamp'",
        ),
        (
            {
                "type": "expect_table_columns_to_match_set",
                "kwargs": {"column_set": ["user", "serialNumber"]},
            },
            "column 'serialNumber'; choose one of timestamp, user, x, y, z",
        ),
        (
            {
                "type": "expect_column_max_to_be_between",
                "kwargs": {"column": "timestamp", "max_value": {"$PARAMETER": "tomorow_ms"}},
            },
            "asks for 'tomorow_ms': did you mean 'tomorrow_ms'",
        ),
        (
            {
                "type": "expect_column_values_to_be_in_set",
                "kwargs": {"column": "user", "value_set": ["ann", None]},
            },
            "has null in 'value_set': null is never judged; leave it out.",
        ),
        (query("SELECT x FROM accelerometer_trusted"), "must select from {batch}"),
        (query("SELECT x FROM {batsh}"), "must select from {batch}"),
        (query("SELECT x FROM {batch} WHERE user RLIKE 'a{3}'"), "must select from {batch}"),
        (query("SELECT x FROM {batch} WHERE user = '{'"), "must select from {batch}"),
    ],
)
def test_a_rule_that_cannot_be_put_to_the_table_is_refused(
    tmp_path: Path, rule: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(RulesError) as raised:
        rules(tmp_path, GOOD_RULE, rule).check([TABLE])
    assert f"{TABLE.name}.json, rule 2 ({rule['type']})," in str(raised.value)
    assert complaint in str(raised.value)


def test_pairs_may_have_nulls_for_they_are_judged(tmp_path: Path) -> None:
    kwargs = {"column_A": "x", "column_B": "y", "value_pairs_set": [[1.0, None]]}
    pairs = {"type": "expect_column_pair_values_to_be_in_set", "kwargs": kwargs}
    rules(tmp_path, pairs).check([TABLE])


def test_missing_rules_are_refused(tmp_path: Path) -> None:
    folder = rules(tmp_path, GOOD_RULE)
    folder.check([TABLE])
    with pytest.raises(RulesError, match=r"'customer_landing' has no rules.*accelerometer_trusted"):
        folder.check([TABLE, STEDI.table("customer_landing")])


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match=r"There is no folder '.*nowhere'"):
        RulesFolder(tmp_path / "nowhere").check([TABLE])


def test_a_rule_without_severity_is_critical(tmp_path: Path) -> None:
    bare = {"type": "expect_column_to_exist", "kwargs": {"column": "user"}}
    (rule,) = rules(tmp_path, bare).suite(TABLE).rules
    assert (rule.severity, rule.note) == ("critical", "")


def test_notes_may_be_lines(tmp_path: Path) -> None:
    (rule,) = rules(tmp_path, {**GOOD_RULE, "notes": ["One", "two."]}).suite(TABLE).rules
    assert rule.note == "One two."


def test_doubled_braces_are_plain_ones(tmp_path: Path) -> None:
    rules(tmp_path, query("SELECT x FROM {batch} WHERE user RLIKE 'a{{3}}'")).check([TABLE])


def test_names_are_the_other_tables_in_queries(tmp_path: Path) -> None:
    for other in ("customer_trusted", "customer_landing", "step_trainer_landing"):
        (tmp_path / f"{other}.json").write_text("{}")
    folder = rules(
        tmp_path,
        query("SELECT x FROM {batch} JOIN Customer_Trusted USING (x)"),
        query("SELECT b.x FROM {batch} b, `customer_landing_problems` p"),
        query("SELECT x FROM {batch} JOIN accelerometer_trusted JOIN my_customer_landing"),
    )
    assert folder.names(TABLE) == {"customer_trusted", "customer_landing_problems"}


def test_types_are_those_great_expectations_has() -> None:
    import great_expectations  # noqa: F401
    from great_expectations.expectations import registry

    # Other tests register expectations of their own in this process.
    own = {
        name
        for name in registry.list_registered_expectation_implementations()
        if registry.get_expectation_impl(name).__module__.startswith("great_expectations.")
    }
    assert own
    assert own <= expectation_types()


def test_parameters_lie_around_now() -> None:
    now = 1_709_294_400_000
    values = parameters(now)
    assert values["now_ms"] == now
    assert values["tomorrow_ms"] - now == 86_400_000
    assert now - values["month_ago_ms"] == 30 * 86_400_000


READ = """
import sys, stedi_glue
from stedi_glue.backends.suites import RulesFolder
from stedi_glue.zones import STEDI
RulesFolder().check(STEDI.tables)
print(stedi_glue.__file__, sorted(RulesFolder().names(STEDI.table("customers_curated"))))
print("great_expectations" in sys.modules)
"""


def read_packaged(path: Path) -> list[str]:
    """Read the packaged rules in an interpreter that finds this package under `path` alone."""
    libraries = [entry for entry in sys.path if entry.endswith("site-packages")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(path), *libraries])}
    done = subprocess.run(
        # Without site and the current folder, the project itself is out of sight.
        [sys.executable, "-S", "-P", "-c", READ],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def assert_read(lines: list[str], path: Path) -> None:
    assert lines == [
        f"{path / 'stedi_glue' / '__init__.py'} ['accelerometer_trusted', 'customer_trusted']",
        "False",
    ]


def test_rules_are_read_inside_a_zip(tmp_path: Path) -> None:
    package = tmp_path / "package.zip"
    with zipfile.ZipFile(package, "w") as archive:
        for file in (PROJECT / "stedi_glue").rglob("*.py"):
            archive.write(file, file.relative_to(PROJECT))
        for file in (PROJECT / "rules").glob("*.*"):
            archive.write(file, f"stedi_glue/rules/{file.name}")
    assert_read(read_packaged(package), package)


def test_rules_are_read_from_a_bare_checkout(tmp_path: Path) -> None:
    for folder in ("stedi_glue", "rules"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    assert_read(read_packaged(tmp_path), tmp_path)


LIMIT = {"stedi": {"quarantine": 0.05}}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"meta": {"stedi": {"quarantine": 0}}}, "a number above 0 and up to 1"),
        ({"meta": {"stedi": {"quarantine": 1.5}}}, "a number above 0 and up to 1"),
        ({"meta": {"stedi": {"quarantine": True}}}, "a number above 0 and up to 1"),
        ({"meta": {"stedi": {"quarantine": "5 %"}}}, "a number above 0 and up to 1"),
        ({"meta": {"stedi": {"quarantin": 0.05}}}, "'quarantin' of us: did you mean 'quarantine'"),
        ({"severity": "warning"}, "with the severity critical"),
        ({"kwargs": {"column": "user", "mostly": 0.9}}, "without 'mostly'"),
        ({"type": "expect_column_values_to_be_unique"}, "only where each row is judged by itself"),
        (query("SELECT 1 FROM {batch}"), "only where each row is judged by itself"),
    ],
)
def test_quarantine_that_cannot_be(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    rule = GOOD_RULE | {"severity": "critical", "meta": LIMIT} | changes
    with pytest.raises(RulesError, match=problem):
        rules(tmp_path, rule).check([TABLE])


def test_landing_data_stays_as_it_came(tmp_path: Path) -> None:
    table = STEDI.table("accelerometer_landing")
    suite = {"name": "raw", "expectations": [GOOD_RULE | {"severity": "critical", "meta": LIMIT}]}
    (tmp_path / f"{table.name}.json").write_text(json.dumps(suite))
    with pytest.raises(RulesError, match="landing data stays as it came"):
        RulesFolder(tmp_path).check([table])


def test_a_limit_leaves_a_suite_that_the_library_loads_by_itself(tmp_path: Path) -> None:
    from great_expectations.core import ExpectationSuite

    limited = 0
    for table in STEDI.tables:
        document = json.loads((PROJECT / "rules" / f"{table.name}.json").read_text())
        suite = ExpectationSuite(document["name"], document["expectations"])
        metas = [one.meta or {} for one in suite.expectations]
        limited += sum("stedi" in meta for meta in metas)
        assert len(suite.expectations) == len(document["expectations"])
    assert limited == 20


@pytest.mark.parametrize("meta", [None, "text", {"by": "ann"}, {"stedi": None}, {"stedi": "x"}])
def test_what_others_note_in_a_rule_is_theirs(tmp_path: Path, meta: object) -> None:
    folder = rules(tmp_path, GOOD_RULE | {"meta": meta})
    folder.check([TABLE])
    assert folder.suite(TABLE).rules[0].limit is None
