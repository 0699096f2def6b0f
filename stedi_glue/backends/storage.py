"""Files of the lake, on disk or in S3, behind one small interface."""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from stedi_glue.errors import LakeError, UsageError

if TYPE_CHECKING:
    import pyarrow.fs as arrow_fs


S3 = "s3://"
# What Spark and Sail expand in a path instead of taking it as written.
WILDCARDS = frozenset("*?[]{}\\\n")
LOCK_FILE = ".lock"
# What a lake says of itself, at its root.
NOTE = "lake.json"
_ADVICE = {
    errno.ENOSPC: "make room there, and run again",
    errno.EDQUOT: "make room there, and run again",
    errno.EFBIG: "let this user write larger files (ulimit -f), and run again",
    errno.EROFS: "make the disk writable, and run again",
    errno.EACCES: "let this user read and write there, and run again",
}


@dataclass(frozen=True)
class File:
    """A file as listed.

    modified: when it last changed, epoch nanoseconds UTC.
    version: changes with the content: of a file on disk its time, in S3 its ETag.
    """

    path: str
    size: int
    modified: int
    version: str


def folder_uri(text: str) -> str:
    """Return a folder in its one spelling: `s3://bucket/key`, or an absolute local path.

    Raises UsageError for characters that engines would take for wildcards.
    """
    if set(text) & WILDCARDS:
        raise UsageError(
            f"The folder '{text}' has a character that engines read as a wildcard "
            "(one of * ? [ ] { } \\); choose a folder without it."
        )
    if "://" in text and not text.startswith((S3, "file://")):
        raise UsageError(f"The folder '{text}' is neither a local path nor 's3://...'.")
    if text.startswith(S3):
        if "%" in text:
            raise UsageError(
                f"The folder '{text}' has a percent sign, which engines decode in addresses; "
                "choose a folder without it."
            )
        parts = [part for part in text.removeprefix(S3).split("/") if part]
        if not parts:
            raise UsageError(f"The folder '{text}' names no bucket; write 's3://bucket/folder'.")
        return S3 + "/".join(parts)
    return os.path.abspath(os.path.expanduser(text.removeprefix("file://")))


class Storage(ABC):
    """Lists, reads, writes and deletes by full path under one root."""

    def __init__(self, root: str) -> None:
        self._root = root

    @property
    @abstractmethod
    def _filesystem(self) -> arrow_fs.FileSystem:
        """Return Arrow's way to the same files."""

    def _inner(self, path: str) -> str:
        """Return a path as Arrow's file systems know it."""
        return path

    @abstractmethod
    def require(self) -> None:
        """Raise LakeError when the root cannot be, or become, a folder."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[None]:
        """Keep other runs off the root where that can be done."""

    @abstractmethod
    def list(self, folder: str) -> tuple[File, ...]:
        """Return the files under a folder at any depth, by path; none when it is missing."""

    @abstractmethod
    def read_text(self, path: str) -> str | None:
        """Return a small file's text; None when there is no such file."""

    @abstractmethod
    def write_text(self, path: str, text: str) -> None:
        """Write a small file so that readers see the old text or the new, never a part."""

    def open_input(self, path: str) -> BinaryIO:
        """Open a file for reading from its start to its end."""
        stream: BinaryIO = self._filesystem.open_input_stream(self._inner(path), compression=None)
        return stream

    def read_bytes(self, path: str) -> bytes:
        """Return a file's bytes."""
        with self.explaining(f"Cannot read '{path}'"), self.open_input(path) as stream:
            return stream.read()

    def open_output(self, path: str) -> BinaryIO:
        """Open a new file for writing; its folder is made when it is not there."""
        stream: BinaryIO = self._filesystem.open_output_stream(self._inner(path), compression=None)
        return stream

    @abstractmethod
    def fingerprints(self, folder: str) -> dict[str, str]:
        """Return, for each file under a folder, what is another when its bytes are."""

    @abstractmethod
    def write_bytes(self, path: str, content: bytes, content_type: str = "") -> None:
        """Write a small file whole; its type is for browsers."""

    @abstractmethod
    def delete(self, paths: Iterable[str]) -> None:
        """Delete files; those that are gone already are no error."""

    @abstractmethod
    def sweep(self, folder: str, used: Callable[[str], bool]) -> None:
        """Delete the files under a folder that are not used, except those of other runs at work."""

    def parquet(self, folder: str) -> tuple[tuple[str, ...], int]:
        """Return a folder's Parquet files and how many rows they hold.

        Counted from the files' footers, so no data is read.
        """
        from pyarrow import ArrowInvalid, parquet

        files = tuple(file.path for file in self.list(folder) if file.path.endswith(".parquet"))
        rows = 0
        with self.explaining(f"Cannot read the files in '{folder}'"):
            for file in files:
                try:
                    footer = parquet.read_metadata(self._inner(file), filesystem=self._filesystem)
                except ArrowInvalid as error:
                    raise LakeError(f"'{file}' is no Parquet file; run again.") from error
                rows += footer.num_rows
        return files, rows

    def missing(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return those of the paths that are no files, or empty ones."""
        from pyarrow import fs

        wanted = list(paths)
        with self.explaining(f"Cannot look for files in '{self._root}'"):
            infos = self._filesystem.get_file_info([self._inner(path) for path in wanted])
        return tuple(
            path
            for path, info in zip(wanted, infos, strict=True)
            if info.type != fs.FileType.File or not info.size
        )

    def drop(self, folder: str) -> None:
        """Delete a folder and all that is in it; nobody else may use it."""
        from pyarrow import fs

        inner = self._inner(folder)
        with self.explaining(f"Cannot delete '{folder}'"):
            if self._filesystem.get_file_info(inner).type == fs.FileType.Directory:
                self._filesystem.delete_dir(inner)

    @contextmanager
    def explaining(self, what: str) -> Iterator[None]:
        """Turn what goes wrong with files into one sentence: "<what>: <reason>"."""
        try:
            yield
        except OSError as error:
            raise LakeError(f"{what}: {brief(error)}.") from error


def open_storage(root: str) -> Storage:
    """Return the storage of a root, as `folder_uri` spells it, or of a path under it."""
    if root.startswith(S3):
        from stedi_glue.backends.s3 import S3Storage

        return S3Storage(root)
    from stedi_glue.backends.disk import DiskStorage

    return DiskStorage(root)


def brief(error: OSError) -> str:
    """Return what went wrong with a file, and what to do about it where that is known."""
    said = (error.strerror or str(error).splitlines()[0]).rstrip(".")
    advice = _ADVICE.get(error.errno or 0)
    return f"{said}; {advice}" if advice else said
