"""What requests to AWS need, and whether a policy allows it.

AWS says it in its service authorization reference; moto does not ask for resources.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.aws_server import BUCKET, REGION, Account

ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Need:
    """An action on a resource, and the library that asks for it."""

    action: str
    resource: str
    by: str
    # Of a listing: what the keys begin with.
    prefix: str = ""


def needs(request: dict[str, Any]) -> set[Need]:
    """Return what a request (as WSGI has it) needs; fail for one of a kind that is not known."""
    target = request.get("HTTP_X_AMZ_TARGET", "")
    service, _, operation = target.rpartition(".")
    if service.endswith("Glue"):
        pairs = _glue(operation, json.loads(_body(request)))
    elif service.endswith("Athena"):
        pairs = _athena(operation, json.loads(_body(request)))
    elif service == "secretsmanager":
        pairs = _secrets(operation, json.loads(_body(request)))
    elif "/cloudformation/aws4_request" in request.get("HTTP_AUTHORIZATION", ""):
        pairs = _cloudformation(parse_qs(_body(request).decode()))
    else:
        assert not target, f"a test must say what {target} needs"
        pairs = _s3(request)
    by = _library(request.get("HTTP_USER_AGENT", ""))
    (prefix,) = parse_qs(request.get("QUERY_STRING", "")).get("prefix", [""])
    return {Need(action, resource, by, prefix) for action, resource in pairs}


@dataclass
class Statement:
    """What one statement of a policy allows, and what of it was made use of."""

    name: str
    actions: set[str]
    resources: set[str]
    prefixes: tuple[str, ...] = ("*",)
    used: set[str] = field(default_factory=set)

    def grants(self, need: Need) -> bool:
        """Return whether it allows that, as IAM decides it, and note it."""
        found = {one for one in self.resources if fnmatchcase(need.resource, one)}
        if need.action not in self.actions or not found:
            return False
        if not any(fnmatchcase(need.prefix, one) for one in self.prefixes):
            return False
        self.used |= {need.action, *found}
        return True

    @property
    def idle(self) -> set[str]:
        """What nobody made use of: its whole, or actions and resources of it."""
        left = (self.actions | self.resources) - self.used
        names = {one.removeprefix(f"arn:aws:s3:::{BUCKET}/") for one in left}
        return {f"{self.name}: {name}" for name in names} if self.used else {self.name}


class Used:
    """A policy at work: what was asked for, and what of it was refused."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        assert all(s["Effect"] == "Allow" for s in document["Statement"])
        self.needs: set[Need] = set()
        self.refused: set[Need] = set()
        self._group = "*"
        self._statements = [
            Statement(
                *(s["Sid"], {*s["Action"]}, {*map(_resolved, _listed(s["Resource"]))}),
                prefixes=tuple(
                    s.get("Condition", {}).get("StringLike", {}).get("s3:prefix", ["*"])
                ),
            )
            for s in document["Statement"]
        ]

    def allows(self, request: dict[str, Any]) -> bool:
        """Return whether a request (as WSGI has it) may be answered."""
        asked = {self._with_group(need) for need in needs(request)}
        # Counted: all statements are to be asked, also when the first allows it.
        refused = {n for n in asked if sum(s.grants(n) for s in self._statements) == 0}
        self.needs |= asked
        self.refused |= refused
        return not refused

    def _with_group(self, need: Need) -> Need:
        """Return what a later call of a query needs: the workgroup that it was started in."""
        place, found, group = need.resource.rpartition(":workgroup/")
        if found and group != "*":
            self._group = group
        return replace(need, resource=f"{place}{found}{self._group}") if found else need

    @property
    def idle(self) -> set[str]:
        """What the policy allows and nobody made use of."""
        return {line for statement in self._statements for line in statement.idle}


@contextmanager
def restricted(account: Account, document: Mapping[str, Any]) -> Iterator[Used]:
    """Let everybody do what a policy allows and nothing else; note what was asked for."""
    used = Used(document)
    account.allows = used.allows
    try:
        yield used
    finally:
        account.allows = lambda request: True


def _glue(operation: str, asked: dict[str, Any]) -> Iterator[tuple[str, str]]:
    action, place = f"glue:{operation}", f"arn:aws:glue:{REGION}:{ACCOUNT}:"
    yield action, f"{place}catalog"
    database = asked.get("DatabaseName") or asked.get("DatabaseInput", asked).get("Name")
    yield action, f"{place}database/{database}"
    if "Table" in operation:
        table = asked["Name"] if "Name" in asked else asked["TableInput"]["Name"]
        yield action, f"{place}table/{database}/{table}"


def _athena(operation: str, asked: dict[str, Any]) -> Iterator[tuple[str, str]]:
    # Later calls name the query alone: the workgroup is that of the start, one per test.
    group = asked.get("WorkGroup", "*")
    yield f"athena:{operation}", f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/{group}"


def _secrets(operation: str, asked: dict[str, Any]) -> Iterator[tuple[str, str]]:
    name = asked["SecretId"]
    place = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-AbCdEf"
    yield f"secretsmanager:{operation}", name if name.startswith("arn:") else place


def _cloudformation(asked: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    # A change set is named by an address of its own; it is of the stack that is told first.
    name = asked.get("StackName", ["stedi"])[0].split(":stack/")[-1].split("/")[0]
    place = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/1"
    yield f"cloudformation:{asked['Action'][0]}", place


_OF_A_BUCKET = {"GET": "ListBucket", "HEAD": "ListBucket", "DELETE": "DeleteBucket"}
_OF_AN_OBJECT = {
    **{"GET": "GetObject", "HEAD": "GetObject", "DELETE": "DeleteObject"},
    **{"PUT": "PutObject", "POST": "PutObject"},
}


def _s3(request: dict[str, Any]) -> Iterator[tuple[str, str]]:
    bucket, _, key = request["PATH_INFO"].removeprefix("/").partition("/")
    query = parse_qs(request.get("QUERY_STRING", ""), keep_blank_values=True)
    method = request["REQUEST_METHOD"]
    root = f"arn:aws:s3:::{bucket}"
    if method == "POST" and "delete" in query:
        for name in re.findall(r"<Key>(.*?)</Key>", _body(request).decode()):
            yield "s3:DeleteObject", f"{root}/{name}"
    elif not key and "versions" in query:
        yield "s3:ListBucketVersions", root
    elif "versionId" in query:
        yield f"s3:{_OF_AN_OBJECT[method]}Version", f"{root}/{key}"
    elif not key:
        yield "s3:GetBucketLocation" if "location" in query else f"s3:{_OF_A_BUCKET[method]}", root
    elif method == "DELETE" and "uploadId" in query:
        yield "s3:AbortMultipartUpload", f"{root}/{key}"
    else:
        yield f"s3:{_OF_AN_OBJECT[method]}", f"{root}/{key}"
        if source := request.get("HTTP_X_AMZ_COPY_SOURCE"):
            yield "s3:GetObject", f"arn:aws:s3:::{unquote(source).removeprefix('/')}"


def _library(agent: str) -> str:
    for word, name in (("Boto3", "boto3"), ("Hadoop", "Hadoop"), ("aws-sdk-cpp", "Arrow")):
        if word in agent:
            return name
    return "Sail" if "object_store" in agent else agent


def _body(request: dict[str, Any]) -> bytes:
    """Read a request's body, and leave it to be read again."""
    body = request["wsgi.input"].read(int(request.get("CONTENT_LENGTH") or 0))
    request["wsgi.input"] = BytesIO(body)
    return bytes(body)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _resolved(resource: Any) -> str:
    text = resource if isinstance(resource, str) else str(resource["Fn::Sub"])
    values = {"Partition": "aws", "Region": REGION, "AccountId": ACCOUNT}
    return re.sub(r"\$\{AWS::(\w+)\}", lambda found: values[found[1]], text)
