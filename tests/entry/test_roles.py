"""Analysts read curated tables, stewards docs and quarantine, on a server that refuses the rest."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from botocore.exceptions import ClientError

from stedi_glue.deploy.permissions import analyst_policy, steward_policy
from stedi_glue.entry.cli import main
from stedi_glue.entry.synthetic import write_landing
from stedi_glue.errors import LakeError, StediError
from stedi_glue.lakehouse import Lakehouse
from stedi_glue.model.table import Zone
from stedi_glue.zones import STEDI
from tests.aws_policy import restricted
from tests.aws_server import BUCKET, Account
from tests.backends.test_athena import answer
from tests.entry.conftest import Stedi

ROOT = f"s3://{BUCKET}"
GROUP = "stedi-analysts"
MADE = [table for table in STEDI.tables if table.zone is not Zone.LANDING]
CURATED = [table for table in MADE if table.zone is Zone.CURATED]


@pytest.fixture(scope="module")
def lake(_server: Account, tmp_path_factory: pytest.TempPathFactory) -> Account:
    """A lake in S3 with tables, quarantine, docs and an answer to somebody's query."""
    _server.empty()
    raw = tmp_path_factory.mktemp("raw")
    write_landing(raw, customers=20)
    readings = raw / "accelerometer" / "landing"
    first = json.loads(next(readings.glob("*.json")).read_text().splitlines()[0])
    (readings / "bad.json").write_text(json.dumps(first | {"x": 1e300}))
    (readings / "cut.json").write_text('{"user": "somebo')
    assert main(["land", str(raw), "--lake", ROOT]) == 0
    key = tmp_path_factory.mktemp("key") / "key"
    key.write_text(32 * "key ")
    assert main(["run", "--lake", ROOT, "--key", str(key)]) == 0
    for name in (GROUP, "stedi"):
        _server.client("athena").create_work_group(Name=name)
    s3 = _server.client("s3")
    for name in ("athena/of-a-steward.csv", "athena/analysts/of-an-analyst.csv"):
        s3.put_object(Bucket=BUCKET, Key=name, Body=b"1")
    return _server


def readable(account: Account) -> set[str]:
    """The objects that may be read by their keys."""
    found = set()
    for key in _keys(account):
        with suppress(account.client("s3").exceptions.ClientError):
            account.client("s3").get_object(Bucket=BUCKET, Key=key)
            found.add(key)
    return found


def _keys(account: Account) -> set[str]:
    allows, account.allows = account.allows, lambda request: True
    try:
        return set(account.objects())
    finally:
        account.allows = allows


def test_an_analyst_reads_curated_tables_and_nothing_else(
    lake: Account, stedi: Stedi, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {t.name: lake.by_hand().load_table(f"stedi.{t.name}").scan().to_arrow() for t in MADE}
    assert min(table.num_rows for table in rows.values()) > 0
    lake.answers(answer({"n": "bigint"}, ("1",)))
    with restricted(lake, analyst_policy(STEDI, BUCKET, GROUP)) as used:
        said = stedi("query", "SELECT 1 AS n", "--lake", ROOT, "--workgroup", GROUP)
        assert said.code == 0, said.err
        # Through the catalog and its files, as any reader of Iceberg.
        for table in CURATED:
            found = lake.by_hand().load_table(f"stedi.{table.name}").scan().to_arrow()
            assert found.num_rows == rows[table.name].num_rows
            client = lake.client("s3")
            client.list_objects_v2(Bucket=BUCKET, Prefix=f"{table.location}/data/")
        assert not used.refused
        assert used.idle <= {
            *("Query: athena:StopQueryExecution", "Query: athena:GetWorkGroup", "FindTheBucket"),
            *("LookUpCuratedTables: glue:GetDatabase", "KeepAnswers", "ListThem"),
        }
        for table in (table for table in STEDI.tables if table not in CURATED):
            with pytest.raises(ClientError, match="AccessDenied"):
                lake.client("glue").get_table(DatabaseName="stedi", Name=table.name)
        with pytest.raises(ClientError, match="AccessDenied"):
            lake.client("s3").list_objects_v2(Bucket=BUCKET)
        with pytest.raises(ClientError, match="AccessDenied"):
            lake.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="customer/landing/")
        other = stedi("query", "SELECT 1 AS n", "--lake", ROOT, "--workgroup", "stedi")
        assert other.code == 1
        prefixes = (*(f"{table.location}/" for table in CURATED), "athena/analysts/")
        assert readable(lake) == {key for key in _keys(lake) if key.startswith(prefixes)}


def test_a_steward_reads_docs_and_quarantine_and_no_table(lake: Account, stedi: Stedi) -> None:
    where = ("--lake", ROOT)
    with restricted(lake, steward_policy(STEDI, BUCKET)) as used:
        for command in (
            ("docs",),
            ("history", "accelerometer_trusted"),
            ("quarantine", "accelerometer_trusted"),
            ("quarantine", "customer_trusted"),
        ):
            said = stedi(*command, *where)
            assert said.code == 0, (command, said.err)
        with Lakehouse.open(ROOT) as opened:
            assert "accelerometer_trusted" in str(opened.page("index.html"))
            (row,) = opened.quarantine("accelerometer_trusted").collect()
            assert row["x"] == 1e300
        assert not used.refused
        with Lakehouse.open(ROOT) as opened, pytest.raises(StediError):
            opened.table("customer_trusted").collect()
        assert {need.action for need in used.refused} == {"s3:GetObject"}
        assert stedi("run", *where, "--privacy", "identified").code == 1
        said_by = ("audits/", "docs/", "runs/", "lake.json")
        left_out = (
            *(f"{table.quarantine().location}/" for table in MADE),
            "accelerometer/quarantine/",
        )
        assert any(key.startswith(left_out[-1]) for key in _keys(lake))
        assert readable(lake) == {
            key
            for key in _keys(lake)
            if key.startswith((*said_by, *left_out)) or key.endswith(".metadata.json")
        }
    with restricted(lake, steward_policy(STEDI, BUCKET)), pytest.raises(LakeError, match="denied"):
        Lakehouse.open(ROOT).athena(GROUP).query("SELECT 1")
