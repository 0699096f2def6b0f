"""The whole notebook through the real kernel of Glue sessions, on the local endpoint."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stedi_glue.entry.cli import main
from stedi_glue.lakehouse import Lakehouse
from tests.notebooks.conftest import cells_with, check_outputs, said

pytestmark = pytest.mark.slow
SLEEP = "import time\ntime.sleep(600)"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the kernel and the endpoint find: a profile of their own, and Glue's kernelspec."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "STEDI_"))]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "JUPYTER_PATH": str(tmp_path / "share" / "jupyter"),
    }.items():
        monkeypatch.setenv(name, value)
    _install_kernel(tmp_path)
    return dict(os.environ)


def _install_kernel(prefix: Path) -> None:
    import aws_glue_interactive_sessions_kernel as kernel
    from jupyter_client.kernelspec import install_kernel_spec

    folder = Path(kernel.__file__).parent / "glue_pyspark"
    install_kernel_spec(str(folder), "glue_pyspark", prefix=str(prefix))


@pytest.fixture
def endpoint(environment: dict[str, str], demo: Path) -> Iterator[subprocess.Popen[str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    assert main(["sessions", "install-profile", "--port", port]) == 0
    program = [str(Path(sys.executable).with_name("stedi-glue")), "sessions", "serve"]
    with subprocess.Popen(
        [*program, "--port", port, "--lake", str(demo)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert f"http://127.0.0.1:{port}" in process.stderr.readline()
        yield process
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_the_whole_notebook(
    endpoint: subprocess.Popen[str],
    environment: dict[str, str],
    demo: Path,
    wheel: Path,
    notebook: Any,
) -> None:
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell

    [magics] = cells_with(notebook, "%extra_py_files")
    magics.source = magics.source.replace("s3://my-lake/release", str(wheel.parent))
    assert str(wheel) in magics.source
    with Lakehouse.open(demo) as lake:
        rows = {state.table.name: state.rows or 0 for state in lake.tables() if state.snapshot}

    more = {
        "origin": new_code_cell("import stedi_glue\nstedi_glue.__file__"),
        "mistake": new_code_cell("def divide(n):\n    return 1 / n\n\ndivide(0)"),
        "alive": new_code_cell("6 * 7"),
        "sql": new_code_cell("%%sql\nSELECT 20 + 3 AS answer"),
        "status": new_code_cell("%status"),
        "sessions": new_code_cell("%list_sessions"),
        "stop": new_code_cell("%stop_session"),
    }
    notebook.cells = [new_code_cell("%profile stedi-local"), *notebook.cells, *more.values()]
    client = NotebookClient(notebook, timeout=300, kernel_name="glue_pyspark", allow_errors=True)
    with client.setup_kernel(env=environment):
        for number, cell in enumerate(notebook.cells):
            if cell is more["alive"]:
                interrupted = _interrupted(client, SLEEP)
            client.execute_cell(cell, number)

    check_outputs(notebook, rows)
    assert wheel.name in said(more["origin"])
    mistake = said(more["mistake"])
    assert "ZeroDivisionError: division by zero" in mistake
    assert "Traceback (most recent call last)" in mistake
    assert "line 2, in divide" in mistake
    assert "return 1 / n" in mistake
    assert "Execution Interrupted" in interrupted
    assert said(more["alive"]).strip() == "42"
    assert "23" in said(more["sql"])
    status = said(more["status"])
    for line in ("Status: READY", "GlueVersion: 5.1", "Worker Type: G.1X", "Idle Timeout: 10"):
        assert line in status
    assert "Number of Workers: 2" in status
    assert "READY" in said(more["sessions"])
    assert "Stopped session." in said(more["stop"])


def _interrupted(client: Any, code: str) -> str:
    """Run a cell, interrupt it once its statement runs, and return what it showed.

    Without nbclient: the kernel never replies to a request that was interrupted.
    """
    import boto3
    from jupyter_core.utils import run_sync

    session: Any = boto3.Session(profile_name="stedi-local")
    glue = session.client("glue")
    [name] = glue.list_sessions()["Ids"]

    def state() -> str:
        last = glue.list_statements(SessionId=name)["Statements"][-1]
        return str(last["State"]) if last["Code"] == code else ""

    request = client.kc.execute(code)
    _until(lambda: state() == "RUNNING")
    os.kill(client.km.provisioner.pid, signal.SIGINT)
    _until(lambda: state() == "CANCELLED")
    receive = run_sync(client.kc.get_iopub_msg)
    shown = ""
    while True:
        message = receive(timeout=60)
        if message["parent_header"].get("msg_id") == request:
            shown += message["content"].get("text", "")
            if message["content"].get("execution_state") == "idle":
                return shown


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.2)
