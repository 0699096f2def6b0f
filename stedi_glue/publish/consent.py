"""Whose rows a published table must not hold any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stedi_glue.model.pipeline import Pipeline
    from stedi_glue.model.table import Table
    from stedi_glue.publish.ports import Snapshot


class Consent:
    """Who registered and does not agree, as the pipeline itself judges it.

    Somebody whose registration is merely gone has revoked nothing.

    landing: reads a landing table by its name.
    """

    def __init__(self, pipeline: Pipeline, landing: Callable[[str], DataFrame]) -> None:
        self._pipeline = pipeline
        self._landing = landing
        self._judge = pipeline.transform(pipeline.agreed) if pipeline.agreed else None

    def concerns(self, table: Table) -> bool:
        """Return whether a table is made of people's data, as far as they agree."""
        judged = self._pipeline.agreed
        return judged is not None and (
            table.name == judged or judged in self._pipeline.upstream(table.name)
        )

    def outdated(
        self, current: Callable[[Table], Snapshot | None], version: str
    ) -> tuple[Table, ...]:
        """Return the published tables that were made of other registrations than there are now.

        Told by what snapshots say they are made from, without reading a row. version: that of
        the registrations that have landed.
        """
        registered = self._judge.sources if self._judge else ()
        made_of: dict[str, str] = dict.fromkeys(registered, version)
        outdated = []
        for table in (table for table in self._pipeline.tables if self.concerns(table)):
            snapshot = current(table)
            if snapshot is None:
                continue
            sources = [
                source
                for source in self._pipeline.sources(table.name)
                if source in registered or self.concerns(self._pipeline.table(source))
            ]
            told = {source: snapshot.summary.get(f"stedi.source.{source}") for source in sources}
            if told == {source: made_of.get(source) for source in sources}:
                made_of[table.name] = str(snapshot.snapshot_id)
            else:
                outdated.append(table)
        return tuple(outdated)

    def revoked(self, published: Table, rows: DataFrame) -> DataFrame:
        """Return the rows of a table that are of people who do not agree, or not any more.

        published: the contract that the rows were published with. Pseudonyms are told apart by
        the transform that makes the table: UsageError when it has no key.
        """
        if self._judge is None:
            return rows.limit(0)
        from pyspark.sql import functions as F

        (source,) = (self._pipeline.table(name) for name in self._judge.sources)
        everybody = self._landing(source.name)
        agreed = self._judge.apply({source.name: everybody})
        shown = {column.name for column in published.columns}
        maker = self._pipeline.transform(published.name)
        if maker and shown & {column.pseudonym for column in source.columns}:
            everybody = maker.seen(source, everybody)
            agreed = maker.seen(self._judge.table, agreed)
        theirs = F.lit(False)
        for column in (column for column in source.columns if column.pseudonym):
            for other in published.columns:
                if column.pseudonym not in (other.name, other.pseudonym):
                    continue
                name = column.pseudonym if other.name == column.pseudonym else column.name
                flag = f"_revoked_{name}"
                gone = everybody.select(name).join(agreed.select(name), on=name, how="left_anti")
                gone = gone.select(F.col(name).alias(other.name), F.lit(True).alias(flag))
                rows = rows.join(gone.distinct(), on=other.name, how="left")
                theirs = theirs | F.coalesce(F.col(flag), F.lit(False))
        return rows.where(theirs).select(*published.column_names)
