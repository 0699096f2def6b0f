"""The contract of a table: the single truth for its schema, documentation and location."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from stedi_glue.errors import DefinitionError, suggest

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

TYPES = ("string", "int", "bigint", "double", "boolean", "array<string>")
# Names every rule that a row in quarantine broke.
RULES = "_rules"
LONGEST_DOC = 255


class Zone(StrEnum):
    """How far data has come: raw, kept by consent, or ready to use."""

    LANDING = "landing"
    TRUSTED = "trusted"
    CURATED = "curated"


@dataclass(frozen=True)
class Column:
    """One promised column.

    name: as in the source (`serialNumber`).
    type: one of `TYPES`, named as Spark SQL and Athena name them.
    doc: meaning, unit, and what a null says; one line, as Glue keeps it as a comment.
    personal: whether the value identifies or contacts a person.
    aliases: other names of it in raw exports.
    pseudonym: of a personal column, the name of what stands for it in pseudonymous tables;
    None leaves it out of them.
    """

    name: str
    type: str
    doc: str
    personal: bool = False
    aliases: tuple[str, ...] = ()
    pseudonym: str | None = None

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise DefinitionError(
                f"Column '{self.name}' has the type '{self.type}'{suggest(self.type, TYPES)}"
            )
        if len(self.doc) > LONGEST_DOC or not self.doc.isprintable():
            raise DefinitionError(
                f"Column '{self.name}' has a doc of {len(self.doc)} characters: the Glue Data "
                f"Catalog takes {LONGEST_DOC} at most, in one line."
            )


@dataclass(frozen=True)
class Table:
    """What a table promises its readers.

    name: lower case, unique in the lake.
    location: its folder under the lake's root, lower case (`customer/trusted`).
    doc: what a row is, in one sentence.
    columns: exactly the columns readers get, in this order.
    form: "pseudonymous" when keyed hashes stand for what is personal; each form has its rules.
    """

    name: str
    zone: Zone
    location: str
    doc: str
    columns: tuple[Column, ...]
    form: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise DefinitionError(
                f"The table name '{self.name}' must be lower-case letters, digits and '_': "
                "Athena and Iceberg readers fold case."
            )
        if not re.fullmatch(r"[a-z0-9_]+(/[a-z0-9_]+)+", self.location):
            raise DefinitionError(
                f"Table '{self.name}' has the location '{self.location}': "
                "write it as 'subject/zone', in lower case and without slashes at the ends."
            )
        folded = [column.name.lower() for column in self.columns]
        twice = sorted({name for name in folded if folded.count(name) > 1})
        if twice or not folded:
            raise DefinitionError(
                f"Table '{self.name}' must have columns with distinct names (ignoring case)"
                + (f"; repeated: {', '.join(twice)}." if twice else ".")
            )

    @property
    def subject(self) -> str:
        """The first folder of the location: what the data is about (`customer`)."""
        return self.location.split("/", 1)[0]

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the promised columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def personal_columns(self) -> tuple[str, ...]:
        """Names of the columns that identify or contact a person."""
        return tuple(column.name for column in self.columns if column.personal)

    @property
    def suite(self) -> str:
        """The name of its rules file, which is the table's and, if it has one, its form's."""
        return f"{self.name}.{self.form}" if self.form else self.name

    def pseudonymous(self) -> Table:
        """Return the contract of this table without personal columns.

        Pseudonyms stand in the place of those that have one, the others are left out.
        """
        kept = (
            Column(column.pseudonym, "string", f"Pseudonym, 64 hexadecimal digits: {column.doc}")
            if column.personal and column.pseudonym
            else column
            for column in self.columns
            if column.pseudonym or not column.personal
        )
        return replace(self, columns=tuple(kept), form="pseudonymous")

    def pick(self, *names: str, without: tuple[str, ...] = ()) -> tuple[Column, ...]:
        """Reuse columns of this table in another contract: those named, or all but `without`."""
        for name in (*names, *without):
            if name not in self.column_names:
                raise DefinitionError(
                    f"Table '{self.name}' has no column '{name}'{suggest(name, self.column_names)}"
                )
        wanted = names or self.column_names
        chosen = {c.name: c for c in self.columns if c.name in wanted and c.name not in without}
        return tuple(chosen[name] for name in wanted if name in chosen)

    def schema(self) -> StructType:
        """Return the Spark schema; every column is nullable, because rules judge nulls."""
        from pyspark.sql import types

        spark = {
            "string": types.StringType(),
            "int": types.IntegerType(),
            "bigint": types.LongType(),
            "double": types.DoubleType(),
            "boolean": types.BooleanType(),
            "array<string>": types.ArrayType(types.StringType()),
        }
        return types.StructType(
            [types.StructField(column.name, spark[column.type]) for column in self.columns]
        )

    def quarantine(self) -> Table:
        """Return the contract of the rows that were left out of this table."""
        return Table(
            name=f"{self.name}_quarantine",
            zone=self.zone,
            location=f"{self.location}_quarantine",
            doc=f"A row left out of {self.name}, and why.",
            columns=(*self.columns, Column(RULES, "array<string>", "Every rule it broke.")),
        )

    def conform(self, frame: DataFrame) -> DataFrame:
        """Select exactly the promised columns with the promised types.

        An allow-list: a column nobody promised does not leave. Raises DefinitionError
        when the frame lacks a promised column.
        """
        from pyspark.sql import functions as F

        present = frame.columns
        missing = [name for name in self.column_names if name not in present]
        if missing:
            raise DefinitionError(
                f"Table '{self.name}' promises {', '.join(missing)}, which its transform did not "
                f"return; it returned {', '.join(frame.columns)}."
            )
        return frame.select(
            *[F.col(f"`{column.name}`").cast(column.type) for column in self.columns]
        )
