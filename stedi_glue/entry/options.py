"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from stedi_glue.settings import Settings


def _setting(name: str, metavar: str) -> Any:
    return typer.Option(f"--{name}", metavar=metavar, help=Settings.describe(name))


Lake = Annotated[str | None, _setting("lake", "ROOT")]
Landing = Annotated[str | None, _setting("landing", "ROOT")]
Catalog = Annotated[str | None, _setting("catalog", "KIND")]
Engine = Annotated[str | None, _setting("engine", "NAME")]
Pairing = Annotated[str | None, _setting("pairing", "KIND")]
Consent = Annotated[str | None, _setting("consent", "KIND")]
Versions = Annotated[str | None, _setting("versions", "KIND")]
Privacy = Annotated[str | None, _setting("privacy", "KIND")]
Key = Annotated[str | None, _setting("key", "PLACE")]
Rules = Annotated[str | None, _setting("rules", "DIR")]
Workgroup = Annotated[str | None, _setting("workgroup", "NAME")]
TableNames = Annotated[
    list[str] | None, typer.Argument(metavar="TABLE", help="Names of tables; all by default.")
]
