"""A lake of a few rows, without catalog or rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stedi_glue.backends.engines import SailEngine, SparkEngine
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.model.table import Table
from tests.oracle import SUBJECTS, Row

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LocalEngine = SailEngine | SparkEngine


def frame_of(engine: LocalEngine, table: Table, rows: Iterable[Row]) -> DataFrame:
    """Return the rows as a frame with the table's schema; what a row lacks is null."""
    values = [tuple(row.get(name) for name in table.column_names) for row in rows]
    return engine.session.createDataFrame(values, table.schema())


def made(
    engine: LocalEngine, pipeline: Pipeline, name: str, **sources: Iterable[Row]
) -> list[dict[str, object]]:
    """Return the rows of one table, made of rows of the tables it reads."""
    frames = {
        source: frame_of(engine, pipeline.table(source), rows) for source, rows in sources.items()
    }
    transform = pipeline.transform(name)
    assert transform is not None
    return [row.asDict() for row in transform.apply(frames).collect()]


def land(lake: Path, landing: Mapping[str, Iterable[Row]]) -> None:
    """Write rows as newline JSON under `<lake>/<subject>/landing`; no rows give an empty file."""
    for subject in SUBJECTS:
        folder = lake / subject / "landing"
        folder.mkdir(parents=True)
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in landing.get(subject, ())]
        (folder / "rows.json").write_text("".join(lines), encoding="utf-8")


def landed(engine: LocalEngine, table: Table, lake: Path) -> DataFrame:
    """Parse the landing files of one table."""
    files = {str(file): file.name for file in (lake / table.location).iterdir()}
    return engine.parse(table, files).where("_problem IS NULL").select(*table.column_names)


def stored(engine: LocalEngine, table: Table, frame: DataFrame, lake: Path) -> DataFrame:
    """Write the frame and read it back, as publication does between two tables."""
    folder = lake / "stored" / table.name
    engine.write(frame, str(folder))
    return engine.read(table, [str(file) for file in folder.glob("*.parquet")])
