"""Raw newline JSON to typed records, and a reason for every record that is none.

One expression for both engines: Sail's own JSON reader fails a whole file on one bad
line and takes "123" for 123, Spark's drops what it cannot read.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import Column as Expression
from pyspark.sql import functions as F

from stedi_glue.model.table import Column, Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FILE = Column("_file", "string", "Raw file the record came from, relative to its landing folder.")
PROBLEM = Column("_problem", "string", "Why the record could not be used; null for a good one.")
RAW = Column("_raw", "string", "The line as it arrived; null for a good one.", personal=True)


def staged_contract(table: Table) -> Table:
    """Return a landing table's contract as it is staged: with provenance and problems."""
    return replace(table, columns=(*table.columns, FILE, PROBLEM, RAW))


def parse(lines: DataFrame, table: Table, *, reread_doubles: bool = False) -> DataFrame:
    """Parse lines (`_file`, `value`) into the table's columns plus `_file`, `_problem` and `_raw`.

    A record is bad when its line is no JSON object or a value has another type than
    promised; all its columns are then null. Blank lines are no records.
    reread_doubles: read long numbers a second time, for an engine that rounds them wrongly.
    """
    text = F.col("value")
    typed = lines.where(F.length(F.trim(text)) > 0).withColumn(
        "typed", F.from_json(text, table.schema())
    )
    fields = {column: F.col(f"typed.`{column.name}`") for column in table.columns}
    some_null = reduce(or_, (field.isNull() for field in fields.values()))
    # The second, untyped parse is dear, so it runs only where the typed one found a null:
    # it tells an absent value from one of the wrong type.
    checked = typed.withColumn(
        "untyped", F.when(some_null, F.from_json(text, "map<string,string>"))
    )
    wrong = [
        F.when(field.isNull() & F.col("untyped")[column.name].isNotNull(), F.lit(column.name))
        for column, field in fields.items()
    ]
    problem = (
        F.when(~some_null, F.lit(None).cast("string"))
        .when(F.col("untyped").isNull(), F.lit("not a JSON object"))
        .when(
            reduce(or_, (name.isNotNull() for name in wrong)),
            F.concat(F.lit("wrong type: "), F.concat_ws(", ", *wrong)),
        )
    )
    if reread_doubles:
        fields |= {c: _reread(c, field) for c, field in fields.items() if c.type == "double"}
    good = F.col(PROBLEM.name).isNull()
    return checked.withColumn(PROBLEM.name, problem).select(
        *[F.when(good, field).alias(column.name) for column, field in fields.items()],
        F.col(FILE.name),
        F.col(PROBLEM.name),
        F.when(~good, text).alias(RAW.name),
    )


def _reread(column: Column, field: Expression) -> Expression:
    """Return a double from its own digits, where it has more than are always read right."""
    long = F.col("value").rlike("[0-9][0-9.]{15,}|[0-9][eE][-+]?[0-9]")
    digits = F.expr(f"try_cast(get_json_object(value, '$.{column.name}') AS double)")
    return F.when(long & field.isNotNull(), F.coalesce(digits, field)).otherwise(field)
