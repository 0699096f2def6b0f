"""Runs on S3 that are killed: every table is as it was before or as it was to become."""

from __future__ import annotations

import logging
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Timer

import pytest

from stedi_glue.entry.synthetic import write_landing
from tests.aws_server import BUCKET, Account
from tests.entry.test_cli import PROGRAM
from tests.oracle import expected, landing_rows, multiset

ROOT = f"s3://{BUCKET}/lake"
LOG = logging.getLogger(__name__)
KILLS = int(os.environ.get("KILLS", "4"))

pytestmark = pytest.mark.slow


class Killed:
    """A lake that two landings take turns to fill, in processes of their own."""

    def __init__(self, account: Account, folder: Path) -> None:
        self.account = account
        self.raw, self.wanted = [], []
        for number, customers in enumerate((12, 16)):
            raw = folder / str(number)
            write_landing(raw, customers=customers, seed=number)
            self.raw.append(raw)
            self.wanted.append(expected(landing_rows(raw)))
        assert all(self.wanted[0][name] != self.wanted[1][name] for name in self.wanted[0])

    def start(self, landing: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*PROGRAM, "run", "--lake", ROOT, "--landing", self.raw[landing]],
            env={**os.environ, **self.account.variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, landing: int) -> None:
        process = self.start(landing)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, out + err
        assert self.state() == dict.fromkeys(self.wanted[0], landing)

    def state(self) -> dict[str, int]:
        """Say which landing each table holds; fail for one that holds anything else."""
        catalog = self.account.by_hand()
        found = {}
        for name in self.wanted[0]:
            rows = catalog.load_table(f"stedi.{name}").scan().to_arrow().to_pylist()
            columns = list(rows[0])
            held = multiset([tuple(row[c] for c in columns) for row in rows])
            (found[name],) = [n for n in (0, 1) if held == self.wanted[n][name]]
        return found


@pytest.fixture
def killed(account: Account, tmp_path: Path) -> Killed:
    return Killed(account, tmp_path)


def count_requests(account: Account, act: Callable[[], None]) -> int:
    lock, count = Lock(), 0

    def add(request: str) -> None:
        nonlocal count
        with lock:
            count += 1

    account.on_request = add
    try:
        act()
    finally:
        account.on_request = lambda request: None
    return count


def test_killed_at_random_moments(killed: Killed, account: Account) -> None:
    """Half of the kills come after some seconds, half at some request to AWS."""
    seed = int(os.environ.get("SEED", time.time_ns() % 10**6))
    LOG.info("SEED=%d KILLS=%d: %s", seed, KILLS, "the same again with these variables")
    chance = random.Random(seed)
    killed.run(0)
    begun = time.monotonic()
    requests = count_requests(account, lambda: killed.run(1))
    seconds = time.monotonic() - begun
    now, mixed = 1, 0
    for number in range(KILLS):
        process = killed.start(1 - now)
        if number % 2:
            moment = chance.randint(1, requests)
            _kill_at(account, process, nth=moment)
        else:
            Timer(chance.uniform(0.3, 1) * seconds, process.kill).start()
        process.communicate(timeout=300)
        account.on_request = lambda request: None
        ended = process.returncode
        assert ended in (0, -signal.SIGKILL)
        state = killed.state()
        mixed += len(set(state.values())) == 2
        LOG.info("%s: %s", "killed" if ended else "done before it was killed", state)
        killed.run(1 - now)
        now = 1 - now
    LOG.info("%d of %d kills came between two publications", mixed, KILLS)


def test_two_runs_at_once_lose_nothing(killed: Killed, account: Account) -> None:
    killed.run(0)
    before = {
        name: {s.snapshot_id for s in account.by_hand().load_table(f"stedi.{name}").snapshots()}
        for name in killed.wanted[0]
    }
    runs = [killed.start(landing) for landing in (0, 1)]
    said = [run.communicate(timeout=300) for run in runs]
    for run, (out, err) in zip(runs, said, strict=True):
        assert err == ""
        assert run.returncode in (0, 1)
        assert (run.returncode == 1) == ("Somebody else published" in out), out
    killed.state()
    for name, known in before.items():
        table = account.by_hand().load_table(f"stedi.{name}")
        new = [s for s in table.snapshots() if s.snapshot_id not in known]
        assert new, "of two publications one wins"
        for snapshot in new:
            rows = table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().num_rows
            assert snapshot.summary is not None
            assert rows == int(snapshot.summary["stedi.rows"])
    killed.run(1)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", [1, 3])
def test_killed_while_a_commit_is_on_its_way(
    killed: Killed, account: Account, when: str, nth: int
) -> None:
    killed.run(0)
    process = killed.start(1)
    commits = _kill_at(account, process, nth=nth, name="UpdateTable", arrives=when == "after")
    process.communicate(timeout=300)
    account.on_request = lambda request: None
    assert process.returncode == -signal.SIGKILL
    assert commits == [nth]
    landed = nth - (when == "before")
    assert sum(killed.state().values()) == landed
    killed.run(1)


def _kill_at(
    account: Account,
    process: subprocess.Popen[str],
    nth: int,
    name: str | None = None,
    arrives: bool = True,
) -> list[int]:
    """Kill a process at its nth request, which then still has its effect, or has none."""
    lock, seen, done = Lock(), 0, []

    def kill(request: str) -> None:
        nonlocal seen
        with lock:
            seen += name is None or request == name
            if seen != nth or done:
                return
            done.append(nth)
        process.kill()
        if not arrives:
            raise ConnectionAbortedError

    account.on_request = kill
    return done
