"""STEDI's own exports, read whole: against a plain decoder, and the tables against the oracle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stedi_glue.backends.landing import LandingFolder
from stedi_glue.zones import stedi
from tests.conftest import STARTER
from tests.oracle import SCHEMAS, SUBJECTS, expected, multiset
from tests.small_lake import LocalEngine, landed, stored

SAMPLES = STARTER.parent / "stedi-2022-samples"
WHOLE = {
    "concatenated": {"customer": 1255, "accelerometer": 4807, "step_trainer": 3508},
    "trailing-commas": {"customer": 999, "accelerometer": 5007, "step_trainer": 6000},
}
CUT = {"concatenated": 4, "trailing-commas": 0}


@pytest.fixture(params=WHOLE)
def sample(request: pytest.FixtureRequest) -> Path:
    folder: Path = SAMPLES / request.param
    if not folder.is_dir():
        pytest.skip(f"the samples of 2022 are not at {SAMPLES}")
    return folder


def objects(folder: Path) -> tuple[list[dict[str, Any]], int]:
    """Decode whole objects with the standard library, and count texts that are none."""
    found, cut = [], 0
    for file in sorted(folder.iterdir()):
        text = file.read_text(encoding="utf-8")
        place = 0
        while place < len(text):
            if text[place] in " \n\r\t,":
                place += 1
                continue
            try:
                record, place = json.JSONDecoder().raw_decode(text, place)
                found.append(record)
            except json.JSONDecodeError:
                cut, place = cut + 1, text.find("{", place + 1) % (len(text) + 1)
    return found, cut


def typed(record: dict[str, Any], subject: str) -> dict[str, Any]:
    """Read a record as its table promises: phones as text, moments as whole numbers."""
    record = {"timestamp": record.get("timeStamp"), **record}
    kinds = {"string": str, "int64": int, "int32": int, "double": float}
    return {
        field.name: kinds[str(field.type)](record[field.name])
        for field in SCHEMAS[subject]
        if record.get(field.name) is not None
    }


def test_every_whole_object_is_read_and_every_cut_one_kept(
    sample: Path, engine: LocalEngine, tmp_path: Path
) -> None:
    pipeline, frames, cut = stedi(), {}, 0
    landing = LandingFolder(str(sample), str(tmp_path), engine)
    plain = {}
    for table in pipeline.tables:
        if table.subject in SUBJECTS and pipeline.transform(table.name) is None:
            found, _ = objects(sample / table.location)
            plain[table.subject] = [typed(record, table.subject) for record in found]
            staged = landing.stage(table, "run")
            assert staged.rows == len(found) == WHOLE[sample.name][table.subject]
            cut += staged.quarantined
            frames[table.name] = landing.read(table, staged)
    assert cut == CUT[sample.name]
    for table in pipeline.tables:
        transform = pipeline.transform(table.name)
        if transform:
            frames[table.name] = stored(engine, table, transform.apply(frames), tmp_path)
    for name, rows in expected(plain).items():
        assert multiset(frames[name].collect()) == rows, name


def test_long_numbers_are_read_to_the_last_digit(engine: LocalEngine, tmp_path: Path) -> None:
    numbers = [0.1 + 0.2, 2 / 3, -9.806650161743164, -2.8938743832791658e178, 5e-324]
    file = tmp_path / "accelerometer" / "landing" / "rows.json"
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(json.dumps({"x": number}) for number in numbers))
    rows = landed(engine, stedi().table("accelerometer_landing"), tmp_path).collect()
    assert sorted(row.x for row in rows) == sorted(numbers)
