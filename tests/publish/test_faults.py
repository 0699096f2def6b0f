"""What machines do to a lake: readers are told, and the next run makes up for it."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stedi_glue.backends.engines import SailEngine, explaining
from stedi_glue.errors import LakeError, StediError
from tests.kept import Kept
from tests.publish.test_runner import PIPELINE, Lake, statuses

HIGH = PIPELINE.table("high")


@pytest.fixture(scope="module")
def opened(sail: SailEngine) -> Iterator[None]:
    """Have every lake use the tests' engine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stedi_glue.lakehouse.opened.open_engine", lambda name, **_: sail)
        yield


@pytest.fixture(scope="module")
def kept(opened: None, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    root = tmp_path_factory.mktemp("faults")
    lake = Lake(root)
    lake.land(5, 15)
    lake.house.run().raise_for_status()
    lake.land(5, 15, 25)
    lake.house.run().raise_for_status()
    return Kept(root)


@pytest.fixture
def lake(kept: Kept) -> Lake:
    """A lake that published an older and a newer state of every table."""
    return Lake(kept.restored())


def lose(file: Path) -> None:
    file.unlink()


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def spoil(file: Path) -> None:
    """Overwrite the middle, as a bad sector does."""
    content = bytearray(file.read_bytes())
    third = len(content) // 3
    content[third : 2 * third] = b"\xa5" * third
    file.write_bytes(content)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def catalog(lake: Lake) -> Path:
    return lake.root / "lake" / "catalog.db"


def metadata(lake: Lake) -> Path:
    return max((lake.root / "lake" / "high" / "trusted" / "metadata").glob("*.metadata.json"))


def manifest_list(lake: Lake) -> Path:
    current = _iceberg(lake).current_snapshot()
    return Path(current.manifest_list)


def manifest(lake: Lake) -> Path:
    table = _iceberg(lake)
    (one,) = (m for m in table.current_snapshot().manifests(table.io) if m.has_added_files())
    return Path(one.manifest_path)


def data(lake: Lake) -> Path:
    return Path(lake.house._catalog.files(HIGH)[0])


def _iceberg(lake: Lake):  # type: ignore[no-untyped-def]
    return lake.house._catalog._published(HIGH)


def reopen(lake: Lake) -> None:
    """Look at the lake as another process would."""
    lake.house = lake.house.open(
        lake.root / "lake", landing=lake.root / "raw", pipeline=PIPELINE, rules=lake.rules
    )


FILES = (catalog, metadata, manifest_list, manifest, data)
SELDOM = [
    *((file, damage) for file in (metadata, manifest_list, manifest) for damage in (spoil, cut)),
    *((file, empty) for file in FILES),
]


@pytest.mark.parametrize(
    ("which", "damage"),
    [
        *((file, lose) for file in FILES),
        *((file, spoil) for file in (catalog, data)),
        *(pytest.param(*pair, marks=pytest.mark.slow) for pair in SELDOM),
    ],
)
def test_a_damaged_file_is_told_and_the_next_run_makes_up_for_it(
    lake: Lake, which: Callable[[Lake], Path], damage: Callable[[Path], None]
) -> None:
    victim = which(lake)
    reopen(lake)
    damage(victim)
    with pytest.raises(StediError) as told, explaining("Cannot read 'high'"):
        lake.levels("high")
    assert re.fullmatch(r"[^\n]+", str(told.value))
    assert re.search(r"run|rollback", str(told.value)) or which is data
    lake.land(5, 15, 25, 35)
    assert set(statuses(lake.house.run()).values()) == {"audited", "published"}
    reopen(lake)
    assert lake.levels("high") == [15, 25, 35]
    assert lake.levels("higher") == [25, 35]
    assert lake.levels("low") == [5]
    newest, *older = lake.house.history("high")
    assert newest.current
    assert older, "the history before the damage is kept"
    lake.house.run().raise_for_status()


@pytest.mark.parametrize("damage", [lose, cut, spoil, empty])
def test_a_damaged_copy_of_raw_data_is_made_again(
    lake: Lake, damage: Callable[[Path], None]
) -> None:
    for copy in (lake.root / "lake" / "raw" / "landing_parsed").rglob("*.parquet"):
        damage(copy)
    lake.house.run().raise_for_status()
    assert lake.levels("high") == [15, 25]


def test_a_raw_file_whose_name_is_no_text_is_told(lake: Lake) -> None:
    folder = os.fsencode(lake.root / "raw" / "raw" / "landing")
    with open(os.path.join(folder, b"caf\xe9.json"), "wb") as file:
        file.write(b"{}\n")
    with pytest.raises(
        StediError, match=r"A file in '.*/raw/landing' has a name that is not UTF-8"
    ):
        lake.house.run()


def test_a_lost_catalog_is_made_anew_with_the_history(lake: Lake) -> None:
    before = {name: lake.house.history(name) for name in ("high", "higher", "low")}
    catalog(lake).unlink()
    reopen(lake)
    # A run that publishes nothing shows what it took up.
    lake.land(5, 2000)
    assert lake.house.run().status == "held"
    assert {name: lake.house.history(name) for name in before} == before
    assert lake.levels("high") == [15, 25]


def test_a_journal_of_a_killed_writer_is_not_replayed_into_the_new_catalog(lake: Lake) -> None:
    journal = catalog(lake).with_name("catalog.db-journal")
    journal.write_bytes(b"\xd9\xd5\x05\xf9 a journal that belongs to the lost file" * 20)
    catalog(lake).unlink()
    reopen(lake)
    lake.house.run().raise_for_status()
    assert lake.levels("high") == [15, 25]
    assert not journal.exists()


def test_a_locked_catalog_is_told_and_nothing_is_published(lake: Lake) -> None:
    before = lake.house.history("high")
    with closing(sqlite3.connect(catalog(lake))) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LakeError, match=r"database is locked.*Another program.*run again"):
            lake.house.run()
    assert lake.house.history("high") == before
    lake.house.run().raise_for_status()


def test_a_catalog_that_is_locked_during_a_run_fails_the_table(lake: Lake) -> None:
    other = sqlite3.connect(catalog(lake), check_same_thread=False)

    def lock(table: str, step: str) -> None:
        if (table, step) == ("high", "publish"):
            other.execute("BEGIN EXCLUSIVE")
        if (table, step) == ("high", "failed"):
            other.close()

    report = lake.house.run(on_step=lock)
    assert statuses(report) == {
        "raw": "audited",
        "high": "failed",
        "low": "published",
        "higher": "skipped",
    }
    assert "database is locked" in report.table("high").reason
    lake.house.run().raise_for_status()


def test_snapshots_that_nobody_can_read_expire(lake: Lake) -> None:
    spoil(manifest_list(lake))
    lake.house.run().raise_for_status()
    assert len(lake.house.history("high")) == 2, "of three, the damaged one is gone"


@pytest.mark.parametrize("damage", [lose, cut, spoil, empty])
@pytest.mark.parametrize("place", ["runs", "audits", "docs", "raw/landing_parsed"])
def test_damaged_records_of_runs_stop_no_run(
    lake: Lake, place: str, damage: Callable[[Path], None]
) -> None:
    for file in sorted((lake.root / "lake" / place).rglob("*")):
        if file.suffix in (".json", ".html"):
            damage(file)
    lake.house.run().raise_for_status()
    assert lake.levels("high") == [15, 25]


@pytest.mark.parametrize("place", ["runs", "audits", "docs", "docs/data_docs"])
def test_what_was_published_is_whether_or_not_the_run_can_be_remembered(
    lake: Lake, place: str
) -> None:
    folder = lake.root / "lake" / place
    shutil.rmtree(folder)
    folder.write_text("in the way")
    lake.land(5, 15, 35)
    report = lake.house.run()
    assert set(statuses(report).values()) == {"audited", "published"}
    assert re.fullmatch(r"Cannot (write|list|read) [^\n]+", report.unrecorded)
    assert report.exit_code == 1
    with pytest.raises(LakeError, match=r"^Cannot "):
        report.raise_for_status()
    assert lake.levels("high") == [15, 35]
    folder.unlink()
    lake.house.run().raise_for_status()


def test_a_damaged_record_is_told_with_its_place(lake: Lake) -> None:
    record = min((lake.root / "lake" / "runs").glob("*.json"))
    cut(record)
    with pytest.raises(LakeError, match=f"The record of a run '{record}' is damaged"):
        lake.house.attempts("high")


def test_a_history_goes_forward_when_the_clock_goes_back(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        now = time.time
        patch.setattr(time, "time", lambda: now() - 3 * 24 * 3600)
        lake.house.run().raise_for_status()
        with pytest.raises(LakeError, match="clock is behind the last change of 'high'"):
            lake.house.rollback("high")
    lake.house.run().raise_for_status()
    metadata = _iceberg(lake).metadata
    moments = [entry.timestamp_ms for entry in metadata.snapshot_log]
    assert moments == sorted(set(moments))
    log = [entry.timestamp_ms for entry in metadata.metadata_log]
    assert [*log, metadata.last_updated_ms] == sorted([*log, metadata.last_updated_ms])
    published = [snapshot.published_at for snapshot in lake.house.history("high")]
    assert published == sorted(published, reverse=True)
