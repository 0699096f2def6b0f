"""Runs of the program in forks of a process that has its libraries loaded already.

A run then takes about a second, nearly all of it work on the lake. `python -m tests.forked`
reads lines with the arguments of a run in JSON; it answers with the number of the run's
process, and with its exit code once it ended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

LIBRARIES = (
    "boto3",
    "pysail",
    "pyspark.sql.connect.session",
    "pyiceberg.catalog.glue",
    "pyiceberg.catalog.sql",
    "pyiceberg.io.pyarrow",
    "stedi_glue.backends.data_docs",
    "stedi_glue.backends.validation",
    "stedi_glue.entry.cli",
    "stedi_glue.lakehouse",
)


class Program:
    """A process to fork runs from; what they print goes to a file."""

    def __init__(self, environ: Mapping[str, str], said: Path) -> None:
        self.said = said
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.forked", str(said)],
            env={**os.environ, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )

    def start(self, arguments: Sequence[str]) -> int:
        """Begin a run and return the number of its process."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        return self._number()

    def wait(self) -> int:
        """Return the run's exit code when it ended; negative for a signal."""
        return self._number()

    def _number(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(60)


def load() -> None:
    for name in LIBRARIES:
        import_module(name)


def _serve(said: str) -> None:
    load()
    from stedi_glue.entry.cli import main

    while line := sys.stdin.readline():
        pid = os.fork()
        if not pid:
            with open(said, "w", encoding="utf-8") as output:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
            sys.exit(main(json.loads(line)))
        _say(pid)
        _, status = os.waitpid(pid, 0)
        _say(os.waitstatus_to_exitcode(status))


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve(sys.argv[1])
