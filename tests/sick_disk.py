"""A lake on a disk that is full, and on one that became read-only.

`python -m tests.sick_disk LAKE LANDING LANDING` mounts a small disk on LAKE, so run it where it
may: `unshare --map-root-user --mount`. It prints one JSON object per attempt at a run.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

from pyiceberg.catalog.sql import SqlCatalog

from stedi_glue.entry.cli import main as program
from tests.crowd import digest
from tests.oracle import expected, landing_rows

# What is left free on the full disk: a run fails at another of its steps with each.
KILOBYTES = (0, 8, 24, 48, 96, 160, 256, 512)


def run(*arguments: str) -> tuple[int, str]:
    """Run the program here and return its exit code and all it said."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = program(arguments)
    return code, said.getvalue()


def state(lake: str) -> dict[str, str]:
    """Return the rows of every published table, by their hash."""
    catalog = SqlCatalog("stedi", uri=f"sqlite:///{lake}/catalog.db", init_catalog_tables="false")
    found = {}
    for identifier in catalog.list_tables("stedi"):
        rows = catalog.load_table(identifier).scan().to_arrow().to_pylist()
        found[identifier[-1]] = digest(row.values() for row in rows)
    return found


def fill(lake: str, kilobytes: int) -> Path:
    """Leave so much free on the lake's disk, and return what takes the rest."""
    ballast = Path(lake) / "ballast"
    disk = os.statvfs(lake)
    with ballast.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, disk.f_bavail * disk.f_frsize - kilobytes * 1024)
    return ballast


def mount(lake: str, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", lake], check=True)


def main(lake: str, *landings: str) -> None:
    """Publish one landing, then try the other with less space than it takes, and read-only."""
    whole = [
        {name: digest(rows.elements()) for name, rows in expected(landing_rows(Path(raw))).items()}
        for raw in landings
    ]
    command = ["run", "--lake", lake, "--landing"]
    mount(lake, "size=64m")
    assert run(*command, landings[0])[0] == 0
    for kilobytes in KILOBYTES:
        before = state(lake)
        ballast = fill(lake, kilobytes)
        code, said = run(*command, landings[1])
        ballast.unlink()
        after = state(lake)
        for name, rows in after.items():
            assert rows in (before[name], whole[1][name]), name
        tell(free=kilobytes, code=code, said=said, moved=before != after)
        assert run(*command, landings[0])[0] == 0, "the next run recovers"
        assert state(lake) == whole[0]
    mount(lake, "remount,ro")
    code, said = run(*command, landings[1])
    tell(free="read-only", code=code, said=said, moved=state(lake) != whole[0])
    code, said = run("query", "SELECT count(*) AS n FROM customer_trusted", "--lake", lake)
    tell(free="read-only query", code=code, said=said, moved=False)
    mount(lake, "remount,rw")
    assert run(*command, landings[1])[0] == 0
    assert state(lake) == whole[1]


def tell(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
