"""The template: what stands in AWS follows from the pipeline, and AWS's own schemas accept it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from cfnlint import ManualArgs
from cfnlint.api import lint
from cfnlint.helpers import REGIONS

from stedi_glue.deploy.plan import Layout, Plan
from stedi_glue.deploy.template import synthesize
from stedi_glue.entry.job import parse
from stedi_glue.errors import UsageError
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.settings import Settings
from stedi_glue.zones import STEDI, stedi
from tests.oracle import SUBJECTS
from tests.test_new_table import with_sixth_table

Resources = dict[str, Any]

# Every rule but the experimental ones, also those that only inform, in every region.
STRICT = ManualArgs(include_checks=["I"], regions=REGIONS)

MADE = (
    "customer_trusted",
    "accelerometer_trusted",
    "customers_curated",
    "step_trainer_trusted",
    "machine_learning_curated",
)


def plan(**choices: Any) -> Plan:
    return Plan("the-lake", "0.1.0-abc", "the.zip", "the.gluewheels.zip", **choices)


def resources(pipeline: Pipeline = STEDI, **choices: Any) -> Resources:
    return json.loads(synthesize(pipeline, plan(**choices)).to_json())["Resources"]


def of_type(found: Resources, kind: str) -> dict[str, Any]:
    return {n: r["Properties"] for n, r in found.items() if r["Type"] == f"AWS::{kind}"}


def jobs(found: Resources) -> dict[str, Any]:
    """Jobs by the table they make."""
    made = of_type(found, "Glue::Job").values()
    return {job["DefaultArguments"].get("--table", "all"): job for job in made}


def statements(found: Resources) -> Iterator[dict[str, Any]]:
    role = found["JobRole"]["Properties"]
    yield from role["Policies"][0]["PolicyDocument"]["Statement"]
    for name in ("BucketPolicy", "AlertsPolicy"):
        yield from found[name]["Properties"]["PolicyDocument"]["Statement"]


@pytest.mark.parametrize("layout", get_args(Layout))
@pytest.mark.parametrize(("alert", "secret"), [(None, None), ("who@example.com", "stedi/key")])
def test_cfn_lint_finds_nothing(layout: Layout, alert: str | None, secret: str | None) -> None:
    template = synthesize(STEDI, plan(layout=layout, alert=alert, secret=secret))
    for text in (template.to_json(), template.to_yaml(clean_up=True)):
        assert lint(text, config=STRICT) == []


def test_cfn_lint_is_at_work() -> None:
    text = synthesize(STEDI, plan()).to_json().replace('"G.1X"', '"G.1Y"')
    assert {match.rule.id for match in lint(text, config=STRICT)} == {"E3030"}


def test_every_table_that_is_made_has_a_job() -> None:
    assert set(jobs(resources())) == set(MADE)
    assert set(jobs(resources(layout="single"))) == {"all"}


@pytest.mark.parametrize("layout", get_args(Layout))
def test_jobs_are_pinned_and_bounded(layout: Layout) -> None:
    for job in jobs(resources(layout=layout)).values():
        assert job["GlueVersion"] == "5.1"
        assert (job["WorkerType"], job["NumberOfWorkers"]) == ("G.1X", 2)
        assert (job["Timeout"], job["MaxRetries"]) == (30, 0)
        assert job["ExecutionProperty"] == {"MaxConcurrentRuns": 1}
        assert job["Command"] == {
            "Name": "glueetl",
            "PythonVersion": "3",
            "ScriptLocation": "s3://the-lake/artifacts/0.1.0-abc/glue_job.py",
        }


def test_jobs_get_what_they_run_and_the_pipelines_options() -> None:
    found = jobs(resources(stedi("customer", "as-of", "all")))
    assert found["customer_trusted"]["DefaultArguments"] == {
        "--additional-python-modules": "s3://the-lake/artifacts/0.1.0-abc/the.gluewheels.zip",
        "--python-modules-installer-option": "--no-index",
        "--extra-py-files": "s3://the-lake/artifacts/0.1.0-abc/the.zip",
        "--TempDir": "s3://the-lake/temp/",
        "--job-language": "python",
        "--job-bookmark-option": "job-bookmark-disable",
        "--enable-metrics": "true",
        "--enable-observability-metrics": "true",
        "--enable-continuous-cloudwatch-log": "true",
        "--lake": "s3://the-lake",
        "--engine": "glue",
        "--catalog": "glue",
        "--pairing": "customer",
        "--consent": "as-of",
        "--versions": "all",
        "--key": {"Fn::Sub": "secret:${PseudonymKey}"},
        "--table": "customer_trusted",
    }


@pytest.mark.parametrize("layout", get_args(Layout))
def test_the_job_understands_its_arguments(layout: Layout) -> None:
    for table, job in jobs(resources(stedi("customer", "as-of", "all"), layout=layout)).items():
        # CloudFormation puts the secret's ARN in this place.
        given = job["DefaultArguments"] | {"--key": "secret:arn:aws:secretsmanager:x"}
        words = [word for pair in given.items() for word in pair]
        settings, made = parse(["glue_job.py", *words, "--JOB_NAME", "a job"])
        assert made == (None if table == "all" else table)
        assert settings.lake == "s3://the-lake"
        chosen = (settings.pairing, settings.consent, settings.versions)
        assert (settings.engine, *chosen) == ("glue", "customer", "as-of", "all")
        assert settings.key == "secret:arn:aws:secretsmanager:x"


@pytest.mark.parametrize("layout", get_args(Layout))
def test_the_stack_makes_a_key_that_its_jobs_alone_may_read(layout: Layout) -> None:
    found = resources(layout=layout)
    secret = found["PseudonymKey"]
    assert secret["DeletionPolicy"] == "RetainExceptOnCreate"
    made = secret["Properties"]["GenerateSecretString"]
    assert made == {"ExcludePunctuation": True, "PasswordLength": 64}
    for job in jobs(found).values():
        # Its ARN, never the key.
        assert job["DefaultArguments"]["--key"] == {"Fn::Sub": "secret:${PseudonymKey}"}
        # Whether the lake names people is the lake's to know, unless somebody says.
        assert "--privacy" not in job["DefaultArguments"]
    (allowed,) = [s for s in statements(found) if s.get("Sid") == "ReadTheKey"]
    assert allowed["Action"] == ["secretsmanager:GetSecretValue"]
    assert allowed["Resource"] == [{"Ref": "PseudonymKey"}]


def test_jobs_never_take_another_key_because_a_lake_is_to_be_pseudonymous() -> None:
    # Said outright, it has a run accept any key for the lake's own.
    for job in jobs(resources(privacy="pseudonymous")).values():
        assert "--privacy" not in job["DefaultArguments"]


def test_jobs_get_the_key_that_is_named_and_are_told_of_privacy() -> None:
    found = resources(privacy="identified", secret="stedi/key")
    for job in jobs(found).values():
        assert job["DefaultArguments"]["--key"] == "secret:stedi/key"
        assert job["DefaultArguments"]["--privacy"] == "identified"
    (allowed,) = [s for s in statements(found) if s.get("Sid") == "ReadTheKey"]
    (place,) = allowed["Resource"]
    assert place["Fn::Sub"].endswith(":secret:stedi/key-??????")
    assert "PseudonymKey" not in found


def triggers(found: Resources) -> dict[str, tuple[set[str], set[str]]]:
    """Each trigger: the jobs it waits for, and those it starts."""
    return {
        name: (
            {c["JobName"]["Ref"] for c in trigger.get("Predicate", {}).get("Conditions", ())},
            {action["JobName"]["Ref"] for action in trigger["Actions"]},
        )
        for name, trigger in of_type(found, "Glue::Trigger").items()
    }


def test_triggers_follow_the_lineage() -> None:
    found = resources()
    assert triggers(found) == {
        "StartTrigger": (set(), {"CustomerTrustedJob"}),
        "AccelerometerTrustedTrigger": ({"CustomerTrustedJob"}, {"AccelerometerTrustedJob"}),
        "CustomersCuratedTrigger": (
            {"CustomerTrustedJob", "AccelerometerTrustedJob"},
            {"CustomersCuratedJob"},
        ),
        "StepTrainerTrustedTrigger": ({"CustomersCuratedJob"}, {"StepTrainerTrustedJob"}),
        "MachineLearningCuratedTrigger": (
            {"StepTrainerTrustedJob", "AccelerometerTrustedJob", "CustomersCuratedJob"},
            {"MachineLearningCuratedJob"},
        ),
    }
    for trigger in of_type(found, "Glue::Trigger").values():
        assert trigger["WorkflowName"] == {"Ref": "Workflow"}
        assert trigger["StartOnCreation"] is True
        # One held source is enough to hold back what is made of it.
        assert trigger.get("Predicate", {"Logical": "AND"})["Logical"] == "AND"
        for condition in trigger.get("Predicate", {}).get("Conditions", ()):
            assert (condition["LogicalOperator"], condition["State"]) == ("EQUALS", "SUCCEEDED")


def test_a_single_job_is_started_on_schedule() -> None:
    found = resources(layout="single", schedule="cron(30 4 * * ? *)")
    assert triggers(found) == {"StartTrigger": (set(), {"AllTablesJob"})}
    start = found["StartTrigger"]["Properties"]
    assert (start["Type"], start["Schedule"]) == ("SCHEDULED", "cron(30 4 * * ? *)")


def test_a_new_table_brings_its_job_trigger_and_permissions() -> None:
    before, after = resources(), resources(with_sixth_table())
    assert set(after) - set(before) == {"DeviceActivityJob", "DeviceActivityTrigger"}
    assert triggers(after)["DeviceActivityTrigger"] == (
        {"StepTrainerTrustedJob"},
        {"DeviceActivityJob"},
    )
    gained = {item for s in statements(after) for item in named(s)} - {
        item for s in statements(before) for item in named(s)
    }
    place = "${AWS::Region}:${AWS::AccountId}"
    lake = "arn:${AWS::Partition}:s3:::the-lake"
    assert gained == {
        f"{lake}/device_activity",
        f"{lake}/device_activity/",
        f"{lake}/device_activity/curated",
        f"{lake}/device_activity/curated/*",
        f"{lake}/device_activity/curated_quarantine",
        f"{lake}/device_activity/curated_quarantine/*",
        f"arn:${{AWS::Partition}}:glue:{place}:table/stedi/device_activity",
    }
    assert {"Ref": "DeviceActivityJob"} in after["AlertRule"]["Properties"]["EventPattern"][
        "detail"
    ]["jobName"]


def named(statement: dict[str, Any]) -> list[str]:
    listed = statement["Resource"]
    found = listed if isinstance(listed, list) else [listed]
    return [item if isinstance(item, str) else next(iter(item.values())) for item in found]


def test_people_have_roles_that_their_account_gives_out() -> None:
    found = resources()
    for title in ("AnalystRole", "StewardRole"):
        role = found[title]["Properties"]
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        root = "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"
        assert trust["Principal"] == {"AWS": {"Fn::Sub": root}}
        for statement in role["Policies"][0]["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            assert not [action for action in statement["Action"] if "*" in action]
            assert not [one for one in named(statement) if one.endswith(("the-lake/*", "stedi/*"))]
            if "s3:ListBucket" in statement["Action"]:
                assert "*" not in statement["Condition"]["StringLike"]["s3:prefix"]


def test_answers_to_analysts_are_apart_from_those_to_others() -> None:
    found = resources()
    places = {
        name: group["WorkGroupConfiguration"]["ResultConfiguration"]["OutputLocation"]
        for name, group in of_type(found, "Athena::WorkGroup").items()
    }
    assert places == {
        "WorkGroup": "s3://the-lake/athena/",
        "AnalystWorkGroup": "s3://the-lake/athena/analysts/",
    }
    assert found["AnalystWorkGroup"]["Properties"]["Name"] == {
        "Fn::Sub": "${AWS::StackName}-analysts"
    }


def test_no_statement_names_everything_where_something_can_be_named() -> None:
    for statement in statements(resources()):
        actions = statement["Action"]
        if statement["Effect"] == "Allow":
            assert not [action for action in actions if "*" in action], statement
        if "cloudwatch:PutMetricData" in actions:
            # The one action here that knows no resources.
            assert actions == ["cloudwatch:PutMetricData"]
            assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Glue"}}
            continue
        for resource in named(statement):
            assert resource != "*", statement
            # Of a bucket, some folder; of a catalog, some table.
            assert not re.search(r"(:::the-lake|table/stedi|database)/\*$", resource) or (
                statement["Effect"] == "Deny"
            ), statement


def test_a_job_writes_tables_and_only_reads_what_landed() -> None:
    writable = {
        resource.removeprefix("arn:${AWS::Partition}:s3:::the-lake/")
        for statement in statements(resources())
        if "s3:PutObject" in statement["Action"]
        for resource in named(statement)
    }
    assert writable == {
        *(f"{subject}/landing_parsed/*" for subject in SUBJECTS),
        *(f"{subject}/quarantine/*" for subject in SUBJECTS),
        *(f"{STEDI.table(name).location}/*" for name in MADE),
        *(f"{STEDI.table(name).location}_quarantine/*" for name in MADE),
        *("audits/*", "docs/*", "lake.json", "runs/*", "temp/*"),
    }


def test_the_bucket_is_encrypted_private_and_kept() -> None:
    found = resources()
    bucket = found["Bucket"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == (
        "RetainExceptOnCreate",
        "Retain",
    )
    assert found["Database"]["DeletionPolicy"] == "RetainExceptOnCreate"
    properties = bucket["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    rules = properties["LifecycleConfiguration"]["Rules"]
    assert {"DaysAfterInitiation": 1} in [r.get("AbortIncompleteMultipartUpload") for r in rules]
    # What expires is scratch: no table lies under it.
    expiring = [r["Prefix"] for r in rules if "ExpirationInDays" in r]
    assert expiring == ["athena/", "queries/", "temp/"]
    assert not [t for t in STEDI.tables if t.location.startswith(tuple(expiring))]
    (deny,) = found["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_queries_have_a_limit() -> None:
    group = resources()["WorkGroup"]["Properties"]["WorkGroupConfiguration"]
    assert group["BytesScannedCutoffPerQuery"] == 10 * 1024**3
    assert group["EnforceWorkGroupConfiguration"] is True
    assert group["ResultConfiguration"]["OutputLocation"] == "s3://the-lake/athena/"


def test_it_fits_into_one_request() -> None:
    # Beyond this, CloudFormation takes a template only from a bucket.
    assert len(synthesize(STEDI, plan()).to_json(indent=None)) < 51_200


def test_the_defaults_of_settings_are_those_of_jobs() -> None:
    found = jobs(resources())["customer_trusted"]["DefaultArguments"]
    assert found["--pairing"] == Settings().pairing
    assert found["--consent"] == Settings().consent
    assert found["--versions"] == Settings().versions


@pytest.mark.parametrize("name", ["s3://bucket", "Bucket", "b", "a_bucket", "bucket/folder"])
def test_a_name_that_is_no_buckets(name: str) -> None:
    with pytest.raises(UsageError, match="no name for a bucket"):
        Plan(name, "release", "the.zip", "the.gluewheels.zip")


def test_a_schedule_that_is_none() -> None:
    with pytest.raises(UsageError, match=r"must read like 'cron\(0 3"):
        plan(schedule="every night")


def test_the_script_is_where_the_readme_says() -> None:
    assert (Path(__file__).parents[2] / "deploy" / plan().script).is_file()
