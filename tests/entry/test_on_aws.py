"""The commands on a lake in S3."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from stedi_glue.backends.glue import register_landing
from stedi_glue.entry.row_view import SHOWN
from stedi_glue.entry.synthetic import write_landing
from stedi_glue.lakehouse import Lakehouse
from stedi_glue.model.table import Zone
from stedi_glue.publish.report import RunReport, TableReport
from stedi_glue.zones.landing import CUSTOMER_LANDING
from tests.aws_server import BUCKET, Account
from tests.backends.test_athena import answer
from tests.entry.conftest import Stedi, seen_on_terminal
from tests.entry.test_cli import PROGRAM

ROOT = f"s3://{BUCKET}/lake"


@pytest.fixture(autouse=True)
def lake(account: Account, monkeypatch: pytest.MonkeyPatch) -> Lakehouse:
    """A lake in S3 in which nothing was published yet."""
    monkeypatch.setenv("STEDI_LAKE", ROOT)
    monkeypatch.setenv("STEDI_CATALOG", "glue")
    opened = Lakehouse.open(ROOT)
    opened._catalog.create()
    register_landing([CUSTOMER_LANDING], ROOT)
    return opened


def test_a_query_is_answered_by_athena(stedi: Stedi, account: Account) -> None:
    rows = [("ana", "1"), ("bob", None)]
    account.answers(answer({"user": "varchar", "n": "bigint"}, *rows))
    said = stedi("query", "SELECT user, n FROM customer_landing", "--format", "json")
    assert said.code == 0
    assert json.loads(said.out) == [{"user": "ana", "n": 1}, {"user": "bob", "n": None}]
    assert said.err == "Athena read 0 bytes: about $0.00005 ($5 per TB, 10 MB at least)\n"
    client = account.client("athena")
    (query_id,) = client.list_query_executions()["QueryExecutionIds"]
    asked = client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
    assert (asked["WorkGroup"], asked["Query"]) == (
        "primary",
        "SELECT user, n FROM customer_landing",
    )


def test_the_progress_of_a_query_is_drawn_on_a_terminal(account: Account) -> None:
    account.answers(answer({"n": "bigint"}, ("1",)))
    said = seen_on_terminal(*PROGRAM, "query", "SELECT 1 AS n")
    assert re.search(r"Athena: (starting|queued|running|succeeded)", said)
    assert "Athena read 0 bytes: about $0.00005" in said


def test_a_long_answer_is_cut_to_look_at(stedi: Stedi, account: Account) -> None:
    for count in (SHOWN, SHOWN + 1):
        account.answers(answer({"n": "bigint"}, *[(str(n),) for n in range(count)]))
    assert stedi("query", "SELECT 1").out.endswith(f"\n{SHOWN} rows\n")
    assert stedi("query", "SELECT 1").out.endswith(
        f"\nthe first {SHOWN} rows, more not shown; --format csv or json writes all\n"
    )


def test_an_engine_that_is_named_answers_here(stedi: Stedi, account: Account) -> None:
    said = stedi("query", "SELECT 1 AS one", "--engine", "sail", "--format", "csv")
    assert said.out == "one\n1\n"
    assert account.client("athena").list_query_executions()["QueryExecutionIds"] == []


def test_a_workgroup_is_chosen(stedi: Stedi, account: Account) -> None:
    client = account.client("athena")
    client.create_work_group(Name="stedi", Configuration={})
    assert stedi("query", "SELECT 1", "--workgroup", "stedi").code == 0
    assert client.list_query_executions(WorkGroup="stedi")["QueryExecutionIds"]


def test_a_landing_table_has_runs_and_no_snapshots(stedi: Stedi, lake: Lakehouse) -> None:
    # It is registered for Athena, in the same database, and is no Iceberg table.
    lake._journal.record(
        RunReport("run-1", "sail", (TableReport("customer_landing", Zone.LANDING, "audited"),), 1)
    )
    (run,) = json.loads(stedi("history", "customer_landing", "--json").out)
    assert (run["run_id"], run["status"]) == ("run-1", "audited")


def test_another_lake_changes_nothing(
    stedi: Stedi, account: Account, tmp_path: Path, lake: Lakehouse
) -> None:
    write_landing(tmp_path, customers=2)
    other = f"s3://{BUCKET}/other"
    assert stedi("land", tmp_path, "--lake", other).code == 0
    said = stedi("run", "--lake", other)
    assert said.code == 1
    assert f"is of the lake in '{ROOT}', not '{other}'" in said.err
    place = account.table("customer_landing")["StorageDescriptor"]["Location"]
    assert place == f"{ROOT}/customer/landing/", "Athena reads what it read before"


def test_the_docs_of_a_lake_in_s3_are_copied_before_they_are_opened(
    stedi: Stedi, account: Account
) -> None:
    assert "has no report yet" in stedi("docs").err
    account.client("s3").put_object(Bucket=BUCKET, Key="lake/docs/index.html", Body=b"<html>")
    said = stedi("docs")
    assert said.out == f"{ROOT}/docs/index.html\n", said.err
    said = stedi("docs", "--open")
    assert said.code == 2
    assert f"aws s3 sync {ROOT}/docs docs" in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tables", "--catalog", "local"], "cannot have a local catalog"),
        (["tables", "--catalog", "gleu"], "did you mean 'glue'?"),
        (["tables", "--lake", "here"], "cannot have a glue catalog"),
        (["run", "--lake", "s3://a%20b/c"], "percent sign"),
    ],
)
def test_a_catalog_fits_its_lake(
    stedi: Stedi, tmp_path: Path, arguments: list[str], words: str
) -> None:
    said = stedi(*arguments)
    assert said.code == 2
    assert words in said.err
