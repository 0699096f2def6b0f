"""Runs that are killed: every table is as it was before or as it was to become."""

from __future__ import annotations

import logging
import os
import random
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock, Timer

import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError

from stedi_glue.backends.storage import open_storage
from stedi_glue.entry.synthetic import write_landing
from stedi_glue.zones import STEDI
from tests.aws_server import BUCKET, Account
from tests.entry.test_cli import PROGRAM
from tests.forked import Program
from tests.oracle import expected, landing_rows, multiset

ROOT = f"s3://{BUCKET}/lake"
LOG = logging.getLogger(__name__)
# How often to kill; KILLS=200 takes a quarter of an hour on disk.
KILLS = {"disk": int(os.environ.get("KILLS", "60")), "s3": int(os.environ.get("KILLS", "12"))}

pytestmark = pytest.mark.slow


class Killed:
    """A lake that two landings take turns to fill, in processes of their own."""

    def __init__(self, root: str, by_hand: Callable[[], Catalog | None], folder: Path) -> None:
        self.root = root
        self.by_hand = by_hand
        self.environ: dict[str, str] = {}
        self.raw, self.wanted = [], []
        for number, customers in enumerate((12, 16)):
            raw = folder / str(number)
            write_landing(raw, customers=customers, seed=number)
            self.raw.append(raw)
            self.wanted.append(expected(landing_rows(raw)))
        assert all(self.wanted[0][name] != self.wanted[1][name] for name in self.wanted[0])

    def arguments(self, landing: int) -> list[str]:
        return [
            *("run", "--lake", self.root, "--landing", str(self.raw[landing])),
            *("--privacy", "identified"),
        ]

    def start(self, landing: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*PROGRAM, *self.arguments(landing)],
            env={**os.environ, **self.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, landing: int) -> None:
        process = self.start(landing)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, out + err
        assert self.state() == dict.fromkeys(self.wanted[0], landing)

    def state(self) -> dict[str, int | None]:
        """Say which landing each table holds, None for no table; fail for anything else."""
        catalog = self.by_hand()
        found: dict[str, int | None] = {}
        for name in self.wanted[0]:
            found[name] = None
            if catalog is None:
                continue
            try:
                rows = catalog.load_table(f"stedi.{name}").scan().to_arrow().to_pylist()
            except NoSuchTableError:
                continue
            columns = list(rows[0])
            held = multiset([tuple(row[c] for c in columns) for row in rows])
            (found[name],) = [n for n in (0, 1) if held == self.wanted[n][name]]
        return found

    def orphans(self) -> set[str]:
        """Return the files in the tables' folders that no snapshot refers to, as pyiceberg says."""
        catalog = self.by_hand()
        assert catalog is not None
        found: set[str] = set()
        for table in STEDI.tables:
            if table.name not in self.wanted[0]:
                continue
            iceberg = catalog.load_table(f"stedi.{table.name}")
            log = (entry.metadata_file for entry in iceberg.metadata.metadata_log)
            used = {iceberg.metadata_location, *log}
            for snapshot in iceberg.snapshots():
                assert iceberg.scan(snapshot_id=snapshot.snapshot_id).to_arrow().num_rows
                used.add(snapshot.manifest_list)
                for manifest in snapshot.manifests(iceberg.io):
                    used.add(manifest.manifest_path)
                    entries = manifest.fetch_manifest_entry(iceberg.io)
                    used |= {entry.data_file.file_path for entry in entries}
            files = open_storage(self.root).list(f"{self.root}/{table.location}")
            found |= {file.path for file in files} - used
        return found


@pytest.fixture
def killed(account: Account, tmp_path: Path) -> Killed:
    killed = Killed(ROOT, account.by_hand, tmp_path)
    killed.environ = account.variables
    return killed


@pytest.fixture
def on_disk(tmp_path: Path) -> Killed:
    file = tmp_path / "lake" / "catalog.db"

    def by_hand() -> Catalog | None:
        # Looking must not create it.
        return SqlCatalog("stedi", uri=f"sqlite:///{file}") if file.exists() else None

    return Killed(str(tmp_path / "lake"), by_hand, tmp_path)


@pytest.fixture
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Program]:
    environ = request.getfixturevalue("killed").environ if request.param == "s3" else {}
    program = Program(environ, tmp_path / "said.txt")
    yield program
    program.close()


@pytest.mark.parametrize(
    ("place", "program"), [("disk", "disk"), ("s3", "s3")], indirect=["program"]
)
def test_killed_at_random_moments(
    place: str, program: Program, request: pytest.FixtureRequest
) -> None:
    """Most kills come at any moment, every third one near the end, when commits are made."""
    lake: Killed = request.getfixturevalue("on_disk" if place == "disk" else "killed")
    seed = int(os.environ.get("SEED", time.time_ns() % 10**6))
    LOG.info("SEED=%d KILLS=%d: the same again with these variables", seed, KILLS[place])
    chance = random.Random(seed)
    before, took, kills, mixed = lake.state(), [5.0], 0, 0
    while kills < KILLS[place]:
        landing = chance.choice((0, 1))
        usual = statistics.median(took[-5:])
        pid = program.start(lake.arguments(landing))
        begun = time.monotonic()
        moment = chance.uniform(0.6 if kills % 3 == 0 else 0, 1.05) * usual
        timer = Timer(moment, os.kill, (pid, signal.SIGKILL))
        timer.start()
        ended = program.wait()
        timer.cancel()
        assert ended in (0, -signal.SIGKILL), program.said.read_text()
        if ended == 0:
            took.append(time.monotonic() - begun)
        else:
            kills += 1
            if kills % 20 == 0:
                LOG.info("%d kills", kills)
        after = lake.state()
        for name, held in after.items():
            assert held in (before[name], landing), (name, before, after, landing)
        if ended == 0:
            assert set(after.values()) == {landing}
        mixed += len(set(after.values())) > 1
        before = after
    LOG.info(
        "%d kills, %d runs that were faster, %d times between two publications, a run takes %.1f s",
        kills,
        len(took) - 1,
        mixed,
        statistics.median(took),
    )
    for landing in (0, 1):
        program.start(lake.arguments(landing))
        assert program.wait() == 0, program.said.read_text()
        assert set(lake.state().values()) == {landing}
    # What this one leaves, no later run cleans up.
    pid = program.start(lake.arguments(0))
    Timer(0.7 * statistics.median(took), os.kill, (pid, signal.SIGKILL)).start()
    program.wait()
    program.start(["vacuum", "--lake", lake.root, "--older-than", "0", "--delete"])
    assert program.wait() == 0, program.said.read_text()
    LOG.info("vacuum: %s", program.said.read_text().splitlines()[-1])
    assert lake.orphans() == set()
    assert None not in lake.state().values()


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
    # The server may still be at it when the one who asked is gone.
    deadline = time.monotonic() + 30
    while sum(killed.state().values()) < landed and time.monotonic() < deadline:
        time.sleep(0.2)
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
