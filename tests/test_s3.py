"""A lake in S3 with the Glue Data Catalog: the same as one on disk, to every reader."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from stedi_glue.entry.cli import main
from stedi_glue.entry.synthetic import write_landing
from stedi_glue.lakehouse import Lakehouse
from stedi_glue.publish.report import RunReport
from tests.aws_policy import ACCOUNT
from tests.aws_server import BUCKET, REGION, Account
from tests.conftest import java
from tests.entry.test_cli import PROGRAM
from tests.oracle import expected, landing_rows, multiset
from tests.rows import KEY
from tests.test_starter import CURRENT, LANDING

ROOT = f"s3://{BUCKET}/lake"


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    write_landing(folder, customers=20)
    return folder


def counts(report: RunReport) -> dict[str, int | None]:
    report.raise_for_status()
    return {table.table: table.rows for table in report.tables}


def check(account: Account, source: Path) -> dict[str, int | None]:
    """Land, run, look, run again, roll back; return the rows of every table."""
    assert main(["land", str(source), "--lake", ROOT]) == 0
    with Lakehouse.open(ROOT, catalog="glue", key=KEY) as lake:
        first = lake.run()
        parsed = {k for k in account.objects("lake/") if "landing_parsed" in k}
        second = lake.run()
        assert {k for k in account.objects("lake/") if "landing_parsed" in k} == parsed
        assert counts(first) == counts(second)
        rows = expected(landing_rows(source), privacy="pseudonymous", key=KEY)
        by_hand = account.by_hand()
        for name, table in rows.items():
            assert multiset(lake.table(name).collect()) == table, name
            iceberg = by_hand.load_table(f"stedi.{name}")
            assert Counter(map(repr, _plain(iceberg.scan().to_arrow().to_pylist()))) == Counter(
                map(repr, _plain([row.asDict() for row in lake.table(name).collect()]))
            )
            summary = iceberg.current_snapshot().summary  # type: ignore[union-attr]
            assert summary["stedi.run-id"] == second.run_id
            assert summary["stedi.success"] == "true"
            snapshot = lake.rollback(name)
            assert snapshot.snapshot_id == first.table(name).snapshot_id
            rolled_back = account.by_hand().load_table(f"stedi.{name}")
            assert rolled_back.scan().to_arrow().num_rows == first.table(name).rows
            assert [one.run_id for one in lake.attempts(name)] == [second.run_id, first.run_id]
        assert lake.docs == f"{ROOT}/docs/index.html"
    return counts(first)


def _plain(rows: list[dict[str, object]]) -> list[list[tuple[str, object]]]:
    return [sorted(row.items()) for row in rows]


@pytest.mark.slow
def test_a_lake_in_s3_has_the_same_rows_as_on_disk(
    account: Account, raw: Path, tmp_path: Path
) -> None:
    with Lakehouse.open(tmp_path / "lake", landing=raw) as local:
        assert check(account, raw) == counts(local.run())
    entries = account.client("glue").get_tables(DatabaseName="stedi")["TableList"]
    assert {entry["Name"] for entry in entries} == set(LANDING | CURRENT)
    for entry in entries:
        table = local.contract(entry["Name"])
        assert entry["Description"] == table.doc
        columns = entry["StorageDescriptor"]["Columns"]
        assert [
            (c["Name"], c["Type"], c["Comment"], c.get("Parameters", {}).get("personal") == "true")
            for c in columns
        ] == [(c.name, c.type, c.doc, c.personal) for c in table.columns]
    pages = account.objects("lake/docs/")
    assert "lake/docs/index.html" in pages
    # Every table's two runs have their pages, and the index shows them.
    assert sum("/validations/" in page for page in pages) == 2 * 8
    for page in ("index.html", "runs.html", "data_docs/index.html"):
        index = account.client("s3").get_object(Bucket=BUCKET, Key=f"lake/docs/{page}")
        assert index["ContentType"].startswith("text/html")
        assert index["Body"].read().count(b"machine_learning_curated") >= 2


@pytest.mark.slow
def test_the_starter_data_gives_the_specified_counts(account: Account, starter: Path) -> None:
    assert check(account, starter) == LANDING | CURRENT


def test_landing_data_may_stay_on_this_machine(account: Account, raw: Path) -> None:
    with Lakehouse.open(ROOT, landing=raw) as lake:
        assert counts(lake.run("customer_landing", "customer_trusted"))["customer_trusted"] == 8
    names = [
        t["Name"] for t in account.client("glue").get_tables(DatabaseName="stedi")["TableList"]
    ]
    assert names == ["customer_trusted"], "Athena cannot read raw files that are not in S3"


def test_rows_that_are_left_out_lie_beside_the_table(account: Account, tmp_path: Path) -> None:
    write_landing(tmp_path, customers=20)
    file = next((tmp_path / "accelerometer" / "landing").glob("*.json"))
    first, *others = [json.loads(line) for line in file.read_text().splitlines()]
    spoilt = [first | {"user": others[30]["user"], "x": 1e300}, *others]
    file.write_text("\n".join(map(json.dumps, spoilt)))
    names = ("customer_landing", "accelerometer_landing", "customer_trusted")
    with Lakehouse.open(ROOT, landing=tmp_path) as lake:
        report = lake.run(*names, "accelerometer_trusted")
        report.raise_for_status()
        left_out = lake.quarantine("accelerometer_trusted").collect()
    assert [row.x for row in left_out] == [1e300]
    folder = f"lake/accelerometer/trusted_quarantine/{report.run_id}/"
    assert [key for key in account.objects("lake/") if key.startswith(folder)]
    table = account.by_hand().load_table("stedi.accelerometer_trusted")
    assert table.scan().to_arrow().num_rows == report.table("accelerometer_trusted").rows


# Neither Arrow nor Sail can assume a role that a profile names, or sign in as boto3 does.
# The steward's profile signs in with ana's.
@pytest.mark.parametrize("profile", [pytest.param("ana", marks=pytest.mark.slow), "steward"])
def test_a_profile_leads_every_library_to_its_account(
    account: Account, raw: Path, tmp_path: Path, profile: str
) -> None:
    main(["land", str(raw), "--lake", ROOT])
    place = f"region = {REGION}\nendpoint_url = {account.url}\n"
    role = f"role_arn = arn:aws:iam::{ACCOUNT}:role/steward\nsource_profile = ana\n"
    (tmp_path / "config").write_text(
        f"[profile ana]\n{place}[profile steward]\n{place}{role}", "utf-8"
    )
    (tmp_path / "credentials").write_text(
        "[ana]\naws_access_key_id = testing\naws_secret_access_key = testing\n"
    )
    environ = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | {
        "AWS_PROFILE": profile,
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    command = [*PROGRAM, "run", "customer_landing", "customer_trusted", "--lake", ROOT, "--json"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [table["rows"] for table in json.loads(done.stdout)["tables"]]
    assert rows == [20, 8]


@pytest.mark.slow
def test_classic_spark_reads_and_writes_s3_as_well(account: Account, raw: Path) -> None:
    if os.environ.get("CI") != "true" and not java():
        pytest.skip("classic Spark needs a Java: put one on PATH or set JAVA_HOME")
    main(["land", str(raw), "--lake", ROOT])
    odd = "lake/customer/landing/a b+c%20d ü.json"
    body = next((raw / "customer" / "landing").glob("*.json")).read_bytes()
    account.client("s3").put_object(Bucket=BUCKET, Key=odd, Body=body)
    names = ("customer_landing", "customer_trusted")
    # A process of its own, because a JVM that runs already takes no more jars.
    done = subprocess.run(
        [*PROGRAM, "run", *names, "--lake", ROOT, "--engine", "spark", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout[done.stdout.index("{") :])
    assert [table["rows"] for table in report["tables"]] == [2 * 20, 8]
    iceberg = account.by_hand().load_table("stedi.customer_trusted")
    # The same registration twice is one.
    assert iceberg.scan().to_arrow().num_rows == 8


def test_names_of_raw_files_mean_themselves(account: Account, raw: Path) -> None:
    s3 = account.client("s3")
    lines = (raw / "customer" / "landing").glob("*.json")
    body = next(lines).read_bytes()
    for name in ("a b+c%20d.json", "ü.json", "sub/plain.json"):
        s3.put_object(Bucket=BUCKET, Key=f"lake/customer/landing/{name}", Body=body)
    with Lakehouse.open(ROOT) as lake:
        lake.run("customer_landing")
        assert lake.table("customer_landing").count() == 3 * 20
