"""What is usual, learned from a table's own publications."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from stedi_glue.model.table import Table
from stedi_glue.publish.ports import Snapshot

# Fewer publications teach nothing.
LEARNED_FROM = 3
NEWEST = "stedi.newest."
_ANY = 2**62
_DAY = 86_400_000


def usual(table: Table, history: Sequence[Snapshot], now: int) -> dict[str, int]:
    """Return the bounds of what is usual, as parameters of rules; `history` is newest first.

    `usual_rows_min` and `usual_rows_max`: the rows of the last publication, give or take a
    fifth, or three times the usual step from one to the next where that is more.
    `usual_newest_<column>`: the oldest that the newest moment of a column may be, in epoch
    milliseconds: as far behind `now` as it usually is when the table is published, and a day
    or three times the usual difference more. Without enough history they bound nothing.
    """
    bounds = {"usual_rows_min": 0, "usual_rows_max": _ANY}
    rows = [snapshot.rows for snapshot in history]
    if len(rows) >= LEARNED_FROM:
        step = median(abs(one - other) for one, other in pairwise(rows))
        reach = max(0.2 * rows[0], 3 * step)
        bounds["usual_rows_min"] = max(int(rows[0] - reach), 0)
        bounds["usual_rows_max"] = int(rows[0] + reach) + 1
    for column in (one.name for one in table.columns if one.type == "bigint"):
        behind = [
            snapshot.published_at - int(snapshot.summary[NEWEST + column])
            for snapshot in history
            if NEWEST + column in snapshot.summary
        ]
        bounds[f"usual_newest_{column}"] = 0
        if len(behind) >= LEARNED_FROM:
            middle = median(behind)
            reach = max(_DAY, 3 * median(abs(one - middle) for one in behind))
            bounds[f"usual_newest_{column}"] = int(now - middle - reach)
    return bounds
