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


def open_as_made(settings: Settings) -> Lakehouse:
    """Open the lake of these settings, to make its tables again as they were made."""
    options = open_lake(settings).options()
    made: dict[str, Any] = {
        name: options[name] for name in ("pairing", "consent", "versions") if name in options
    }
    return open_lake(replace(settings, privacy=None, **made))
