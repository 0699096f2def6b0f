"""Deploying from the command line, over HTTP to a server that speaks AWS's protocols.

moto makes nothing of what CloudFormation lists for Glue, and says it did: what the template
is worth is told by tests/deploy/test_template.py, not here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.stub import Stubber
from moto.server import ThreadedMotoServer

from stedi_glue.deploy.artifacts import Manifest
from stedi_glue.entry import deploy_commands
from stedi_glue.entry.deploy_commands import Aws
from tests.deploy.test_stack import Answers
from tests.entry.conftest import Stedi

BUCKET = "the-lake"

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def account(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty account; the session to look into it with."""
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    session = boto3.Session(region_name="us-east-1")
    monkeypatch.setattr("stedi_glue.deploy.stack._POLL_SECONDS", 0.01)
    urlopen(Request(f"{endpoint}/moto-api/reset", method="POST")).close()
    return session


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return built(tmp_path / "dist", "first")


def built(folder: Path, content: str) -> Path:
    """What a build leaves, small."""
    folder.mkdir(exist_ok=True)
    manifest = Manifest("0.1.0", "c0ffee", dirty=False, glue="5.1")
    names = (manifest.wheel, manifest.twin, manifest.brought, "glue_job.py")
    for name in names:
        (folder / name).write_text(f"{content} {name}")
    hashes = {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in names}
    values = {**asdict(manifest), "artifacts": hashes}
    (folder / "manifest.json").write_text(json.dumps(values))
    return folder


def keys(account: Any) -> set[str]:
    listed = account.client("s3").list_objects_v2(Bucket=BUCKET)
    return {entry["Key"] for entry in listed.get("Contents", [])}


def status(account: Any) -> str:
    (stack,) = account.client("cloudformation").describe_stacks(StackName="stedi")["Stacks"]
    return str(stack["StackStatus"])


def test_a_dry_run_needs_no_account_and_no_build(
    stedi: Stedi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    said = stedi("deploy", "--bucket", BUCKET, "--dry-run", "--artifacts", tmp_path)
    assert said.code == 0
    assert said.out.startswith("Description:")
    assert "GlueVersion: '5.1'" in said.out
    assert "s3://the-lake/artifacts/0.1.0-unbuilt/glue_job.py" in said.out
    assert "stedi-glue build" in said.err


def test_a_dry_run_names_what_was_built(stedi: Stedi, dist: Path) -> None:
    release = Manifest.read(dist).release
    said = stedi("deploy", "--bucket", BUCKET, "--dry-run", "--artifacts", dist)
    assert f"s3://the-lake/artifacts/{release}/glue_job.py" in said.out
    assert said.err == ""


def test_a_deployers_permissions_need_no_account(stedi: Stedi) -> None:
    said = stedi("deploy", "--bucket", BUCKET, "--permissions")
    statements = {s["Sid"]: s for s in json.loads(said.out)["Statement"]}
    assert statements["KeepTheBucket"]["Resource"] == [
        "arn:aws:s3:::the-lake",
        "arn:aws:s3:::the-lake/*",
    ]
    assert stedi("deploy", "--bucket", "s3://x", "--permissions").code == 2


def test_a_deployment_needs_a_build(stedi: Stedi, tmp_path: Path) -> None:
    said = stedi("deploy", "--bucket", BUCKET, "--yes", "--artifacts", tmp_path / "none")
    assert said.code == 1
    assert "build it with 'stedi-glue build --out" in said.err


def test_a_lake_is_deployed_changed_and_removed(account: Any, stedi: Stedi, dist: Path) -> None:
    deploy = ("deploy", "--bucket", BUCKET, "--artifacts", dist, "--yes")
    said = stedi(*deploy)
    assert said.code == 0, said.err
    assert "+ added   CustomerTrustedJob  AWS::Glue::Job" in said.out
    assert "23 resources: 23 added" in said.out
    assert "aws glue start-workflow-run --name stedi --region us-east-1" in said.out
    first = {f"artifacts/{Manifest.read(dist).release}/{n}" for n in Manifest.read(dist).artifacts}
    assert keys(account) == first
    assert status(account) == "CREATE_COMPLETE"

    said = stedi(*deploy)
    assert (said.code, "The stack is as it should be." in said.out) == (0, True)

    built(dist, "second")
    said = stedi(*deploy, "--schedule", "cron(0 4 * * ? *)")
    assert said.code == 0, said.err
    assert "~ changed StartTrigger  AWS::Glue::Trigger" in said.out
    assert "- cron(0 3 * * ? *)" in said.out
    assert "+ cron(0 4 * * ? *)" in said.out
    # The files of the first release stay for runs that are under way.
    assert len(keys(account) - first) == len(first)
    assert status(account) == "UPDATE_COMPLETE"

    said = stedi("destroy", "--bucket", BUCKET, "--yes")
    assert said.code == 0, said.err
    assert "- removed CustomerTrustedJob" in said.out
    assert "removed Bucket " not in said.out
    assert "removed Database" not in said.out
    assert "removed PseudonymKey" not in said.out


def test_nothing_happens_unasked(account: Any, stedi: Stedi, dist: Path) -> None:
    said = stedi("deploy", "--bucket", BUCKET, "--artifacts", dist)
    assert said.code == 2
    assert "say --yes" in said.err
    assert account.client("s3").list_buckets()["Buckets"] == []
    assert account.client("cloudformation").describe_stacks()["Stacks"] == []


def test_a_broken_artifact_is_not_uploaded(account: Any, stedi: Stedi, dist: Path) -> None:
    (dist / "glue_job.py").write_text("something else")
    said = stedi("deploy", "--bucket", BUCKET, "--artifacts", dist, "--yes")
    assert said.code == 1
    assert "glue_job.py' is not what was built" in said.err


def test_another_lakes_stack_is_not_removed(account: Any, stedi: Stedi, dist: Path) -> None:
    assert stedi("deploy", "--bucket", BUCKET, "--artifacts", dist, "--yes").code == 0
    said = stedi("destroy", "--bucket", "another-lake", "--yes")
    assert said.code == 2
    assert "has the bucket 'the-lake', not 'another-lake'" in said.err
    assert status(account) == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    "body",
    [
        '{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}',
        "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n",
    ],
)
def test_a_stack_that_is_no_lakes_is_left_alone(
    account: Any, stedi: Stedi, dist: Path, body: str
) -> None:
    aws = account.client("cloudformation")
    aws.create_stack(StackName="shop", TemplateBody=body)
    for command in (
        ("destroy", "--bucket", BUCKET),
        ("destroy", "--bucket", BUCKET, "--delete-data"),
        ("deploy", "--bucket", BUCKET, "--artifacts", dist),
    ):
        said = stedi(*command, "--stack", "shop", "--yes")
        assert said.code == 2
        assert "The stack 'shop' was not made by 'stedi-glue deploy'" in said.err
    assert aws.describe_stacks(StackName="shop")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    assert aws.list_change_sets(StackName="shop")["Summaries"] == []


@pytest.mark.parametrize(("typed", "gone"), [("yes", False), (BUCKET, True)])
def test_data_goes_only_when_its_bucket_is_named(
    account: Any,
    stedi: Stedi,
    dist: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    gone: bool,
) -> None:
    monkeypatch.setattr("typer.prompt", lambda text, err: typed)
    s3, glue = account.client("s3"), account.client("glue")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="customer/landing/one.json", Body=b"{}")
    glue.create_database(DatabaseInput={"Name": "stedi", "LocationUri": f"s3://{BUCKET}/"})

    said = stedi("destroy", "--bucket", BUCKET, "--delete-data", "--yes")
    assert said.code == (0 if gone else 1), said.err
    assert (s3.list_buckets()["Buckets"] == []) is gone
    assert (glue.get_databases()["DatabaseList"] == []) is gone


def test_the_database_of_another_lake_stays(
    account: Any, stedi: Stedi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typer.prompt", lambda text, err: BUCKET)
    glue = account.client("glue")
    glue.create_database(DatabaseInput={"Name": "stedi", "LocationUri": "s3://another-lake/"})
    assert stedi("destroy", "--bucket", BUCKET, "--delete-data").code == 0
    assert len(glue.get_databases()["DatabaseList"]) == 1


def test_there_is_nothing_to_remove(account: Any, stedi: Stedi) -> None:
    said = stedi("destroy", "--bucket", BUCKET, "--yes")
    assert said.code == 2
    assert "There is no stack 'stedi'" in said.err


def test_a_failed_update_prints_the_resource_and_the_reason(
    stedi: Stedi, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = Answers()
    failing(aws)
    s3 = boto3.client("s3", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    stub = Stubber(s3)
    stub.add_client_error("head_bucket", "404", http_status_code=404)
    stub.activate()

    class Failing(Aws):
        def __init__(self, region: str | None, stack: str) -> None:
            super().__init__("us-east-1", stack)
            self.stack._client = aws.client
            self.s3 = s3

    monkeypatch.setattr(deploy_commands, "Aws", Failing)
    said = stedi("deploy", "--bucket", BUCKET, "--artifacts", dist, "--yes")
    assert said.code == 1
    assert said.err.splitlines()[-1] == (
        "Error: The stack 'stedi' was put back as it was. "
        "JobRole (AWS::IAM::Role): The policy is too long. Correct that, and deploy again."
    )
    assert "Traceback" not in said.err


def failing(aws: Answers) -> None:
    whole = "CloudFormation::Stack"
    aws.no_stack()
    aws.no_stack()
    aws.stub.add_response("create_change_set", {"Id": "one"})
    aws.stub.add_response("describe_change_set", {"Status": "CREATE_COMPLETE"})
    aws.events()
    aws.stub.add_response("execute_change_set", {})
    aws.events(
        aws.event("Alerts", "SNS::Topic", "CREATE_COMPLETE"),
        aws.event("JobRole", "IAM::Role", "CREATE_FAILED", "The policy is too long"),
        aws.event("stedi", whole, "ROLLBACK_COMPLETE"),
    )


def test_no_credentials_is_one_sentence(
    stedi: Stedi, dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    said = stedi("deploy", "--bucket", BUCKET, "--artifacts", dist, "--yes")
    assert said.code == 1
    assert "Unable to locate credentials" in said.err
    assert "AWS_PROFILE" in said.err
