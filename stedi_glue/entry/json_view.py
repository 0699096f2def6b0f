"""What a script sees of a run and of a lake: one JSON value on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stedi_glue.entry.terminal import iso

if TYPE_CHECKING:
    from stedi_glue.lakehouse import TableState
    from stedi_glue.publish.ports import Snapshot
    from stedi_glue.publish.report import Attempt


def print_json(value: Any) -> None:
    """Write one JSON value and nothing else."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def state_json(
    state: TableState, sources: Sequence[str], revoked: Mapping[str, int | None] | None
) -> dict[str, Any]:
    """Return a table's contract and what the lake holds of it; null what it does not.

    revoked: rows of people who do not agree any more, by table; None when nobody could look.
    """
    table = state.table
    columns = [
        {"name": c.name, "type": c.type, "personal": c.personal, "doc": c.doc}
        for c in table.columns
    ]
    return {
        "table": table.name,
        "zone": table.zone,
        "location": table.location,
        "doc": table.doc,
        "made_from": sources,
        "rows": state.rows,
        "quarantined": state.quarantined,
        "revoked": revoked.get(table.name, 0) if state.snapshot and revoked is not None else None,
        "snapshot": snapshot_json(state.snapshot) if state.snapshot else None,
        "columns": columns,
    }


def attempt_json(attempt: Attempt, snapshot: Snapshot | None) -> dict[str, Any]:
    """Return what became of a table in one run; `snapshot` is null when it cannot be read."""
    return {
        "run_id": attempt.run_id,
        "started_at": iso(attempt.started_at),
        "engine": attempt.engine,
        "status": attempt.status,
        "rows": attempt.rows,
        "quarantined": attempt.quarantined,
        "expectations": {
            "evaluated": attempt.evaluated,
            "failed": attempt.failed,
            "warnings": attempt.warned,
        },
        "unmet": [asdict(rule) for rule in attempt.unmet],
        "reason": attempt.reason,
        "snapshot_id": attempt.snapshot_id,
        "current": snapshot is not None and snapshot.current,
        "snapshot": snapshot_json(snapshot) if snapshot else None,
    }


def snapshot_json(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot with its recorded verdict; times are UTC in ISO 8601."""
    return {
        "snapshot_id": snapshot.snapshot_id,
        "published_at": iso(snapshot.published_at),
        "current": snapshot.current,
        "rows": snapshot.rows,
        "quarantined": snapshot.quarantined,
        "summary": {k: v for k, v in snapshot.summary.items() if k.startswith("stedi.")},
    }
