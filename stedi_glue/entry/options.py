"""Options that several commands take, and the lake they lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stedi_glue.settings import Settings

if TYPE_CHECKING:
    from stedi_glue.lakehouse import Lakehouse


def _setting(name: str, metavar: str) -> Any:
    return typer.Option(f"--{name}", metavar=metavar, help=Settings.describe(name))


Lake = Annotated[str | None, _setting("lake", "ROOT")]
Landing = Annotated[str | None, _setting("landing", "ROOT")]
Catalog = Annotated[str | None, _setting("catalog", "KIND")]
Engine = Annotated[str | None, _setting("engine", "NAME")]
Pairing = Annotated[str | None, _setting("pairing", "KIND")]
Consent = Annotated[str | None, _setting("consent", "KIND")]
Rules = Annotated[str | None, _setting("rules", "DIR")]
Workgroup = Annotated[str | None, _setting("workgroup", "NAME")]


def open_lake(settings: Settings) -> Lakehouse:
    """Open the lake of these settings; imports what takes long, so not for '--help'."""
    from stedi_glue.lakehouse import Lakehouse
    from stedi_glue.zones import stedi

    return Lakehouse.open(
        settings.lake,
        landing=settings.landing,
        catalog=settings.catalog,
        engine=settings.engine,
        pipeline=stedi(settings.pairing, settings.consent),
        rules=settings.rules,
    )
