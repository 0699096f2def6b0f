"""A CloudFormation stack: prepared as a change set, applied and watched, or removed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from stedi_glue.deploy.plan import DESCRIBED
from stedi_glue.errors import DeployError, UsageError

_POLL_SECONDS = 3.0
_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "DELETE_COMPLETE")
# After these a stack goes on to roll back.
_NOT_YET = ("CREATE_FAILED", "UPDATE_FAILED")
_UNCHANGED = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class Event:
    """What happened to one resource: its name in the template, its type and its new status."""

    resource: str
    type: str
    status: str
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether this is why a stack failed, and not merely its consequence."""
        return self.status.endswith("_FAILED") and "cancelled" not in self.reason.lower()

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to the resource for now; a failed stack is put back yet."""
        if self.type == "AWS::CloudFormation::Stack" and self.status in _NOT_YET:
            return False
        return not self.status.endswith("_IN_PROGRESS")


@dataclass(frozen=True)
class ChangeSet:
    """Changes that are prepared and not applied. replaced: resources that are made anew."""

    id: str
    replaced: frozenset[str]


Watch = Callable[[Event], None]


class Stack:
    """One stack. client: boto3's for CloudFormation. pause: waits that many seconds."""

    def __init__(self, name: str, client: Any, pause: Callable[[float], None] = time.sleep) -> None:
        self.name = name
        self._client = client
        self._pause = pause

    def template(self) -> Mapping[str, Any] | None:
        """Return the template that is applied; None when there is no such stack.

        Raises UsageError when the stack is there and is not one of ours.
        """
        status = self._status()
        if status in (None, "REVIEW_IN_PROGRESS"):
            return None
        with explaining(f"Cannot read the stack '{self.name}'"):
            body = self._client.get_template(StackName=self.name)["TemplateBody"]
        template = _ours(body)
        if template is None:
            raise UsageError(
                f"The stack '{self.name}' was not made by 'stedi-glue deploy' and is left as it "
                "is: name another one with --stack."
            )
        return None if status == "ROLLBACK_COMPLETE" else template

    def prepare(self, template: str) -> ChangeSet | None:
        """Prepare the change to a template (JSON); None when nothing would change."""
        status = self._status()
        if status == "ROLLBACK_COMPLETE":
            # Left by a first deployment that failed: it holds nothing and takes no change.
            self.delete()
            status = None
        new = status in (None, "REVIEW_IN_PROGRESS")
        with explaining(f"Cannot prepare the stack '{self.name}'"):
            made = self._client.create_change_set(
                StackName=self.name,
                ChangeSetName=f"stedi-glue-{uuid4().hex[:12]}",
                ChangeSetType="CREATE" if new else "UPDATE",
                TemplateBody=template,
                Capabilities=["CAPABILITY_IAM"],
                # A bucket and a database that an earlier stack left are taken on again.
                ImportExistingResources=True,
            )
        found = self._prepared(made["Id"])
        if found["Status"] == "FAILED":
            reason = found.get("StatusReason", "")
            self._forget(made["Id"], new)
            if any(words in reason for words in _UNCHANGED):
                return None
            raise DeployError(f"CloudFormation refused the change to '{self.name}': {reason}")
        changed = [change["ResourceChange"] for change in found.get("Changes", [])]
        replaced = {c["LogicalResourceId"] for c in changed if c.get("Replacement") == "True"}
        return ChangeSet(made["Id"], frozenset(replaced))

    def discard(self, change_set: ChangeSet) -> None:
        """Forget a change that is not wanted."""
        self._forget(change_set.id, self._status() == "REVIEW_IN_PROGRESS")

    def apply(self, change_set: ChangeSet, watch: Watch) -> dict[str, str]:
        """Apply a change, wait for its end, and return the stack's outputs.

        Raises DeployError with every resource that failed and why; CloudFormation has then
        put everything back as it was.
        """
        before = {event["EventId"] for event in self._events()}
        with explaining(f"Cannot change the stack '{self.name}'"):
            self._client.execute_change_set(ChangeSetName=change_set.id)
        self._follow(self.name, before, watch)
        outputs = self._describe().get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in outputs}

    def delete(self, watch: Watch = lambda event: None) -> None:
        """Remove the stack and what it does not retain; nothing when there is none."""
        if self._status() is None:
            return
        stack_id = self._describe()["StackId"]
        before = {event["EventId"] for event in self._events()}
        with explaining(f"Cannot remove the stack '{self.name}'"):
            self._client.delete_stack(StackName=self.name)
        self._follow(stack_id, before, watch)

    def bucket(self) -> str | None:
        """Return the name of the bucket in the stack; None when there is no stack."""
        template = self.template()
        return template["Resources"]["Bucket"]["Properties"]["BucketName"] if template else None

    def _follow(self, stack: str, seen: set[str], watch: Watch) -> None:
        """Report events until the stack comes to rest; `stack` may be the id of a deleted one."""
        failures = []
        status = ""
        while not status:
            for event in reversed([e for e in self._events(stack) if e["EventId"] not in seen]):
                seen.add(event["EventId"])
                told = Event(
                    event.get("LogicalResourceId", self.name),
                    event.get("ResourceType", ""),
                    event["ResourceStatus"],
                    event.get("ResourceStatusReason", ""),
                )
                failures += [told] if told.failed else []
                watch(told)
                # Not the stack's own status: right after a call it may still be the old one.
                if event.get("PhysicalResourceId") == event["StackId"] and told.ended:
                    status = told.status
            if not status:
                self._pause(_POLL_SECONDS)
        if status not in _GOOD:
            raise DeployError(self._explain(status, failures))

    def _explain(self, status: str, failures: list[Event]) -> str:
        causes = [f for f in failures if f.type != "AWS::CloudFormation::Stack"] or failures
        why = "; ".join(f"{f.resource} ({f.type}): {f.reason}" for f in causes)
        ended = "was put back as it was" if "ROLLBACK_COMPLETE" in status else f"is {status}"
        why = why.rstrip(".") or "CloudFormation gives no reason"
        return f"The stack '{self.name}' {ended}. {why}. Correct that, and deploy again."

    def _prepared(self, change_set: str) -> dict[str, Any]:
        with explaining(f"Cannot prepare the stack '{self.name}'"):
            while True:
                found: dict[str, Any] = self._client.describe_change_set(ChangeSetName=change_set)
                if found["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                    return found
                self._pause(_POLL_SECONDS)

    def _forget(self, change_set: str, new: bool) -> None:
        with explaining(f"Cannot discard the change to '{self.name}'"):
            self._client.delete_change_set(ChangeSetName=change_set)
            if new:
                # A stack that has only ever been reviewed is an empty shell.
                self._client.delete_stack(StackName=self.name)

    def _status(self) -> str | None:
        try:
            return str(self._describe()["StackStatus"])
        except _NoStack:
            return None

    def _describe(self, stack: str | None = None) -> dict[str, Any]:
        from botocore.exceptions import ClientError

        with explaining(f"Cannot look at the stack '{self.name}'"):
            try:
                stacks = self._client.describe_stacks(StackName=stack or self.name)["Stacks"]
            except ClientError as error:
                if "does not exist" in str(error):
                    raise _NoStack(f"There is no stack '{self.name}'.") from None
                raise
        return dict(stacks[0])

    def _events(self, stack: str | None = None) -> list[dict[str, Any]]:
        with explaining(f"Cannot look at the stack '{self.name}'"):
            pages = self._client.get_paginator("describe_stack_events")
            found = pages.paginate(StackName=stack or self.name)
            return [event for page in found for event in page["StackEvents"]]


def _ours(body: Any) -> Mapping[str, Any] | None:
    """Return a stack's template when we wrote it; None for any other, such as one in YAML."""
    try:
        template: Mapping[str, Any] = json.loads(body) if isinstance(body, str) else body
        bucket = template["Resources"]["Bucket"]["Properties"]["BucketName"]
        described = str(template["Description"]).startswith(DESCRIBED)
    except (ValueError, KeyError, TypeError):
        return None
    return template if described and isinstance(bucket, str) else None


class _NoStack(DeployError):
    pass


@contextmanager
def explaining(what: str) -> Iterator[None]:
    """Turn what AWS or its client says into one sentence: "<what>: <its message>"."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        text = f"{said.get('Message', error)} ({said.get('Code', 'unknown')})"
        raise DeployError(f"{what}: {text}.") from error
    except (BotoCoreError, Boto3Error) as error:
        text = str(error).rstrip(".")
        raise DeployError(
            f"{what}: {text}. Name your account's credentials and region as the AWS command line "
            "takes them, in AWS_PROFILE and AWS_REGION."
            if type(error).__name__ in ("NoCredentialsError", "NoRegionError", "ProfileNotFound")
            else f"{what}: {text}."
        ) from error
