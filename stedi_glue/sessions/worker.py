"""Runs one session's statements in a process of its own.

A script that imports nothing of this package by itself, as a session may bring another
version. Commands come as JSON lines on standard input; answers go to standard output,
which the statements do not see.
"""

from __future__ import annotations

import ast
import base64
import io
import json
import linecache
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from types import CodeType, FrameType, ModuleType
from typing import Any, TextIO

# `%matplot plt` alone on a line, as sessions on Glue take it.
_MATPLOT = re.compile(r"^%matplot[ \t]+(\w+)[ \t]*$", re.MULTILINE)
_LIMIT = 1_000_000


class Statements:
    """Executes statements one after another in one namespace."""

    def __init__(self) -> None:
        # A module of its own name, so that classes and pickles of the session find home.
        self._module = ModuleType("__main__")
        sys.modules["__main__"] = self._module
        self.names: dict[str, Any] = self._module.__dict__
        self.names["__matplot__"] = self._draw
        self.engine: Any = None
        # Told of an interrupt before Python is: what runs outside it.
        self.cancel: Callable[[], Any] = lambda: None
        self._running = False
        self._image = ""
        self._count = 0

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """Stop the statement that runs; between statements there is nothing to stop."""
        if self._running:
            self.cancel()
            raise KeyboardInterrupt

    def execute(self, code: str) -> dict[str, Any]:
        """Run one statement and return its output as the API describes it."""
        self._count += 1
        self._image = ""
        printed = io.StringIO()
        output: dict[str, Any] = {"ExecutionCount": self._count, "Status": "ok"}
        try:
            try:
                self._running = True
                with redirect_stdout(printed), redirect_stderr(printed):
                    self._run(code)
            finally:
                self._running = False
        except BaseException as error:
            output |= _failure(error)
        text = printed.getvalue()
        if len(text) > _LIMIT:
            text = f"{text[:_LIMIT]}\n... {len(text) - _LIMIT:,} more characters are left out."
        output["Data"] = {"TextPlain": text}
        if self._image:
            # What the kernel knows of images is in its own model of the API.
            output["Data"] |= {"MimeType": "image/png", "Result": self._image, "StdOut": text}
        return output

    def _run(self, code: str) -> None:
        code = _MATPLOT.sub(r"__matplot__(\1)", code)
        name = f"<statement {self._count}>"
        linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
        for part in _parts(code, name):
            exec(part, self.names)  # noqa: S102

    def _draw(self, pyplot: Any) -> None:
        picture = io.BytesIO()
        pyplot.savefig(picture, format="png", bbox_inches="tight")
        pyplot.close("all")
        self._image = base64.b64encode(picture.getvalue()).decode()


def _parts(code: str, name: str) -> list[CodeType]:
    """Compile a statement; a last expression on its own, so that its value is shown."""
    body = ast.parse(code, name).body
    last = body[-1:] if body and isinstance(body[-1], ast.Expr) else []
    rest = body[: len(body) - len(last)]
    parts = [compile(ast.Module(rest, []), name, "exec")] if rest else []
    return parts + [compile(ast.Interactive([one]), name, "single") for one in last]


def _failure(error: BaseException) -> dict[str, Any]:
    frames = error.__traceback__
    # The statement's own frames; a mistake in its syntax has none.
    while frames and not frames.tb_frame.f_code.co_filename.startswith("<statement"):
        frames = frames.tb_next
    lines = traceback.format_exception(type(error), error, frames)
    # The kernel shows nothing else of an error than its name and its value.
    value = f"{error}\n\n{''.join(lines)}".strip()
    return {
        "Status": "error",
        "ErrorName": type(error).__name__,
        "ErrorValue": value,
        "Traceback": lines,
    }


def _start(engine: str, statements: Statements) -> None:
    """Give the session its `spark`, as sessions on Glue have one."""
    from stedi_glue.backends.engines import open_engine

    # Kept: Sail's server ends with the object that started it.
    statements.engine = open_engine(engine)
    session = statements.names["spark"] = statements.engine.session
    if engine == "spark":
        statements.names["sc"] = session.sparkContext
        statements.cancel = session.sparkContext.cancelAllJobs


def main() -> None:
    """Answer commands until standard input ends."""
    engine, *path = sys.argv[1:]
    sys.path[:0] = path
    sys.argv[1:] = []
    commands, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    # Whatever else reads or writes, also outside Python, cannot disturb the two.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    statements = Statements()
    signal.signal(signal.SIGINT, statements.interrupt)
    try:
        _start(engine, statements)
    except Exception as error:
        _answer(answers, {"failed": str(error) or type(error).__name__})
        return
    _answer(answers, {"ready": True})
    for line in commands:
        # Spark takes the signal for itself when it starts.
        signal.signal(signal.SIGINT, statements.interrupt)
        command = json.loads(line)
        output = statements.execute(command["code"])
        _answer(answers, {"id": command["id"], "output": output})


def _answer(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
