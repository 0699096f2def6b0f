"""One session: its process, and the statements that were put to it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock, Thread
from typing import Any, Literal

from stedi_glue.errors import StediError
from stedi_glue.sessions.api import ApiError
from stedi_glue.sessions.environment import prepare

Status = Literal["PROVISIONING", "READY", "FAILED", "TIMEOUT", "STOPPING", "STOPPED"]
State = Literal["WAITING", "RUNNING", "AVAILABLE", "CANCELLING", "CANCELLED", "ERROR"]

WORKER = Path(__file__).with_name("worker.py")
# Statements that may wait for their turn.
QUEUE = 100
_DEFAULTS = {"GlueVersion": "5.1", "IdleTimeout": 2880, "Timeout": 2880, "MaxCapacity": None}
_TOLD = (
    *("Description", "Role", "Command", "DefaultArguments", "Connections", "MaxCapacity"),
    *("SecurityConfiguration", "GlueVersion", "NumberOfWorkers", "WorkerType", "IdleTimeout"),
)
_MINUTE = 60


@dataclass
class Statement:
    """Code that was put to a session, and what came of it.

    started, completed: epoch milliseconds UTC; None when it did not.
    """

    number: int
    code: str
    state: State = "WAITING"
    output: dict[str, Any] = field(default_factory=dict)
    started: int | None = None
    completed: int | None = None

    def end(self, state: State, output: Mapping[str, Any]) -> None:
        """Take note of how it ended."""
        self.state = state
        self.output = dict(output)
        self.completed = _now()

    def described(self) -> dict[str, Any]:
        """Return it as the API describes it."""
        times = {"StartedOn": self.started, "CompletedOn": self.completed}
        return {
            "Id": self.number,
            "Code": self.code,
            "State": self.state,
            "Output": self.output,
            "Progress": 1.0 if self.completed else 0.0,
            **{name: at for name, at in times.items() if at is not None},
        }


class Session:
    """A Python process of its own that runs statements one after another.

    request: CreateSession's parameters. engine: "sail" or "spark". lake: what `connect`
    opens in it. It is PROVISIONING until its modules are installed and its engine runs.
    """

    def __init__(self, request: Mapping[str, Any], engine: str, lake: str) -> None:
        self.id: str = request["Id"]
        self.tags: dict[str, str] = dict(request.get("Tags", {}))
        self.status: Status = "PROVISIONING"
        self._request = {**_DEFAULTS, **request}
        self._engine = engine
        self._lake = lake
        self._error = ""
        self._created = self._used = time.time()
        self._completed: float | None = None
        self._statements: list[Statement] = []
        self._waiting: deque[Statement] = deque()
        self._current: Statement | None = None
        self._lock = RLock()
        self._process: subprocess.Popen[str] | None = None
        self._folder = Path(tempfile.mkdtemp(prefix="stedi-session-"))
        Thread(target=self._live, daemon=True).start()

    def described(self) -> dict[str, Any]:
        """Return it as the API describes it; times are epoch seconds."""
        told = {name: self._request.get(name) for name in _TOLD}
        if not told["MaxCapacity"]:
            told["WorkerType"] = told["WorkerType"] or "G.1X"
            told["NumberOfWorkers"] = told["NumberOfWorkers"] or 5
        ended = self._completed
        told |= {
            "Id": self.id,
            "CreatedOn": self._created,
            "Status": self.status,
            "ErrorMessage": self._error or None,
            "Progress": 0.0 if self.status == "PROVISIONING" else 1.0,
            "CompletedOn": ended,
            "ExecutionTime": round((ended or time.time()) - self._created, 3),
        }
        return {name: value for name, value in told.items() if value is not None}

    def run(self, code: str) -> int:
        """Put a statement to the session and return its number."""
        with self._lock:
            if self.status != "READY":
                raise ApiError(
                    "IllegalSessionStateException",
                    f"Session {self.id} is {self.status}, and statements run in READY ones.",
                )
            if len(self._waiting) >= QUEUE:
                raise ApiError(
                    "ResourceNumberLimitExceededException",
                    f"{QUEUE} statements are waiting in session {self.id}; wait for some to end.",
                )
            statement = Statement(len(self._statements), code)
            self._statements.append(statement)
            self._waiting.append(statement)
            self._next()
            return statement.number

    def statement(self, number: int) -> Statement:
        """Return a statement; ApiError when there is none of that number."""
        with self._lock:
            if not 0 <= number < len(self._statements):
                raise ApiError(
                    "EntityNotFoundException", f"Session {self.id} has no statement {number}."
                )
            return self._statements[number]

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Every statement, oldest first."""
        with self._lock:
            return tuple(self._statements)

    def cancel(self, number: int) -> None:
        """Interrupt a statement, or keep it from running; one that ended stays as it is."""
        with self._lock:
            statement = self.statement(number)
            if statement.state == "WAITING":
                self._waiting.remove(statement)
                statement.end("CANCELLED", {})
            elif statement.state == "RUNNING" and self._process:
                statement.state = "CANCELLING"
                self._process.send_signal(signal.SIGINT)

    def end(self, status: Status) -> None:
        """Stop the process, whatever it does, and keep what its statements said."""
        with self._lock:
            if self.ended:
                return
            self.status = status
            self._completed = time.time()
            self._close_statements("The session was stopped.")
            process = self._process
        if process:
            _kill(process)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def ended(self) -> bool:
        """Whether no statement will run any more."""
        return self.status not in ("PROVISIONING", "READY")

    def expire(self) -> None:
        """End the session when it was idle, or has lived, for longer than it asked for."""
        now = time.time()
        busy = self._current is not None or self.status == "PROVISIONING"
        idle = not busy and now - self._used > self._request["IdleTimeout"] * _MINUTE
        if idle or now - self._created > self._request["Timeout"] * _MINUTE:
            self.end("TIMEOUT")

    def _live(self) -> None:
        """Start the process and take its answers until it ends."""
        try:
            process = self._started()
            if process and process.stdout:
                for line in process.stdout:
                    self._take(json.loads(line))
                self._fail(f"The session's process ended by itself: code {process.wait()}.")
        except Exception as error:
            # Whatever it was, whoever waits for the session must learn of it.
            self._fail(str(error) if isinstance(error, StediError) else repr(error))
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _started(self) -> subprocess.Popen[str] | None:
        place = prepare(self._request.get("DefaultArguments", {}), self._folder)
        # Scripts find neither this package's folder nor the caller's on their path.
        command = [str(place.python), "-P", str(WORKER), self._engine, *map(str, place.path)]
        environment = {**os.environ, "STEDI_LAKE": self._lake, "MPLBACKEND": "agg"}
        with self._lock, (self._folder / "log.txt").open("ab") as log:
            if self.ended:
                return None
            # The code that runs in it is its owner's own.
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self._folder,
                env=environment,
                start_new_session=True,
            )
            return self._process

    def _take(self, answer: Mapping[str, Any]) -> None:
        with self._lock:
            self._used = time.time()
            if "failed" in answer:
                self._fail(answer["failed"])
            elif self.ended:
                return
            elif "ready" in answer:
                self.status = "READY"
            elif self._current:
                output = answer["output"]
                # Spark says in its own words that its jobs were cancelled.
                asked = self._current.state == "CANCELLING"
                cancelled = asked and output["Status"] == "error"
                self._current.end("CANCELLED" if cancelled else "AVAILABLE", output)
                self._current = None
            self._next()

    def _next(self) -> None:
        """Hand the oldest waiting statement to the process when that is idle."""
        if self._current or not self._waiting or not self._process or not self._process.stdin:
            return
        self._current = self._waiting.popleft()
        self._current.state = "RUNNING"
        self._current.started = _now()
        try:
            command = {"id": self._current.number, "code": self._current.code}
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except OSError:
            # It just died: the thread that reads its answers says so.
            return

    def _fail(self, reason: str) -> None:
        with self._lock:
            if not self.ended:
                self._error = reason[:2048]
                self._close_statements(reason)
                self.end("FAILED")

    def _close_statements(self, reason: str) -> None:
        output = {
            "Status": "error",
            "ErrorName": "SessionEnded",
            "ErrorValue": reason,
            "Traceback": [reason],
        }
        for statement in (self._current, *self._waiting):
            if statement:
                statement.end("ERROR", output)
        self._current = None
        self._waiting.clear()


def _kill(process: subprocess.Popen[str]) -> None:
    """End a process with all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()


def _now() -> int:
    return int(time.time() * 1000)
