from __future__ import annotations

from pathlib import Path

import pytest

from stedi_glue.backends.catalog import IcebergCatalog
from tests.aws_server import Account
from tests.backends.places import Bucket, Disk, Place


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "lake")


@pytest.fixture
def bucket(account: Account) -> Bucket:
    return Bucket(account)


@pytest.fixture(params=["disk", "bucket"])
def place(request: pytest.FixtureRequest) -> Place:
    """A lake on disk and one in S3, in turn: what a test says must hold for both."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def catalog(place: Place) -> IcebergCatalog:
    return place.open()
