"""Engines that run PySpark DataFrames: Sail without a JVM, classic Spark, and Spark on Glue."""

from __future__ import annotations

import os
import re
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from importlib import import_module
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any, ClassVar

from stedi_glue.backends import aws
from stedi_glue.backends.imports import standard
from stedi_glue.backends.masking import unquoted
from stedi_glue.backends.storage import open_storage
from stedi_glue.errors import EngineError, LakeError, UsageError, suggest
from stedi_glue.model.table import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# PySpark's process-wide switch between its classic and its Spark Connect functions.
_CONNECT_MODE = "SPARK_CONNECT_MODE_ENABLED"
# Where options of the JVM come from, and what says that a Spark has settings of its own.
_JAVA_OPTIONS = ("PYSPARK_SUBMIT_ARGS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
_SPARK_OF_THEIRS = ("SPARK_HOME", "SPARK_CONF_DIR")
_COLLECTOR = re.compile(r"-XX:\+Use\w*GC\b")
_LEADING_COMMENTS = re.compile(r"\A(\s+|--[^\n]*\n|/\*.*?\*/)+", re.DOTALL)


class _SessionEngine(ABC):
    """What both engines do with a session; they differ in how they start one."""

    name: ClassVar[str]

    @abstractmethod
    def _start(self) -> SparkSession: ...

    @abstractmethod
    def activate(self) -> None:
        """Point PySpark's functions at this engine, as several may live in one process."""

    @abstractmethod
    def close(self) -> None:
        """Release the engine; it can be used no more."""

    @cached_property
    def _session(self) -> SparkSession:
        return self._start()

    @property
    def session(self) -> SparkSession:
        """The session, started on first use."""
        self.activate()
        return self._session

    def start(self) -> None:
        """Be ready for work; by itself the session starts when it is first used."""
        _ = self.session

    def read(self, table: Table, files: Sequence[str]) -> DataFrame:
        """Read exactly these Parquet files; no files give no rows, with the table's schema."""
        if not files:
            return self.session.createDataFrame([], table.schema())
        # Sail reads a missing file as no rows.
        lost = open_storage(files[0]).missing(files)
        if lost:
            raise LakeError(
                f"Table '{table.name}' has lost its file '{lost[0]}'; publish the table again "
                "with 'stedi-glue run', or return to an older snapshot with 'rollback'."
            )
        with explaining(f"Cannot read table '{table.name}'"):
            return self.session.read.schema(table.schema()).parquet(*files)

    def explaining(self, what: str) -> AbstractContextManager[None]:
        """Turn what the engine raises into one sentence, which quotes no row."""
        return explaining(what, quoting=False)

    def write(self, frame: DataFrame, folder: str) -> None:
        """Write the frame as Parquet files into a new folder; an empty frame may write none."""
        self.activate()
        with self.explaining(f"Cannot compute or write '{folder}'"):
            writer = frame.write.mode("append").format("parquet").option("compression", "zstd")
            writer.save(folder)

    def query(self, sql: str, views: Mapping[str, DataFrame]) -> DataFrame:
        """Run SQL over the named frames; UsageError for a statement that does not only read."""
        query = sql.strip().rstrip(";")
        words = _LEADING_COMMENTS.sub("", query).split(maxsplit=1)
        if not words or words[0].lower().lstrip("(") not in ("select", "with", "values", "from"):
            raise UsageError("A query only reads the lake's tables: write a SELECT.")
        with explaining("Cannot run the query"):
            for name, frame in views.items():
                frame.createOrReplaceTempView(name)
            # Only a query can stand inside another, so what writes is refused before it runs;
            # and asking for the schema has it checked here rather than at its first use.
            _ = self.session.sql(f"SELECT * FROM (\n{query}\n)").schema  # noqa: S608
            return self.session.sql(query)


class SailEngine(_SessionEngine):
    """Sail: Spark's DataFrames on an embedded Rust engine.

    It listens on a random loopback port, without authentication, while the process
    lives. memory: upper bound in bytes; by default half of the machine's. s3: whether it
    reads or writes S3.
    """

    name = "sail"

    def __init__(self, memory: int | None = None, *, s3: bool = False) -> None:
        self._s3 = s3
        self._memory = memory or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
        self._server: Any = None

    def activate(self) -> None:
        """Point PySpark's functions at Spark Connect."""
        os.environ[_CONNECT_MODE] = "1"

    def _start(self) -> SparkSession:
        defaults = {
            "RUST_LOG": "error",
            # Of its handlers forked processes may die, as JVMs do before they start (grpc#43055).
            "GRPC_ENABLE_FORK_SUPPORT": "0",
            "SAIL_SPARK__SESSION_TIMEOUT_SECS": str(30 * 24 * 3600),
            "SAIL_RUNTIME__MEMORY_POOL__TYPE": "greedy",
            "SAIL_RUNTIME__MEMORY_POOL__GREEDY__MAX_SIZE": str(self._memory),
            # Statistics hide NaN rows from filters and maxima.
            "SAIL_EXECUTION__COLLECT_STATISTICS": "false",
            "SAIL_PARQUET__PRUNING": "false",
            "SAIL_PARQUET__ENABLE_PAGE_INDEX": "false",
        }
        if self._s3:
            defaults |= aws.environment()
        for name, value in defaults.items():
            os.environ.setdefault(name, value)
        try:
            from pysail.spark import SparkConnectServer

            # All of these compare versions with distutils; that of setuptools loads all of it.
            with standard("distutils"):
                for module in ("catalog", "window"):
                    import_module(f"pyspark.sql.connect.{module}")
                from pyspark.sql.connect.client import ChannelBuilder
                from pyspark.sql.connect.session import SparkSession as ConnectSession
        except ImportError as error:
            raise EngineError(
                f"The Sail engine needs the package '{error.name}': install it with "
                "'pip install pysail==0.7.2', or choose '--engine spark'."
            ) from error
        self._server = SparkConnectServer(ip="127.0.0.1", port=0)
        self._server.start(background=True)
        host, port = self._server.listening_address
        # Uncompressed: between two threads of a process, packing takes longer than sending.
        channel = ChannelBuilder(
            f"sc://{host}:{port}", [("grpc.compression_enabled_algorithms_bitset", 1)]
        )
        builder: Any = ConnectSession.builder.channelBuilder(channel)  # type: ignore[attr-defined]
        session: SparkSession = builder.config("spark.sql.session.timeZone", "UTC").create()
        # A session that Python collects closes its client, and waits for the threads that all
        # clients share: for ever, if it is one of these that collects it.
        self._disconnect = session.client.close
        session.client.close = lambda: None  # type: ignore[method-assign]
        if current_thread() is main_thread():
            # The server takes SIGINT for itself and dies of it, and the client then retries for
            # minutes; with Python's handler back in place an interrupt is a KeyboardInterrupt.
            signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))
        return session

    def close(self) -> None:
        """Stop the session and its server."""
        if self._server is not None:
            self._disconnect()
            self._session.stop()
            self._server.stop()
            self._server = None


class SparkEngine(_SessionEngine):
    """Classic Spark 3.5 in this process's own JVM; the reference for every result.

    memory: heap of the JVM, as Spark writes it. s3: whether it reads or writes S3; a Spark
    that is started here then loads Hadoop's S3 connector from Maven Central, once.
    """

    name = "spark"

    def __init__(self, memory: str = "4g", *, s3: bool = False) -> None:
        self._memory = memory
        self._s3 = s3
        self._owned = False

    def activate(self) -> None:
        """Point PySpark's functions at the JVM."""
        os.environ.pop(_CONNECT_MODE, None)

    def _start(self) -> SparkSession:
        home = os.environ.get("JAVA_HOME")
        if shutil.which("java", path=f"{home}/bin" if home else None) is None:
            raise EngineError(
                "The Spark engine needs Java 17, and "
                + (f"JAVA_HOME ('{home}') has none" if home else "none is on the PATH")
                + "; install one, or choose '--engine sail', which needs none."
            )
        from pyspark.sql import SparkSession

        self._owned = SparkSession.getActiveSession() is None
        settings = {
            "spark.driver.memory": self._memory,
            "spark.driver.defaultJavaOptions": _collector(),
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            # What goes wrong is raised, and said once.
            "spark.log.level": "FATAL",
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
        }
        if self._s3 and self._owned:
            settings |= aws.hadoop()
        builder = SparkSession.builder.master("local[*]").appName("stedi_glue")
        for key, value in settings.items():
            builder = builder.config(key, value)
        return builder.getOrCreate()

    def close(self) -> None:
        """Stop the session, unless it was there before."""
        if self._owned:
            self.activate()
            self._session.stop()
            self._owned = False


class GlueEngine(SparkEngine):
    """Spark as the runtime of a Glue job, or spark-submit, has set it up."""

    name = "glue"

    def _start(self) -> SparkSession:
        from pyspark.sql import SparkSession

        # Theirs: it is never stopped, and only the time zone, which changes results, is set.
        session = SparkSession.builder.getOrCreate()
        session.conf.set("spark.sql.session.timeZone", "UTC")
        return session


def _collector() -> str:
    """Return Java's option for who collects garbage; none where somebody else may have chosen.

    Java's own choice works beside the program, for which two cores have no time to spare. But
    it does not start at all with two collectors to choose from.
    """
    said = " ".join(os.environ.get(name, "") for name in _JAVA_OPTIONS)
    chosen = _COLLECTOR.search(said) or any(name in os.environ for name in _SPARK_OF_THEIRS)
    return "" if chosen else "-XX:+UseParallelGC"


def open_engine(name: str, *, s3: bool = False) -> SailEngine | SparkEngine:
    """Return the engine of that name, not yet started; s3: whether it reads or writes S3."""
    engines: dict[str, type[SailEngine | SparkEngine]] = {
        engine.name: engine for engine in (SailEngine, SparkEngine, GlueEngine)
    }
    if name not in engines:
        raise UsageError(f"No engine is called '{name}'{suggest(name, engines)}")
    return engines[name](s3=s3)


@contextmanager
def explaining(what: str, *, quoting: bool = True) -> Iterator[None]:
    """Turn an engine's exception into one sentence: "<what>: <its first line>".

    Engines compute late, so whoever asks for rows needs this too. quoting: whether the line may
    quote values of rows, which only those may see who asked for these rows.
    """
    try:
        yield
    except Exception as error:
        # PySpark lets exceptions of the transport to its engine through.
        if type(error).__module__.partition(".")[0] not in ("pyspark", "py4j", "grpc"):
            raise
        text = str(getattr(error, "java_exception", error)).strip() or type(error).__name__
        line = text.splitlines()[0].rstrip(".")
        raise EngineError(f"{what}: {line if quoting else unquoted(line)}.") from error
