from __future__ import annotations

import atexit
import gc
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stedi_glue.backends.engines import SailEngine, SparkEngine
from tests.aws_server import Account, serving

STARTER = Path(__file__).parents[2] / "shared" / "data" / "stedi-starter"
# Of few rows the same results sooner, and in less memory: two JVMs run side by side.
JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

# Read when gRPC is imported: tests do it before Sail, which sets it too, is started.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two processes for all default tests; a part of them, or a slow one, is alone in this one."""
    chosen = config.getoption("keyword") or config.getoption("markexpr") != "not slow"
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return 2 if whole and not chosen else 0


def pytest_unconfigure() -> None:
    """Free everything at the end, which a run would spare itself: DuckDB lists what is left."""
    atexit.unregister(gc.freeze)


@pytest.fixture(scope="session", autouse=True)
def _own_configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the keys of the tests' lakes out of whoever's home it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="session")
def sail() -> Iterator[SailEngine]:
    with closing(SailEngine()) as engine:
        yield engine


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkEngine]:
    # In CI a missing Java must fail, or parity would go unproven without a word.
    if os.environ.get("CI") != "true" and not java():
        pytest.skip("classic Spark needs a Java: put one on PATH or set JAVA_HOME")
    with closing(SparkEngine(memory="1g")) as engine:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYSPARK_SUBMIT_ARGS", f"--driver-java-options '{JVM}' pyspark-shell")
            engine.start()
        yield engine


@pytest.fixture(scope="session", params=["sail", "spark"])
def engine(request: pytest.FixtureRequest) -> SailEngine | SparkEngine:
    """Each engine in turn: what a test says must hold on both."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def starter() -> Path:
    """The real export of the STEDI course: `<subject>/landing/*.json`."""
    if not STARTER.is_dir():
        pytest.skip(f"the starter data is not at {STARTER}")
    return STARTER


@pytest.fixture(scope="session")
def _server() -> Iterator[Account]:
    with serving() as account, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in account.variables.items():
            patch.setenv(name, value)
        yield account


@pytest.fixture
def account(_server: Account) -> Account:
    """An AWS account with one empty bucket; this process is signed in."""
    _server.empty()
    return _server


def java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=os.path.join(home, "bin") if home else None)
