from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from stedi_glue.backends.catalog import IcebergCatalog
from stedi_glue.errors import LakeError, UsageError
from stedi_glue.model.table import Column, Table, Zone
from stedi_glue.publish.ports import Staged

STEPS = Table(
    name="steps",
    zone=Zone.TRUSTED,
    location="steps/trusted",
    doc="A step.",
    columns=(
        Column("stepNumber", "bigint", "Its number."),
        Column("user", "string", "Who made it.", personal=True),
    ),
)


@pytest.fixture
def catalog(tmp_path: Path) -> IcebergCatalog:
    return IcebergCatalog.local(str(tmp_path / "lake"))


def stage(catalog: IcebergCatalog, run: str, rows: str | None, table: Table = STEPS) -> Staged:
    """Write a run's files as an engine would: plain Parquet without Iceberg field ids."""
    folder = Path(catalog.new_folder(table, run))
    folder.mkdir(parents=True)
    if rows is not None:
        duckdb.sql(f"COPY ({rows}) TO '{folder}/part-0.parquet' (FORMAT parquet)")
    return catalog.written(str(folder))


def publish(catalog: IcebergCatalog, run: str, count: int, table: Table = STEPS) -> int:
    rows = f"SELECT range AS stepNumber, 'u' || range AS \"user\" FROM range({count})"
    staged = stage(catalog, run, rows, table)
    summary = {"stedi.rows": str(staged.rows), "stedi.run-id": run}
    return catalog.publish(table, staged, summary).snapshot_id


def by_hand(tmp_path: Path) -> SqlCatalog:
    lake = tmp_path / "lake"
    return SqlCatalog("stedi", uri=f"sqlite:///{lake}/catalog.db", warehouse=str(lake))


def test_nothing_is_created_by_looking(catalog: IcebergCatalog, tmp_path: Path) -> None:
    assert catalog.current(STEPS) is None
    assert catalog.history(STEPS) == ()
    with pytest.raises(LakeError, match="'steps' was never published"):
        catalog.files(STEPS)
    assert list(tmp_path.iterdir()) == []


def test_pyiceberg_reads_what_was_published(catalog: IcebergCatalog, tmp_path: Path) -> None:
    snapshot_id = publish(catalog, "run-1", 3)
    table = by_hand(tmp_path).load_table("stedi.steps")
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
    catalog: IcebergCatalog, tmp_path: Path
) -> None:
    first = publish(catalog, "run-1", 3)
    second = publish(catalog, "run-2", 5)
    history = catalog.history(STEPS)
    assert [(s.snapshot_id, s.rows, s.current) for s in history] == [
        (second, 5, True),
        (first, 3, False),
    ]
    table = by_hand(tmp_path).load_table("stedi.steps")
    assert len(table.snapshots()) == 2, "a state between two publications could be read"
    assert table.scan(snapshot_id=first).to_arrow().num_rows == 3
    assert len(catalog.files(STEPS, first)) == 1
    assert set(catalog.files(STEPS, first)).isdisjoint(catalog.files(STEPS))


def test_an_empty_result_empties_the_table(catalog: IcebergCatalog) -> None:
    publish(catalog, "run-1", 3)
    empty = stage(catalog, "run-2", None)
    assert empty == Staged(files=(), rows=0)
    assert catalog.publish(STEPS, empty, {"stedi.rows": "0"}).rows == 0
    assert catalog.files(STEPS) == ()


def test_a_table_may_be_empty_from_the_start(catalog: IcebergCatalog) -> None:
    snapshot = catalog.publish(STEPS, stage(catalog, "run-1", None), {"stedi.rows": "0"})
    assert catalog.current(STEPS) == snapshot
    assert catalog.files(STEPS) == ()


def test_rollback_returns_to_the_snapshot_before_or_a_named_one(catalog: IcebergCatalog) -> None:
    first, second, third = (publish(catalog, f"run-{n}", n) for n in (1, 2, 3))
    assert catalog.rollback(STEPS).snapshot_id == second
    assert catalog.rollback(STEPS, third).rows == 3
    assert catalog.rollback(STEPS, first).rows == 1
    with pytest.raises(UsageError, match="'steps' has no earlier snapshot"):
        catalog.rollback(STEPS)
    with pytest.raises(UsageError, match="no snapshot 42; list them with"):
        catalog.rollback(STEPS, 42)
    assert publish(catalog, "run-4", 4) == catalog.history(STEPS)[0].snapshot_id


def test_tidy_keeps_the_newest_snapshots_and_only_files_in_use(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    catalog = IcebergCatalog.local(str(lake))
    catalog._keep = 2
    for n in range(1, 6):
        publish(catalog, f"run-{n}", n)
        catalog.tidy(STEPS)
    stage(catalog, "killed", "SELECT 1 AS stepNumber, 'x' AS \"user\"")
    stage(catalog, "held", "SELECT 2 AS stepNumber, 'x' AS \"user\"")
    catalog.tidy(STEPS, keep="held")
    assert [s.rows for s in catalog.history(STEPS)] == [5, 4]
    data = lake / "steps" / "trusted" / "data"
    assert sorted(folder.name for folder in data.iterdir()) == ["held", "run-4", "run-5"]
    for snapshot in catalog.history(STEPS):
        table = by_hand(tmp_path).load_table("stedi.steps")
        assert table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().num_rows == snapshot.rows


def test_files_do_not_pile_up(catalog: IcebergCatalog, tmp_path: Path) -> None:
    catalog._keep = 2
    counts = []
    for n in range(24):
        publish(catalog, f"run-{n}", 1)
        catalog.tidy(STEPS)
        counts.append(sum(1 for file in tmp_path.rglob("*") if file.is_file()))
    assert counts[23] == counts[15] > counts[0]


def test_tidy_never_takes_the_current_snapshot(catalog: IcebergCatalog) -> None:
    catalog._keep = 1
    first = publish(catalog, "run-1", 1)
    publish(catalog, "run-2", 2)
    catalog.rollback(STEPS, first)
    catalog.tidy(STEPS)
    assert [s.rows for s in catalog.history(STEPS) if s.current] == [1]


def test_a_changed_contract_changes_the_published_schema(
    catalog: IcebergCatalog, tmp_path: Path
) -> None:
    publish(catalog, "run-1", 3)
    columns = (STEPS.columns[0], Column("cadence", "double", "Steps in a minute."))
    changed = Table(STEPS.name, STEPS.zone, STEPS.location, STEPS.doc, columns)
    rows = "SELECT range AS stepNumber, 1.5::DOUBLE AS cadence FROM range(2)"
    catalog.publish(changed, stage(catalog, "run-2", rows), {})
    table = by_hand(tmp_path).load_table("stedi.steps")
    assert table.scan().to_arrow().to_pylist() == [
        {"stepNumber": 0, "cadence": 1.5},
        {"stepNumber": 1, "cadence": 1.5},
    ]


def test_of_two_publications_at_once_one_wins_and_the_other_says_so(
    catalog: IcebergCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(catalog, "run-1", 1)
    other = IcebergCatalog.local(str(tmp_path / "lake"))
    replace = catalog._replace

    def overtaken(*args: object) -> None:
        replace(*args)  # type: ignore[arg-type]
        publish(other, "run-2", 2)

    monkeypatch.setattr(catalog, "_replace", overtaken)
    with pytest.raises(LakeError, match="Somebody else published 'steps' at the same time"):
        publish(catalog, "run-3", 3)
    assert [s.rows for s in catalog.history(STEPS)] == [2, 1]


def test_a_damaged_catalog_is_one_sentence(catalog: IcebergCatalog, tmp_path: Path) -> None:
    publish(catalog, "run-1", 1)
    (tmp_path / "lake" / "catalog.db").write_bytes(b"no database at all, but long enough" * 99)
    with pytest.raises(LakeError, match=r"Cannot open the lake's catalog .*restore"):
        IcebergCatalog.local(str(tmp_path / "lake")).current(STEPS)


def test_a_percent_sign_in_the_path_means_itself(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    lake = tmp_path / "a%20b"
    catalog = IcebergCatalog.local(str(lake))
    publish(catalog, "run-1", 1)
    assert (lake / "catalog.db").is_file()
    assert list((tmp_path / "a b").iterdir()) == []
    assert IcebergCatalog.local(str(lake)).history(STEPS) == catalog.history(STEPS)


def test_a_copied_lake_is_refused_and_the_original_left_alone(
    catalog: IcebergCatalog, tmp_path: Path
) -> None:
    publish(catalog, "run-1", 1)
    shutil.copytree(tmp_path / "lake", tmp_path / "copy")
    copy = IcebergCatalog.local(str(tmp_path / "copy"))
    for attempt in (lambda: copy.current(STEPS), lambda: publish(copy, "run-2", 2)):
        with pytest.raises(LakeError, match=r"is a copy of .* cannot be copied or moved"):
            attempt()
    assert [s.rows for s in catalog.history(STEPS)] == [1]
