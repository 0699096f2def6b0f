"""A zone transform: one class that makes one table."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

from stedi_glue.errors import DefinitionError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stedi_glue.model.table import Table


class ZoneTransform:
    """Makes one table out of others: DataFrames in, one DataFrame out.

    Subclass it with the contract it fills, and name the tables it reads as the
    parameters of `build`; they are the lineage:

        class CustomerTrusted(ZoneTransform, into=CUSTOMER_TRUSTED):
            def build(self, customer_landing: DataFrame) -> DataFrame:
                return customer_landing.where(...)

    A transform is pure: it knows no session, path, catalog or clock. Options go to
    the constructor and are reported by `options`.
    """

    table: ClassVar[Table]
    sources: ClassVar[tuple[str, ...]]
    build: ClassVar[Any]

    def __init_subclass__(cls, *, into: Table | None = None) -> None:
        if into is None:
            raise DefinitionError(
                f"{cls.__name__} fills no table: write 'class {cls.__name__}(ZoneTransform, "
                "into=<its Table>)'."
            )
        build = cls.__dict__.get("build")
        if build is None:
            near = get_close_matches("build", cls.__dict__, n=1)
            hint = (
                f"did you mean '{near[0]}'?" if near else f"it returns the rows of '{into.name}'."
            )
            raise DefinitionError(f"{cls.__name__} needs a method called 'build': {hint}")
        parameters = list(inspect.signature(build).parameters.values())[1:]
        if not parameters or any(p.kind is not p.POSITIONAL_OR_KEYWORD for p in parameters):
            raise DefinitionError(
                f"{cls.__name__}.build must name each table it reads as a parameter of its own, "
                "for example 'def build(self, customer_landing)'."
            )
        cls.table = into
        cls.sources = tuple(parameter.name for parameter in parameters)

    @property
    def options(self) -> dict[str, str]:
        """The choices this transform was made with, for the snapshot's record.

        Those are its public attributes; what must not be recorded, such as a key, is private.
        """
        return {name: str(value) for name, value in vars(self).items() if name[0] != "_"}

    def pseudonymous(self, key: bytes | None) -> ZoneTransform:
        """Return what makes the table without naming anybody; by default it names nobody.

        key: of the pseudonyms; without it the table can be described but not made.
        """
        return self

    def seen(self, source: Table, rows: DataFrame) -> DataFrame:
        """Return an upstream table as this table's rules look at it; by default as it is."""
        return rows

    def apply(self, sources: dict[str, DataFrame]) -> DataFrame:
        """Build the table from its sources (by name) and hold it to its contract."""
        return self.table.conform(self.build(**{name: sources[name] for name in self.sources}))
