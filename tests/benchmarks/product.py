"""One run of the product. `python -m tests.benchmarks.product gated LANDING LAKE ENGINE`.

`gated` is the product as it is; `ungated` makes and publishes the same tables, but nothing
judges them and nothing is documented.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stedi_glue.lakehouse import Lakehouse
from stedi_glue.model.table import Table, Zone
from stedi_glue.publish.collector import be_patient
from stedi_glue.publish.ports import Snapshot, Verdict

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Unjudging:
    """An auditor that passes everything unseen."""

    def prepare(self) -> None:
        """Need no time."""

    def check(self, tables: Sequence[Table]) -> None:
        """Need no rules."""

    def names(self, table: Table) -> frozenset[str]:
        """Look at no other table."""
        return frozenset()

    def audit(
        self,
        table: Table,
        rows: DataFrame,
        references: Mapping[str, DataFrame],
        now: int,
        history: Sequence[Snapshot] = (),
    ) -> Verdict:
        """Find nothing."""
        return Verdict("none", ())

    def document(self, run_id: str, now: int) -> None:
        """Write nothing."""


def main(kind: str, landing: str, lake: str, engine: str) -> None:
    """Run and say how long it took, as JSON."""
    start = time.perf_counter()
    # It names people, as the script does that it is compared with.
    options = {"landing": landing, "engine": engine, "privacy": "identified"}
    with Lakehouse.open(lake, **options) as opened:
        if kind == "ungated":
            # Here and not by a switch in the product: there must be no way to publish unjudged.
            opened._auditor = Unjudging()
        report = opened.run()
        seconds = time.perf_counter() - start
    report.raise_for_status()
    steps = {
        step: sum(getattr(table.seconds, step) or 0.0 for table in report.tables)
        for step in ("transform", "audit", "publish")
    }
    rows = {table.table: table.rows for table in report.tables if table.zone != Zone.LANDING}
    rules = sum(len(table.verdict.results) for table in report.tables if table.verdict)
    said = {"seconds": seconds, "steps": steps, "rows": rows, "rules": rules}
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    # As the program does.
    be_patient()
    main(*sys.argv[1:])
