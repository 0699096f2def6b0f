"""The contenders of `audit`; each lives in a process of its own, and is asked through its input.

`python -m tests.benchmarks.contenders NAME ENGINE RULES NOW` prints one JSON line when it is
ready, and one for each line it reads: a JSON list of Parquet files to judge.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stedi_glue.backends.engines import SailEngine, SparkEngine
from stedi_glue.zones.trusted import ACCELEROMETER_TRUSTED
from tests.benchmarks.figures import BenchmarkError
from tests.benchmarks.rules import Check, select, write_suite

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

Engine = SailEngine | SparkEngine
# Returns for each check, in order, whether the rows meet it.
Judge = Callable[["DataFrame"], list[bool]]


def fused(engine: Engine, checks: Sequence[Check], rules: Path, now: int) -> Judge:
    """The product's auditor."""
    from stedi_glue.backends import validation  # noqa: F401  (imported now, not when timed)
    from stedi_glue.backends.expectations import ExpectationsAuditor

    def judge(rows: DataFrame) -> list[bool]:
        verdict = ExpectationsAuditor(rules).audit(ACCELEROMETER_TRUSTED, rows, {}, now)
        return [result.passed for result in verdict.results]

    return judge


def stock(engine: Engine, checks: Sequence[Check], rules: Path, now: int) -> Judge:
    """The product's auditor on Great Expectations' own execution engine."""
    from stedi_glue.backends.validation import FrameDatasource

    if FrameDatasource.execution_engine_override is None:  # type: ignore[misc]
        raise BenchmarkError("the product itself runs on that engine")
    FrameDatasource.execution_engine_override = None  # type: ignore[misc]
    return fused(engine, checks, rules, now)


def raw(engine: Engine, checks: Sequence[Check], rules: Path, now: int) -> Judge:
    """One aggregate by hand, with uniqueness by a 64-bit hash: the floor."""
    from pyspark.sql import functions as F

    def unmet(check: Check) -> Column:
        column = F.col(check.column)
        if check.kind == "unique":
            return F.count(F.lit(1)) - F.count_distinct(F.xxhash64(*check.columns))
        if check.kind == "present":
            broken = column.isNull()
        elif check.kind == "matches":
            broken = ~column.rlike(check.pattern)
        else:
            ends = [column < check.low] if check.low is not None else []
            ends += [column > check.high] if check.high is not None else []
            broken = ends[0] | ends[-1]
        return F.sum(F.when(broken, 1).otherwise(0))

    def judge(rows: DataFrame) -> list[bool]:
        counts = [unmet(check).alias(str(place)) for place, check in enumerate(checks)]
        return [count == 0 for count in rows.agg(*counts).collect()[0]]

    return judge


def cuallee(engine: Engine, checks: Sequence[Check], rules: Path, now: int) -> Judge:
    """The library cuallee."""
    if isinstance(engine, SailEngine):
        # How it learns of a Spark Connect server; it looks when it is imported.
        host, port = engine._server.listening_address
        os.environ["SPARK_REMOTE"] = f"sc://{host}:{port}"
    from cuallee import Check as Cuallee

    def judge(rows: DataFrame) -> list[bool]:
        suite = Cuallee(1, ACCELEROMETER_TRUSTED.name)
        for check in checks:
            if check.kind == "present":
                suite.is_complete(check.column)
            elif check.kind == "matches":
                suite.has_pattern(check.column, check.pattern)
            elif check.kind == "unique":
                suite.are_unique(check.columns)
            elif check.high is None:
                suite.is_greater_or_equal_than(check.column, check.low)
            elif check.low is None:
                suite.is_less_or_equal_than(check.column, check.high)
            else:
                suite.is_between(check.column, (check.low, check.high))
        suite.validate(rows)
        return [rule.status == "PASS" for rule in suite.rules]

    return judge


def soda(engine: Engine, checks: Sequence[Check], rules: Path, now: int) -> Judge:
    """The library Soda Core, with checks in its own language."""
    from soda.common.config_helper import ConfigHelper

    # It would send usage statistics, unless this says no before it is imported.
    silent = rules / "soda.yml"
    silent.write_text("send_anonymous_usage_stats: false\n", "utf-8")
    ConfigHelper.get_instance(str(silent))
    from soda.scan import Scan

    def words(place: int, check: Check) -> dict[str, dict[str, object]]:
        named: dict[str, object] = {"name": str(place)}
        if check.kind == "present":
            return {f"missing_count({check.column}) = 0": named}
        if check.kind == "unique":
            return {f"duplicate_count({', '.join(check.columns)}) = 0": named}
        if check.kind == "matches":
            # It puts the pattern into SQL as it is.
            named["valid regex"] = check.pattern.replace("'", r"\\'")
        if check.low is not None:
            named["valid min"] = check.low
        if check.high is not None:
            named["valid max"] = check.high
        return {f"invalid_count({check.column}) = 0": named}

    def judge(rows: DataFrame) -> list[bool]:
        rows.createOrReplaceTempView("readings")
        scan = Scan()
        scan.disable_telemetry()
        scan.set_data_source_name("spark_df")
        scan.add_spark_session(engine.session)
        asked = [words(place, check) for place, check in enumerate(checks)]
        scan.add_sodacl_yaml_str(json.dumps({"checks for readings": asked}))
        scan.execute()
        scan.assert_no_error_logs()
        outcomes = {int(o["name"]): o["outcome"] for o in scan.get_scan_results()["checks"]}
        return [outcomes[place] == "pass" for place in range(len(checks))]

    return judge


def main(name: str, engine_name: str, rules: str, now: str) -> None:
    """Serve one contender until its input ends."""
    # Libraries print; what is said to the parent must not mix with it.
    say = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # Sail takes the distinct rows that cuallee counts for a thousand times their size, and a
    # bounded pool would refuse them.
    os.environ.setdefault("SAIL_RUNTIME__MEMORY_POOL__TYPE", "unbounded")
    # All contenders' JVMs live at the same time.
    engine = SailEngine() if engine_name == "sail" else SparkEngine(memory="3g")
    _ = engine.session
    prepare = {one.__name__: one for one in (fused, stock, raw, cuallee, soda)}[name]
    folder = Path(rules)
    write_suite(folder)
    try:
        judge = prepare(engine, select(int(now)), folder, int(now))
    except (ImportError, BenchmarkError) as error:
        say.write(json.dumps({"reason": str(error)}) + "\n")
        return
    say.write(json.dumps({"ready": True}) + "\n")
    say.flush()
    for line in sys.stdin:
        try:
            start = time.perf_counter()
            verdicts = judge(engine.read(ACCELEROMETER_TRUSTED, json.loads(line)))
            answer = {"seconds": time.perf_counter() - start, "verdicts": verdicts}
        except Exception as error:
            answer = {"reason": f"{type(error).__name__}: {(str(error) or '?').splitlines()[0]}"}
        say.write(json.dumps(answer) + "\n")
        say.flush()
    engine.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
