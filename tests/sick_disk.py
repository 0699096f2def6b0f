"""A lake on a disk that is full, and on one that became read-only.

`python -m tests.sick_disk DISK LANDING LANDING` mounts a small disk on DISK, so run it where it
may: `unshare --map-root-user --mount`. It prints one JSON object per attempt at a run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchNamespaceError
from sqlalchemy.exc import OperationalError

from tests.crowd import digest
from tests.forked import Program
from tests.oracle import expected, landing_rows

# So many sizes of free space, from nothing to just short of what a run takes; small ones oftener.
STEPS = int(os.environ.get("STEPS", "16"))


class Disk:
    """A small disk with a lake on it, filled from the second of two landings."""

    def __init__(self, folder: str, landings: list[str]) -> None:
        self.folder = Path(folder)
        self.lake = self.folder / "lake"
        self.landings = landings
        self.whole = [
            {name: digest(rows.elements()) for name, rows in expected(landing_rows(raw)).items()}
            for raw in map(Path, landings)
        ]
        self.program = Program({"PYTHONPATH": "."}, self.folder.with_name("said.txt"))

    def mount(self, options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "none", self.folder]
        subprocess.run(command, check=True)

    def say(self, *arguments: str) -> tuple[int, str]:
        """Run the program and return its exit code and all it said."""
        self.program.start([*arguments, "--lake", str(self.lake)])
        return self.program.wait(), self.program.said.read_text(encoding="utf-8")

    def run(self, landing: int) -> tuple[int, str]:
        # A key of its own would lie on another disk, and each lake's pseudonyms be others.
        options = ("--landing", self.landings[landing], "--privacy", "identified")
        return self.say("run", *options)

    def state(self) -> dict[str, str]:
        """Return the rows of every published table, by their hash."""
        found: dict[str, str] = {}
        file = self.lake / "catalog.db"
        if not file.exists():
            return found
        catalog = SqlCatalog("stedi", uri=f"sqlite:///{file}", init_catalog_tables="false")
        with suppress(NoSuchNamespaceError, OperationalError):
            for identifier in catalog.list_tables("stedi"):
                rows = catalog.load_table(identifier).scan().to_arrow().to_pylist()
                found[identifier[-1]] = digest(row.values() for row in rows)
        # A file that is open for writing keeps a disk from becoming read-only.
        catalog.engine.dispose()
        return found

    def used(self) -> int:
        disk = os.statvfs(self.folder)
        return (disk.f_blocks - disk.f_bfree) * disk.f_frsize

    def fill(self, free: int) -> Path:
        """Leave so many bytes free, and return what takes the rest."""
        ballast = self.folder / "ballast"
        disk = os.statvfs(self.folder)
        with ballast.open("wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, disk.f_bavail * disk.f_frsize - free)
        return ballast

    def attempt(self, landing: int, free: int) -> None:
        """Run with so little space: each table is as it was, or as it was to become."""
        before, ballast = self.state(), self.fill(free)
        code, said = self.run(landing)
        ballast.unlink()
        after, wanted = self.state(), self.whole[landing]
        for name in wanted:
            assert after.get(name) in (before.get(name), wanted[name]), (name, free, said)
        tell(free=free, code=code, said=said, published=after == wanted)
        self.recover(landing)

    def recover(self, landing: int) -> None:
        """Run where nothing is in the way."""
        code, said = self.run(landing)
        assert code == 0, said
        assert self.state() == self.whole[landing]


def main(folder: str, *landings: str) -> None:
    """Try to run with less space than it takes, into a lake and into no lake; then read-only."""
    disk = Disk(folder, list(landings))
    disk.mount("size=64m")
    disk.recover(1)
    needed = disk.used()
    for step in range(STEPS):
        if step % 3 == 0:
            shutil.rmtree(disk.lake)
        disk.attempt(step % 2, needed * step**2 // STEPS**2)
    disk.recover(0)
    disk.mount("remount,ro")
    for arguments in (
        ["run", "--landing", landings[1]],
        ["run", "--landing", landings[0]],
        ["vacuum", "--delete", "--older-than", "0"],
        ["rollback", "customer_trusted"],
        ["profile", "customer_trusted"],
        ["query", "SELECT count(*) AS n FROM customer_trusted"],
        ["tables"],
    ):
        code, said = disk.say(*arguments)
        tell(read_only=arguments[0], code=code, said=said)
    assert disk.state() == disk.whole[0]
    disk.mount("remount,rw")
    disk.recover(1)
    disk.program.close()


def tell(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
