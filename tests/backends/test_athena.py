"""Queries on AWS: what Athena is asked, what it answers, and why it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from stedi_glue.backends import aws
from stedi_glue.backends.athena import Athena
from stedi_glue.errors import EngineError, LakeError, UsageError
from tests.aws_server import BUCKET, Account

RESULTS = f"s3://{BUCKET}/lake/queries/"


def answer(columns: dict[str, str], *rows: tuple[str | None, ...]) -> dict[str, Any]:
    """Return an answer as Athena gives it: texts, after a row with the names."""
    info = {"CatalogName": "hive", "SchemaName": "", "TableName": "", "Precision": 0, "Scale": 0}
    info |= {"Nullable": "UNKNOWN", "CaseSensitive": False}
    return {
        "column_info": [{**info, "Name": n, "Label": n, "Type": t} for n, t in columns.items()],
        "rows": [
            {"Data": [{} if text is None else {"VarCharValue": text} for text in row]}
            for row in (tuple(columns), *rows)
        ],
    }


@pytest.fixture
def athena(account: Account) -> Athena:
    return Athena("stedi", "primary", RESULTS)


@pytest.fixture
def stub(account: Account) -> Iterator[Stubber]:
    with Stubber(aws.client("athena")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def execution(state: str, scanned: int = 0, reason: str | None = None) -> dict[str, Any]:
    status = {"State": state} | ({"StateChangeReason": reason} if reason else {})
    return {"QueryExecution": {"Status": status, "Statistics": {"DataScannedInBytes": scanned}}}


def test_values_come_back_as_what_they_are(athena: Athena, account: Account) -> None:
    kinds = {"n": "bigint", "x": "double", "yes": "boolean", "text": "varchar", "day": "date"}
    account.answers(
        answer(kinds, ("1", "1.5", "true", "true", "2022-06-18"), (None, "NaN", "false", "", None))
    )
    found = athena.query("SELECT 1")
    assert found.columns == list(kinds.items())
    first, second = found.rows
    assert first == (1, 1.5, True, "true", "2022-06-18")
    assert second[0] is None
    assert str(second[1]) == "nan"
    assert second[2:] == (False, "", None)


def test_it_is_asked_in_the_database_and_workgroup(account: Account) -> None:
    client = account.client("athena")
    client.create_work_group(Name="stedi", Configuration={})
    _ = Athena("stedi", "stedi", RESULTS).query("SELECT 1")
    (query_id,) = client.list_query_executions(WorkGroup="stedi")["QueryExecutionIds"]
    asked = client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
    assert asked["Query"] == "SELECT 1"
    assert asked["QueryExecutionContext"]["Database"] == "stedi"
    assert asked["ResultConfiguration"]["OutputLocation"].startswith(RESULTS)


def test_progress_and_cost_are_told(athena: Athena, stub: Stubber) -> None:
    asked = {
        "QueryString": "SELECT 1",
        "QueryExecutionContext": {"Database": "stedi"},
        "WorkGroup": "primary",
        "ResultConfiguration": {"OutputLocation": RESULTS},
    }
    stub.add_response("start_query_execution", {"QueryExecutionId": "one"}, asked)
    for state, scanned in (("QUEUED", 0), ("RUNNING", 10**9), ("SUCCEEDED", 2 * 10**12)):
        stub.add_response("get_query_execution", execution(state, scanned))
    empty = {"ResultSet": {"Rows": [], "ResultSetMetadata": {"ColumnInfo": []}}}
    stub.add_response("get_query_results", empty)
    told: list[tuple[str, int]] = []
    found = athena.query("SELECT 1", lambda state, scanned: told.append((state, scanned)))
    assert told == [("QUEUED", 0), ("RUNNING", 10**9), ("SUCCEEDED", 2 * 10**12)]
    assert found.scanned == 2 * 10**12
    assert found.dollars == pytest.approx(10)


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        (
            "FAILED",
            "COLUMN_NOT_FOUND: line 1:8:\n Column 'nobody' cannot be resolved.",
            "Athena did not run the query: COLUMN_NOT_FOUND: line 1:8: Column 'nobody' cannot be "
            "resolved.",
        ),
        (
            "CANCELLED",
            "Bytes scanned limit was exceeded",
            "Athena cancelled the query: Bytes scanned limit was exceeded.",
        ),
        ("FAILED", None, "Athena did not run the query: it gave no reason."),
    ],
)
def test_a_query_that_fails_says_why(
    athena: Athena, stub: Stubber, state: str, reason: str | None, said: str
) -> None:
    stub.add_response("start_query_execution", {"QueryExecutionId": "one"})
    stub.add_response("get_query_execution", execution(state, reason=reason))
    with pytest.raises(EngineError) as error:
        athena.query("SELECT nobody")
    assert str(error.value) == said


def test_no_such_workgroup_is_one_sentence(athena: Athena, stub: Stubber) -> None:
    message = "WorkGroup stedi is not found."
    stub.add_client_error("start_query_execution", "InvalidRequestException", message)
    with pytest.raises(LakeError, match=r"Cannot query with Athena: .* WorkGroup stedi is not f"):
        athena.query("SELECT 1")


def test_an_interrupt_stops_the_query(athena: Athena, stub: Stubber) -> None:
    stub.add_response("start_query_execution", {"QueryExecutionId": "one"})
    stub.add_response("get_query_execution", execution("RUNNING"))
    stub.add_response("stop_query_execution", {}, {"QueryExecutionId": "one"})

    def interrupt(state: str, scanned: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        athena.query("SELECT 1", interrupt)


@pytest.mark.parametrize(
    "sql", ["DROP TABLE steps", "-- SELECT\nDELETE FROM steps", "UNLOAD (SELECT 1) TO 's3://x'", ""]
)
def test_a_query_only_reads(athena: Athena, stub: Stubber, sql: str) -> None:
    with pytest.raises(UsageError, match="write a SELECT"):
        athena.query(sql)
