"""The nearest to Glue on one machine: its packages, its Spark, executors of their own.

The environment holds what Glue 5.1 provides, and besides it only what the zip of wheels
brings along, installed without an index. Spark's master starts two executors as processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from stedi_glue.deploy.artifacts import Manifest
from stedi_glue.entry.synthetic import write_landing
from tests.conftest import STARTER, java
from tests.deploy.conftest import ROOT
from tests.oracle import expected, landing_rows

pytestmark = pytest.mark.slow

SPARK = ("pyspark==3.5.6", "py4j==0.10.9.7")
MASTER = "local-cluster[2,1,1024]"


@pytest.fixture(scope="module")
def glue(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment like Glue's, with what the zip of wheels brings; its Python."""
    if os.environ.get("CI") != "true" and not java():
        pytest.skip("spark-submit needs a Java: put one on PATH or set JAVA_HOME")
    folder = tmp_path_factory.mktemp("glue")
    run(sys.executable, "-m", "venv", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--no-deps", "-r", ROOT / "deploy" / "glue-5.1.txt", *SPARK)
    with zipfile.ZipFile(dist / Manifest.read(dist).brought) as brought:
        brought.extractall(folder)
    wheels = folder / "wheels"
    run(*pip, "--no-index", "--find-links", wheels, "-r", wheels / "requirements.txt")
    # Neither lacks anything, nor stands against anything that Glue provides.
    run(python, "-m", "pip", "check")
    return python


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real export where it is, else an invented one."""
    if STARTER.is_dir():
        return STARTER
    folder = tmp_path_factory.mktemp("landing")
    write_landing(folder, customers=100)
    return folder


def run(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done


def submit(python: Path, package: Path, *arguments: object) -> dict[str, Any]:
    """Run the job's script as Glue does, and return its report."""
    home = run(python, "-c", "import pyspark; print(pyspark.__path__[0])").stdout.strip()
    environment = {
        "PATH": os.environ["PATH"],
        "SPARK_HOME": home,
        "PYSPARK_PYTHON": str(python),
        # Listens to this machine alone.
        "SPARK_LOCAL_IP": "127.0.0.1",
        # Where the lakes' own keys are kept.
        "XDG_CONFIG_HOME": os.environ["XDG_CONFIG_HOME"],
        **{name: os.environ[name] for name in ("JAVA_HOME",) if name in os.environ},
    }
    done = run(
        *(Path(home) / "bin" / "spark-submit", "--master", MASTER, "--py-files", package),
        *("--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=4"),
        *(ROOT / "deploy" / "glue_job.py", "--engine", "glue", *arguments),
        env=environment,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_all_tables_from_the_wheel(glue: Path, dist: Path, landing: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    wheel = dist / Manifest.read(dist).wheel
    report = submit(glue, wheel, "--lake", lake, "--landing", landing)
    made = {t["table"]: t["rows"] for t in report["tables"] if t["status"] == "published"}

    tables = expected(landing_rows(landing))
    assert made == {name: sum(rows.values()) for name, rows in tables.items()}
    if landing == STARTER:
        assert list(made.values()) == [482, 40_981, 482, 14_460, 43_681]
    catalog = SqlCatalog("stedi", uri=f"sqlite:///{lake}/catalog.db")
    for name, rows in made.items():
        assert catalog.load_table(f"stedi.{name}").scan().to_arrow().num_rows == rows


def test_one_table_a_job_from_the_twin(glue: Path, dist: Path, tmp_path: Path) -> None:
    write_landing(tmp_path / "lake", customers=20)
    twin = dist / Manifest.read(dist).twin
    for name in ("customer_trusted", "accelerometer_trusted"):
        report = submit(glue, twin, "--lake", tmp_path / "lake", "--table", name)
        assert [t["status"] for t in report["tables"]] == ["audited", "published"]
        assert report["engine"] == "glue"
