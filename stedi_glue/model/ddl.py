"""Athena's statements for the tables, from their contracts."""

from __future__ import annotations

from stedi_glue.model.table import Table, Zone

_LANDING = """\
CREATE EXTERNAL TABLE IF NOT EXISTS `{database}`.`{name}` (
{columns}
)
COMMENT {doc}
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION {location}
TBLPROPERTIES ('classification' = 'json', 'typeOfData' = 'file');"""

_PUBLISHED = """\
CREATE TABLE IF NOT EXISTS `{database}`.`{name}` (
{columns}
)
LOCATION {location}
TBLPROPERTIES ('table_type' = 'ICEBERG', 'format' = 'parquet');"""


def athena_ddl(table: Table, root: str, database: str = "stedi") -> str:
    """Return the statement that creates a table in Athena, its data being under `root`.

    Landing tables are external tables over the raw JSON; the others are Iceberg tables.
    """
    width = max(len(column.name) for column in table.columns) + 2
    columns = ",\n".join(
        f"  {f'`{column.name}`':<{width}} {column.type:<7} COMMENT {_quoted(column.doc)}"
        for column in table.columns
    )
    statement = _LANDING if table.zone is Zone.LANDING else _PUBLISHED
    return statement.format(
        database=database,
        name=table.name,
        columns=columns,
        doc=_quoted(table.doc),
        location=f"'{root}/{table.location}/'",
    )


def _quoted(text: str) -> str:
    # Hive and Trino escape an apostrophe differently, and Athena's DDL speaks both.
    return "'" + text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}") + "'"
