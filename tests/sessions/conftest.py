"""An endpoint of the local Glue sessions API, and clients that are signed in to it."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest
from botocore.config import Config

from stedi_glue.sessions.profile import Credential
from stedi_glue.sessions.server import LOOPBACK, Endpoint

CREDENTIAL = Credential("LOCALKEY", "a secret of this test")
ROLE = "arn:aws:iam::000000000000:role/stedi-local"
Client = Any


@contextmanager
def serving(lake: Path, engine: str = "sail", host: str = LOOPBACK) -> Iterator[Endpoint]:
    """Serve sessions while the block runs."""
    with Endpoint(CREDENTIAL, engine, str(lake), port=0, host=host) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def signed_in(endpoint: Endpoint, service: str = "glue", secret: str = CREDENTIAL.secret) -> Client:
    """Return a client that checks nothing itself."""
    build: Any = boto3.client
    return build(
        service,
        endpoint_url=endpoint.url,
        region_name="us-east-1",
        aws_access_key_id=CREDENTIAL.key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with serving(tmp_path_factory.mktemp("lake")) as server:
        yield server


@pytest.fixture(scope="session")
def client(endpoint: Endpoint) -> Callable[..., Client]:
    return partial(signed_in, endpoint)


@pytest.fixture(scope="session")
def glue(client: Callable[..., Client]) -> Client:
    return client()


def created(glue: Client, name: str, **more: Any) -> str:
    """Create a session and wait until it is ready."""
    command = {"Name": "glueetl", "PythonVersion": "3"}
    glue.create_session(Id=name, Role=ROLE, Command=command, **more)
    status = wait(lambda: settled(glue, name))
    assert status == "READY", glue.get_session(Id=name)["Session"].get("ErrorMessage")
    return name


def settled(glue: Client, name: str) -> str | None:
    status: str = glue.get_session(Id=name)["Session"]["Status"]
    return None if status == "PROVISIONING" else status


def ran(glue: Client, session: str, code: str) -> dict[str, Any]:
    """Run a statement and wait until it ended."""
    number = glue.run_statement(SessionId=session, Code=code)["Id"]
    return ended(glue, session, number)


def ended(glue: Client, session: str, number: int) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = glue.get_statement(SessionId=session, Id=number)["Statement"]
        return found if found["State"] in ("AVAILABLE", "CANCELLED", "ERROR") else None

    return wait(look)


def wait(look: Callable[[], Any], seconds: int = 60) -> Any:
    """Look again and again until there is something to see."""
    for _ in range(seconds * 20):
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def module(folder: Path, name: str, text: str) -> Path:
    """Write a Python file that a session can be given."""
    file = folder / f"{name}.py"
    file.write_text(text)
    return file


def wheel(folder: Path, name: str, text: str) -> Path:
    """Write a wheel of one module by hand."""
    package = name.replace("-", "_")
    info = f"{package}-1.0.dist-info"
    files = {
        f"{package}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    target = folder / f"{package}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for path, content in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, content)
    return target
