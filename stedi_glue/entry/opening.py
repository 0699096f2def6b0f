"""The lake that settings describe."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stedi_glue.errors import UsageError

# What takes long to import is imported where it is used: '--help' must be instant.
if TYPE_CHECKING:
    from stedi_glue.lakehouse import Lakehouse
    from stedi_glue.settings import Settings
    from stedi_glue.zones.curated import Privacy


def open_lake(settings: Settings) -> Lakehouse:
    """Open the lake of these settings, to be read."""
    return _open(settings, settings.privacy or "identified", None)


def open_to_forget(settings: Settings) -> Lakehouse:
    """Open the lake of these settings, to forget people; UsageError without a key.

    Its tables are made again as they were made.
    """
    lake = open_lake(settings)
    made: dict[str, Any] = {
        name: lake.option(name) for name in ("pairing", "consent", "versions", "privacy")
    }
    settings = replace(settings, **{name: value for name, value in made.items() if value})
    return _open(settings, settings.privacy or "identified", _key(settings, lake.root))


def open_to_run(settings: Settings) -> Lakehouse:
    """Open the lake of these settings, to be filled.

    Unless they say otherwise it stays as private as it is: who forgets an option must not
    publish people. Raises UsageError when pseudonyms lack a key.
    """
    lake = open_lake(settings)
    private = (settings.privacy or lake.option("privacy")) == "pseudonymous"
    if not private and settings.key is None:
        return lake
    privacy: Privacy = "pseudonymous" if private else "identified"
    return _open(settings, privacy, _key(settings, lake.root))


def _open(settings: Settings, privacy: Privacy, key: bytes | None) -> Lakehouse:
    from stedi_glue.lakehouse import Lakehouse
    from stedi_glue.zones import stedi

    return Lakehouse.open(
        settings.lake,
        landing=settings.landing,
        catalog=settings.catalog,
        engine=settings.engine,
        pipeline=stedi(settings.pairing, settings.consent, settings.versions, privacy, key),
        rules=settings.rules,
        key=key,
    )


def _key(settings: Settings, root: str) -> bytes:
    from stedi_glue.backends.keys import read_key
    from stedi_glue.model.pseudonyms import Pseudonyms, no_key

    if settings.key is None:
        raise no_key()
    if os.path.realpath(os.path.expanduser(settings.key)).startswith(f"{os.path.realpath(root)}/"):
        raise UsageError(
            "The key of pseudonyms is in the lake, where readers of the lake would find it; keep "
            "it elsewhere."
        )
    key = read_key(settings.key)
    Pseudonyms(key)
    return key
