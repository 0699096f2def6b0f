"""Files of a lake in S3."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from mimetypes import guess_type
from typing import TYPE_CHECKING

from stedi_glue.backends import aws
from stedi_glue.backends.storage import NOTE, S3, File, Storage
from stedi_glue.errors import LakeError

if TYPE_CHECKING:
    import pyarrow.fs as arrow_fs

DAY = 24 * 3600
_AT_ONCE = 1000


class S3Storage(Storage):
    """Objects of a bucket, reached as boto3 would.

    There is no lock: runs on other machines are not seen. A file that nothing uses may
    belong to one of them, so only those older than `safety` seconds are deleted.
    """

    def __init__(self, root: str, safety: float = DAY) -> None:
        super().__init__(root)
        self._safety = safety

    @property
    def _filesystem(self) -> arrow_fs.FileSystem:
        return _arrow(aws.region(), aws.endpoint(), aws.keys())

    def _inner(self, path: str) -> str:
        return path.removeprefix(S3)

    def require(self) -> None:
        """Raise LakeError unless the bucket is there, in this region, and may be listed."""
        # One key, because some may list a part of the bucket only.
        bucket, prefix = _split(f"{self._root}/{NOTE}")
        with self.explaining(f"Cannot open the lake '{self._root}'"):
            found = aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
        home = found["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", aws.region())
        if home != aws.region():
            raise LakeError(
                f"The bucket '{bucket}' is in {home}, and your AWS region is {aws.region()}; "
                f"set AWS_REGION={home}."
            )

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep nobody off: of two publications at once the catalog refuses one."""
        yield

    def list(self, folder: str) -> tuple[File, ...]:
        """Return the files under a folder at any depth, by path; none when it is missing."""
        bucket, prefix = _split(f"{folder}/")
        files = []
        with self.explaining(f"Cannot list '{folder}'"):
            pages = aws.client("s3").get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=bucket, Prefix=prefix):
                files += [
                    File(
                        path=f"{S3}{bucket}/{found['Key']}",
                        size=found["Size"],
                        modified=int(found["LastModified"].timestamp() * 1e9),
                        version=found["ETag"].strip('"'),
                    )
                    for found in page.get("Contents", ())
                    # Consoles show folders by empty objects of this name.
                    if not found["Key"].endswith("/")
                ]
        return tuple(sorted(files, key=lambda file: file.path))

    def read_text(self, path: str) -> str | None:
        """Return a small file's text; None when there is no such file."""
        bucket, key = _split(path)
        s3 = aws.client("s3")
        with self.explaining(f"Cannot read '{path}'"):
            try:
                return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read()).decode()
            except s3.exceptions.NoSuchKey:
                return None

    def write_text(self, path: str, text: str) -> None:
        """Write a small file; S3 shows an object when it is whole."""
        kind = guess_type(path)[0] or "text/plain"
        self.write_bytes(path, text.encode(), f"{kind}; charset=utf-8")

    def write_bytes(
        self, path: str, content: bytes, content_type: str = "application/octet-stream"
    ) -> None:
        """Write a small file of a type that browsers know."""
        bucket, key = _split(path)
        with self.explaining(f"Cannot write '{path}'"):
            aws.client("s3").put_object(
                Bucket=bucket, Key=key, Body=content, ContentType=content_type
            )

    def fingerprints(self, folder: str) -> dict[str, str]:
        """Return, for each file under a folder, what is another when its bytes are.

        S3 looks after the bytes by itself.
        """
        return {file.path: f"{file.size}:{file.version}" for file in self.list(folder)}

    def sweep(self, folder: str, used: Callable[[str], bool]) -> None:
        """Delete the files under a folder that are not used and have been there for long."""
        limit = (time.time() - self._safety) * 1e9
        self.delete(
            file.path
            for file in self.list(folder)
            if file.modified <= limit and not used(file.path)
        )

    def delete(self, paths: Iterable[str]) -> None:
        """Delete objects; those that are gone already are no error."""
        bucket, _ = _split(self._root)
        keys = [{"Key": _split(path)[1]} for path in paths]
        for start in range(0, len(keys), _AT_ONCE):
            with self.explaining(f"Cannot delete files in '{self._root}'"):
                done = aws.client("s3").delete_objects(
                    Bucket=bucket, Delete={"Objects": keys[start : start + _AT_ONCE], "Quiet": True}
                )
            for error in done.get("Errors", ()):
                raise LakeError(f"Cannot delete '{error.get('Key')}': {error.get('Message')}.")

    @contextmanager
    def explaining(self, what: str) -> Iterator[None]:
        """Turn what goes wrong in AWS into one sentence: "<what>: <reason>"."""
        with aws.explaining(what):
            yield


@cache
def _arrow(region: str, endpoint: str | None, keys: aws.Keys | None) -> arrow_fs.FileSystem:
    from pyarrow import fs

    handed = {}
    if keys is not None:
        handed = {"access_key": keys.access, "secret_key": keys.secret, "session_token": keys.token}
    return fs.S3FileSystem(region=region, endpoint_override=endpoint, **handed)


def _split(path: str) -> tuple[str, str]:
    bucket, _, key = path.removeprefix(S3).partition("/")
    return bucket, key
