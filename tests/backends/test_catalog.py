"""What is published: one behaviour, whether the lake is on disk or in S3."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stedi_glue.backends import catalog as module
from stedi_glue.backends.catalog import IcebergCatalog
from stedi_glue.errors import LakeError, UsageError
from stedi_glue.model.table import Column
from stedi_glue.publish.ports import Staged
from tests.backends.places import STEPS, Disk, Place

COLUMNS = (STEPS.columns[0], Column("cadence", "double", "Steps in a minute."))
CHANGED = replace(STEPS, columns=COLUMNS)
CADENCES = "SELECT range AS stepNumber, 1.5::DOUBLE AS cadence FROM range(2)"


def test_nothing_is_created_by_looking(catalog: IcebergCatalog, place: Place) -> None:
    assert catalog.current(STEPS) is None
    assert catalog.history(STEPS) == ()
    with pytest.raises(LakeError, match="'steps' was never published"):
        catalog.files(STEPS)
    assert place.files() == []


def test_pyiceberg_reads_what_was_published(catalog: IcebergCatalog, place: Place) -> None:
    snapshot_id = place.publish("run-1", 3, catalog)
    table = place.by_hand().load_table("stedi.steps")
    assert table.scan().to_arrow().sort_by("stepNumber").to_pylist() == [
        {"stepNumber": n, "user": f"u{n}"} for n in range(3)
    ]
    snapshot = table.current_snapshot()
    assert snapshot is not None
    assert snapshot.snapshot_id == snapshot_id
    assert snapshot.summary["stedi.run-id"] == "run-1"
    assert table.schema().find_field("user").doc == "Who made it."
    assert table.properties["comment"] == "A step."
    assert table.properties["stedi.personal-columns"] == "user"


def test_a_publication_replaces_all_rows_in_one_snapshot(
    catalog: IcebergCatalog, place: Place
) -> None:
    first = place.publish("run-1", 3, catalog)
    second = place.publish("run-2", 5, catalog)
    history = catalog.history(STEPS)
    assert [(s.snapshot_id, s.rows, s.current) for s in history] == [
        (second, 5, True),
        (first, 3, False),
    ]
    table = place.by_hand().load_table("stedi.steps")
    assert len(table.snapshots()) == 2, "a state between two publications could be read"
    assert table.scan(snapshot_id=first).to_arrow().num_rows == 3
    assert len(catalog.files(STEPS, first)) == 1
    assert set(catalog.files(STEPS, first)).isdisjoint(catalog.files(STEPS))


def test_a_column_may_hold_several_texts(catalog: IcebergCatalog, place: Place) -> None:
    table = replace(STEPS, columns=(*STEPS.columns, Column("words", "array<string>", "Words.")))
    row = "SELECT 1::BIGINT AS stepNumber, 'ann' AS user, ['a', NULL, 'b'] AS words"
    catalog.publish(table, place.stage("run", row, table), {})
    rows = place.by_hand().load_table("stedi.steps").scan().to_arrow().to_pylist()
    assert [one["words"] for one in rows] == [["a", None, "b"]]


def test_an_empty_result_empties_the_table(catalog: IcebergCatalog, place: Place) -> None:
    place.publish("run-1", 3, catalog)
    empty = place.stage("run-2", None)
    assert empty == Staged(files=(), rows=0)
    assert catalog.publish(STEPS, empty, {"stedi.rows": "0"}).rows == 0
    assert catalog.files(STEPS) == ()


def test_a_table_may_be_empty_from_the_start(catalog: IcebergCatalog, place: Place) -> None:
    snapshot = catalog.publish(STEPS, place.stage("run-1", None), {"stedi.rows": "0"})
    assert catalog.current(STEPS) == snapshot
    assert catalog.files(STEPS) == ()


def test_rollback_returns_to_the_snapshot_before_or_a_named_one(
    catalog: IcebergCatalog, place: Place
) -> None:
    first, second, third = (place.publish(f"run-{n}", n, catalog) for n in (1, 2, 3))
    assert catalog.rollback(STEPS).snapshot_id == second
    assert catalog.rollback(STEPS, third).rows == 3
    assert catalog.rollback(STEPS, first).rows == 1
    with pytest.raises(UsageError, match="'steps' has no earlier snapshot"):
        catalog.rollback(STEPS)
    with pytest.raises(UsageError, match="no snapshot 42; list them with"):
        catalog.rollback(STEPS, 42)
    assert place.publish("run-4", 4, catalog) == catalog.history(STEPS)[0].snapshot_id


def test_tidy_keeps_the_newest_snapshots_and_only_files_in_use(
    catalog: IcebergCatalog, place: Place
) -> None:
    catalog._keep = 2
    for n in range(1, 6):
        place.publish(f"run-{n}", n, catalog)
        catalog.tidy(STEPS)
    place.stage("killed", "SELECT 1 AS stepNumber, 'x' AS \"user\"")
    place.stage("held", "SELECT 2 AS stepNumber, 'x' AS \"user\"")
    catalog.tidy(STEPS, keep="held")
    assert [s.rows for s in catalog.history(STEPS)] == [5, 4]
    data = place.files("steps/trusted/data")
    assert [file.split("/")[3] for file in data] == ["held", "run-4", "run-5"]
    for snapshot in catalog.history(STEPS):
        table = place.by_hand().load_table("stedi.steps")
        assert table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().num_rows == snapshot.rows


@pytest.mark.slow
def test_files_do_not_pile_up(catalog: IcebergCatalog, place: Place) -> None:
    catalog._keep = 2
    counts = []
    for n in range(24):
        place.publish(f"run-{n}", 1, catalog)
        catalog.tidy(STEPS)
        counts.append(len(place.files()))
    assert counts[23] == counts[15] > counts[0]


def test_tidy_never_takes_the_current_snapshot(catalog: IcebergCatalog, place: Place) -> None:
    catalog._keep = 1
    first = place.publish("run-1", 1, catalog)
    place.publish("run-2", 2, catalog)
    catalog.rollback(STEPS, first)
    catalog.tidy(STEPS)
    assert [s.rows for s in catalog.history(STEPS) if s.current] == [1]


def test_a_changed_contract_changes_the_published_schema(
    catalog: IcebergCatalog, place: Place
) -> None:
    place.publish("run-1", 3, catalog)
    catalog.publish(CHANGED, place.stage("run-2", CADENCES), {})
    table = place.by_hand().load_table("stedi.steps")
    assert table.scan().to_arrow().to_pylist() == [
        {"stepNumber": 0, "cadence": 1.5},
        {"stepNumber": 1, "cadence": 1.5},
    ]


def test_a_rollback_brings_back_the_columns_too(catalog: IcebergCatalog, place: Place) -> None:
    first = place.publish("run-1", 3, catalog)
    catalog.publish(CHANGED, place.stage("run-2", CADENCES), {})
    assert catalog.rollback(CHANGED, first).snapshot_id == first
    table = place.by_hand().load_table("stedi.steps")
    assert table.scan().to_arrow().to_pylist()[2] == {"stepNumber": 2, "user": "u2"}
    assert table.properties["stedi.personal-columns"] == "user"
    catalog.publish(CHANGED, place.stage("run-3", CADENCES), {})
    table = place.by_hand().load_table("stedi.steps")
    assert table.scan().to_arrow().to_pylist()[0] == {"stepNumber": 0, "cadence": 1.5}
    assert table.properties["stedi.personal-columns"] == ""


def test_rows_replace_only_what_they_were_begun_on(catalog: IcebergCatalog, place: Place) -> None:
    staged = place.stage("slow", "SELECT 1::BIGINT AS stepNumber, 'u' AS \"user\"")
    first = place.publish("run-1", 1, catalog)
    second = place.publish("run-2", 2, catalog)
    for begun_on in (0, first):
        with pytest.raises(LakeError, match="Somebody else published 'steps' at the same time"):
            catalog.publish(STEPS, staged, {}, begun_on)
    assert [s.rows for s in catalog.history(STEPS)] == [2, 1]
    assert catalog.publish(STEPS, staged, {"stedi.rows": "1"}, second).rows == 1


def test_a_catalog_file_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    catalog = disk.open()
    disk.publish("run-1", 1, catalog)
    (tmp_path / "catalog.db").unlink()
    other = disk.open()
    other.create([STEPS])
    disk.publish("run-2", 2, other)
    assert [s.rows for s in catalog.history(STEPS)] == [2, 1]
    catalog.tidy(STEPS)
    disk.publish("run-3", 3, catalog)
    assert [s.rows for s in disk.open().history(STEPS)] == [3, 2, 1]


@pytest.mark.parametrize("before", [[], [1], [1, 0]], ids=["first", "later", "emptied"])
def test_of_two_publications_at_once_one_wins_and_the_other_says_so(
    catalog: IcebergCatalog, place: Place, monkeypatch: pytest.MonkeyPatch, before: list[int]
) -> None:
    for count in before:
        place.publish(f"before-{count}", count, catalog)
    replace = module.replace_rows

    def overtaken(*args: Any) -> int:
        monkeypatch.setattr(module, "replace_rows", replace)
        snapshot_id = replace(*args)
        place.publish("run-2", 2)
        return snapshot_id

    monkeypatch.setattr(module, "replace_rows", overtaken)
    with pytest.raises(LakeError, match="Somebody else published 'steps' at the same time"):
        place.publish("run-3", 3, catalog)
    assert [s.rows for s in catalog.history(STEPS)] == [*before, 2][::-1]
    assert place.by_hand().load_table("stedi.steps").scan().to_arrow().num_rows == 2
    catalog.tidy(STEPS)
    assert place.publish("run-4", 4, catalog) == catalog.history(STEPS)[0].snapshot_id


def test_a_damaged_catalog_is_one_sentence(disk: Disk, tmp_path: Path) -> None:
    disk.publish("run-1", 1)
    (tmp_path / "lake" / "catalog.db").write_bytes(b"no database at all, but long enough" * 99)
    with pytest.raises(LakeError, match=r"The file is damaged; the next 'stedi-glue run'"):
        disk.open().current(STEPS)


def test_a_percent_sign_in_the_path_means_itself(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    lake = tmp_path / "a%20b"
    Disk(lake).publish("run-1", 1)
    assert (lake / "catalog.db").is_file()
    assert list((tmp_path / "a b").iterdir()) == []
    assert len(Disk(lake).open().history(STEPS)) == 1


def test_a_copied_lake_is_refused_and_the_original_left_alone(disk: Disk, tmp_path: Path) -> None:
    disk.publish("run-1", 1)
    shutil.copytree(tmp_path / "lake", tmp_path / "copy")
    copy = Disk(tmp_path / "copy")
    for attempt in (lambda: copy.open().current(STEPS), lambda: copy.publish("run-2", 2)):
        with pytest.raises(LakeError, match=r"is a copy of .* cannot be copied or moved"):
            attempt()
    assert [s.rows for s in disk.open().history(STEPS)] == [1]
