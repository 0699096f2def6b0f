"""The same small table in a lake on disk and in one in S3, to hold both to one behaviour."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog

from stedi_glue.backends.catalog import IcebergCatalog
from stedi_glue.backends.s3 import S3Storage
from stedi_glue.model.table import Column, Table, Zone
from stedi_glue.publish.ports import Staged
from tests.aws_server import BUCKET, Account

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


class Place(ABC):
    """Where a lake is, and how somebody without this package looks into it."""

    root: str

    @abstractmethod
    def open(self) -> IcebergCatalog: ...

    @abstractmethod
    def by_hand(self) -> Catalog: ...

    @abstractmethod
    def put(self, file: Path, path: str) -> None: ...

    @abstractmethod
    def make(self, folder: str) -> None: ...

    @abstractmethod
    def files(self, folder: str = "") -> list[str]: ...

    def stage(self, run: str, rows: str | None, table: Table = STEPS) -> Staged:
        """Write a run's files as an engine would: plain Parquet without Iceberg field ids."""
        catalog = self.open()
        folder = catalog.new_folder(table, run)
        self.make(folder)
        if rows is not None:
            with TemporaryDirectory() as scratch:
                file = Path(scratch) / "rows.parquet"
                duckdb.sql(f"COPY ({rows}) TO '{file}' (FORMAT parquet)")
                self.put(file, f"{folder}/part-0.parquet")
        return catalog.written(folder)

    def publish(
        self, run: str, count: int, catalog: IcebergCatalog | None = None, table: Table = STEPS
    ) -> int:
        """Publish so many rows, and return the snapshot."""
        rows = f"SELECT range AS stepNumber, 'u' || range AS \"user\" FROM range({count})"
        staged = self.stage(run, rows, table)
        summary = {"stedi.rows": str(staged.rows), "stedi.run-id": run}
        return (catalog or self.open()).publish(table, staged, summary).snapshot_id


class Disk(Place):
    def __init__(self, lake: Path) -> None:
        self.root = str(lake)

    def open(self) -> IcebergCatalog:
        return IcebergCatalog.local(self.root)

    def by_hand(self) -> Catalog:
        return SqlCatalog("stedi", uri=f"sqlite:///{self.root}/catalog.db", warehouse=self.root)

    def make(self, folder: str) -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)

    def put(self, file: Path, path: str) -> None:
        shutil.copy(file, path)

    def files(self, folder: str = "") -> list[str]:
        root = Path(self.root)
        found = (root / folder).rglob("*")
        return sorted(str(file.relative_to(root)) for file in found if file.is_file())


class Bucket(Place):
    def __init__(self, account: Account) -> None:
        self.account = account
        self.root = f"s3://{BUCKET}/lake"

    def open(self) -> IcebergCatalog:
        # Nothing is young enough to belong to a run at work.
        return IcebergCatalog.glue(self.root, S3Storage(self.root, safety=-60))

    def by_hand(self) -> Catalog:
        return self.account.by_hand()

    def make(self, folder: str) -> None:
        """Nothing: keys need no folders."""

    def put(self, file: Path, path: str) -> None:
        key = path.removeprefix(f"s3://{BUCKET}/")
        self.account.client("s3").upload_file(str(file), BUCKET, key)

    def files(self, folder: str = "") -> list[str]:
        keys = self.account.objects(f"lake/{folder}")
        return sorted(key.removeprefix("lake/") for key in keys if not key.endswith("/"))
