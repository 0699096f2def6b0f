"""What is to stand in AWS: the choices a deployment makes beside the pipeline itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from stedi_glue.backends.privacy import check_privacy
from stedi_glue.errors import UsageError

Layout = Literal["per-table", "single"]

DATABASE = "stedi"
# How the description of each of our stacks begins: by it they are told from others.
DESCRIBED = "The STEDI lake in "
NIGHTLY = "cron(0 3 * * ? *)"


@dataclass(frozen=True)
class Plan:
    """One deployment of a pipeline.

    bucket: holds the lake, and under `artifacts/` what its jobs run.
    release: the folder of the artifacts; wheels, package and script: their names in it.
    layout: "per-table" gives each table a job of its own, "single" makes all in one.
    schedule: when a run begins, as Glue writes it, in UTC.
    alert: an e-mail address that is told of failed and held runs; None tells nobody.
    privacy: "identified" has jobs name people; else a lake stays as it is, and a new one names
    nobody.
    secret: the secret of AWS Secrets Manager that holds the key of pseudonyms, by name or ARN;
    None makes one.
    """

    bucket: str
    release: str
    package: str
    wheels: str
    script: str = "glue_job.py"
    layout: Layout = "per-table"
    schedule: str = NIGHTLY
    alert: str | None = None
    privacy: str | None = None
    secret: str | None = None

    def __post_init__(self) -> None:
        check_bucket(self.bucket)
        check_privacy(self.privacy)
        if not re.fullmatch(r"cron\([^()]+\)", self.schedule):
            raise UsageError(f"The schedule '{self.schedule}' must read like '{NIGHTLY}', in UTC.")

    @property
    def lake(self) -> str:
        """The lake's root."""
        return f"s3://{self.bucket}"

    def artifact(self, name: str) -> str:
        """Return where an artifact of this release is."""
        return f"{self.lake}/{self.key(name)}"

    def key(self, name: str) -> str:
        """Return the key of an artifact in the bucket."""
        return f"artifacts/{self.release}/{name}"


def check_bucket(name: str) -> None:
    """Raise UsageError unless a bucket can be called so."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name):
        raise UsageError(
            f"'{name}' is no name for a bucket: take 3 to 63 lower-case letters, digits and '-', "
            "without 's3://'."
        )
