"""The lake that settings describe."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

# What takes long to import is imported where it is used: '--help' must be instant.
if TYPE_CHECKING:
    from stedi_glue.lakehouse import Lakehouse
    from stedi_glue.settings import Settings


def open_lake(settings: Settings) -> Lakehouse:
    """Open the lake of these settings."""
    from stedi_glue.lakehouse import Lakehouse
    from stedi_glue.zones import stedi

    return Lakehouse.open(
        settings.lake,
        landing=settings.landing,
        catalog=settings.catalog,
        engine=settings.engine,
        pipeline=stedi(settings.pairing, settings.consent, settings.versions),
        rules=settings.rules,
        privacy=settings.privacy,
        key=settings.key,
    )


def open_to_forget(settings: Settings) -> Lakehouse:
    """Open the lake of these settings, to forget people: tables are made again as they were."""
    lake = open_lake(settings)
    made: dict[str, Any] = {name: lake.option(name) for name in ("pairing", "consent", "versions")}
    return open_lake(replace(settings, **{name: value for name, value in made.items() if value}))
