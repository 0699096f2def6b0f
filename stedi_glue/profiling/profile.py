"""What a table holds, column by column; values of personal columns are never looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stedi_glue.model.table import Column, Table

# A bigint between these is taken for a moment: the years 2000 to 2100 in epoch milliseconds.
FIRST_MOMENT, LAST_MOMENT = 946_684_800_000, 4_102_444_800_000

# Strictest first; each is a whole text.
FORMATS = {
    "UUID": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
    "e-mail address": "^[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)+$",
    "date": "^[0-9]{1,4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
    "digits": "^[0-9]+$",
}


@dataclass(frozen=True)
class ColumnProfile:
    """One column of a table.

    nulls, distinct: rows without a value, and how many different values the others have; what is
    not a number or infinite is no value.
    least, most, mean: of numbers. quarters: the 25, 50 and 75 per cent points of numbers.
    bins: how many numbers lie in each of equal steps from least to most.
    outliers: numbers farther from the middle half than 1.5 times its width (Tukey's fences).
    shortest, longest: of texts, in characters.
    formats: the known formats that every text has, the strictest first.
    top: the most frequent values as text, when the column is not personal and has few.
    """

    column: Column
    rows: int
    nulls: int
    distinct: int
    least: float | None = None
    most: float | None = None
    mean: float | None = None
    quarters: tuple[float, float, float] | None = None
    bins: tuple[int, ...] = ()
    outliers: int = 0
    shortest: int | None = None
    longest: int | None = None
    formats: tuple[str, ...] = ()
    top: Mapping[str, int] = field(default_factory=dict)

    @property
    def values(self) -> int:
        """Rows with a value."""
        return self.rows - self.nulls

    @property
    def unique(self) -> bool:
        """Whether no value occurs twice."""
        return 0 < self.values == self.distinct

    @property
    def is_moment(self) -> bool:
        """Whether its numbers look like moments in epoch milliseconds."""
        if self.column.type != "bigint" or self.least is None or self.most is None:
            return False
        return self.least >= FIRST_MOMENT and self.most < LAST_MOMENT

    @property
    def complete(self) -> bool:
        """Whether all its values are known from `top`."""
        return bool(self.top) and len(self.top) == self.distinct


@dataclass(frozen=True)
class Profile:
    """A table, column by column.

    keys: the smallest sets of columns that tell all rows apart; empty when rows repeat.
    """

    table: Table
    rows: int
    columns: tuple[ColumnProfile, ...]
    keys: tuple[tuple[str, ...], ...] = ()
