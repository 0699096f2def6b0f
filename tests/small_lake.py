"""A lake of a few rows, without catalog or rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from stedi_glue.backends.engines import SailEngine, SparkEngine
from stedi_glue.backends.landing import LandingFolder
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.model.table import Table
from tests.oracle import SUBJECTS, Row

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LocalEngine = SailEngine | SparkEngine

ARROW = {"string": pa.string(), "int": pa.int32(), "bigint": pa.int64(), "double": pa.float64()}


def made(
    engine: LocalEngine, pipeline: Pipeline, name: str, **sources: Iterable[Row]
) -> list[dict[str, Any]]:
    """Return the rows of one table, made of rows of the tables it reads.

    What a row lacks is null.
    """
    transform = pipeline.transform(name)
    assert transform is not None
    with TemporaryDirectory() as folder:
        frames = {}
        for source, rows in sources.items():
            table, file = pipeline.table(source), f"{folder}/{source}.parquet"
            schema = pa.schema([(column.name, ARROW[column.type]) for column in table.columns])
            pq.write_table(pa.Table.from_pylist(list(rows), schema), file)
            frames[source] = engine.read(table, [file])
        return [row.asDict() for row in transform.apply(frames).collect()]


def land(lake: Path, landing: Mapping[str, Iterable[Row]]) -> None:
    """Write rows as newline JSON under `<lake>/<subject>/landing`; no rows give an empty file."""
    for subject in SUBJECTS:
        folder = lake / subject / "landing"
        folder.mkdir(parents=True)
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in landing.get(subject, ())]
        (folder / "rows.json").write_text("".join(lines), encoding="utf-8")


def landed(engine: LocalEngine, table: Table, lake: Path) -> DataFrame:
    """Parse what was landed for one table."""
    landing = LandingFolder(str(lake), str(lake / "parsed"), engine)
    return landing.read(table, landing.stage(table, "run"))


def stored(engine: LocalEngine, table: Table, frame: DataFrame, lake: Path) -> DataFrame:
    """Write the frame and read it back, as publication does between two tables."""
    folder = lake / "stored" / table.name
    engine.write(frame, str(folder))
    return engine.read(table, [str(file) for file in folder.glob("*.parquet")])
