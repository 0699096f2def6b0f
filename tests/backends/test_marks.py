"""A row is told exactly the rules that it broke, as DuckDB and the audit's own counts say."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from stedi_glue.backends.engines import SailEngine, SparkEngine
from stedi_glue.backends.expectations import ExpectationsAuditor
from stedi_glue.backends.rules import ROW_RULES
from stedi_glue.zones import STEDI
from tests.oracle import SCHEMAS
from tests.rows import NOW

AnyEngine = SailEngine | SparkEngine
Row = dict[str, Any]

TABLE = STEDI.table("accelerometer_trusted")
TOMORROW = NOW + 86_400_000
NEGATIVE_NAN: float = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_0000_0000))[0]


def values(kind: str, columns: str, **kwargs: Any) -> tuple[str, dict[str, Any]]:
    """A rule about values of one column, or of two."""
    one, _, other = columns.partition(" ")
    about = {"column_A": one, "column_B": other} if other else {"column": one}
    return f"expect_column_{kind}", about | kwargs


AT_TIMES = {"row_condition": "x > 0", "condition_parser": "spark"}
# Each kind of rule that may send rows to quarantine, and which rows break it, in DuckDB's SQL.
CASES: list[tuple[tuple[str, dict[str, Any]], str]] = [
    (values("values_to_not_be_null", "x"), "x IS NULL"),
    (values("values_to_be_null", "z"), "z IS NOT NULL"),
    (values("values_to_be_between", "x", min_value=-1, max_value=1), "NOT x BETWEEN -1 AND 1"),
    (values("values_to_be_between", "y", max_value=1), "y > 1"),
    (values("values_to_be_between", "z", min_value=0, strict_min=True), "z <= 0"),
    (values("values_to_be_between", "y", min_value=0, **AT_TIMES), "x > 0 AND y < 0"),
    (
        values("values_to_be_between", "timestamp", max_value={"$PARAMETER": "tomorrow_ms"}),
        f'"timestamp" > {TOMORROW}',
    ),
    (values("values_to_be_in_set", "user", value_set=["ann", "bob"]), "u NOT IN ('ann', 'bob')"),
    (values("values_to_not_be_in_set", "user", value_set=["cut"]), "u = 'cut'"),
    (
        values("values_to_match_regex", "user", regex="^[a-z]+$"),
        "NOT regexp_matches(u, '^[a-z]+$')",
    ),
    (values("values_to_not_match_regex", "user", regex="^b"), "u LIKE 'b%'"),
    (
        values("values_to_match_regex_list", "user", regex_list=["^a", "b$"]),
        "NOT (u LIKE 'a%' OR u LIKE '%b')",
    ),
    (
        values("values_to_not_match_regex_list", "user", regex_list=["^a", "t$"]),
        "u LIKE 'a%' OR u LIKE '%t'",
    ),
    (values("value_lengths_to_equal", "user", value=3), "length(u) <> 3"),
    (values("value_lengths_to_be_between", "user", min_value=1), "length(u) < 1"),
    (values("pair_values_a_to_be_greater_than_b", "x y", or_equal=True), "x < y"),
    (values("pair_values_to_be_equal", "x y"), "x IS DISTINCT FROM y"),
]

NUMBERS = (
    0.0,
    1.0,
    -0.0,
    -1.0,
    2.5,
    -161.0,
    float("nan"),
    NEGATIVE_NAN,
    float("inf"),
    float("-inf"),
)
NUMBER = st.sampled_from(NUMBERS) | st.none()
MOMENT = st.sampled_from((NOW, TOMORROW, TOMORROW + 1, 0, -1, 2**62)) | st.none()
USER = st.sampled_from(("ann", "bob", "cut", "", " ann", "Ann", "zoë", "ab")) | st.none()
ROWS = st.lists(
    st.fixed_dictionaries(
        {"user": USER, "timestamp": MOMENT, "x": NUMBER, "y": NUMBER, "z": NUMBER}
    ),
    min_size=1,
    max_size=40,
)


def rules() -> list[dict[str, Any]]:
    """Every case, as a rule that sends all rows that break it to quarantine."""
    return [
        {
            "type": kind,
            "kwargs": kwargs,
            "severity": "critical",
            "notes": f"Rule {number}.",
            "meta": {"stedi": {"quarantine": 1}},
        }
        for number, ((kind, kwargs), _) in enumerate(CASES)
    ]


def check(engine: AnyEngine, folder: Path, rows: list[Row]) -> None:
    (folder / f"{TABLE.name}.json").write_text(
        json.dumps({"name": "rows", "expectations": rules()})
    )
    auditor = ExpectationsAuditor(folder)
    auditor.check([TABLE])
    file = folder / "rows.parquet"
    arrow = pa.Table.from_pylist(rows, SCHEMAS["accelerometer"])
    pq.write_table(arrow, file)
    frame = engine.read(TABLE, [str(file)])
    verdict = auditor.audit(TABLE, frame, {}, NOW)
    numbers = range(len(CASES))
    with duckdb.connect() as connection:
        broken = ", ".join(f"coalesce({sql}, false)" for _, sql in CASES)
        connection.execute('CREATE VIEW seen AS SELECT *, "user" AS u FROM arrow')
        columns = ", ".join(f'"{name}"' for name in TABLE.column_names)
        found = connection.execute(f"SELECT {columns}, [{broken}] FROM seen").fetchall()
    wanted = [(row[:-1], [n for n in numbers if row[-1][n]]) for row in found]
    for number, result in zip(numbers, verdict.results, strict=True):
        counted = int(result.observed.split()[0])
        assert counted == sum(number in told for _, told in wanted), number
    if verdict.passed:
        return
    marked = auditor.mark(TABLE, frame, verdict, NOW).collect()
    assert marked[0].__fields__ == [*TABLE.column_names, "_rules"]
    told = [(tuple(row)[:-1], _numbers(row._rules)) for row in marked]
    assert sorted(map(repr, told)) == sorted(map(repr, wanted))


def _numbers(names: list[str] | None) -> list[int]:
    """Rows that broke nothing have no names at all."""
    assert names != []
    return [int(name.rpartition("Rule ")[2].rstrip(".")) for name in names or ()]


EXAMPLES = settings(
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
ALL_SOUND = [{"user": "ann", "timestamp": NOW, "x": 0.5, "y": 0.25, "z": None}]


@settings(EXAMPLES, max_examples=15)
@example(rows=ALL_SOUND)
@given(rows=ROWS)
def test_sail(sail: SailEngine, tmp_path: Path, rows: list[Row]) -> None:
    check(sail, tmp_path, rows)


@settings(EXAMPLES, max_examples=2)
@given(rows=ROWS)
def test_spark(spark: SparkEngine, tmp_path: Path, rows: list[Row]) -> None:
    check(spark, tmp_path, rows)


def test_every_kind_of_rule_that_separates_rows_is_proven() -> None:
    assert {kind for (kind, _), _ in CASES} == ROW_RULES


def test_numbers_leave_bit_by_bit_as_they_came(engine: AnyEngine, tmp_path: Path) -> None:
    """The conditions see one NaN and one zero; the rows that stay are not touched."""
    numbers = [-0.0, NEGATIVE_NAN, 0.1 + 0.2, float("-inf")]
    rows = [{"user": "ann", "timestamp": NOW, "x": None, "y": None, "z": z} for z in numbers]
    (tmp_path / f"{TABLE.name}.json").write_text(
        json.dumps({"name": "rows", "expectations": [rules()[0]]})
    )
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(rows, SCHEMAS["accelerometer"]), file)
    frame = engine.read(TABLE, [str(file)])
    auditor = ExpectationsAuditor(tmp_path)
    marked = auditor.mark(TABLE, frame, auditor.audit(TABLE, frame, {}, NOW), NOW)
    engine.write(marked, str(tmp_path / "marked"))
    written = pq.read_table(tmp_path / "marked").column("z").to_pylist()
    bits = [struct.pack("<d", number) for number in written]
    assert sorted(bits) == sorted(struct.pack("<d", number) for number in numbers)
