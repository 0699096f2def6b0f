"""Files on a disk."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from stedi_glue.backends.storage import LOCK_FILE, File, Storage, brief
from stedi_glue.errors import LakeError

if TYPE_CHECKING:
    import pyarrow.fs as arrow_fs

_LOCK_SECONDS = 300
_PIECE = 1 << 20


class DiskStorage(Storage):
    """Files on a disk."""

    @property
    def _filesystem(self) -> arrow_fs.FileSystem:
        from pyarrow import fs

        return fs.LocalFileSystem()

    def require(self) -> None:
        """Raise LakeError when the root is a file."""
        if os.path.isfile(self._root):
            raise LakeError(f"'{self._root}' is a file; name the lake's folder with --lake.")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other runs off the root, also those of other processes."""
        from filelock import FileLock, Timeout

        try:
            os.makedirs(self._root, exist_ok=True)
            lock = FileLock(f"{self._root}/{LOCK_FILE}", timeout=_LOCK_SECONDS)
            lock.acquire()
        except Timeout as error:
            raise LakeError(
                f"Another run has been writing to '{self._root}' for {_LOCK_SECONDS} seconds; "
                "wait for it to end and run again."
            ) from error
        except OSError as error:
            raise LakeError(f"Cannot write to the lake '{self._root}': {brief(error)}.") from error
        try:
            yield
        finally:
            lock.release()

    def list(self, folder: str) -> tuple[File, ...]:
        """Return the files under a folder at any depth, by path; none when it is missing."""
        from pyarrow import fs

        selector = fs.FileSelector(folder, recursive=True, allow_not_found=True)
        with self.explaining(f"Cannot list '{folder}'"):
            found = self._filesystem.get_file_info(selector)
        try:
            files = [
                File(info.path, info.size, info.mtime_ns, str(info.mtime_ns))
                for info in found
                if info.type == fs.FileType.File
            ]
        except UnicodeDecodeError:
            raise LakeError(
                f"A file in '{folder}' has a name that is not UTF-8; rename it."
            ) from None
        return tuple(sorted(files, key=lambda file: file.path))

    def read_text(self, path: str) -> str | None:
        """Return a small file's text; None when there is no such file."""
        try:
            with open(path, "rb") as stream:
                return stream.read().decode()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LakeError(f"Cannot read '{path}': {brief(error)}.") from error

    def write_text(self, path: str, text: str) -> None:
        """Write a small file so that readers see the old text or the new, never a part."""
        self.write_bytes(path, text.encode())

    def write_bytes(self, path: str, content: bytes, content_type: str = "") -> None:
        """Write a small file so that readers see the old bytes or the new, never a part."""
        with self.explaining(f"Cannot write '{path}'"):
            folder, name = os.path.split(path)
            os.makedirs(folder, exist_ok=True)
            # Hidden, so that no run takes it for a raw file.
            with open(f"{folder}/.{name}.new", "wb") as stream:
                stream.write(content)
            os.replace(f"{folder}/.{name}.new", path)

    def delete(self, paths: Iterable[str]) -> None:
        """Delete files; those that are gone already are no error."""
        for path in paths:
            with self.explaining(f"Cannot delete '{path}'"), suppress(FileNotFoundError):
                os.remove(path)

    def open_output(self, path: str) -> BinaryIO:
        """Open a new file for writing; its folder is made when it is not there."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return super().open_output(path)

    def fingerprints(self, folder: str) -> dict[str, str]:
        """Return, for each file under a folder, what is another when its bytes are.

        Taken of the bytes themselves: what decays on a disk keeps its size and its times.
        """
        files = self.list(folder)
        with ThreadPoolExecutor() as pool, self.explaining(f"Cannot read '{folder}'"):
            sums = pool.map(_checksum, [file.path for file in files])
            return {
                file.path: f"{file.size}:{found:08x}"
                for file, found in zip(files, sums, strict=True)
            }

    def sweep(self, folder: str, used: Callable[[str], bool]) -> None:
        """Delete the files under a folder that are not used, and the folders that leaves empty."""
        self.delete(file.path for file in self.list(folder) if not used(file.path))
        for path, _, _ in os.walk(folder, topdown=False):
            if path != folder and not os.listdir(path):
                os.rmdir(path)


def _checksum(path: str) -> int:
    found = 0
    with open(path, "rb") as stream:
        while piece := stream.read(_PIECE):
            found = zlib.crc32(piece, found)
    return found
