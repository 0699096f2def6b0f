from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from pyspark.sql.connect.client.reattach import ExecutePlanResponseReattachableIterator

from stedi_glue.backends.engines import GlueEngine, SailEngine, SparkEngine, open_engine
from stedi_glue.errors import EngineError, LakeError, UsageError
from stedi_glue.zones.landing import ACCELEROMETER_LANDING

SERIAL = "-XX:+UseSerialGC"
OTHER_OPTIONS = [
    ({}, "PS Scavenge"),
    ({"PYSPARK_SUBMIT_ARGS": "--driver-java-options -Dany=thing pyspark-shell"}, "PS Scavenge"),
    ({"JAVA_TOOL_OPTIONS": SERIAL}, "Copy"),
    ({"SPARK_CONF_DIR": "conf"}, "Copy"),
]
ROWS = [("ana@test.com", 1, 1.0, float("nan"), 0.5), (None, 2, None, -1.0, 0.0)]


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process, as a user's script."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_what_cannot_be_computed_is_not_quoted(sail: SailEngine, tmp_path: Path) -> None:
    """Reports and journals keep the reason."""
    failing = (
        "SELECT raise_error(concat('No number: ', chr(39), name, chr(39))) AS number "
        'FROM VALUES ("Ana O\'Hara, of Cork") AS t(name)'
    )
    with pytest.raises(EngineError, match="Cannot compute or write") as failed:
        sail.write(sail.session.sql(failing), str(tmp_path / "rows"))
    assert "No number: ..." in str(failed.value)
    assert not [word for word in ("Ana", "Hara", "Cork") if word in str(failed.value)]


def test_what_is_written_is_read_back(engine: SailEngine | SparkEngine, tmp_path: Path) -> None:
    schema = ACCELEROMETER_LANDING.schema()
    engine.write(engine.session.createDataFrame(ROWS, schema), str(tmp_path / "out"))
    files = [str(file) for file in (tmp_path / "out").glob("*.parquet")]
    read = engine.read(ACCELEROMETER_LANDING, files)
    assert sorted(map(str, read.collect())) == sorted(
        map(str, engine.session.createDataFrame(ROWS, schema).collect())
    )
    assert read.where("isnan(y)").count() == 1, "statistics must not hide NaN rows"


def test_on_glue_the_session_is_the_runtimes(spark: SparkEngine) -> None:
    runtimes = spark.session
    zone = runtimes.conf.get("spark.sql.session.timeZone")
    runtimes.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    try:
        engine = open_engine("glue")
        assert isinstance(engine, GlueEngine)
        assert engine.session is runtimes
        assert runtimes.conf.get("spark.sql.session.timeZone") == "UTC"
        engine.close()
        assert runtimes.range(3).count() == 3
    finally:
        runtimes.conf.set("spark.sql.session.timeZone", zone)


def test_no_files_are_no_rows(engine: SailEngine | SparkEngine) -> None:
    empty = engine.read(ACCELEROMETER_LANDING, [])
    assert empty.columns == list(ACCELEROMETER_LANDING.column_names)
    assert empty.collect() == []


def test_a_lost_file_is_an_error_and_not_fewer_rows(
    engine: SailEngine | SparkEngine, tmp_path: Path
) -> None:
    with pytest.raises(LakeError, match=r"has lost its file '.*gone.parquet'; publish"):
        engine.read(ACCELEROMETER_LANDING, [str(tmp_path / "gone.parquet")])


def test_a_query_sees_the_named_frames(engine: SailEngine | SparkEngine) -> None:
    views = {"readings": engine.session.createDataFrame(ROWS, ACCELEROMETER_LANDING.schema())}
    assert [r.n for r in engine.query("SELECT count(*) AS n FROM readings", views).collect()] == [2]
    with pytest.raises(EngineError, match="Cannot run the query: ") as error:
        engine.query("SELECT nothing FROM readings", views)
    assert "\n" not in str(error.value)


def test_times_are_utc(engine: SailEngine | SparkEngine) -> None:
    row = engine.query("SELECT cast(timestamp_millis(0) AS string) AS t", {}).collect()[0]
    assert row.t.startswith("1970-01-01 00:00:00")


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(UsageError, match="No engine is called 'sial': did you mean 'sail'"):
        open_engine("sial")


@pytest.mark.parametrize("variable", ["PATH", "JAVA_HOME"])
def test_spark_without_java_is_one_sentence(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    with pytest.raises(EngineError, match=r"needs Java 17, .* choose '--engine sail'"):
        _ = SparkEngine().session


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize(
    ("environment", "collects"),
    [
        ({"PYSPARK_SUBMIT_ARGS": f"--driver-java-options {SERIAL} pyspark-shell"}, "Copy"),
        *(pytest.param(*pair, marks=pytest.mark.slow) for pair in OTHER_OPTIONS),
    ],
)
def test_spark_takes_the_collector_that_somebody_named(
    environment: dict[str, str], collects: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Java would not start with two."""
    for name in ("PYSPARK_SUBMIT_ARGS", "JAVA_TOOL_OPTIONS", "SPARK_HOME", "SPARK_CONF_DIR"):
        monkeypatch.delenv(name, raising=False)
    if "SPARK_CONF_DIR" in environment:
        defaults = tmp_path / "spark-defaults.conf"
        defaults.write_text(f"spark.driver.extraJavaOptions {SERIAL}\n", "utf-8")
        environment = {"SPARK_CONF_DIR": str(tmp_path)}
    done = python(
        """
        from stedi_glue.backends.engines import SparkEngine
        java = SparkEngine(memory="512m").session._jvm.java
        beans = java.lang.management.ManagementFactory.getGarbageCollectorMXBeans()
        print([bean.getName() for bean in beans])
        """,
        **environment,
    )
    assert collects in done.stdout, done.stderr


def test_sail_without_its_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysail.spark", None)
    with pytest.raises(EngineError, match=r"pip install pysail.* choose '--engine spark'"):
        _ = SailEngine().session


def test_sail_needs_no_java_is_silent_on_loopback_and_ends_with_the_process(tmp_path: Path) -> None:
    done = python(
        """
        from stedi_glue.backends.engines import SailEngine
        engine = SailEngine()
        assert engine.session.range(3).count() == 3
        print(*engine._server.listening_address)
        """,
        PATH=str(tmp_path),
        JAVA_HOME=str(tmp_path),
    )
    assert (done.returncode, done.stderr) == (0, "")
    host, port = done.stdout.split()
    assert host == "127.0.0.1"
    refused = python(f"import socket; socket.create_connection(('127.0.0.1', {port}), 1)")
    assert "ConnectionRefusedError" in refused.stderr


def test_programs_start_beside_sail() -> None:
    """As Spark starts its JVM: by fork, of which processes died while Sail was idle."""
    code = """
        import os
        import subprocess
        from contextlib import closing
        from stedi_glue.backends.engines import SailEngine

        os.environ.pop("GRPC_ENABLE_FORK_SUPPORT", None)
        with closing(SailEngine()) as engine:
            engine.session.range(1).collect()
            for _ in range(300):
                subprocess.run(["true"], preexec_fn=lambda: None, check=True)
    """
    done = python(code)
    assert (done.returncode, done.stderr) == (0, "")


def test_importing_the_package_starts_and_imports_nothing_heavy() -> None:
    done = python(
        """
        import sys
        import stedi_glue
        heavy = {"pyspark", "great_expectations", "boto3", "pyiceberg", "pyarrow", "pysail"}
        print(sorted(heavy & set(sys.modules)))
        """
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT OVERWRITE DIRECTORY '{folder}' USING csv SELECT 1 AS a",
        "CREATE TABLE evil USING csv LOCATION '{folder}' AS SELECT 1 AS a",
        "WITH a AS (SELECT 1) INSERT OVERWRITE DIRECTORY '{folder}' USING csv SELECT * FROM a",
        "/* harmless */ DROP VIEW readings",
        "SELECT 1) INSERT INTO readings (SELECT 2",
        "",
    ],
)
def test_a_query_only_reads(engine: SailEngine | SparkEngine, tmp_path: Path, sql: str) -> None:
    readings = engine.session.createDataFrame(ROWS, ACCELEROMETER_LANDING.schema())
    with pytest.raises((UsageError, EngineError)):
        engine.query(sql.format(folder=tmp_path / "evil"), {"readings": readings})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT user FROM readings ORDER BY user DESC;",
        "-- why\nWITH r AS (SELECT user FROM readings) SELECT * FROM r ORDER BY user DESC",
        "(SELECT user FROM readings WHERE x > 0) UNION ALL (SELECT NULL) ORDER BY 1 NULLS LAST",
    ],
)
def test_queries_of_every_form_are_answered(engine: SailEngine | SparkEngine, sql: str) -> None:
    readings = engine.session.createDataFrame(ROWS, ACCELEROMETER_LANDING.schema())
    rows = engine.query(sql, {"readings": readings}).collect()
    assert [row[0] for row in rows] == ["ana@test.com", None]


@pytest.mark.parametrize("closed", [True, False])
def test_a_session_is_collected_in_any_thread(sail: SailEngine, closed: bool) -> None:
    other = SailEngine()
    session = other.session
    if closed:
        other.close()
    assert sail.session.sql("SELECT 1 AS one").first().one == 1
    # One of the threads that the clients of all sessions share.
    threads = ExecutePlanResponseReattachableIterator._release_thread_pool
    assert threads is not None
    assert threads.apply_async(session.__del__).get(timeout=20) is None
    other.close()
    assert sail.session.sql("SELECT 2 AS two").first().two == 2
