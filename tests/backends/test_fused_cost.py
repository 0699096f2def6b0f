"""What a suite costs with the fused engine: queries and jobs, which no busy machine can blur."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from stedi_glue.backends.engines import SailEngine, SparkEngine
from stedi_glue.backends.expectations import ExpectationsAuditor
from stedi_glue.zones import STEDI
from tests.backends import expectation_cases
from tests.backends.judging import exception, judge
from tests.rows import NOW, frames, good_lake

AnyEngine = SailEngine | SparkEngine


def case(kind: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": kwargs}


def query(sql: str) -> dict[str, Any]:
    return case("unexpected_rows_expectation", unexpected_rows_query=sql)


AGGREGATES = [
    case("expect_table_columns_to_match_set", column_set=["id", "word"], exact_match=False),
    case("expect_table_row_count_to_be_between", min_value=1),
    case("expect_column_values_to_be_of_type", column="id", type_="LongType"),
    case("expect_column_values_to_not_be_null", column="word"),
    case("expect_column_values_to_be_between", column="n", min_value=0, max_value=9),
    case(
        "expect_column_values_to_be_between",
        column="m",
        min_value=4,
        row_condition="n > 2",
        condition_parser="spark",
    ),
    case("expect_column_values_to_match_regex", column="word", regex="^word"),
    case("expect_column_value_lengths_to_equal", column="word", value=5),
    case("expect_column_max_to_be_between", column="x", max_value=100),
    case(
        "expect_column_mean_to_be_between",
        column="n",
        max_value=2,
        row_condition="n < 3",
        condition_parser="spark",
    ),
    case("expect_column_pair_values_a_to_be_greater_than_b", column_A="m", column_B="n"),
    case("expect_select_column_values_to_be_unique_within_record", column_list=["n", "m"]),
    case("expect_multicolumn_values_to_be_equal", column_list=["n", "n"]),
]
SUITE = [
    *AGGREGATES,
    case("expect_column_distinct_values_to_be_in_set", column="flag", value_set=[True, False]),
    case("expect_column_proportion_of_unique_values_to_be_between", column="id", min_value=1),
]
UNIQUE = [
    case("expect_column_values_to_be_unique", column="id"),
    case("expect_compound_columns_to_be_unique", column_list=["word", "n", "x"]),
]
QUERIES = [query("SELECT * FROM {batch} WHERE n > 800"), query("SELECT 1 FROM {batch} WHERE m < 0")]


Spend = Callable[..., tuple["Cost", list[bool]]]


@dataclass
class Cost:
    queries: int = 0
    jobs: int = 0


@contextmanager
def counted(engine: AnyEngine) -> Iterator[Cost]:
    """Count the queries that an engine runs, and on classic Spark its jobs."""
    cost = Cost()
    with _on_spark(engine, cost) if engine.name == "spark" else _on_sail(engine, cost):
        yield cost


@contextmanager
def _on_spark(engine: AnyEngine, cost: Cost) -> Iterator[None]:
    session = engine.session
    context, seen = session.sparkContext, session._jsparkSession.sharedState().statusStore()

    def executions() -> dict[int, int]:
        # What happened reaches the store through a queue.
        context._jsc.sc().listenerBus().waitUntilEmpty()
        found = seen.executionsList()
        each = [found.apply(place) for place in range(found.size())]
        return {one.executionId(): one.jobs().size() for one in each}

    before = executions()
    group = uuid4().hex
    context.setJobGroup(group, "counted")
    yield
    new = [jobs for key, jobs in executions().items() if key not in before]
    cost.queries = sum(jobs > 0 for jobs in new)
    cost.jobs = len(context.statusTracker().getJobIdsForGroup(group))


@contextmanager
def _on_sail(engine: AnyEngine, cost: Cost) -> Iterator[None]:
    client = engine.session.client
    execute = client._execute_and_fetch

    def counting(request: Any, *rest: Any, **named: Any) -> Any:
        # Views are made by commands, and dropped by a plan of the catalog: neither reads rows.
        plan = request.plan
        reads = plan.WhichOneof("op_type") == "root"
        cost.queries += reads and plan.root.WhichOneof("rel_type") != "catalog"
        return execute(request, *rest, **named)

    client._execute_and_fetch = counting
    try:
        yield
    finally:
        client._execute_and_fetch = execute


@pytest.fixture
def spend(engine: AnyEngine, tmp_path: Path) -> Spend:
    """Put a suite to a dataset; return what it cost, and whether each rule was met."""

    def ask(name: str, cases: Sequence[dict[str, Any]], **how: Any) -> tuple[Cost, list[bool]]:
        frame = engine.session.read.parquet(expectation_cases.stored(name, tmp_path))
        with counted(engine) as cost:
            results = judge(frame, cases, **how)
        assert [exception(one) for one in results] == [""] * len(cases)
        return cost, [bool(one.success) for one in results]

    return ask


def test_a_suite_that_passes_takes_one_query(spend: Spend) -> None:
    cost, met = spend("passing", [*SUITE, *UNIQUE, *QUERIES])
    assert all(met)
    assert cost.queries == 1


def test_a_suite_with_failures_takes_one_more_to_show_them(spend: Spend) -> None:
    cost, met = spend("mixed", [*SUITE, *QUERIES])
    assert met.count(False) > 5
    assert cost.queries == 2


def test_and_one_more_when_keys_repeat(spend: Spend) -> None:
    cost, met = spend("mixed", [*SUITE, *UNIQUE, *QUERIES])
    assert met.count(False) > 7
    assert cost.queries == 3


def test_only_verdicts_take_no_query_to_show_failures(spend: Spend) -> None:
    cost, met = spend("mixed", SUITE, result_format="BOOLEAN_ONLY")
    assert met.count(False) > 5
    assert cost.queries == 1


def test_what_great_expectations_answers_itself_adds_its_own_queries(spend: Spend) -> None:
    foreign = case("expect_column_most_common_value_to_be_in_set", column="word", value_set=["x"])
    cost, _ = spend("passing", [*SUITE, foreign])
    assert cost.queries == 2


def test_great_expectations_own_engine_takes_dozens(spend: Spend) -> None:
    # Were the counting broken, the numbers above would prove nothing.
    cost, _ = spend("passing", [*SUITE, *UNIQUE, *QUERIES], stock=True)
    assert cost.queries > 24


# The rules' other tables are broadcast, which takes a job for each side of a join.
BROADCASTS = {"customers_curated": 1, "step_trainer_trusted": 1, "machine_learning_curated": 5}


@pytest.mark.parametrize(
    "name",
    [
        "machine_learning_curated",
        *(
            pytest.param(table.name, marks=pytest.mark.slow)
            for table in STEDI.tables
            if table.name != "machine_learning_curated"
        ),
    ],
)
def test_our_suites_take_three_jobs_of_classic_spark(
    spark: SparkEngine, tmp_path: Path, name: str
) -> None:
    made = {}
    for table, frame in frames(spark.session, good_lake()).items():
        frame.write.parquet(f"{tmp_path}/{table}")
        made[table] = spark.session.read.parquet(f"{tmp_path}/{table}")
    with counted(spark) as cost:
        verdict = ExpectationsAuditor().audit(STEDI.table(name), made[name], made, NOW)
    assert all(result.passed for result in verdict.results)
    assert cost.queries == 1
    assert cost.jobs <= 3 + BROADCASTS.get(name, 0)
