"""Raw files carried into a lake's landing folders: those that are not there yet, as they are."""

from __future__ import annotations

import filecmp
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stedi_glue.backends import aws
from stedi_glue.backends.storage import S3, File, open_storage
from stedi_glue.errors import LandingError

if TYPE_CHECKING:
    from stedi_glue.model.table import Table

# An upload in several parts has no checksum of the whole in S3, so it is kept beside it.
_CHECKSUM = "sha256"


@dataclass(frozen=True)
class Parcel:
    """One raw file: where it is, where it goes, and its size in bytes."""

    source: Path
    target: str
    size: int


def parcels(source: Path, root: str, tables: Sequence[Table]) -> tuple[Parcel, ...]:
    """Return the raw files of landing tables under `source`, to be carried to `root`.

    Raises LandingError when the source, or a table's folder in it, is missing or empty.
    """
    if not source.is_dir():
        raise LandingError(f"There is no folder '{source}'; name one that has raw data.")
    found: list[Parcel] = []
    for table in tables:
        files = sorted(_files(source / table.location))
        if not files:
            raise LandingError(
                f"There is no raw data for '{table.name}' in '{source / table.location}': put "
                "newline JSON files there, or name the tables that there is data for."
            )
        found += [
            Parcel(file, f"{root}/{file.relative_to(source).as_posix()}", file.stat().st_size)
            for file in files
        ]
    return tuple(found)


class Delivery:
    """Carries files to a root on disk or in S3.

    Each file appears whole or not at all, so a delivery that was cut short is resumed by
    another one: it leaves alone what is already there unchanged.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._storage = open_storage(root)

    def missing(self, parcels: Sequence[Parcel]) -> tuple[Parcel, ...]:
        """Return those that are not there yet, or have changed."""
        self._storage.require()
        folders = {parcel.target.rpartition("/")[0] for parcel in parcels}
        there = {file.path: file for folder in folders for file in self._storage.list(folder)}
        return tuple(p for p in parcels if not self._same(p, there.get(p.target)))

    def carry(self, parcel: Parcel, on_bytes: Callable[[int], None]) -> None:
        """Carry one file; on_bytes is told how many more bytes have arrived."""
        (self._upload if self._root.startswith(S3) else self._copy)(parcel, on_bytes)

    def _same(self, parcel: Parcel, there: File | None) -> bool:
        if there is None or there.size != parcel.size:
            return False
        if not there.path.startswith(S3):
            return filecmp.cmp(parcel.source, there.path, shallow=False)
        bucket, _, key = there.path.removeprefix(S3).partition("/")
        with aws.explaining(f"Cannot look at '{there.path}'"):
            kept = aws.client("s3").head_object(Bucket=bucket, Key=key)["Metadata"]
        return bool(kept.get(_CHECKSUM) == _checksum(parcel.source))

    def _upload(self, parcel: Parcel, on_bytes: Callable[[int], None]) -> None:
        from boto3.exceptions import S3UploadFailedError

        bucket, _, key = parcel.target.removeprefix(S3).partition("/")
        what = f"Cannot upload '{parcel.source}' to '{parcel.target}'"
        with aws.explaining(what):
            try:
                aws.client("s3").upload_file(
                    str(parcel.source),
                    bucket,
                    key,
                    ExtraArgs={"Metadata": {_CHECKSUM: _checksum(parcel.source)}},
                    Callback=on_bytes,
                )
            except S3UploadFailedError as error:
                raise (error.__context__ or error) from error

    def _copy(self, parcel: Parcel, on_bytes: Callable[[int], None]) -> None:
        target = Path(parcel.target)
        # Hidden, so that no run takes a part for the whole.
        part = target.with_name(f".{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(parcel.source, part)
            os.replace(part, target)
        except OSError as error:
            raise LandingError(
                f"Cannot copy '{parcel.source}' to '{target}': {error.strerror}."
            ) from error
        on_bytes(parcel.size)


def _files(folder: Path) -> Iterator[Path]:
    """Return the files under a folder, less the hidden ones, which no run reads either."""
    for file in folder.rglob("*"):
        parts = file.relative_to(folder).parts
        if file.is_file() and not any(part.startswith((".", "_")) for part in parts):
            yield file


def _checksum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
