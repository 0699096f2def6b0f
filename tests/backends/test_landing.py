from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from pyarrow import parquet

from stedi_glue.backends.engines import SailEngine, SparkEngine
from stedi_glue.backends.landing import LandingFolder
from stedi_glue.backends.raw import recovery
from stedi_glue.errors import LandingError
from stedi_glue.publish.ports import Staged
from stedi_glue.zones.landing import ACCELEROMETER_LANDING

NAMES = (
    "with space.json",
    "2023/08/06/part",
    "100%.json",
    "a+b&c#d.json",
    "ü.json",
    "part[1]*.json",
)
GOOD = {"user": "ana@test.com", "timestamp": 1655564444103, "x": 1.0, "y": -1.0, "z": 0.5}


class Lake:
    """One landing table, its raw files and its parsed copy."""

    def __init__(self, root: Path, engine: SailEngine | SparkEngine) -> None:
        self.raw = root / "raw" / "accelerometer" / "landing"
        self.copy = root / "lake" / "accelerometer" / "landing_parsed"
        self.raw.mkdir(parents=True)
        self.folder = LandingFolder(str(root / "raw"), str(root / "lake"), engine)
        self.runs = 0

    def land(self, name: str, *lines: object) -> None:
        file = self.raw / name
        file.parent.mkdir(exist_ok=True)
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        file.write_text("".join(text + "\n" for text in texts), encoding="utf-8")

    def stage(self) -> Staged:
        self.runs += 1
        return self.folder.stage(ACCELEROMETER_LANDING, f"run-{self.runs}")

    def rows(self, staged: Staged) -> set[tuple[object, ...]]:
        return {tuple(row) for row in self.folder.read(ACCELEROMETER_LANDING, staged).collect()}

    def problems(self, staged: Staged) -> set[tuple[object, ...]]:
        return {tuple(row) for row in self.folder.problems(ACCELEROMETER_LANDING, staged).collect()}

    def copies(self) -> set[str]:
        return {str(file) for file in self.copy.rglob("*.parquet")}


@pytest.fixture
def lake(tmp_path: Path, engine: SailEngine | SparkEngine) -> Lake:
    return Lake(tmp_path, engine)


@pytest.fixture
def on_sail(tmp_path: Path, sail: SailEngine) -> Lake:
    return Lake(tmp_path, sail)


def test_good_records_flow_and_bad_ones_are_kept_with_their_reason(lake: Lake) -> None:
    text_in_number = json.dumps({**GOOD, "timestamp": "1655564444103"})
    two_wrong = json.dumps({**GOOD, "timestamp": 1.5, "x": "fast"})
    lake.land("a.json", GOOD, "", "   ", '{"user": "cut@te', "[1, 2]", text_in_number, two_wrong)
    lake.land("b.json", {"user": "only@test.com"}, {"timestamp": None, "extra": {"k": [1]}})
    staged = lake.stage()
    assert (staged.rows, staged.quarantined) == (3, 4)
    nothing = (None,) * 4
    assert lake.rows(staged) == {
        tuple(GOOD.values()),
        ("only@test.com", *nothing),
        (None, *nothing),
    }
    assert lake.problems(staged) == {
        ("a.json", "broken JSON object", '{"user": "cut@te'),
        ("a.json", "not a JSON object", "[1, 2]"),
        ("a.json", "wrong type: timestamp", text_in_number),
        ("a.json", "wrong type: timestamp, x", two_wrong),
    }


def test_what_could_not_be_used_has_a_folder_of_its_own(on_sail: Lake) -> None:
    on_sail.land("a.json", GOOD, '{"user": "cut@te')
    on_sail.land("b.json", GOOD)
    staged = on_sail.stage()
    quarantine = on_sail.copy.with_name("quarantine")
    bad = parquet.read_table(quarantine, columns=["_file", "_problem", "_raw"]).to_pylist()
    assert [tuple(row.values()) for row in bad] == list(on_sail.problems(staged))
    assert parquet.read_table(on_sail.copies().pop())["_problem"].null_count == 2
    # Repaired, it is a record, and nothing is left of it there.
    on_sail.land("a.json", GOOD)
    assert (on_sail.stage().rows, list(quarantine.rglob("*.parquet"))) == (2, [])


def test_files_are_found_in_folders_under_any_name_and_gzipped(lake: Lake) -> None:
    for name in NAMES:
        (lake.raw / name).parent.mkdir(parents=True, exist_ok=True)
        lake.land(name, {**GOOD, "user": name}, f"bad {name}")
    (lake.raw / "zip.json.gz").write_bytes(gzip.compress(json.dumps(GOOD).encode()))
    (lake.raw / "empty.json").touch()
    lake.land("_SUCCESS", "hidden")
    lake.land(".part.json.crc", "hidden")
    staged = lake.stage()
    assert {row[0] for row in lake.rows(staged)} == {*NAMES, "ana@test.com"}
    assert {(file, raw) for file, _, raw in lake.problems(staged)} == {
        (name, f"bad {name}") for name in NAMES
    }


def test_a_damaged_archive_gives_its_records_and_one_problem(on_sail: Lake) -> None:
    packed = gzip.compress(json.dumps(GOOD).encode() + b"\n")
    (on_sail.raw / "cut.json.gz").write_bytes(packed[:-5])
    # Its checksum is that of other bytes.
    (on_sail.raw / "wrong.json.gz").write_bytes(packed[:-8] + b"\x00" * 4 + packed[-4:])
    staged = on_sail.stage()
    assert (staged.rows, staged.quarantined) == (2, 2)
    assert on_sail.problems(staged) == {
        ("cut.json.gz", recovery.DAMAGED, ""),
        ("wrong.json.gz", recovery.CORRUPT, ""),
    }


def test_unchanged_files_are_not_parsed_again(on_sail: Lake) -> None:
    on_sail.land("a.json", GOOD)
    first = on_sail.stage()
    on_sail.land("b.json", {**GOOD, "x": 2.0})
    second = on_sail.stage()
    assert set(first.files) < set(second.files)
    assert first.version != second.version
    assert on_sail.stage() == second
    assert on_sail.folder.staged(ACCELEROMETER_LANDING) == second
    assert second.rows == 2


def test_a_changed_or_removed_file_is_noticed_and_its_old_copy_deleted(on_sail: Lake) -> None:
    on_sail.land("a.json", GOOD)
    on_sail.land("b.json", {**GOOD, "x": 2.0})
    on_sail.stage()
    on_sail.land("b.json", {**GOOD, "x": 3.0})
    os.utime(on_sail.raw / "b.json", ns=(1, 1))
    changed = on_sail.stage()
    assert {row[2] for row in on_sail.rows(changed)} == {1.0, 3.0}
    (on_sail.raw / "a.json").unlink()
    removed = on_sail.stage()
    assert {row[2] for row in on_sail.rows(removed)} == {3.0}
    assert on_sail.copies() == set(removed.files)


def test_what_a_killed_run_left_is_swept_and_a_lost_copy_made_again(on_sail: Lake) -> None:
    on_sail.land("a.json", GOOD)
    staged = on_sail.stage()
    half = on_sail.copy / "run-killed-0" / "part.parquet"
    half.parent.mkdir()
    half.write_bytes(b"PAR1 half a file")
    assert on_sail.stage() == staged
    assert on_sail.copies() == set(staged.files)
    Path(staged.files[0]).unlink()
    assert on_sail.rows(on_sail.stage()) == {tuple(GOOD.values())}


@pytest.mark.parametrize("length", [0, 200, None])
def test_a_damaged_copy_is_made_again_and_the_others_stay(
    on_sail: Lake, length: int | None
) -> None:
    on_sail.land("a.json", GOOD)
    damaged = Path(*on_sail.stage().files)
    on_sail.land("b.json", {**GOOD, "x": 2.0})
    before = on_sail.stage()
    times = damaged.stat().st_mtime_ns
    # A disk that decays changes neither the size nor the times.
    content = bytearray(damaged.read_bytes())
    content[40] ^= 1
    damaged.write_bytes(content[:length])
    os.utime(damaged, ns=(times, times))
    after = on_sail.stage()
    assert {row[2] for row in on_sail.rows(after)} == {1.0, 2.0}
    assert len(set(before.files) & set(after.files)) == 1
    assert after.version == before.version, "the raw data is the same"
    assert on_sail.copies() == set(after.files)
    assert on_sail.stage() == after


def test_a_damaged_manifest_costs_a_parse_and_nothing_else(on_sail: Lake) -> None:
    on_sail.land("a.json", GOOD)
    on_sail.stage()
    (on_sail.copy / "manifest.json").write_text('{"parser": 1, "parts": [{"raw"')
    assert on_sail.rows(on_sail.stage()) == {tuple(GOOD.values())}


def test_no_raw_data_is_one_sentence(on_sail: Lake) -> None:
    with pytest.raises(LandingError, match=r"no raw data for 'accelerometer_landing' in '.*': put"):
        on_sail.folder.check([ACCELEROMETER_LANDING])
    on_sail.raw.rmdir()
    with pytest.raises(LandingError, match="no raw data for 'accelerometer_landing'"):
        on_sail.folder.check([ACCELEROMETER_LANDING])
    assert on_sail.folder.staged(ACCELEROMETER_LANDING) is None
