"""A table made and audited before it exists: nothing reaches the catalog, and nothing stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from stedi_glue.model.table import RULES, Table
from stedi_glue.publish.ports import Auditor, Catalog, Engine, Verdict

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stedi_glue.model.transform import ZoneTransform

SAMPLE = 5


@dataclass(frozen=True)
class Rehearsal:
    """What a run would have made of a table.

    rows: how many readers would see. quarantined: how many rules would leave out. sample: a few
    of the rows. seconds: for transform and audit together.
    """

    table: Table
    rows: int
    quarantined: int
    verdict: Verdict
    sample: tuple[Mapping[str, Any], ...]
    seconds: float


class Stage:
    """Rehearses transforms: writes what they make, and audits the written bytes as a run does.

    read: reads a table of the lake by its name. Nobody's table is written, and no file stays.
    """

    def __init__(
        self,
        engine: Engine,
        catalog: Catalog,
        auditor: Auditor,
        read: Callable[[str], DataFrame],
        drop: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._auditor = auditor
        self._read = read
        self._drop = drop

    def rehearse(self, transform: ZoneTransform, folder: str) -> Rehearsal:
        """Make the transform's table in a folder, audit it there, and delete the folder."""
        table = transform.table
        self._engine.start()
        self._auditor.prepare()
        self._auditor.check([table])
        start = time.perf_counter()
        sources = {name: self._read(name) for name in transform.sources}
        references = {name: self._read(name) for name in self._auditor.names(table)}
        try:
            made = self._written(table, transform.apply(sources), f"{folder}/made")
            now = int(time.time() * 1000)
            verdict = self._auditor.audit(table, made, references, now)
            kept = made
            if verdict.separable:
                marked = self._auditor.mark(table, made, verdict)
                good = marked.where(f"{RULES} IS NULL").drop(RULES)
                kept = self._written(table, good, f"{folder}/kept")
                found = self._auditor.audit(table, kept, references, now)
                verdict = replace(found, quarantined=verdict.separable)
            rows = int(kept.count())
            left_out = int(made.count()) - rows
            sample = tuple(row.asDict() for row in kept.limit(SAMPLE).collect())
        finally:
            self._drop(folder)
        seconds = round(time.perf_counter() - start, 3)
        return Rehearsal(table, rows, left_out, verdict, sample, seconds)

    def _written(self, table: Table, frame: DataFrame, folder: str) -> DataFrame:
        self._engine.write(frame, folder)
        return self._engine.read(table, self._catalog.written(folder).files)
