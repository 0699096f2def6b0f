"""Files of a lake: one behaviour, on disk and in S3."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stedi_glue.backends.disk import DiskStorage
from stedi_glue.backends.s3 import S3Storage
from stedi_glue.backends.storage import Storage, folder_uri, open_storage
from stedi_glue.errors import LakeError, UsageError
from tests.aws_server import BUCKET, Account
from tests.backends.places import Place


@pytest.fixture
def storage(place: Place) -> Storage:
    return open_storage(place.root)


def test_text_is_written_whole_and_read_back(place: Place, storage: Storage) -> None:
    path = f"{place.root}/runs/a b+ü.json"
    assert storage.read_text(path) is None
    storage.write_text(path, "first")
    storage.write_text(path, "zweites ü")
    assert storage.read_text(path) == "zweites ü"
    assert place.files() == ["runs/a b+ü.json"]


def test_files_are_listed_at_any_depth_by_path(place: Place, storage: Storage) -> None:
    assert storage.list(f"{place.root}/a") == ()
    for name in ("a/2.json", "a/b/1.json", "a.json", "ab/3.json"):
        storage.write_text(f"{place.root}/{name}", name)
    listed = storage.list(f"{place.root}/a")
    assert [file.path for file in listed] == [f"{place.root}/a/{n}" for n in ("2.json", "b/1.json")]
    assert [file.size for file in listed] == [len("a/2.json"), len("a/b/1.json")]
    assert all(abs(file.modified / 1e9 - time.time()) < 60 for file in listed)


def test_a_version_changes_with_the_content(place: Place, storage: Storage) -> None:
    path = f"{place.root}/a.json"
    storage.write_text(path, "one")
    (before,), mark = storage.list(place.root), storage.fingerprints(place.root)
    assert storage.fingerprints(place.root) == mark
    time.sleep(0.01)
    storage.write_text(path, "two")
    (after,) = storage.list(place.root)
    assert before.size == after.size
    assert before.version != after.version
    assert storage.fingerprints(place.root).keys() == mark.keys() == {path}
    assert storage.fingerprints(place.root) != mark


def test_a_folder_is_dropped_with_all_in_it_and_no_neighbour(
    place: Place, storage: Storage
) -> None:
    for name in ("a/1.json", "a/b/2.json", "ab/3.json"):
        storage.write_text(f"{place.root}/{name}", name)
    for _ in range(2):
        storage.drop(f"{place.root}/a")
        assert [file.path for file in storage.list(place.root)] == [f"{place.root}/ab/3.json"]


def test_missing_files_are_told_from_those_there(place: Place, storage: Storage) -> None:
    there, gone = f"{place.root}/a/1.json", f"{place.root}/a/2.json"
    storage.write_text(there, "1")
    assert storage.missing([gone, there, f"{place.root}/a"]) == (gone, f"{place.root}/a")


def test_rows_are_counted_from_footers(place: Place, storage: Storage, tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"n": [1, 2, 3]}), file)
    place.make(f"{place.root}/data")
    for name in ("1.parquet", "2.parquet", "notes.txt"):
        place.put(file, f"{place.root}/data/{name}")
    files, rows = storage.parquet(f"{place.root}/data")
    assert files == tuple(f"{place.root}/data/{n}.parquet" for n in (1, 2))
    assert rows == 6


def test_a_stream_is_written_to_a_new_folder_and_read_back(place: Place, storage: Storage) -> None:
    with storage.open_output(f"{place.root}/new/folder/data.gz") as target:
        target.write(b"ab")
        target.write(b"cd")
    with storage.open_input(f"{place.root}/new/folder/data.gz") as source:
        assert source.read() == b"abcd"


def test_what_is_no_parquet_is_one_sentence(place: Place, storage: Storage) -> None:
    storage.write_text(f"{place.root}/data/1.parquet", "no Parquet")
    with pytest.raises(LakeError, match=r"data/1\.parquet' is no Parquet file"):
        storage.parquet(f"{place.root}/data")


@pytest.mark.parametrize("kind", ["disk", "bucket"])
def test_a_sweep_takes_what_is_not_used(kind: str, request: pytest.FixtureRequest) -> None:
    place: Place = request.getfixturevalue(kind)
    # As if everything in S3 had lain there for long.
    storage = DiskStorage(place.root) if kind == "disk" else S3Storage(place.root, safety=-60)
    for name in ("a/1", "a/b/2", "a/b/3", "c/4"):
        storage.write_text(f"{place.root}/{name}", name)
    storage.sweep(f"{place.root}/a", lambda path: path.endswith("/3"))
    assert place.files() == ["a/b/3", "c/4"]
    storage.sweep(f"{place.root}/a", lambda path: False)
    assert place.files() == ["c/4"]


@pytest.mark.slow
def test_a_sweep_in_s3_takes_thousands_and_spares_the_young(account: Account) -> None:
    root = f"s3://{BUCKET}/lake"
    client = account.client("s3")
    for n in range(1003):
        client.put_object(Bucket=BUCKET, Key=f"lake/{n}", Body=b"")
    S3Storage(root).sweep(root, lambda path: False)
    assert len(account.objects()) == 1003
    S3Storage(root, safety=-60).sweep(root, lambda path: False)
    assert account.objects() == {}


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/", "s3://bucket"),
        ("s3://bucket//a/b/", "s3://bucket/a/b"),
        ("file:///tmp/lake/", "/tmp/lake"),
    ],
)
def test_a_folder_has_one_spelling(text: str, uri: str) -> None:
    assert folder_uri(text) == uri


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("s3://", "names no bucket"),
        ("s3:///", "names no bucket"),
        ("s3://bucket/a%20b", "percent sign"),
        ("s3a://bucket/a", "neither a local path nor"),
        ("lake*", "wildcard"),
    ],
)
def test_folders_that_would_be_misread_are_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        folder_uri(text)


@pytest.mark.parametrize(
    "act",
    [
        lambda storage, root: storage.list(root),
        lambda storage, root: storage.read_text(f"{root}/a"),
        lambda storage, root: storage.write_text(f"{root}/a", "text"),
        lambda storage, root: storage.require(),
    ],
)
def test_a_bucket_that_is_not_there_is_one_sentence(
    account: Account, act: Callable[[Storage, str], object]
) -> None:
    root = "s3://no-such-bucket/lake"
    with pytest.raises(LakeError, match="there is no such bucket; create it") as error:
        act(S3Storage(root), root)
    assert "\n" not in str(error.value)
