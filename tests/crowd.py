"""Many writers and readers on one lake at once, each a process that works for a while.

`python -m tests.crowd LAKE SECONDS LANDING...` starts a writer for each landing and a few
readers. Each prints one JSON object per line: what it published, or what it saw.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.forked import load

READERS = 4


def write(lake: str, landing: str, until: float) -> None:
    """Run again and again, as a machine of its own would, and tell every publication."""
    from stedi_glue.errors import LakeError
    from stedi_glue.lakehouse import Lakehouse

    while time.time() < until:
        with Lakehouse.open(lake, landing=landing, privacy="identified") as house:
            # Nothing expires, so that the whole history can be looked at afterwards.
            house._catalog._keep = 10**6
            try:
                report = house.run()
            except LakeError as error:
                tell(refused=str(error))
                continue
        tell(
            landing=landing,
            status=report.status,
            published={t.table: t.snapshot_id for t in report.tables if t.snapshot_id},
        )


def read(lake: str, until: float) -> None:
    """Read every table as any user of pyiceberg would, and tell the rows by their hash."""
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("stedi", uri=f"sqlite:///{lake}/catalog.db")
    while time.time() < until:
        for identifier in catalog.list_tables("stedi"):
            table = catalog.load_table(identifier)
            rows = table.scan().to_arrow().to_pylist()
            tell(table=identifier[-1], rows=digest(tuple(row.values()) for row in rows))


def digest(rows: Any) -> str:
    """Return what rows have in common with others only when they are the same rows."""
    import hashlib

    lines = sorted(map(repr, (tuple(row) for row in rows)))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def tell(**facts: object) -> None:
    # In one piece, because all of them write to one pipe.
    os.write(1, (json.dumps(facts) + "\n").encode())


def _start(work: Callable[..., None], *arguments: object) -> int:
    pid = os.fork()
    if not pid:
        work(*arguments)
        sys.exit(0)
    return pid


def main(lake: str, seconds: str, *landings: str) -> int:
    """Start everybody, wait for them, and return how many ended badly."""
    load()
    until = time.time() + float(seconds)
    crowd = [_start(write, lake, landing, until) for landing in landings]
    while not (Path(lake) / "catalog.db").exists():
        time.sleep(0.1)
    crowd += [_start(read, lake, until) for _ in range(READERS)]
    return sum(os.waitpid(pid, 0)[1] != 0 for pid in crowd)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
