"""The graph of tables, read from the signatures of the transforms."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from stedi_glue.errors import DefinitionError, UnknownTable, suggest
from stedi_glue.model.table import Table, Zone
from stedi_glue.model.transform import ZoneTransform


class Pipeline:
    """Landing tables and the transforms that grow from them, in lineage order.

    Raises DefinitionError when two things make the same table, a transform reads a
    table nobody makes, or tables depend on each other in a circle.

    agreed: the table, made of one landing table, whose people agreed to what is made of it.
    """

    def __init__(
        self,
        landing: Iterable[Table],
        transforms: Iterable[ZoneTransform],
        agreed: str | None = None,
    ) -> None:
        self.agreed = agreed
        self._landing: dict[str, Table] = {}
        self._transforms: dict[str, ZoneTransform] = {}
        for table in landing:
            if table.zone is not Zone.LANDING:
                raise DefinitionError(
                    f"'{table.name}' is declared as landing data but its zone is '{table.zone}'."
                )
            if table.name in self._landing:
                raise DefinitionError(f"The landing table '{table.name}' is declared twice.")
            self._landing[table.name] = table
        for transform in transforms:
            name = transform.table.name
            if name in self._landing or name in self._transforms:
                raise DefinitionError(
                    f"{type(transform).__name__} makes '{name}', which is already made; "
                    "every table has one maker."
                )
            self._transforms[name] = transform
        self._check_sources()
        if agreed is not None:
            self.table(agreed)
        self._check_locations()
        self._order = self._sorted()

    def _check_sources(self) -> None:
        known = {*self._landing, *self._transforms}
        for transform in self._transforms.values():
            for source in transform.sources:
                if source not in known:
                    raise DefinitionError(
                        f"{type(transform).__name__}.build reads '{source}', which no table is "
                        f"called{suggest(source, known)}"
                    )

    def _check_locations(self) -> None:
        tables = (*self._landing.values(), *(t.table for t in self._transforms.values()))
        # Sorted, a location comes right before those inside it.
        ordered = sorted(tables, key=lambda table: f"{table.location}/")
        for outer, inner in pairwise(ordered):
            if f"{inner.location}/".startswith(f"{outer.location}/"):
                raise DefinitionError(
                    f"'{outer.name}' and '{inner.name}' share the location '{outer.location}'; "
                    "give each its own."
                )

    def _sorted(self) -> tuple[str, ...]:
        graph = dict.fromkeys(self._landing, ()) | {
            name: transform.sources for name, transform in self._transforms.items()
        }
        try:
            return tuple(TopologicalSorter(graph).static_order())
        except CycleError as error:
            circle = " -> ".join(error.args[1])
            raise DefinitionError(
                f"Tables depend on each other in a circle: {circle}; remove one of the reads."
            ) from None

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every contract, sources before what is made of them."""
        return tuple(self.table(name) for name in self._order)

    @property
    def options(self) -> dict[str, str]:
        """The choices the transforms were made with."""
        merged: dict[str, str] = {}
        for transform in self._transforms.values():
            merged |= transform.options
        return merged

    @property
    def landing(self) -> tuple[Table, ...]:
        """The tables that arrive from outside, in lineage order."""
        return tuple(self.table(name) for name in self._order if name in self._landing)

    @property
    def made(self) -> tuple[Table, ...]:
        """The tables that transforms make, in lineage order."""
        return tuple(self.table(name) for name in self._order if name in self._transforms)

    def table(self, name: str) -> Table:
        """Return the contract called `name`, or raise UnknownTable with a suggestion."""
        if name in self._landing:
            return self._landing[name]
        if name in self._transforms:
            return self._transforms[name].table
        raise UnknownTable(name, self._order)

    def transform(self, name: str) -> ZoneTransform | None:
        """Return what makes a table; None for landing tables, which arrive from outside."""
        self.table(name)
        return self._transforms.get(name)

    def sources(self, name: str) -> tuple[str, ...]:
        """Names of the tables that one is made from, as `build` names them."""
        transform = self.transform(name)
        return transform.sources if transform else ()

    def upstream(self, name: str) -> tuple[str, ...]:
        """Every table that one is made from, near or far, in lineage order."""
        found: set[str] = set()
        frontier = [*self.sources(name)]
        while frontier:
            source = frontier.pop()
            if source not in found:
                found.add(source)
                frontier.extend(self.sources(source))
        return tuple(table for table in self._order if table in found)

    def select(self, names: Iterable[str] = ()) -> tuple[Table, ...]:
        """Return the named tables in lineage order, with the landing tables they read.

        No names select everything. Landing tables come along because they are read
        raw: a table is never made from landing data that was not audited in this run.
        """
        wanted = {self.table(name).name for name in names} or set(self._order)
        for name in tuple(wanted):
            wanted.update(source for source in self.sources(name) if source in self._landing)
        return tuple(self.table(name) for name in self._order if name in wanted)

    def pseudonymous(self, key: bytes | None = None) -> Pipeline:
        """Return a pipeline whose tables name nobody where they can; this one stays as it is.

        key: of the pseudonyms; without it the tables can be described but not made.
        """
        private = [transform.pseudonymous(key) for transform in self._transforms.values()]
        return Pipeline(self._landing.values(), private, self.agreed)

    def extended(self, *transforms: ZoneTransform, landing: Iterable[Table] = ()) -> Pipeline:
        """Return a pipeline with more tables; this one stays as it is."""
        return Pipeline(
            (*self._landing.values(), *landing),
            (*self._transforms.values(), *transforms),
            self.agreed,
        )
