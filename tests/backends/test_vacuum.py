"""What the vacuum takes and what it leaves: one behaviour, on disk and in S3."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stedi_glue.backends.engines import SailEngine
from stedi_glue.backends.journal import RunJournal
from stedi_glue.backends.landing import LandingFolder
from stedi_glue.backends.vacuum import Vacuum
from stedi_glue.errors import DamageError
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.model.table import Table, Zone
from stedi_glue.model.transform import ZoneTransform
from stedi_glue.publish.report import RunReport, TableReport
from tests.backends.places import STEPS, Disk, Place

RAW = Table("raw", Zone.LANDING, "raw/landing", "A raw step.", STEPS.columns)


class Steps(ZoneTransform, into=STEPS):
    def build(self, raw):  # type: ignore[no-untyped-def]
        return raw


def vacuum(place: Place) -> Vacuum:
    engine = SailEngine()
    return Vacuum(
        Pipeline([RAW], [Steps()]),
        place.open(),
        LandingFolder(place.root, place.root, engine),
        RunJournal(place.root),
        place.root,
        place.root,
    )


def found(place: Place, before: float = 60) -> dict[str, str]:
    """Return the orphans that changed before so many seconds from now."""
    orphans = vacuum(place).orphans(int((time.time() + before) * 1000))
    return {orphan.path.removeprefix(f"{place.root}/"): orphan.why for orphan in orphans}


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"stepNumber": [1], "user": ["u"]}), file)
    return file


@pytest.fixture
def littered(place: Place, parquet: Path) -> Place:
    """A lake with two snapshots, a copy of raw data, and one orphan of every kind."""
    for run in ("run-1", "run-2"):
        place.publish(run, 2)
    place.make(f"{place.root}/raw/landing")
    for name in ("rows.json", ".rows.json.part"):
        place.put(_lines(parquet.parent), f"{place.root}/raw/landing/{name}")
    LandingFolder(place.root, place.root, SailEngine()).stage(RAW, "run-2")
    for name in (
        "steps/trusted/data/killed/part-0.parquet",
        "steps/trusted/metadata/00009-killed.metadata.json",
        "raw/landing_parsed/killed-0/part-0.parquet",
        "raw/landing_parsed/manifest.json.new",
        "runs/killed.json.new",
        "rehearsals/killed/made/part-0.parquet",
        "queries/1.csv",
        "notes/mine.txt",
    ):
        place.make(f"{place.root}/{name}".rpartition("/")[0])
        place.put(parquet, f"{place.root}/{name}")
    return place


def _lines(folder: Path) -> Path:
    file = folder / "rows.json"
    file.write_text('{"stepNumber": 1, "user": "u"}\n')
    return file


ORPHANS = {
    "raw/landing/.rows.json.part": "an upload that was cut short",
    "raw/landing_parsed/killed-0/part-0.parquet": "of no parsed copy of raw",
    "raw/landing_parsed/manifest.json.new": "of no parsed copy of raw",
    "rehearsals/killed/made/part-0.parquet": "of a rehearsal that was cut short",
    "runs/killed.json.new": "written in part",
    "steps/trusted/data/killed/part-0.parquet": "of no snapshot of steps",
    "steps/trusted/metadata/00009-killed.metadata.json": "of no snapshot of steps",
}
ANSWER = {"queries/1.csv": "an answer of Athena"}


def test_orphans_are_found_and_only_they_are_deleted(littered: Place) -> None:
    # A folder of that name in a lake on disk is not ours.
    expected = ORPHANS if isinstance(littered, Disk) else ORPHANS | ANSWER
    before = littered.files()
    assert found(littered) == expected
    assert littered.files() == before, "looking deletes nothing"
    cleaner = vacuum(littered)
    cleaner.delete(cleaner.orphans(int((time.time() + 60) * 1000)))
    assert littered.files() == [name for name in before if name not in expected]
    assert found(littered) == {}
    for snapshot in littered.open().history(STEPS):
        table = littered.by_hand().load_table("stedi.steps")
        assert table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().num_rows == 2


def test_what_is_young_is_left_alone(littered: Place) -> None:
    assert found(littered, before=-3600) == {}


def test_rows_that_rules_held_back_are_kept_until_the_next_attempt(place: Place) -> None:
    place.publish("run-1", 1)
    rows = "SELECT 1 AS stepNumber, 'u' AS \"user\""
    for run in ("20260101-a", "20260102-b"):
        place.stage(run, rows)
        held = RunReport(run, "sail", (TableReport("steps", "trusted", "held"),))
        RunJournal(place.root).record(held)
    assert set(found(place)) == {"steps/trusted/data/20260101-a/part-0.parquet"}
    published = RunReport("20260103-c", "sail", (TableReport("steps", "trusted", "published"),))
    RunJournal(place.root).record(published)
    assert len(found(place)) == 2


def test_nothing_is_taken_for_an_orphan_when_a_snapshot_cannot_be_read(disk: Disk) -> None:
    disk.publish("run-1", 1)
    (manifest_list,) = Path(disk.root).glob("steps/trusted/metadata/snap-*.avro")
    manifest_list.unlink()
    with pytest.raises(DamageError, match="of what data 'steps' is made is damaged or gone"):
        found(disk)
