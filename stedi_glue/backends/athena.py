"""Queries of a lake on AWS, answered by Athena."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from stedi_glue.backends import aws
from stedi_glue.errors import EngineError, UsageError

# US dollars for a terabyte scanned in most regions; each query counts as 10 MB at least.
DOLLARS_PER_TERABYTE = 5.0
_LEAST_BYTES = 10 * 1000**2
_LEADING_COMMENTS = re.compile(r"\A(\s+|--[^\n]*\n|/\*.*?\*/)+", re.DOTALL)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0

# Told of a query's progress: its state (QUEUED, RUNNING, ...) and the bytes scanned so far.
Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Answer:
    """What Athena answered.

    columns: name and type of each column.
    rows: the rows, fetched as they are asked for.
    scanned: bytes that were read for it.
    """

    columns: Sequence[tuple[str, str]]
    rows: Iterator[tuple[Any, ...]]
    scanned: int

    @property
    def dollars_per_terabyte(self) -> float:
        """The list price that `dollars` reckons with."""
        return DOLLARS_PER_TERABYTE

    @property
    def dollars(self) -> float:
        """What the query costs at the list price of most regions."""
        return max(self.scanned, _LEAST_BYTES) / 1000**4 * DOLLARS_PER_TERABYTE


class Athena:
    """Runs SQL over the tables of a Glue database.

    results: the folder in S3 for answers; a workgroup with one of its own overrules it.
    """

    def __init__(self, database: str, workgroup: str, results: str) -> None:
        self._database = database
        self._workgroup = workgroup
        self._results = results

    def query(self, sql: str, on_progress: Progress | None = None) -> Answer:
        """Run a query and return its answer; an interrupt stops it in Athena too.

        Raises UsageError for a statement that does not only read, and EngineError with
        Athena's reason when it fails.
        """
        words = _LEADING_COMMENTS.sub("", sql).split(maxsplit=1)
        if not words or words[0].lower().lstrip("(") not in ("select", "with", "values", "table"):
            raise UsageError("A query only reads the lake's tables: write a SELECT.")
        athena = aws.client("athena")
        with aws.explaining("Cannot query with Athena"):
            query_id = athena.start_query_execution(
                QueryString=sql,
                QueryExecutionContext={"Database": self._database},
                WorkGroup=self._workgroup,
                ResultConfiguration={"OutputLocation": self._results},
            )["QueryExecutionId"]
            try:
                scanned = _wait(athena, query_id, on_progress or (lambda state, scanned: None))
            except EngineError:
                raise
            except BaseException:
                athena.stop_query_execution(QueryExecutionId=query_id)
                raise
            pages = athena.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)
            first = next(iter(pages))
        described = first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        columns = [(column["Name"], column["Type"]) for column in described]
        return Answer(columns, _rows(pages, [kind for _, kind in columns]), scanned)


def _wait(athena: Any, query_id: str, on_progress: Progress) -> int:
    """Wait for a query to end well, and return the bytes it read."""
    pause = _FIRST_PAUSE
    while True:
        found = athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
        state = found["Status"]["State"]
        scanned = int(found.get("Statistics", {}).get("DataScannedInBytes", 0))
        on_progress(state, scanned)
        if state == "SUCCEEDED":
            return scanned
        if state in ("FAILED", "CANCELLED"):
            reason = " ".join(str(found["Status"].get("StateChangeReason", "")).split())
            ended = "did not run the query" if state == "FAILED" else "cancelled the query"
            raise EngineError(f"Athena {ended}: {(reason or 'it gave no reason').rstrip('.')}.")
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _rows(pages: Any, kinds: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    header = True
    with aws.explaining("Cannot read Athena's answer"):
        for page in pages:
            for row in page["ResultSet"]["Rows"]:
                if header:
                    # The first row of a SELECT repeats the names of the columns.
                    header = False
                    continue
                texts = [cell.get("VarCharValue") for cell in row["Data"]]
                yield tuple(_value(text, kind) for text, kind in zip(texts, kinds, strict=True))


def _value(text: str | None, kind: str) -> Any:
    """Return a value as what it is; of types that JSON has no number for, the text."""
    if text is None:
        return None
    if kind in ("tinyint", "smallint", "integer", "bigint"):
        return int(text)
    if kind in ("float", "real", "double"):
        return float(text)
    return text == "true" if kind == "boolean" else text
