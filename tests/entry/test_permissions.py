"""Who runs a lake gets by with the permissions that are documented, and needs all of them.

The tests' server refuses what a policy does not allow, whichever library asks: boto3, Arrow,
Sail's S3 client or Hadoop's.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stedi_glue.backends import s3
from stedi_glue.deploy.permissions import job_policy, secret_called
from stedi_glue.entry import job
from stedi_glue.entry.synthetic import write_landing
from stedi_glue.errors import LakeError, TableHeld
from stedi_glue.model.table import Zone
from stedi_glue.zones import STEDI
from tests.aws_policy import ACCOUNT, restricted
from tests.aws_server import BUCKET, REGION, Account
from tests.backends.test_athena import answer
from tests.conftest import java
from tests.entry.conftest import Stedi
from tests.entry.test_cli import NO_ROWS, PROGRAM
from tests.entry.test_cli_mistakes import add_rule
from tests.entry.test_deploy_commands import built
from tests.entry.test_forget import someone
from tests.oracle import landing_rows

ROOT = f"s3://{BUCKET}"
MADE = [table.name for table in STEDI.tables if table.zone is not Zone.LANDING]
SECRET = "stedi/key"
README = Path(__file__).parents[2] / "README.md"

# What tests cannot see: Glue asks for it in the role's name, or somebody who fails half-way.
UNSEEN = {
    *("KeepScratchFiles", "WriteLogs", "WriteMetrics", "ReadWhatIsThere: artifacts/*"),
    *("ListTheLake: s3:GetBucketLocation", "WriteTables: s3:AbortMultipartUpload"),
}
FOLDERS = {STEDI.table(name).location for name in MADE}
QUARANTINES = {STEDI.table(name).quarantine().location for name in MADE}
SUBJECTS = {folder.split("/")[0] for folder in FOLDERS}
LANDED = ("customer", "accelerometer", "step_trainer")
# What Hadoop's S3 client, which Glue's Spark has, asks for besides.
PROBED = {f"ReadWhatIsThere: {name}" for name in FOLDERS | QUARANTINES | SUBJECTS}
HADOOPS = {"ClearEmptyFolders", *PROBED}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    write_landing(folder, customers=20)
    return folder


@pytest.fixture
def landed(account: Account, raw: Path) -> Account:
    """An account in which a lake is deployed and raw data has landed, some of it bad."""
    account.client("glue").create_database(DatabaseInput={"Name": "stedi"})
    account.client("secretsmanager").create_secret(Name=SECRET, SecretString=32 * "key ")
    for file in raw.rglob("*.json"):
        key = file.relative_to(raw).as_posix()
        account.client("s3").upload_file(str(file), BUCKET, key)
    readings = (raw / "accelerometer/landing/accelerometer-00000.json").read_text().splitlines()
    bad = "\n".join(json.dumps(json.loads(line) | {"x": None}) for line in readings[::50])
    account.client("s3").put_object(Bucket=BUCKET, Key="accelerometer/landing/bad.json", Body=bad)
    for subject in LANDED[1:]:
        key = f"{subject}/landing/cut.json"
        account.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b'{"cut')
    return account


@pytest.fixture
def orphans(account: Account, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Files that a killed run left in every folder, two days ago."""
    later = SimpleNamespace(time=lambda: time.time() + 2 * s3.DAY)
    monkeypatch.setattr(s3, "time", later)
    keys = {f"{subject}/quarantine/killed/part.parquet" for subject in LANDED}
    keys |= {
        f"{table.location}{place}/killed/part.parquet"
        for table in STEDI.tables
        for place in (
            ("_parsed",) if table.zone is Zone.LANDING else ("/data", "/metadata", "_quarantine")
        )
    }
    for key in keys:
        account.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"")
    return keys


@pytest.mark.slow
def test_a_job_asks_for_what_its_role_may_do_and_no_less(
    landed: Account, orphans: set[str], own_rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["glue_job.py", "--lake", ROOT, "--engine", "sail", "--key", f"secret:{SECRET}"]
    with restricted(landed, job_policy(STEDI, BUCKET, secret_called(SECRET))) as used:
        job.main(base)
        tables = {t["table"]: t for t in json.loads(capsys.readouterr().out)["tables"]}
        assert tables["accelerometer_trusted"]["quarantined"] > 0
        job.main([*base, "--table", MADE[0]])
        add_rule(own_rules / f"{MADE[0]}.json", NO_ROWS)
        with pytest.raises(TableHeld):
            job.main([*base, "--table", MADE[0], "--rules", str(own_rules)])
    assert not used.refused
    assert {need.by for need in used.needs} == {"Arrow", "Sail", "boto3"}
    assert not orphans & landed.objects().keys(), "what a killed run left is gone"
    assert used.idle == UNSEEN | HADOOPS
    # Before the job failed, the documentation in S3 said why.
    client = landed.client("s3")
    pages = [client.get_object(Bucket=BUCKET, Key=key) for key in landed.objects("docs/")]
    assert any(b"There is nobody." in page["Body"].read() for page in pages)


@pytest.mark.slow
def test_a_job_on_spark_asks_for_what_its_role_may_do(landed: Account) -> None:
    if os.environ.get("CI") != "true" and not java():
        pytest.skip("classic Spark needs a Java: put one on PATH or set JAVA_HOME")
    # Spark 3.5.6 comes with the S3 client of Hadoop 3.3.4, which Glue's is made from.
    run = [*PROGRAM, "run", "--lake", ROOT, "--engine", "spark", "--key", f"secret:{SECRET}"]
    with restricted(landed, job_policy(STEDI, BUCKET, secret_called(SECRET))) as used:
        for _ in ("first", "second"):
            done = subprocess.run(run, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
    assert not used.refused
    assert {need.by for need in used.needs} == {"Arrow", "Hadoop", "boto3"}
    # It asks for folders that are not there yet, and of rows only readings were left out.
    there = SUBJECTS - {"machine_learning"} | QUARANTINES - {"accelerometer/trusted_quarantine"}
    assert HADOOPS & used.idle == {f"ReadWhatIsThere: {name}" for name in there}


def test_what_a_policy_does_not_allow_is_refused(landed: Account) -> None:
    document = job_policy(STEDI, "another-bucket", secret_called(SECRET))
    with restricted(landed, document) as used, pytest.raises(LakeError, match="AWS denied ListOb"):
        job.main(["glue_job.py", "--lake", ROOT])
    assert {need.action for need in used.refused} == {"s3:ListBucket"}
    assert {line.split(":")[0] for line in used.idle} >= {"ListTheLake", "PublishTables"}


RUNNING = r"\nWhoever runs it needs (.*?)\n\n"
FORGETTING = r"`forget` also\s+needs\s(.*?)\. Let"


def documented(*sentences: str) -> dict[str, Any]:
    """Return the policy that the README tells in words, for the tests' lake."""
    readme = README.read_text("utf-8")
    told = " ".join(re.findall(one, readme, re.DOTALL)[0] for one in sentences)
    actions = re.findall(r"`((?:s3|glue|athena):\w+)`", told)
    here = f"{REGION}:{ACCOUNT}"
    places = {
        "s3": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
        "glue": [
            *(f"arn:aws:glue:{here}:{one}" for one in ("catalog", "database/stedi")),
            f"arn:aws:glue:{here}:table/stedi/*",
        ],
        "athena": [f"arn:aws:athena:{here}:workgroup/*"],
    }
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": service,
                "Effect": "Allow",
                "Action": [action for action in actions if action.startswith(f"{service}:")],
                "Resource": resources,
            }
            for service, resources in places.items()
        ],
    }


@pytest.mark.slow
def test_the_readme_says_what_whoever_runs_a_lake_must_be_allowed_to_do(
    account: Account,
    orphans: set[str],
    raw: Path,
    stedi: Stedi,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STEDI_LAKE", ROOT)
    account.answers(answer({"n": "bigint"}, ("1",)))
    commands = [
        ("land", raw),
        ("run", "customer_landing", MADE[0]),
        ("run", "customer_landing", MADE[0]),
        ("land", raw),
        ("tables",),
        ("history", MADE[0]),
        ("quarantine", MADE[0]),
        ("vacuum", "--delete"),
        ("rollback", MADE[0]),
        ("query", "SELECT 1 AS n"),
        ("query", f"SELECT count(*) FROM {MADE[0]}", "--engine", "sail"),
        ("docs",),
    ]
    with restricted(account, documented(RUNNING)) as used:
        for command in commands:
            said = stedi(*command)
            assert said.code == 0, (command, said.out, said.err)
    assert not used.refused
    # Athena looks where the bucket is, and only a query that is interrupted is stopped.
    assert used.idle == {"s3: s3:GetBucketLocation", "athena: athena:StopQueryExecution"}


@pytest.mark.slow
def test_the_readme_says_what_whoever_forgets_must_be_allowed_to_do(
    account: Account,
    raw: Path,
    own_rules: Path,
    stedi: Stedi,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STEDI_LAKE", ROOT)
    monkeypatch.setenv("STEDI_KEY", "env:LAKE_KEY")
    monkeypatch.setenv("LAKE_KEY", 32 * "key ")
    versioned = {"Status": "Enabled"}
    account.client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=versioned)
    assert stedi("land", raw).code == 0
    assert stedi("run").code == 0
    add_rule(own_rules / "customers_curated.json", NO_ROWS)
    person = someone(landing_rows(raw))["email"]
    with restricted(account, documented(RUNNING, FORGETTING)) as used:
        said = stedi("forget", person, "--rules", own_rules)
        assert said.code == 0, said.err
        assert "customers_curated is withdrawn" in said.out
        assert stedi("forget", person, "--verify").code == 0
    assert not used.refused
    (told,) = re.findall(FORGETTING, README.read_text("utf-8"), re.DOTALL)
    assert {need.action for need in used.needs} >= set(re.findall(r"`(\w+:\w+)`", told))


@pytest.mark.filterwarnings("ignore:Tried to parse AWS")
def test_a_deployer_asks_for_what_the_printed_policy_allows(
    account: Account, raw: Path, stedi: Stedi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = {"Name": "stedi", "LocationUri": "s3://the-lake/"}
    account.client("glue").create_database(DatabaseInput=database)
    monkeypatch.setattr("stedi_glue.deploy.stack._POLL_SECONDS", 0.01)
    monkeypatch.setattr("typer.prompt", lambda text, err: "the-lake")
    dist = built(tmp_path / "dist", "first")
    document = json.loads(stedi("deploy", "--bucket", "the-lake", "--permissions").out)
    deploy = ("deploy", "--bucket", "the-lake", "--artifacts", dist, "--yes")
    with restricted(account, document) as used:
        for command in (
            deploy,
            deploy,
            (*deploy, "--schedule", "cron(0 4 * * ? *)"),
            ("land", raw, "--lake", "s3://the-lake"),
            ("destroy", "--bucket", "the-lake", "--delete-data", "--yes"),
        ):
            said = stedi(*command)
            assert said.code == 0, (command, said.out, said.err)
    assert not used.refused
    # Most of the rest is what CloudFormation asks for in the deployer's name.
    assert not [line for line in used.idle if line.startswith("ChangeTheStack")]
    assert not {"KeepTheJobs: glue:DeleteDatabase", "KeepTheBucket: s3:DeleteBucket"} & used.idle
