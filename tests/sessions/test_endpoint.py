"""The endpoint as any client of the Glue API meets it."""

from __future__ import annotations

import base64
import json
import os
import signal
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.session import get_session
from botocore.validate import ParamValidator

from stedi_glue.sessions.api import OPERATIONS
from stedi_glue.sessions.server import Endpoint
from tests.sessions.conftest import (
    CREDENTIAL,
    ROLE,
    Client,
    created,
    ended,
    module,
    ran,
    wait,
    wheel,
)


@pytest.fixture(scope="module")
def session(glue: Client) -> str:
    return created(glue, "shared", GlueVersion="5.1", WorkerType="G.1X", NumberOfWorkers=2)


def refused(call: Callable[..., Any], **parameters: Any) -> str:
    """Return the error that a call is refused with; its text is not empty."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    assert caught.value.response["Error"]["Message"]
    code: str = caught.value.response["Error"]["Code"]
    return code


def text(statement: dict[str, Any]) -> str:
    assert statement["Output"]["Status"] == "ok", statement["Output"]
    return str(statement["Output"]["Data"]["TextPlain"])


def test_statements_share_names_and_show_what_they_print_and_their_last_value(
    glue: Client, session: str
) -> None:
    assert text(ran(glue, session, "x = 20\nprint('hello')")) == "hello\n"
    assert text(ran(glue, session, "def twice():\n    return 2 * x\ntwice()")) == "40\n"
    assert text(ran(glue, session, "class A: pass\nA.__module__")) == "'__main__'\n"


def test_spark_is_there(glue: Client, session: str) -> None:
    assert "3" in text(ran(glue, session, "spark.sql('SELECT 1 + 2 AS sum').show()"))


def test_a_mistake_has_its_traceback_with_the_line(glue: Client, session: str) -> None:
    output = ran(glue, session, "y = 1\n1 / 0")["Output"]
    assert (output["Status"], output["ErrorName"]) == ("error", "ZeroDivisionError")
    traceback = "".join(output["Traceback"])
    assert "line 2" in traceback
    assert "1 / 0" in traceback
    assert "worker.py" not in traceback
    assert ran(glue, session, "if True print")["Output"]["ErrorName"] == "SyntaxError"
    # The session lives on.
    assert text(ran(glue, session, "y")) == "1\n"


def test_a_running_statement_is_cancelled_and_a_waiting_one_never_runs(
    glue: Client, session: str
) -> None:
    slow = glue.run_statement(SessionId=session, Code="import time\ntime.sleep(600)")["Id"]
    queued = glue.run_statement(SessionId=session, Code="queued = True")["Id"]

    def state(number: int) -> str:
        return str(glue.get_statement(SessionId=session, Id=number)["Statement"]["State"])

    assert state(queued) == "WAITING"
    glue.cancel_statement(SessionId=session, Id=queued)
    wait(lambda: state(slow) == "RUNNING")
    glue.cancel_statement(SessionId=session, Id=slow)
    assert ended(glue, session, slow)["State"] == "CANCELLED"
    assert state(queued) == "CANCELLED"
    assert text(ran(glue, session, "'queued' in globals()")) == "False\n"
    # What ended stays as it is.
    glue.cancel_statement(SessionId=session, Id=slow)
    assert state(slow) == "CANCELLED"


def test_long_output_is_cut_and_says_so(glue: Client, session: str) -> None:
    said = text(ran(glue, session, "print('x' * 1_500_000)"))
    assert len(said) < 1_100_000
    assert said.endswith("500,001 more characters are left out.")


def test_a_session_describes_itself(glue: Client, session: str) -> None:
    found = glue.get_session(Id=session)["Session"]
    assert found["Status"] == "READY"
    assert (found["WorkerType"], found["NumberOfWorkers"]) == ("G.1X", 2)
    assert (found["GlueVersion"], found["IdleTimeout"]) == ("5.1", 2880)


def test_statements_and_sessions_are_listed(glue: Client, session: str) -> None:
    glue.create_session(Id="tagged", Role=ROLE, Command={}, Tags={"team": "science"})
    assert {session, "tagged"} <= set(glue.list_sessions()["Ids"])
    assert glue.list_sessions(Tags={"team": "science"})["Ids"] == ["tagged"]
    page = glue.list_sessions(MaxResults=1)
    assert len(page["Ids"]) == 1
    rest = glue.list_sessions(NextToken=page["NextToken"])["Ids"]
    assert {*page["Ids"], *rest} == set(glue.list_sessions()["Ids"])
    assert refused(glue.list_sessions, NextToken="what") == "InvalidInputException"
    glue.stop_session(Id="tagged")

    number = glue.run_statement(SessionId=session, Code="1")["Id"]
    listed = glue.list_statements(SessionId=session)["Statements"]
    assert [one["Id"] for one in listed] == list(range(number + 1))


def test_tags_come_and_go(glue: Client, session: str) -> None:
    arn = f"arn:aws:glue:us-east-1:000000000000:session/{session}"
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"owner": "me", "team": "science"})
    glue.untag_resource(ResourceArn=arn, TagsToRemove=["team", "nothing"])
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"owner": "me"}
    other = arn.replace(f"session/{session}", "job/x")
    assert refused(glue.get_tags, ResourceArn=other) == "InvalidInputException"
    assert refused(glue.get_tags, ResourceArn=f"{arn}s") == "EntityNotFoundException"


def test_two_sessions_know_nothing_of_each_other(glue: Client, session: str) -> None:
    second = created(glue, "second")
    ran(glue, session, "mine = 'shared'")
    assert ran(glue, second, "mine")["Output"]["ErrorName"] == "NameError"
    pids = {text(ran(glue, name, "import os\nos.getpid()")) for name in (session, second)}
    assert len(pids) == 2
    glue.stop_session(Id=second)
    assert glue.get_session(Id=second)["Session"]["Status"] == "STOPPED"
    assert refused(glue.run_statement, SessionId=second, Code="1") == "IllegalSessionStateException"
    assert refused(glue.stop_session, Id=second) == "IllegalSessionStateException"
    glue.delete_session(Id=second)
    assert refused(glue.get_session, Id=second) == "EntityNotFoundException"
    assert text(ran(glue, session, "mine")) == "'shared'\n"


def test_a_killed_process_fails_its_session_and_no_other(glue: Client, session: str) -> None:
    victim = created(glue, "victim")
    pid = int(text(ran(glue, victim, "import os\nos.getpid()")))
    slow = glue.run_statement(SessionId=victim, Code="import time\ntime.sleep(600)")["Id"]
    queued = glue.run_statement(SessionId=victim, Code="1")["Id"]
    os.kill(pid, signal.SIGKILL)
    for number in (slow, queued):
        statement = ended(glue, victim, number)
        assert statement["State"] == "ERROR"
        assert statement["Output"]["ErrorName"] == "SessionEnded"
    found = glue.get_session(Id=victim)["Session"]
    assert found["Status"] == "FAILED"
    assert "ended by itself" in found["ErrorMessage"]
    assert refused(glue.run_statement, SessionId=victim, Code="1") == "IllegalSessionStateException"
    assert text(ran(glue, session, "1")) == "1\n"


def test_extra_files_and_modules_are_there(glue: Client, tmp_path: Path) -> None:
    extra = module(tmp_path, "brought_along", "VALUE = 7\n")
    built = wheel(tmp_path, "stedi-test-module", "VALUE = 8\n")
    session = created(
        glue,
        "equipped",
        DefaultArguments={
            "--extra-py-files": str(extra),
            "--additional-python-modules": f"{built},rich==15.0.0",
            "--python-modules-installer-option": "--no-index",
        },
    )
    code = "import brought_along, stedi_test_module\nbrought_along.VALUE, stedi_test_module.VALUE"
    assert text(ran(glue, session, code)) == "(7, 8)\n"
    # What it brought along is its own.
    with pytest.raises(ImportError):
        __import__("stedi_test_module")
    glue.stop_session(Id=session)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("--extra-py-files", "/nowhere/at-all.py"),
        ("--additional-python-modules", "stedi-no-such-module==1.0"),
    ],
)
def test_what_cannot_be_had_fails_the_session_with_a_reason(
    glue: Client, argument: str, value: str
) -> None:
    name = f"lacking{argument}"
    arguments = {argument: value, "--python-modules-installer-option": "--no-index"}
    glue.create_session(Id=name, Role=ROLE, Command={}, DefaultArguments=arguments)
    found = wait(lambda: _failed(glue, name))
    assert value.partition("==")[0] in found["ErrorMessage"]


def _failed(glue: Client, name: str) -> dict[str, Any] | None:
    found: dict[str, Any] = glue.get_session(Id=name)["Session"]
    return found if found["Status"] == "FAILED" else None


def test_an_idle_session_ends(glue: Client, endpoint: Endpoint) -> None:
    name = created(glue, "idle", IdleTimeout=1)
    session = endpoint.sessions._session(name)
    session.expire()
    assert session.status == "READY"
    session._used -= 61
    session.expire()
    assert glue.get_session(Id=name)["Session"]["Status"] == "TIMEOUT"


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("get_session", {"Id": "nobody"}, "EntityNotFoundException"),
        ("get_session", {"Id": 7}, "InvalidInputException"),
        ("get_session", {"Id": "x" * 256}, "InvalidInputException"),
        ("get_session", {}, "InvalidInputException"),
        ("stop_session", {"Id": "nobody"}, "EntityNotFoundException"),
        ("delete_session", {"Id": "nobody"}, "EntityNotFoundException"),
        ("run_statement", {"SessionId": "nobody", "Code": "1"}, "EntityNotFoundException"),
        ("run_statement", {"SessionId": "shared", "Code": "1" * 68_001}, "ValidationException"),
        ("run_statement", {"SessionId": "shared"}, "ValidationException"),
        ("get_statement", {"SessionId": "shared", "Id": 9999}, "EntityNotFoundException"),
        ("get_statement", {"SessionId": "shared", "Id": -1}, "EntityNotFoundException"),
        ("get_statement", {"SessionId": "shared", "Id": "one"}, "InvalidInputException"),
        ("cancel_statement", {"SessionId": "shared", "Id": 9999}, "EntityNotFoundException"),
        ("list_statements", {"SessionId": "nobody"}, "EntityNotFoundException"),
        ("create_session", {"Id": "shared"}, "ValidationException"),
        (
            "create_session",
            {"Id": "x", "Role": "not an arn at all, no", "Command": {}},
            "ValidationException",
        ),
        (
            "create_session",
            {"Id": "x", "Role": ROLE, "Command": {}, "WorkerType": "G.99X"},
            "ValidationException",
        ),
        (
            "create_session",
            {"Id": "x", "Role": ROLE, "Command": {}, "IdleTimeout": 0},
            "ValidationException",
        ),
        (
            "create_session",
            {"Id": "shared", "Role": ROLE, "Command": {}},
            "AlreadyExistsException",
        ),
        ("list_sessions", {"MaxResults": True}, "InvalidInputException"),
        (
            "tag_resource",
            {"ResourceArn": "arn:aws:s3:::x", "TagsToAdd": {}},
            "InvalidInputException",
        ),
    ],
)
def test_a_wrong_request_gets_the_apis_own_error(
    glue: Client, session: str, operation: str, parameters: dict[str, Any], code: str
) -> None:
    assert refused(getattr(glue, operation), **parameters) == code
    assert glue.get_session(Id=session)["Session"]["Status"] == "READY"


def test_the_longest_statement_runs_whatever_its_characters(glue: Client, session: str) -> None:
    code = "len('" + "\N{GRINNING FACE}" * 67_993 + "')"
    assert len(code) == 68_000
    assert text(ran(glue, session, code)) == "67993\n"


def test_only_so_many_sessions_run(glue: Client, endpoint: Endpoint, monkeypatch: Any) -> None:
    monkeypatch.setattr("stedi_glue.sessions.sessions.MOST", 0)
    code = refused(glue.create_session, Id="one-too-many", Role=ROLE, Command={})
    assert code == "ResourceNumberLimitExceededException"


def post(endpoint: Endpoint, target: str, body: bytes, **headers: str) -> requests.Response:
    """Send what no client would, rightly signed."""
    names = {"X-Amz-Target": f"AWSGlue.{target}", "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", f"{endpoint.url}/", headers={**names, **headers}, data=body)
    SigV4Auth(Credentials(CREDENTIAL.key, CREDENTIAL.secret), "glue", "us-east-1").add_auth(request)
    sent = {str(name): str(value) for name, value in request.headers.items()}
    return requests.post(f"{endpoint.url}/", data=body, headers=sent, timeout=10)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"Id": null}'])
def test_a_body_that_is_no_request(endpoint: Endpoint, body: bytes) -> None:
    answer = post(endpoint, "GetSession", body)
    assert answer.status_code == 400
    assert answer.json()["__type"] == "InvalidInputException"


def test_a_body_too_large_is_not_even_read(endpoint: Endpoint) -> None:
    connection = HTTPConnection("127.0.0.1", endpoint.server_address[1], timeout=10)
    headers = {"X-Amz-Target": "AWSGlue.RunStatement", "Content-Length": "2000000000"}
    connection.request("POST", "/", headers=headers)
    assert json.load(connection.getresponse())["__type"] == "ValidationException"
    connection.close()


def test_an_operation_of_another_kind(endpoint: Endpoint) -> None:
    assert post(endpoint, "DeleteJob", b"{}").json()["__type"] == "UnknownOperationException"


def test_who_does_not_know_the_secret_runs_nothing(
    endpoint: Endpoint, client: Callable[..., Client]
) -> None:
    assert refused(client(secret="a guess").list_sessions) == "InvalidSignatureException"
    headers = {"X-Amz-Target": "AWSGlue.ListSessions"}
    answer = requests.post(endpoint.url, data=b"{}", headers=headers, timeout=10)
    assert answer.json()["__type"] == "MissingAuthenticationTokenException"
    # A signature is for one body only.
    signed = post(endpoint, "ListSessions", b"{}").request
    assert signed.body == b"{}"
    forged = requests.post(endpoint.url, data=b'{"x":1}', headers=signed.headers, timeout=10)
    assert forged.status_code == 400


def test_sts_says_who_calls(client: Callable[..., Client]) -> None:
    assert client("sts").get_caller_identity()["Account"] == "000000000000"
    assert refused(client("sts").get_session_token) == "InvalidAction"
    assert refused(client("sts", secret="x").get_caller_identity) == "InvalidSignatureException"


# What `%matplot` asks of a plotting library.
PLOT = """
class plt:
    savefig = staticmethod(lambda file, **options: file.write(b"a picture"))
    close = staticmethod(lambda which: None)
print("before")
%matplot plt
"""


def test_a_plot_is_an_image_beside_what_was_printed(glue: Client, endpoint: Endpoint) -> None:
    session = created(glue, "plotting")
    number = ran(glue, session, PLOT)["Id"]
    body = json.dumps({"SessionId": session, "Id": number}).encode()
    data = post(endpoint, "GetStatement", body).json()["Statement"]["Output"]["Data"]
    assert base64.b64decode(data["Result"]) == b"a picture"
    assert (data["MimeType"], data["StdOut"]) == ("image/png", "before\n")
    # An image is shown once.
    assert set(ran(glue, session, "1")["Output"]["Data"]) == {"TextPlain"}
    glue.delete_session(Id=session)


def test_every_answer_is_what_the_services_model_describes(
    endpoint: Endpoint, glue: Client, session: str
) -> None:
    model = get_session().get_service_model("glue")
    arn = f"arn:aws:glue:us-east-1:000000000000:session/{session}"
    number = ran(glue, session, PLOT)["Id"]
    wrong = ran(glue, session, "1 / 0")["Id"]
    one, statement = {"Id": "modelled"}, {"SessionId": session, "Id": number}
    requests_made = [
        ("CreateSession", {**one, "Role": ROLE, "Command": {"Name": "glueetl"}}),
        ("GetSession", one),
        ("ListSessions", {}),
        ("RunStatement", {"SessionId": session, "Code": "1"}),
        ("GetStatement", statement),
        ("GetStatement", {"SessionId": session, "Id": wrong}),
        ("ListStatements", {"SessionId": session}),
        ("CancelStatement", statement),
        ("TagResource", {"ResourceArn": arn, "TagsToAdd": {"a": "b"}}),
        ("GetTags", {"ResourceArn": arn}),
        ("UntagResource", {"ResourceArn": arn, "TagsToRemove": ["a"]}),
        ("StopSession", one),
        ("DeleteSession", one),
    ]
    assert {operation for operation, _ in requests_made} == OPERATIONS
    for operation, request in requests_made:
        answer = post(endpoint, operation, json.dumps(request).encode())
        assert answer.status_code == 200, answer.text
        shape = model.operation_model(operation).output_shape
        report = ParamValidator().validate(_known(shape, answer.json()), shape)
        assert not report.has_errors(), (operation, report.generate_report())


# What the kernel's own model has beyond botocore's, for images.
IMAGE = {"MimeType", "Result", "StdOut"}


def _known(shape: Any, value: Any) -> Any:
    """Return a value as it is, after a look for members that the model does not have."""
    if shape.type_name == "structure":
        extra = set(value) - set(shape.members)
        assert not extra or (shape.name == "StatementOutputData" and extra == IMAGE), extra
        return {k: _known(shape.members[k], v) for k, v in value.items() if k not in extra}
    if shape.type_name == "list":
        return [_known(shape.member, one) for one in value]
    return value
