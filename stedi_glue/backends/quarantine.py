"""What was left out: rows that broke rules, and raw records that could not be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from stedi_glue.errors import LakeError
from stedi_glue.model.table import Table, Zone
from stedi_glue.publish.ports import Catalog, Engine, Landing

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# The shape of a raw record shows what is wrong with it; its letters and digits are personal.
_SHOWN = 200
_LETTERS = "[^\\t\\r\\n -/:-@\\[-`{-~]"


class Quarantine:
    """Shows the rows that are not in what readers see, and why."""

    def __init__(self, engine: Engine, landing: Landing, catalog: Catalog) -> None:
        self._engine = engine
        self._landing = landing
        self._catalog = catalog

    def rows(self, table: Table, *, personal: bool = True) -> DataFrame:
        """Return them: a table's columns and `_rules`, or `_file`, `_problem` and `_raw`.

        personal: whether with personal values, of which else the first letter stays; of raw
        records, the shape. Raises LakeError when files are lost.
        """
        if table.zone is Zone.LANDING:
            staged = self._landing.staged(table)
            if staged is None:
                raise LakeError(
                    f"Landing table '{table.name}' was never read; read it with 'stedi-glue run'."
                )
            frame, hidden = self._landing.problems(table, staged), {"_raw": _shape}
        else:
            files = self._files(table)
            table = self._catalog.contract(table)
            frame = self._engine.read(table.quarantine(), files)
            hidden = dict.fromkeys(table.personal_columns, _first_letter)
        return frame if personal else frame.select(*[_seen(n, hidden) for n in frame.columns])

    def _files(self, table: Table) -> tuple[str, ...]:
        snapshot = self._catalog.current(table)
        if snapshot is None:
            raise LakeError(
                f"Table '{table.name}' was never published; publish it with 'stedi-glue run'."
            )
        if not snapshot.quarantined:
            return ()
        folder = self._catalog.quarantine_folder(table, snapshot.summary["stedi.run-id"])
        found = self._catalog.written(folder)
        if found.rows != snapshot.quarantined:
            raise LakeError(
                f"The quarantine of '{table.name}' has {found.rows:,} of {snapshot.quarantined:,} "
                f"rows: files in '{folder}' are lost; publish the table with 'stedi-glue run'."
            )
        return found.files


def _seen(name: str, hidden: Mapping[str, Callable[[Column], Column]]) -> Column:
    from pyspark.sql import functions as F

    column = F.col(f"`{name}`")
    return hidden[name](column).alias(name) if name in hidden else column


def _first_letter(column: Column) -> Column:
    from pyspark.sql import functions as F

    return F.concat(F.substring(column.cast("string"), 1, 1), F.lit("…"))


def _shape(column: Column) -> Column:
    from pyspark.sql import functions as F

    return F.regexp_replace(F.substring(column, 1, _SHOWN), _LETTERS, "x")
