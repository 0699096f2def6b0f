"""Invented data of any size, made once and kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import json

from stedi_glue.entry import synthetic
from stedi_glue.zones.trusted import ACCELEROMETER_TRUSTED
from tests.benchmarks.figures import tell

ARROW = {"string": pa.string(), "bigint": pa.int64(), "double": pa.float64()}
READINGS = pa.schema([(c.name, ARROW[c.type]) for c in ACCELEROMETER_TRUSTED.columns])


def landing(data: Path, rows: int) -> Path:
    """Return a landing root with this many accelerometer readings, and what belongs to them."""
    return _kept(
        data / f"landing-{rows}-{_recipe()}",
        lambda folder: synthetic.write_landing(folder, readings=rows),
    )


def readings(data: Path, rows: int) -> Path:
    """Return a folder of Parquet files with this many clean accelerometer readings."""
    source = landing(data, rows) / "accelerometer" / "landing"

    def write(folder: Path) -> None:
        # File by file: pyarrow's JSON datasets can wait for themselves on two cores.
        schema = json.ParseOptions(explicit_schema=READINGS)
        for file in sorted(source.glob("*.json")):
            rows = json.read_json(file, parse_options=schema).select(READINGS.names)
            pq.write_table(rows, folder / f"{file.stem}.parquet", compression="zstd")

    return _kept(data / f"readings-{rows}-{_recipe()}", write)


@contextmanager
def fresh_lake(data: Path) -> Iterator[Path]:
    """Lend an empty folder for one lake."""
    data.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="lake-", dir=data) as folder:
        yield Path(folder)


def _recipe() -> str:
    """Name the generator's version, so that data of an older one is not taken for today's."""
    return sha256(Path(synthetic.__file__).read_bytes()).hexdigest()[:8]


def _kept(folder: Path, write: Callable[[Path], object]) -> Path:
    """Return the folder, written whole by `write` unless an earlier run did."""
    if not folder.is_dir():
        tell(f"writing {folder}")
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        write(part)
        part.rename(folder)
    return folder
