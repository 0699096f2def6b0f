from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from stedi_glue.backends.engines import SailEngine
from stedi_glue.zones.trusted import ACCELEROMETER_TRUSTED
from tests.benchmarks import audit, contenders, inputs, page, pipeline, processes
from tests.benchmarks.figures import BenchmarkError
from tests.benchmarks.rules import select, spoil
from tests.conftest import java

NOW = int(time.time() * 1000)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated data, shared by these tests."""
    return tmp_path_factory.mktemp("data")


def called(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.benchmarks", *map(str, arguments)]
    # An engine of this process has PySpark's functions point at itself; another's are its own.
    own = {
        name: value for name, value in os.environ.items() if name != "SPARK_CONNECT_MODE_ENABLED"
    }
    return subprocess.run(command, cwd=processes.ROOT, capture_output=True, text=True, env=own)


def measured(*arguments: object) -> dict[str, Any]:
    done = called(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_page() -> None:
    found = page.measure(1)
    names = {"first run", "held run, 200 earlier", "list of 199 runs"}
    assert names < set(found["bytes"])
    assert max(found["bytes"].values()) < 2_000_000
    for figures in (found["median_seconds_painted"], found["median_seconds_loaded"]):
        assert set(figures) == set(found["bytes"])
        assert min(figures.values()) > 0
    lines = page.text(found).splitlines()
    assert len(lines) == 1 + len(found["bytes"])


@pytest.mark.slow
def test_pipeline(data: Path) -> None:
    options = ("--rows", 5000, "--engine", "sail", "--repeat", 1, "--data", data)
    found = measured("pipeline", *options, "--without", "naive")
    assert found["command"].startswith("python -m tests.benchmarks pipeline --rows 5000")
    assert found["machine"]["cores"] == os.cpu_count()
    assert set(found["median_seconds"]) == {"gated", "ungated"}
    assert set(found["ratios"]) == {"gated_over_ungated"}
    seconds = found["median_seconds"]
    assert found["ratios"]["gated_over_ungated"] == pytest.approx(
        seconds["gated"] / seconds["ungated"], abs=0.001
    )
    (gated,), (ungated,) = found["samples"]["gated"], found["samples"]["ungated"]
    assert gated["rows"] == ungated["rows"]
    assert 0 < gated["rows"]["accelerometer_trusted"] < 5000
    assert gated["rules"] > 0
    assert ungated["rules"] == 0
    for sample in (gated, ungated):
        assert sum(sample["steps"].values()) <= sample["run"] < sample["process"]
    assert not list(data.glob("lake-*"))


@pytest.mark.slow
def test_the_naive_script_makes_the_same_tables(data: Path) -> None:
    if os.environ.get("CI") != "true" and not java():
        pytest.skip("the naive script needs a Java")
    options = ("--rows", 5000, "--repeat", 1, "--data", data)
    found = measured("pipeline", *options, "--without", "gated")
    (naive,), (ungated,) = found["samples"]["naive"], found["samples"]["ungated"]
    assert naive["rows"] == ungated["rows"]
    assert set(naive["rows"]) == {
        "customer_trusted",
        "accelerometer_trusted",
        "customers_curated",
        "step_trainer_trusted",
        "machine_learning_curated",
    }
    assert set(found["ratios"]) == {"naive_over_ungated"}


@pytest.mark.slow
def test_audit(data: Path) -> None:
    found = measured("audit", "--rows", 5000, "--repeat", 1, "--data", data)
    assert {"fused", "raw"} <= set(found["median_seconds"])
    # A peer that is not installed is named, and is no reason to stop.
    known = found["median_seconds"].keys() | found["does_not_run"].keys()
    assert known == set(audit.CONTENDERS)
    assert found["ratios"]["raw_over_fused"] > 0


def test_a_contender_without_an_answer_is_stopped_and_named(data: Path) -> None:
    options = ("--rows", 5000, "--repeat", 1, "--limit", 0, "--data", data)
    found = measured("audit", *options, *(f"--without={name}" for name in audit.CONTENDERS[1:]))
    assert found["does_not_run"] == {"fused": "no answer in 0 s"}
    assert not found["median_seconds"]


@pytest.mark.slow
def test_scale(data: Path) -> None:
    pytest.importorskip("psutil")
    found = measured("scale", "--sizes", "2k,5k", "--data", data)
    assert [point["rows"] for point in found["points"]] == [2000, 5000]
    # Python with PySpark and Great Expectations alone takes more than this.
    assert all(point["median_peak_bytes"] > 100e6 for point in found["points"])
    assert set(found["exponents"]) == {"seconds", "peak_bytes"}


def test_contenders_that_did_other_work_are_refused() -> None:
    pipeline.agree({"gated": {"a": 1}, "naive": {"a": 1}})
    with pytest.raises(BenchmarkError, match="naive made other tables than gated"):
        pipeline.agree({"gated": {"a": 1}, "naive": {"a": 2}})
    audit.require("raw", {"verdicts": [True, True]}, None)
    with pytest.raises(BenchmarkError, match="raw judged wrongly"):
        audit.require("raw", {"verdicts": [True, False]}, None)
    with pytest.raises(BenchmarkError, match="raw judged wrongly"):
        audit.require("raw", {"verdicts": [True, True]}, [True, False])


def test_each_rule_is_broken_on_its_own(sail: SailEngine, data: Path, tmp_path: Path) -> None:
    checks = select(NOW)
    assert {check.kind for check in checks} == {"present", "matches", "between", "unique"}
    clean = pq.read_table(inputs.readings(data, 5000)).slice(0, 100)
    judge = contenders.raw(sail, checks, tmp_path, NOW)
    for place, check in enumerate(checks):
        file = tmp_path / f"{place}.parquet"
        pq.write_table(spoil(clean, checks, [place]), file)
        verdicts = judge(sail.read(ACCELEROMETER_TRUSTED, [str(file)]))
        unmet = {checks[at] for at, met in enumerate(verdicts) if not met}
        assert unmet == {check}


def test_generated_data_is_made_once(data: Path) -> None:
    first = inputs.landing(data, 5000)
    before = {file: file.stat().st_mtime_ns for file in first.rglob("*.json")}
    assert before
    assert inputs.landing(data, 5000) == first
    assert {file: file.stat().st_mtime_ns for file in first.rglob("*.json")} == before
    assert pq.read_table(inputs.readings(data, 5000)).num_rows == 5000


@pytest.mark.parametrize("wrong", ["0", "many", "5G", "-1"])
def test_a_number_of_rows_is_a_number(wrong: str) -> None:
    done = called("pipeline", f"--rows={wrong}")
    assert done.returncode == 2
    assert f"'{wrong}' is no number of rows" in done.stderr
