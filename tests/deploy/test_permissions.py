"""What a deployer may do: actions that exist, on what belongs to one lake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
from cfnlint import ManualArgs
from cfnlint.api import lint
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from stedi_glue.deploy.deployer import deployer_policy
from stedi_glue.deploy.plan import Plan
from stedi_glue.deploy.template import synthesize
from stedi_glue.zones import STEDI

# Every rule but the experimental ones, also those that only inform.
STRICT = ManualArgs(include_checks=["I"])

# A resource of each type in the template, as AWS calls it.
HERE = "us-east-1:123456789012"
TOPIC = f"arn:aws:sns:{HERE}:stedi-Alerts-X"
THINGS = {
    "Athena::WorkGroup": [f"arn:aws:athena:{HERE}:workgroup/stedi-analysts"],
    "Events::Rule": [f"arn:aws:events:{HERE}:rule/stedi-AlertRule-X"],
    "Glue::Database": [f"arn:aws:glue:{HERE}:database/stedi"],
    "Glue::Job": [f"arn:aws:glue:{HERE}:job/stedi-customer_trusted"],
    "Glue::Trigger": [f"arn:aws:glue:{HERE}:trigger/stedi-start"],
    "Glue::Workflow": [f"arn:aws:glue:{HERE}:workflow/stedi"],
    "IAM::Role": ["arn:aws:iam::123456789012:role/stedi-JobRole-X"],
    "S3::Bucket": ["arn:aws:s3:::the-lake", "arn:aws:s3:::the-lake/athena/one.csv"],
    "S3::BucketPolicy": ["arn:aws:s3:::the-lake"],
    "SNS::Subscription": [f"{TOPIC}:1"],
    "SNS::Topic": [TOPIC],
    "SNS::TopicPolicy": [TOPIC],
    "SecretsManager::Secret": [f"arn:aws:secretsmanager:{HERE}:secret:stedi-pseudonyms-1-Abc"],
}

# What AWS's handlers list for features that the template does not use; patterns of actions.
UNUSED = [
    # Keys of one's own in KMS: S3's own encrypt.
    "kms:*",
    # Workgroups that run Spark or ask IAM Identity Center.
    "iam:CreateServiceLinkedRole",
    # Databases that are elsewhere.
    "glue:*Connection",
    # Managed policies and boundaries of roles: granted, they would be a way to more rights.
    *("iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:*RolePermissionsBoundary"),
    # What a bucket can have besides encryption, lifecycle, ownership, public access and tags.
    *("s3:PutAccelerateConfiguration", "s3:PutBucketAbac", "s3:Put*Acl", "s3:PutBucketLogging"),
    *("s3:PutAnalyticsConfiguration", "s3:DeleteBucketAnalyticsConfiguration"),
    *("s3:PutBucketCORS", "s3:DeleteBucketCors"),
    *("s3:PutIntelligentTieringConfiguration", "s3:PutInventoryConfiguration"),
    *("s3:CreateBucketMetadata*", "s3:DeleteBucketMetadata*", "s3:UpdateBucketMetadata*"),
    *("s3:PutMetricsConfiguration", "s3:DeleteBucketMetricsConfiguration"),
    *("s3:PutBucketNotification", "s3:PutBucketVersioning", "s3:Put*ObjectLockConfiguration"),
    *("s3:Put*Replication*", "s3:DeleteBucketReplication"),
    *("s3:PutBucketWebsite", "s3:DeleteBucketWebsite"),
    "s3tables:*",
    # No such actions: removing either takes that of putting it.
    *("s3:DeleteBucketEncryption", "s3:DeleteBucketLifecycle"),
    # Filters of subscriptions: anything else of one makes it anew.
    "sns:SetSubscriptionAttributes",
    "sns:PutDataProtectionPolicy",
    # Copies of secrets in other regions.
    *("secretsmanager:ReplicateSecretToRegions", "secretsmanager:RemoveRegionsFromReplication"),
    # The key itself, which CloudFormation makes and hands to nobody; deployers are not to see it.
    "secretsmanager:GetSecretValue",
]


def test_the_deployers_permissions_are_real_and_bounded() -> None:
    policy = deployer_policy("the-lake", "stedi")
    holder = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": policy, "Description": "Deploys."},
    }
    # cfn-lint knows every action of every service.
    assert lint(json.dumps({"Resources": {"Deployer": holder}}), config=STRICT) == []
    for statement in policy["Statement"]:
        assert not [action for action in statement["Action"] if "*" in action]
        services = {action.split(":")[0] for action in statement["Action"]}
        if statement["Action"] == ["secretsmanager:GetRandomPassword"] or (
            services == {"lakeformation"}
        ):
            continue  # They know no resources.
        for resource in statement["Resource"]:
            assert "the-lake" in resource or "stedi" in resource or resource.endswith(":catalog")


def test_a_made_up_action_would_be_found() -> None:
    policy = deployer_policy("the-lake", "stedi")
    policy["Statement"][0]["Action"].append("cloudformation:MakeItSo")
    holder = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy}}
    found = lint(json.dumps({"Resources": {"Deployer": holder}}), config=STRICT)
    assert {match.rule.id for match in found} == {"W3037"}


def types() -> list[str]:
    plan = Plan("the-lake", "release", "the.zip", "the.gluewheels.zip", alert="who@example.com")
    found = json.loads(synthesize(STEDI, plan).to_json())["Resources"].values()
    return sorted({resource["Type"].removeprefix("AWS::") for resource in found})


def handled(kind: str) -> set[str]:
    """What CloudFormation calls in the deployer's name for one type, as AWS publishes it."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", f"AWS::{kind}").schema
    handlers = schema["handlers"].items()
    return {a for verb, one in handlers if verb != "list" for a in one["permissions"]}


def allowed(policy: dict[str, Any], action: str) -> Iterator[str]:
    """Where an action is allowed, as patterns of resources."""
    for statement in policy["Statement"]:
        if action in statement["Action"]:
            yield from statement["Resource"]


@pytest.mark.parametrize("kind", types())
def test_cloudformation_may_do_for_deployers_what_its_handlers_call(kind: str) -> None:
    policy = deployer_policy("the-lake", "stedi")
    own = kind.split("::")[0].lower()
    needed = {a for a in handled(kind) if not any(fnmatchcase(a, one) for one in UNUSED)}
    assert needed
    refused = set()
    for action in needed:
        places = [*allowed(policy, action)]
        # What a handler calls of another service is about another resource of the stack.
        if action.startswith(f"{own}:"):
            places = [p for p in places if any(fnmatchcase(one, p) for one in THINGS[kind])]
        if not places:
            refused.add(action)
    assert refused == set()


def test_deployers_may_not_do_what_the_template_does_not_use() -> None:
    granted = {a for s in deployer_policy("the-lake", "stedi")["Statement"] for a in s["Action"]}
    assert not [a for a in granted if any(fnmatchcase(a, one) for one in UNUSED)]


def test_the_policy_fits_into_a_managed_one() -> None:
    # With the longest names that S3 and CloudFormation take; IAM counts no white space.
    policy = deployer_policy("b" * 63, "s" * 128)
    assert len(json.dumps(policy, separators=(",", ":"))) <= 6144
