"""Each measurement in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import BenchmarkError

ROOT = Path(__file__).parents[2]
# Often enough to catch a peak, and seldom enough not to slow down what is watched.
GLANCE_SECONDS = 0.2


@dataclass(frozen=True)
class Finished:
    """A process that ended well.

    seconds: wall clock from its start until it and all that held its output had ended.
    said: the JSON object of its last line.
    """

    seconds: float
    said: dict[str, Any]


def command(module: str, *arguments: object) -> list[str]:
    """Return the command that runs a module beside this one."""
    return [sys.executable, "-m", f"tests.benchmarks.{module}", *map(str, arguments)]


def run(module: str, *arguments: object, watch: Callable[[int], None] | None = None) -> Finished:
    """Run a module to its end; `watch` is told its process id a few times a second."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command(module, *arguments),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while True:
            try:
                out, err = process.communicate(timeout=GLANCE_SECONDS if watch else None)
                break
            except subprocess.TimeoutExpired:
                if watch:
                    watch(process.pid)
    finally:
        process.kill()
    seconds = time.perf_counter() - start
    if process.returncode:
        raise BenchmarkError(f"'{module} {arguments[0]}' failed:\n{err.strip()[-2000:]}")
    return Finished(seconds, json.loads(out.splitlines()[-1]))
