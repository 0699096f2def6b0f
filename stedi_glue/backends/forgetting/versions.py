"""Old versions of objects: a bucket with versioning keeps what was changed or deleted."""

from __future__ import annotations

from collections.abc import Iterable

from stedi_glue.backends.storage import S3, open_storage

# An old version's path, as AWS's own addresses have it.
_VERSION = "?versionId="


def old_versions(root: str) -> tuple[str, ...]:
    """Return the paths of the old versions under a root; none on a disk."""
    if not root.startswith(S3):
        return ()
    from stedi_glue.backends import aws

    bucket, _, folder = root.removeprefix(S3).partition("/")
    found = []
    with aws.explaining(f"Cannot list old versions of the objects in '{root}'"):
        pages = aws.client("s3").get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=bucket, Prefix=f"{folder}/" if folder else ""):
            found += [
                f"{S3}{bucket}/{one['Key']}{_VERSION}{one['VersionId']}"
                for one in page.get("Versions", ())
                if not one["IsLatest"]
            ]
    return tuple(found)


def read(path: str) -> bytes:
    """Return the bytes of a file or of an old version."""
    if not _is_old(path):
        return open_storage(path).read_bytes(path)
    from stedi_glue.backends import aws

    bucket, key, version = _parts(path)
    with aws.explaining(f"Cannot read '{path}'"):
        found = aws.client("s3").get_object(Bucket=bucket, Key=key, VersionId=version)
        return bytes(found["Body"].read())


def delete(paths: Iterable[str]) -> None:
    """Delete old versions for good; whatever else the paths name stays."""
    for path in filter(_is_old, paths):
        from stedi_glue.backends import aws

        bucket, key, version = _parts(path)
        with aws.explaining(f"Cannot delete '{path}'"):
            aws.client("s3").delete_object(Bucket=bucket, Key=key, VersionId=version)


def _is_old(path: str) -> bool:
    return path.startswith(S3) and _VERSION in path


def _parts(path: str) -> tuple[str, str, str]:
    place, _, version = path.removeprefix(S3).rpartition(_VERSION)
    bucket, _, key = place.partition("/")
    return bucket, key, version
