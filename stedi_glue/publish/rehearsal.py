"""A table made and audited before it exists: nothing reaches the catalog, and nothing stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from stedi_glue.model.table import Table
from stedi_glue.publish.ports import Auditor, Catalog, Engine, Verdict

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stedi_glue.model.transform import ZoneTransform

SAMPLE = 5


@dataclass(frozen=True)
class Rehearsal:
    """What a run would have made of a table.

    rows: how many were written. sample: a few of them. seconds: for transform and audit together.
    """

    table: Table
    rows: int
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
        self._auditor.prepare()
        self._auditor.check([table])
        start = time.perf_counter()
        sources = {name: self._read(name) for name in transform.sources}
        references = {name: self._read(name) for name in self._auditor.names(table)}
        try:
            self._engine.write(transform.apply(sources), folder)
            staged = self._catalog.written(folder)
            rows = self._engine.read(table, staged.files)
            now = int(time.time() * 1000)
            verdict = self._auditor.audit(table, rows, references, now)
            sample = tuple(row.asDict() for row in rows.limit(SAMPLE).collect())
            done = Rehearsal(table, staged.rows, verdict, sample, 0.0)
        finally:
            self._drop(folder)
        return replace(done, seconds=round(time.perf_counter() - start, 3))
