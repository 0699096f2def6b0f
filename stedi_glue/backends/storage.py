"""Files of the lake, on disk or in S3, behind one small interface."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stedi_glue.errors import LakeError, UsageError

if TYPE_CHECKING:
    import pyarrow.fs as arrow_fs


# What Spark and Sail expand in a path instead of taking it as written.
WILDCARDS = frozenset("*?[]{}\\\n")


@dataclass(frozen=True)
class File:
    """A file as listed: where it is, how long, and when it last changed (epoch ns UTC)."""

    path: str
    size: int
    modified: int


def folder_uri(text: str) -> str:
    """Return a folder in its one spelling: `s3://bucket/key`, or an absolute local path.

    Raises UsageError for characters that engines would take for wildcards.
    """
    if set(text) & WILDCARDS:
        raise UsageError(
            f"The folder '{text}' has a character that engines read as a wildcard "
            "(one of * ? [ ] { } \\); choose a folder without it."
        )
    if "://" in text and not text.startswith(("s3://", "file://")):
        raise UsageError(f"The folder '{text}' is neither a local path nor 's3://...'.")
    if text.startswith("s3://"):
        return text.rstrip("/")
    return os.path.abspath(os.path.expanduser(text.removeprefix("file://")))


class Storage:
    """Lists, reads, writes and deletes by full path (`s3://...` or an absolute local path)."""

    def __init__(self, root: str) -> None:
        self._scheme = "s3://" if root.startswith("s3://") else ""

    @property
    def _filesystem(self) -> arrow_fs.FileSystem:
        from pyarrow import fs

        return fs.S3FileSystem() if self._scheme else fs.LocalFileSystem()

    def _inner(self, path: str) -> str:
        return path.removeprefix(self._scheme)

    def list(self, folder: str) -> tuple[File, ...]:
        """Return the files under a folder at any depth, by path; none when it is missing."""
        from pyarrow import fs

        selector = fs.FileSelector(self._inner(folder), recursive=True, allow_not_found=True)
        try:
            found = self._filesystem.get_file_info(selector)
        except OSError as error:
            raise LakeError(f"Cannot list '{folder}': {_brief(error)}.") from error
        files = (
            File(f"{self._scheme}{info.path}", info.size, info.mtime_ns)
            for info in found
            if info.type == fs.FileType.File
        )
        return tuple(sorted(files, key=lambda file: file.path))

    def parquet(self, folder: str, column: str | None = None) -> tuple[tuple[str, ...], int, int]:
        """Return a folder's Parquet files, their rows, and how many have a value in `column`.

        Counted from the files' footers, so no data is read.
        """
        from pyarrow import parquet

        files = tuple(file.path for file in self.list(folder) if file.path.endswith(".parquet"))
        rows = values = 0
        for file in files:
            footer = parquet.read_metadata(self._inner(file), filesystem=self._filesystem)
            rows += footer.num_rows
            if column is not None:
                index = footer.schema.names.index(column)
                groups = (footer.row_group(n).column(index) for n in range(footer.num_row_groups))
                values += sum(c.num_values - c.statistics.null_count for c in groups)
        return files, rows, values

    def missing(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return those of the paths that are no files."""
        from pyarrow import fs

        wanted = list(paths)
        infos = self._filesystem.get_file_info([self._inner(path) for path in wanted])
        return tuple(
            path for path, info in zip(wanted, infos, strict=True) if info.type != fs.FileType.File
        )

    def read_text(self, path: str) -> str | None:
        """Return a small file's text; None when there is no such file."""
        try:
            with self._filesystem.open_input_stream(self._inner(path)) as stream:
                return bytes(stream.read()).decode()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LakeError(f"Cannot read '{path}': {_brief(error)}.") from error

    def write_text(self, path: str, text: str) -> None:
        """Write a small file so that readers see the old text or the new, never a part."""
        inner = self._inner(path)
        # An object store shows an object when it is whole; a disk shows it as it grows.
        target = inner if self._scheme else f"{inner}.new"
        try:
            if not self._scheme:
                self._filesystem.create_dir(os.path.dirname(inner), recursive=True)
            with self._filesystem.open_output_stream(target) as stream:
                stream.write(text.encode())
            if not self._scheme:
                os.replace(target, inner)
        except OSError as error:
            raise LakeError(f"Cannot write '{path}': {_brief(error)}.") from error

    def delete(self, paths: Iterable[str]) -> None:
        """Delete files; those already gone are no error."""
        for path in paths:
            try:
                self._filesystem.delete_file(self._inner(path))
            except FileNotFoundError:
                continue
            except OSError as error:
                raise LakeError(f"Cannot delete '{path}': {_brief(error)}.") from error

    def prune(self, folder: str) -> None:
        """Remove the empty folders that deleting files leaves on a disk."""
        if self._scheme:
            return
        for path, _, _ in os.walk(folder, topdown=False):
            if path != folder and not os.listdir(path):
                os.rmdir(path)


def _brief(error: OSError) -> str:
    return (error.strerror or str(error).splitlines()[0]).rstrip(".")
