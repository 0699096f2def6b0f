"""Who leaves a prompt by a key, or has nothing to say to it, changes nothing."""

from __future__ import annotations

import json
import os
import pty
from collections.abc import Iterator
from contextlib import suppress
from select import select
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from stedi_glue.deploy.plan import DESCRIBED
from stedi_glue.entry import cli
from tests.entry.conftest import Stedi
from tests.entry.test_cli import PROGRAM

BUCKET = "the-lake"
SAID = "Interrupted; nothing was done."
CTRL_C, CTRL_D = b"\x03", b"\x04"


@pytest.fixture(scope="module")
def account() -> Iterator[Any]:
    """CloudFormation in an account with a stack of two resources, one of which would go."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": BUCKET}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}},
    }
    template = json.dumps({"Description": DESCRIBED, "Resources": resources})
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        cloud = boto3.client("cloudformation", region_name="us-east-1")
        cloud.create_stack(StackName="stedi", TemplateBody=template)
        yield cloud
    server.stop()


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D], ids=["ctrl-c", "ctrl-d"])
@pytest.mark.parametrize(
    ("options", "prompt"), [([], "Remove this?"), (["--delete-data"], "Type the bucket's name")]
)
def test_a_prompt_that_is_left(account: Any, options: list[str], prompt: str, key: bytes) -> None:
    code, said = typed([*PROGRAM, "destroy", "--bucket", BUCKET, *options], prompt, key)
    assert code == 130, said
    after = said.rpartition(prompt)[2]
    assert after.splitlines()[1:] == [SAID]
    stack = account.describe_stacks(StackName="stedi")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def typed(command: list[str], prompt: str, key: bytes) -> tuple[int, str]:
    """Press a key at a program's prompt; return its exit code and all that was to be seen."""
    pid, terminal = pty.fork()
    if not pid:
        os.execve(command[0], command, {**os.environ, "TERM": "dumb"})
    said, patience = b"", 0.5
    # Linux ends a terminal whose other side is closed by an error.
    with suppress(OSError):
        while True:
            if select([terminal], [], [], patience)[0]:
                said += os.read(terminal, 10_000)
            elif prompt.encode() in said and SAID.encode() not in said:
                # Once more where it came before the program listened to the terminal.
                os.write(terminal, key)
                patience = 10.0
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()


def test_a_file_that_ends_too_soon_is_no_prompt(
    stedi: Stedi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object, **__: object) -> None:
        raise EOFError("someone@example.com")

    monkeypatch.setattr(cli, "open_lake", cut)
    said = stedi("tables")
    assert said.code == 1
    assert "bug in stedi-glue: EOFError in test_prompts.py" in said.err
    assert "example.com" not in said.err
