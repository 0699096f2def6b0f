"""How much published tables still hold of people who revoked their consent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from stedi_glue.backends.engines import explaining
from stedi_glue.errors import UsageError
from stedi_glue.publish.consent import Consent

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stedi_glue.backends.catalog import IcebergCatalog
    from stedi_glue.backends.landing import LandingFolder
    from stedi_glue.model.pipeline import Pipeline


def revoked(
    pipeline: Pipeline,
    landing: LandingFolder,
    catalog: IcebergCatalog,
    read: Callable[[str], DataFrame],
    key: Callable[[], bytes | None],
) -> Mapping[str, int | None]:
    """Return the numbers of their rows by table; tables without any are left out.

    read: reads a published table by its name. key: returns that of the pseudonyms, if it is
    known; a table that takes it has None without. No row is read unless registrations landed
    since a table was made. Raises LandingError when the registrations are not there.
    """
    if pipeline.agreed is None:
        return {}
    (source,) = map(pipeline.table, pipeline.sources(pipeline.agreed))
    found: dict[str, int | None] = {}
    with TemporaryDirectory() as scratch:

        @cache
        def registered(name: str) -> DataFrame:
            return landing.look(pipeline.table(name), scratch)

        version = landing.version(source)
        outdated = Consent(pipeline, registered).outdated(catalog.current, version)
        known = key() if outdated else None
        consent = Consent(pipeline.pseudonymous(known), registered)
        for table in outdated:
            published = catalog.contract(table)
            try:
                theirs = consent.revoked(published, read(table.name))
                with explaining(f"Cannot read '{table.name}'", quoting=False):
                    rows = int(theirs.count())
            except UsageError:
                found[table.name] = None
            else:
                found |= {table.name: rows} if rows else {}
    return found
