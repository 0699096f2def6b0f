"""Who leaves a prompt by a key, or has nothing to say to it, changes nothing."""

from __future__ import annotations

import json
import os
import pty
from contextlib import suppress
from select import select
from typing import Any

import pytest

from stedi_glue.deploy.plan import DESCRIBED
from stedi_glue.entry import cli
from tests.aws_server import Account
from tests.entry.conftest import Stedi
from tests.entry.test_cli import PROGRAM

SAID = "Interrupted; nothing was done."
CTRL_C, CTRL_D = b"\x03", b"\x04"


@pytest.fixture
def cloud(account: Account) -> Any:
    """CloudFormation in an account with a stack of two resources, one of which would go."""
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "the-lake"}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}},
    }
    template = json.dumps({"Description": DESCRIBED, "Resources": resources})
    cloud = account.client("cloudformation")
    cloud.create_stack(StackName="stedi", TemplateBody=template)
    return cloud


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D], ids=["ctrl-c", "ctrl-d"])
@pytest.mark.parametrize(
    ("options", "prompt"), [([], "Remove this?"), (["--delete-data"], "Type the bucket's name")]
)
def test_a_prompt_that_is_left(cloud: Any, options: list[str], prompt: str, key: bytes) -> None:
    code, said = typed([*PROGRAM, "destroy", "--bucket", "the-lake", *options], prompt, key)
    assert code == 130, said
    after = said.rpartition(prompt)[2]
    assert after.splitlines()[1:] == [SAID]
    stack = cloud.describe_stacks(StackName="stedi")["Stacks"][0]
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
