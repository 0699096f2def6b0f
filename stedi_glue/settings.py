"""What a caller may choose, and the only reader of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stedi_glue.backends.privacy import Privacy
    from stedi_glue.zones.curated import Pairing
    from stedi_glue.zones.trusted import Consent, Versions

PREFIX = "STEDI_"


@dataclass(frozen=True)
class Settings:
    """Every choice of a run; values are judged by the code that acts on them."""

    lake: str = field(
        default="lake", metadata={"doc": "The lake's root: a folder, or s3://bucket/folder."}
    )
    landing: str | None = field(
        default=None,
        metadata={"doc": "The root of customer/landing and its like; by default the lake."},
    )
    catalog: str | None = field(
        default=None,
        metadata={
            "doc": "local: a file in the lake. glue: the account's Glue Data Catalog. "
            "By default glue for a lake in S3, else local."
        },
    )
    engine: str = field(
        default="sail",
        metadata={
            "doc": "sail: embedded, no Java. spark: classic Spark, needs Java 17. "
            "glue: the session of a Glue job."
        },
    )
    pairing: Pairing = field(
        default="timestamp",
        metadata={
            "doc": "timestamp: pair readings of one millisecond, even of strangers. "
            "customer: keep only pairs of one customer."
        },
    )
    consent: Consent = field(
        default="current",
        metadata={
            "doc": "current: every reading of a customer who agreed. "
            "as-of: only readings taken since they agreed."
        },
    )
    versions: Versions = field(
        default="latest",
        metadata={
            "doc": "latest: of each registration only its last version, which consent is judged "
            "on. all: every version."
        },
    )
    privacy: Privacy | None = field(
        default=None,
        metadata={
            "doc": "pseudonymous: keyed hashes stand for people and devices in "
            "machine_learning_curated. identified: e-mail addresses and serial numbers. "
            "By default as the lake is, and a new one pseudonymous."
        },
    )
    key: str | None = field(
        default=None,
        metadata={
            "doc": "Where the key of pseudonyms is, never the key itself: a file, env:NAME, or "
            "secret:NAME in AWS Secrets Manager. A lake on disk makes one of its own."
        },
    )
    rules: str | None = field(
        default=None,
        metadata={"doc": "A folder with <table>.json for each table; by default our own rules."},
    )

    workgroup: str = field(
        default="primary",
        metadata={"doc": "The Athena workgroup that queries of a lake on AWS run in."},
    )

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ, **overrides: str | None) -> Settings:
        """Settle every choice: an override that is not None, else the environment, else default.

        An empty environment variable counts as unset.
        """
        values: dict[str, Any] = {}
        for setting in fields(cls):
            chosen = overrides.get(setting.name)
            value = chosen if chosen is not None else environ.get(variable(setting.name))
            if value:
                values[setting.name] = value
        return cls(**values)

    @classmethod
    def describe(cls, name: str) -> str:
        """Return what a setting means, its environment variable and its default, as help text."""
        setting = next(setting for setting in fields(cls) if setting.name == name)
        default = f"default: {setting.default}, " if setting.default else ""
        return f"{setting.metadata['doc']} ({default}env: {variable(name)})"


def variable(name: str) -> str:
    """Return the environment variable of a setting: `lake` is read from `STEDI_LAKE`."""
    return PREFIX + name.upper()


def debugging(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether unexpected exceptions shall show their traceback (`STEDI_DEBUG`)."""
    return bool(environ.get(variable("debug")))
