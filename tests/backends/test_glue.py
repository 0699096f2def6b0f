"""What only the Glue Data Catalog has: its entries, its versions, its answers that get lost."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from stedi_glue.backends import glue
from stedi_glue.backends.catalog import IcebergCatalog
from stedi_glue.backends.s3 import S3Storage
from stedi_glue.errors import LakeError
from stedi_glue.model.table import Column
from stedi_glue.zones.landing import CUSTOMER_LANDING, STEP_TRAINER_LANDING
from tests.aws_server import BUCKET, Account
from tests.backends.places import STEPS, Bucket


def client(catalog: IcebergCatalog) -> Any:
    """Return the boto3 client that a catalog commits with, to make it fail."""
    return catalog._catalog.glue  # type: ignore[attr-defined]


def before(
    catalog: IcebergCatalog, operation: str, act: Callable[[], object], nth: int = 1
) -> None:
    """Do something once, before a catalog's nth request of a kind to Glue is sent."""
    events, count = client(catalog).meta.events, itertools.count(1)

    def once(**_: Any) -> None:
        if next(count) == nth:
            act()

    events.register(f"before-call.glue.{operation}", once)


def test_an_entry_says_what_the_contract_says(bucket: Bucket, account: Account) -> None:
    catalog = bucket.open()
    for run in ("run-1", "run-2"):
        bucket.publish(run, 3, catalog)
    catalog.rollback(STEPS)
    entry = account.table("steps")
    assert entry["Description"] == "A step."
    assert entry["TableType"] == "EXTERNAL_TABLE"
    assert entry["Parameters"]["table_type"] == "ICEBERG"
    assert entry["Parameters"]["comment"] == "A step."
    assert entry["StorageDescriptor"]["Location"] == f"{bucket.root}/steps/trusted"
    columns = entry["StorageDescriptor"]["Columns"]
    assert [(c["Name"], c["Type"], c["Comment"]) for c in columns] == [
        ("stepNumber", "bigint", "Its number."),
        ("user", "string", "Who made it."),
    ]
    assert [c["Parameters"].get("personal") for c in columns] == [None, "true"]
    assert columns[1]["Parameters"]["iceberg.field.id"] == "2"


def test_an_entry_follows_its_contract(bucket: Bucket, account: Account) -> None:
    bucket.publish("run-1", 3)
    number = Column("stepNumber", "bigint", "Its number, which tells who.", personal=True)
    user = replace(STEPS.columns[1], personal=False)
    changed = replace(STEPS, doc="A step, or a jump.", columns=(number, user))
    bucket.publish("run-2", 3, table=changed)
    entry = account.table("steps")
    assert entry["Description"] == "A step, or a jump."
    columns = entry["StorageDescriptor"]["Columns"]
    assert [c["Parameters"].get("personal") for c in columns] == ["true", None]
    assert columns[0]["Comment"] == "Its number, which tells who."


def test_a_commit_on_a_stale_version_is_refused_and_loses_nothing(bucket: Bucket) -> None:
    # The server of these tests refuses stale versions as AWS documents; moto by itself would
    # let the second writer undo the first one's commit.
    bucket.publish("run-1", 1)
    catalog = bucket.open()
    before(catalog, "UpdateTable", lambda: bucket.publish("run-2", 2))
    with pytest.raises(LakeError, match="Somebody else published 'steps' at the same time"):
        bucket.publish("run-3", 3, catalog)
    assert [s.rows for s in catalog.history(STEPS)] == [2, 1]
    catalog.tidy(STEPS)
    assert bucket.by_hand().load_table("stedi.steps").scan().to_arrow().num_rows == 2


def test_a_commit_that_fails_leaves_the_table_as_it_was(bucket: Bucket) -> None:
    first = bucket.publish("run-1", 1)
    catalog = bucket.open()

    def fail() -> None:
        error = {"Code": "AccessDeniedException", "Message": "no glue:UpdateTable for you"}
        raise ClientError({"Error": error}, "UpdateTable")

    before(catalog, "UpdateTable", fail)
    with pytest.raises(LakeError, match=r"Cannot publish 'steps': AWS denied UpdateTable \(no gl"):
        bucket.publish("run-2", 2, catalog)
    assert [s.snapshot_id for s in catalog.history(STEPS)] == [first]
    assert bucket.publish("run-3", 3, catalog) == catalog.history(STEPS)[0].snapshot_id
    assert bucket.by_hand().load_table("stedi.steps").scan().to_arrow().num_rows == 3


def test_a_commit_whose_answer_was_lost_counts(bucket: Bucket) -> None:
    first = bucket.publish("run-1", 1)
    catalog = bucket.open()

    def lose(**_: Any) -> None:
        client(catalog).meta.events.unregister("after-call.glue.UpdateTable", lose)
        raise ConnectionClosedError(endpoint_url="https://glue")

    client(catalog).meta.events.register("after-call.glue.UpdateTable", lose)
    second = bucket.publish("run-2", 2, catalog)
    assert [s.snapshot_id for s in catalog.history(STEPS)] == [second, first]
    assert bucket.by_hand().load_table("stedi.steps").scan().to_arrow().num_rows == 2


def test_a_commit_that_was_sent_twice_counts_once(bucket: Bucket, account: Account) -> None:
    first = bucket.publish("run-1", 1)
    catalog = bucket.open()

    def send_first(params: dict[str, Any], **_: Any) -> None:
        # As when an answer is lost and botocore sends the request again by itself.
        events.unregister("provide-client-params.glue.UpdateTable", send_first)
        account.client("glue").update_table(**params)

    events = client(catalog).meta.events
    events.register("provide-client-params.glue.UpdateTable", send_first)
    second = bucket.publish("run-2", 2, catalog)
    assert [s.snapshot_id for s in catalog.history(STEPS)] == [second, first]
    assert bucket.by_hand().load_table("stedi.steps").scan().to_arrow().num_rows == 2


def test_young_files_are_left_to_runs_at_work(bucket: Bucket) -> None:
    bucket.publish("run-1", 1)
    bucket.stage("elsewhere", "SELECT 1 AS stepNumber, 'x' AS \"user\"")
    IcebergCatalog.glue(bucket.root).tidy(STEPS)
    assert any("/elsewhere/" in file for file in bucket.files())
    bucket.open().tidy(STEPS)
    assert not any("/elsewhere/" in file for file in bucket.files())
    assert bucket.by_hand().load_table("stedi.steps").scan().to_arrow().num_rows == 1


@pytest.mark.parametrize(("operation", "nth"), [("GetTable", 2), ("UpdateTable", 1)])
def test_an_expiry_spares_what_was_rolled_back_to_meanwhile(
    bucket: Bucket, operation: str, nth: int
) -> None:
    first = bucket.publish("run-1", 1)
    bucket.publish("run-2", 2)
    catalog = bucket.open()
    catalog._keep = 1
    before(catalog, operation, lambda: bucket.open().rollback(STEPS, first), nth)
    catalog.tidy(STEPS)
    assert [s.rows for s in catalog.history(STEPS) if s.current] == [1]
    assert bucket.by_hand().load_table("stedi.steps").scan().to_arrow().num_rows == 1


def test_one_account_holds_one_lake(bucket: Bucket) -> None:
    bucket.publish("run-1", 1)
    other = IcebergCatalog.glue(f"s3://{BUCKET}/other")
    with pytest.raises(LakeError, match=r"is of the lake in 's3://stedi-lake/lake', not 's3://ste"):
        other.create()
    with pytest.raises(LakeError, match="one account and region holds one lake"):
        other.current(STEPS)


def test_one_account_holds_one_lake_in_a_database_without_a_place(
    bucket: Bucket, account: Account
) -> None:
    account.client("glue").create_database(DatabaseInput={"Name": "stedi"})
    bucket.publish("run-1", 1)
    other = IcebergCatalog.glue(f"s3://{BUCKET}/other")
    with pytest.raises(LakeError, match=r"has 'steps' for another lake, with 's3://stedi-lake/l"):
        other.current(STEPS)


def test_a_table_that_is_not_iceberg_is_left_alone(bucket: Bucket, account: Account) -> None:
    bucket.open().create()
    entry = {"Name": "steps", "Parameters": {"classification": "json"}}
    account.client("glue").create_table(DatabaseName="stedi", TableInput=entry)
    with pytest.raises(LakeError, match=r"another table called 'stedi.steps', which is no Ice"):
        bucket.publish("run-1", 1)
    assert account.table("steps")["Parameters"] == {"classification": "json"}


def test_landing_tables_are_registered_for_athena(bucket: Bucket, account: Account) -> None:
    bucket.open().create()
    glue.register_landing([CUSTOMER_LANDING, STEP_TRAINER_LANDING], "s3://raw/here")
    entry = account.table("customer_landing")
    descriptor = entry["StorageDescriptor"]
    assert entry["TableType"] == "EXTERNAL_TABLE"
    assert entry["PartitionKeys"] == []
    assert entry["Parameters"] == {
        "EXTERNAL": "TRUE",
        "classification": "json",
        "typeOfData": "file",
    }
    assert entry["Description"] == CUSTOMER_LANDING.doc
    assert descriptor["Location"] == "s3://raw/here/customer/landing/"
    assert descriptor["InputFormat"] == "org.apache.hadoop.mapred.TextInputFormat"
    assert (
        descriptor["OutputFormat"] == "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
    )
    serde = descriptor["SerdeInfo"]["SerializationLibrary"]
    assert serde == "org.openx.data.jsonserde.JsonSerDe"
    assert [
        (c["Name"], c["Type"], c["Comment"], c.get("Parameters", {}).get("personal") == "true")
        for c in descriptor["Columns"]
    ] == [(c.name, c.type, c.doc, c.personal) for c in CUSTOMER_LANDING.columns]


def test_registered_tables_change_only_with_their_contract(
    bucket: Bucket, account: Account
) -> None:
    bucket.open().create()
    glue.register_landing([CUSTOMER_LANDING], bucket.root)
    glue.register_landing([CUSTOMER_LANDING], bucket.root)
    assert account.table("customer_landing")["VersionId"] == "1"
    fewer = replace(CUSTOMER_LANDING, columns=CUSTOMER_LANDING.columns[:3])
    glue.register_landing([fewer], bucket.root)
    entry = account.table("customer_landing")
    assert entry["VersionId"] == "2"
    assert len(entry["StorageDescriptor"]["Columns"]) == 3


def test_files_in_use_are_never_swept(bucket: Bucket) -> None:
    bucket.publish("run-1", 1)
    before = bucket.files()
    storage = S3Storage(bucket.root, safety=-60)
    storage.sweep(bucket.root, lambda path: True)
    assert bucket.files() == before
