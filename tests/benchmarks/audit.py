"""One table, the same rules, several auditors."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Event, Timer
from typing import IO, Any

import pyarrow.dataset as ds
import pyarrow.parquet as pq

from tests.benchmarks import inputs, processes
from tests.benchmarks.figures import (
    BenchmarkError,
    medians,
    ratio_lines,
    ratios,
    span,
    tell,
    text_table,
)
from tests.benchmarks.rules import select, spoil

PEERS = ("cuallee", "soda")
CONTENDERS = ("fused", "stock", "raw", *PEERS)
SPOILED_ROWS = 2_000


class Worker:
    """A contender, started and waiting for a table.

    limit: after so many seconds without an answer it is stopped.
    """

    def __init__(self, process: subprocess.Popen[str], log: IO[bytes], limit: float) -> None:
        self._process = process
        self._log = log
        self._limit = limit
        self.reason: str = self._answer().get("reason", "")

    def judge(self, files: Sequence[Path]) -> dict[str, Any]:
        """Return `seconds` and `verdicts`, or the `reason` why it could not."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps([str(file) for file in files]) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        expired = Event()

        def stop() -> None:
            expired.set()
            self._process.kill()

        patience = Timer(self._limit, stop)
        patience.start()
        line = self._process.stdout.readline()
        patience.cancel()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        if expired.is_set():
            return {"reason": f"no answer in {self._limit:g} s"}
        self._log.seek(0)
        return {"reason": f"its process ended: {self._log.read().decode()[-1000:].strip()}"}


def compare(
    rows: int, engine: str, contenders: Sequence[str], repeat: int, data: Path, limit: float
) -> dict[str, Any]:
    """Let contenders judge the same table in turns, and return the figures.

    limit: seconds after which a contender is stopped, and left out.
    """
    now = int(time.time() * 1000)
    table = sorted(inputs.readings(data, rows).glob("*.parquet"))
    with TemporaryDirectory(prefix="audit-", dir=data) as folder, ExitStack() as stack:
        cases = [*_spoiled(table, now, Path(folder)), (table, None)]
        ready: dict[str, Worker] = {}
        failed: dict[str, str] = {}
        for name in contenders:
            tell(f"starting {name}")
            worker = stack.enter_context(_started(name, engine, now, Path(folder, name), limit))
            reason = worker.reason or _warm_up(name, worker, cases)
            if reason:
                failed[name] = reason
                tell(f"{name} does not run: {reason}")
            else:
                ready[name] = worker
        samples: dict[str, list[float]] = {name: [] for name in ready}
        for turn in range(1, repeat + 1):
            for name, worker in ready.items():
                seconds = _judged(name, worker, table, None)
                samples[name].append(round(seconds, 3))
                tell(f"round {turn} of {repeat}, {name}: {seconds:.2f} s")
    found = medians(samples)
    known = {name: found[name] for name in PEERS if name in found}
    pairs = [(name, "fused") for name in samples if name != "fused"]
    result = ratios(found, pairs)
    if known and "fused" in found:
        result["peer_over_fused"] = round(min(known.values()) / found["fused"], 3)
    return {
        "engine": engine,
        "repeat": repeat,
        "rules": len(select(now)),
        "median_seconds": found,
        "ratios": result,
        "does_not_run": failed,
        "samples": samples,
    }


def text(found: dict[str, Any]) -> str:
    """Show the figures of `compare`."""
    ours = found["median_seconds"].get("fused")
    rows = []
    for name, middle in found["median_seconds"].items():
        over = f"{middle / ours:.2f}" if ours else ""
        rows.append([name, f"{middle:.2f}", span(found["samples"][name]), over])
    lost = [f"{name} does not run: {why}" for name, why in found["does_not_run"].items()]
    table = text_table(["", "audit s", "min - max", "over fused"], rows)
    parts = (table, ratio_lines(found["ratios"]), "\n".join(lost))
    return "\n\n".join(part for part in parts if part)


@contextmanager
def _started(name: str, engine: str, now: int, rules: Path, limit: float) -> Iterator[Worker]:
    command = processes.command("contenders", name, engine, rules, now)
    pipe = subprocess.PIPE
    # A worker ends when its input does.
    with (
        TemporaryFile() as log,
        subprocess.Popen(
            command, cwd=processes.ROOT, stdin=pipe, stdout=pipe, stderr=log, text=True
        ) as process,
    ):
        yield Worker(process, log, limit)


def _spoiled(
    table: Sequence[Path], now: int, folder: Path
) -> list[tuple[list[Path], list[bool] | None]]:
    """Write two small tables, one that breaks all rules and one that breaks some."""
    checks = select(now)
    clean = ds.dataset(table).head(SPOILED_ROWS)
    some = {p for p, c in enumerate(checks) if c.kind in ("matches", "unique") or c.column == "z"}
    some -= {p for p, c in enumerate(checks) if c.kind == "present"}
    cases: list[tuple[list[Path], list[bool] | None]] = []
    for name, broken in (("all", set(range(len(checks)))), ("some", some)):
        file = folder / f"{name}.parquet"
        pq.write_table(spoil(clean, checks, broken), file)
        cases.append(([file], [place not in broken for place in range(len(checks))]))
    return cases


def _warm_up(
    name: str, worker: Worker, cases: Sequence[tuple[Sequence[Path], list[bool] | None]]
) -> str:
    """Have each table judged once; return why that cannot be done, if so."""
    for files, expected in cases:
        answer = worker.judge(files)
        if "reason" in answer:
            return str(answer["reason"])
        require(name, answer, expected)
    return ""


def _judged(name: str, worker: Worker, files: Sequence[Path], expected: list[bool] | None) -> float:
    answer = worker.judge(files)
    if "reason" in answer:
        raise BenchmarkError(f"{name} failed: {answer['reason']}")
    require(name, answer, expected)
    return float(answer["seconds"])


def require(name: str, answer: dict[str, Any], expected: list[bool] | None) -> None:
    """Refuse figures of a contender that judges wrongly; None: the rows meet every rule."""
    verdicts = answer["verdicts"]
    if verdicts != (expected or [True] * len(verdicts)):
        raise BenchmarkError(
            f"{name} judged wrongly, so its times do not compare: {verdicts} "
            f"instead of {expected or 'all true'}."
        )
