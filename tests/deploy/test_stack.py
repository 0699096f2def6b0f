"""A stack's life, as CloudFormation answers: recorded answers, held to its own API's model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from stedi_glue.deploy.plan import Plan
from stedi_glue.deploy.stack import ChangeSet, Event, Stack
from stedi_glue.deploy.template import synthesize
from stedi_glue.errors import DeployError, UsageError
from stedi_glue.zones import STEDI

STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/stedi/1"
CHANGES = "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/one/1"


class Answers:
    """CloudFormation's answers, in the order they are asked for."""

    def __init__(self) -> None:
        self.client = boto3.client(
            "cloudformation",
            region_name="eu-west-1",
            aws_access_key_id="none",
            aws_secret_access_key="none",
        )
        self.stub = Stubber(self.client)
        self.stub.activate()
        self._number = 0

    def stack(self, status: str, **more: Any) -> None:
        found = {"StackName": "stedi", "StackId": STACK_ID, "StackStatus": status, **more}
        found["CreationTime"] = datetime.now(UTC)
        self.stub.add_response("describe_stacks", {"Stacks": [found]})

    def no_stack(self) -> None:
        self.stub.add_client_error(
            "describe_stacks", "ValidationError", "Stack with id stedi does not exist", 400
        )

    def event(self, name: str, kind: str, status: str, reason: str = "") -> dict[str, Any]:
        self._number += 1
        return {
            "StackId": STACK_ID,
            "StackName": "stedi",
            "EventId": f"event-{self._number}",
            "LogicalResourceId": name,
            "PhysicalResourceId": STACK_ID if kind == "CloudFormation::Stack" else f"a-{name}",
            "ResourceType": f"AWS::{kind}",
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
            "Timestamp": datetime.now(UTC),
        }

    def events(self, *oldest_first: dict[str, Any]) -> None:
        self.stub.add_response("describe_stack_events", {"StackEvents": [*oldest_first[::-1]]})


@pytest.fixture
def aws() -> Iterator[Answers]:
    answers = Answers()
    yield answers
    answers.stub.assert_no_pending_responses()


@pytest.fixture
def stack(aws: Answers) -> Stack:
    return Stack("stedi", aws.client, pause=lambda seconds: None)


def test_a_failed_update_says_which_resource_failed_and_why(aws: Answers, stack: Stack) -> None:
    whole = "CloudFormation::Stack"
    old = aws.event("stedi", whole, "CREATE_COMPLETE")
    first = [
        aws.event("stedi", whole, "UPDATE_IN_PROGRESS", "User Initiated"),
        aws.event("JobRole", "IAM::Role", "UPDATE_IN_PROGRESS"),
    ]
    then = [
        aws.event("JobRole", "IAM::Role", "UPDATE_FAILED", "The policy is too long (Code 409)"),
        aws.event("AlertRule", "Events::Rule", "UPDATE_FAILED", "Resource update cancelled"),
        aws.event("stedi", whole, "UPDATE_ROLLBACK_IN_PROGRESS", "[JobRole, AlertRule] failed"),
    ]
    last = [aws.event("stedi", whole, "UPDATE_ROLLBACK_COMPLETE")]
    aws.events(old)
    aws.stub.add_response("execute_change_set", {}, {"ChangeSetName": CHANGES})
    # The old end is still the newest event: it is not taken for the end of this update.
    aws.events(old)
    aws.events(old, *first)
    aws.events(old, *first, *then)
    aws.events(old, *first, *then, *last)

    seen: list[Event] = []
    with pytest.raises(DeployError) as failed:
        stack.apply(ChangeSet(CHANGES, frozenset()), seen.append)
    assert str(failed.value) == (
        "The stack 'stedi' was put back as it was. "
        "JobRole (AWS::IAM::Role): The policy is too long (Code 409). "
        "Correct that, and deploy again."
    )
    assert [event.resource for event in seen if event.failed] == ["JobRole"]
    assert len(seen) == len([*first, *then, *last])


def test_a_failed_creation_names_the_cause_not_its_consequences(aws: Answers, stack: Stack) -> None:
    whole = "CloudFormation::Stack"
    told = [
        aws.event("Bucket", "S3::Bucket", "CREATE_FAILED", "the-lake already exists"),
        aws.event("Alerts", "SNS::Topic", "CREATE_FAILED", "Resource creation Cancelled"),
        aws.event("stedi", whole, "CREATE_FAILED", "The following resource(s) failed: [Bucket]"),
        aws.event("stedi", whole, "ROLLBACK_COMPLETE"),
    ]
    aws.events()
    aws.stub.add_response("execute_change_set", {}, {"ChangeSetName": CHANGES})
    aws.events(*told)
    with pytest.raises(DeployError) as failed:
        stack.apply(ChangeSet(CHANGES, frozenset()), lambda event: None)
    assert str(failed.value).endswith(
        "Bucket (AWS::S3::Bucket): the-lake already exists. Correct that, and deploy again."
    )
    assert "Alerts" not in str(failed.value)


def test_a_stack_that_cannot_be_put_back_is_said_to_be_stuck(aws: Answers, stack: Stack) -> None:
    whole = "CloudFormation::Stack"
    aws.events()
    aws.stub.add_response("execute_change_set", {}, {"ChangeSetName": CHANGES})
    aws.events(aws.event("stedi", whole, "UPDATE_ROLLBACK_FAILED"))
    with pytest.raises(DeployError, match="is UPDATE_ROLLBACK_FAILED"):
        stack.apply(ChangeSet(CHANGES, frozenset()), lambda event: None)


def prepared(aws: Answers, kind: str, status: str, **more: Any) -> None:
    asked = {
        "StackName": "stedi",
        "ChangeSetName": ANY,
        "ChangeSetType": kind,
        "TemplateBody": "{}",
        "Capabilities": ["CAPABILITY_IAM"],
        "ImportExistingResources": True,
    }
    aws.stub.add_response("create_change_set", {"Id": CHANGES, "StackId": STACK_ID}, asked)
    aws.stub.add_response("describe_change_set", {"Status": "CREATE_IN_PROGRESS"})
    aws.stub.add_response("describe_change_set", {"Status": status, **more})


def test_a_change_knows_what_is_made_anew(aws: Answers, stack: Stack) -> None:
    change = {"LogicalResourceId": "Bucket", "Replacement": "True", "Action": "Modify"}
    other = {"LogicalResourceId": "JobRole", "Replacement": "False", "Action": "Modify"}
    listed = [{"Type": "Resource", "ResourceChange": one} for one in (change, other)]
    aws.stack("UPDATE_COMPLETE")
    prepared(aws, "UPDATE", "CREATE_COMPLETE", Changes=listed)
    assert stack.prepare("{}") == ChangeSet(CHANGES, frozenset({"Bucket"}))


def test_no_change_is_no_error(aws: Answers, stack: Stack) -> None:
    aws.stack("UPDATE_COMPLETE")
    reason = "The submitted information didn't contain changes. Submit different information."
    prepared(aws, "UPDATE", "FAILED", StatusReason=reason)
    aws.stub.add_response("delete_change_set", {}, {"ChangeSetName": CHANGES})
    assert stack.prepare("{}") is None


def test_a_refused_change_leaves_no_shell_behind(aws: Answers, stack: Stack) -> None:
    aws.no_stack()
    prepared(aws, "CREATE", "FAILED", StatusReason="Role is not known")
    aws.stub.add_response("delete_change_set", {}, {"ChangeSetName": CHANGES})
    aws.stub.add_response("delete_stack", {}, {"StackName": "stedi"})
    with pytest.raises(DeployError, match="refused the change to 'stedi': Role is not known"):
        stack.prepare("{}")


def test_what_a_failed_creation_left_is_cleared_first(aws: Answers, stack: Stack) -> None:
    for _ in range(3):
        aws.stack("ROLLBACK_COMPLETE")
    aws.events()
    aws.stub.add_response("delete_stack", {}, {"StackName": "stedi"})
    aws.events(aws.event("stedi", "CloudFormation::Stack", "DELETE_COMPLETE"))
    prepared(aws, "CREATE", "CREATE_COMPLETE")
    assert stack.prepare("{}") == ChangeSet(CHANGES, frozenset())


BUCKET = {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "the-lake"}}}


@pytest.mark.parametrize(
    "template",
    [
        "Resources:\n  Bucket:\n    Type: AWS::S3::Bucket\n",
        json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}),
        json.dumps({"Description": "The STEDI lake in s3://x", "Resources": {}}),
        json.dumps({"Description": "A web site", "Resources": BUCKET}),
        "42",
    ],
)
@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", "ROLLBACK_COMPLETE"])
def test_a_stack_of_somebody_else_is_told_from_ours(
    aws: Answers, stack: Stack, template: str, status: str
) -> None:
    aws.stack(status)
    aws.stub.add_response("get_template", {"TemplateBody": template})
    with pytest.raises(UsageError, match=r"'stedi' was not made by .* another one with --stack"):
        stack.template()


def test_what_we_deployed_is_ours(aws: Answers, stack: Stack) -> None:
    ours = synthesize(STEDI, Plan("the-lake", "0.1.0", "the.zip", "the.gluewheels.zip")).to_json()
    for _ in range(2):
        aws.stack("CREATE_COMPLETE")
        aws.stub.add_response("get_template", {"TemplateBody": ours})
    assert stack.template() == json.loads(ours)
    assert stack.bucket() == "the-lake"


def test_a_refusal_of_aws_is_one_sentence(aws: Answers, stack: Stack) -> None:
    aws.stub.add_client_error(
        "describe_stacks", "AccessDenied", "User x is not authorized to perform DescribeStacks", 403
    )
    with pytest.raises(DeployError) as refused:
        stack.template()
    assert str(refused.value) == (
        "Cannot look at the stack 'stedi': User x is not authorized to perform DescribeStacks "
        "(AccessDenied)."
    )
