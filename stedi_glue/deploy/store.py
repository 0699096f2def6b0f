"""What a deployment keeps in S3 and the Data Catalog beside its stack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from stedi_glue.deploy.artifacts import Manifest
from stedi_glue.deploy.plan import DATABASE, Plan
from stedi_glue.deploy.stack import explaining

# Told of progress: bytes that were just sent.
Sent = Callable[[int], None]


def bucket_exists(s3: Any, bucket: str) -> bool:
    """Return whether we have the bucket; DeployError when it is somebody else's."""
    from botocore.exceptions import ClientError

    with explaining(f"Cannot look at the bucket '{bucket}'"):
        try:
            s3.head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchBucket"):
                return False
            raise
    return True


def missing_artifacts(s3: Any, plan: Plan, manifest: Manifest, folder: Path) -> tuple[Path, ...]:
    """Return the files of a release that are not yet in the bucket."""
    with explaining(f"Cannot list the bucket '{plan.bucket}'"):
        listed = s3.list_objects_v2(Bucket=plan.bucket, Prefix=plan.key(""))
    there = {entry["Key"]: entry["Size"] for entry in listed.get("Contents", [])}
    files = [folder / name for name in manifest.artifacts]
    return tuple(file for file in files if there.get(plan.key(file.name)) != file.stat().st_size)


def upload(s3: Any, plan: Plan, file: Path, sent: Sent) -> None:
    """Send one artifact to its place in the bucket, with a checksum that S3 verifies."""
    with explaining(f"Cannot upload '{file.name}' to '{plan.bucket}'"):
        s3.upload_file(
            *(str(file), plan.bucket, plan.key(file.name)),
            ExtraArgs={"ChecksumAlgorithm": "SHA256"},
            Callback=sent,
        )


def delete_data(s3: Any, glue: Any, bucket: str) -> None:
    """Delete a lake for good: its database in the Data Catalog, its bucket and all in it."""
    from botocore.exceptions import ClientError

    with explaining(f"Cannot delete the database '{DATABASE}'"):
        try:
            found = glue.get_database(Name=DATABASE)["Database"]
            # Another lake's database is not ours to delete.
            if found.get("LocationUri", "").rstrip("/") == f"s3://{bucket}":
                glue.delete_database(Name=DATABASE)
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise
    if not bucket_exists(s3, bucket):
        return
    with explaining(f"Cannot delete the bucket '{bucket}'"):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            keys = [{"Key": entry["Key"]} for entry in page.get("Contents", [])]
            if keys:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        s3.delete_bucket(Bucket=bucket)
