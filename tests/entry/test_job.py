"""The Glue job: its arguments, on Glue and elsewhere, and how a run of it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest

from stedi_glue.entry.job import TABLE, main, parse
from stedi_glue.entry.synthetic import write_landing
from stedi_glue.errors import StediError, TableHeld, UnknownTable, UsageError
from stedi_glue.settings import Settings

SCRIPT = Path(__file__).parents[2] / "deploy" / "glue_job.py"

# What Glue adds to a job's own arguments.
GLUES = [
    *("--job-bookmark-option", "job-bookmark-disable", "--JOB_NAME", "stedi-customer_trusted"),
    *("--JOB_ID", "j_1", "--JOB_RUN_ID", "jr_1", "--SECURITY_CONFIGURATION", "none"),
    *("--TempDir", "s3://lake/temp/", "--WORKFLOW_NAME", "stedi", "--WORKFLOW_RUN_ID", "wr_1"),
    *("--enable-metrics", "true", "--extra-py-files", "s3://lake/a.zip", "--job-language"),
    *("python", "--enable-continuous-cloudwatch-log", "true"),
]
OURS = {
    "lake": "s3://lake",
    "engine": "glue",
    "pairing": "customer",
    "consent": "as-of",
    "versions": "all",
    "table": "customer_trusted",
}


@pytest.fixture(params=["on Glue", "elsewhere"])
def _library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse with the library that Glue provides, and without it."""
    if request.param == "on Glue":
        from awsglue.utils import getResolvedOptions

        assert callable(getResolvedOptions)
    else:
        # None makes the import fail, as it does where the library is not installed.
        monkeypatch.setitem(sys.modules, "awsglue", None)
        monkeypatch.setitem(sys.modules, "awsglue.utils", None)


@pytest.mark.usefixtures("_library")
@pytest.mark.parametrize("joined", [True, False])
def test_arguments_become_settings(joined: bool) -> None:
    ours = [f"--{key}={value}" for key, value in OURS.items()]
    if not joined:
        ours = [word for key, value in OURS.items() for word in (f"--{key}", value)]
    chosen = Settings(pairing="customer", consent="as-of", versions="all")
    settings = replace(chosen, lake="s3://lake", engine="glue")
    assert parse(["glue_job.py", *GLUES, *ours]) == (settings, "customer_trusted")
    assert parse(["glue_job.py", *ours, *GLUES]) == (settings, "customer_trusted")


@pytest.mark.usefixtures("_library")
def test_what_is_not_given_is_the_default() -> None:
    assert parse(["glue_job.py", *GLUES]) == (Settings(), None)


@pytest.mark.usefixtures("_library")
@pytest.mark.parametrize("slip", ["--tabel", "--tables", "--land", "--parings=customer"])
def test_a_slip_of_the_pen_does_not_make_all_tables(slip: str) -> None:
    with pytest.raises(UsageError, match="did you mean"):
        parse(["glue_job.py", *GLUES, slip, "customer_trusted"])


def test_glue_keeps_its_names_for_itself() -> None:
    ours = {*(setting.name for setting in fields(Settings)), TABLE}
    assert not {name.lower() for name in ours} & {"job_name", "mode", "debug", "endpoint"}
    # The library takes abbreviations: none of ours may stand for one of Glue's.
    glues = [word[2:] for word in GLUES if word.startswith("--")]
    assert not [(our, glue) for our in ours for glue in glues if glue.startswith(our)]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("job") / "lake"
    write_landing(folder, customers=20)
    return folder


def statuses(printed: str) -> dict[str, str]:
    return {table["table"]: table["status"] for table in json.loads(printed)["tables"]}


def test_one_job_makes_one_table(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["glue_job.py", "--lake", str(lake), "--engine", "sail"]
    main([*base, "--table", "customer_trusted"])
    assert statuses(capsys.readouterr().out) == {
        "customer_landing": "audited",
        "customer_trusted": "published",
    }
    # The next job stages what it reads itself: it is another process, on another day.
    main([*base, "--table", "accelerometer_trusted"])
    assert statuses(capsys.readouterr().out) == {
        "accelerometer_landing": "audited",
        "accelerometer_trusted": "published",
    }


def test_an_unknown_table_fails(lake: Path) -> None:
    with pytest.raises(UnknownTable, match="did you mean 'customer_trusted'"):
        main(["glue_job.py", "--lake", str(lake), "--table", "customer_trustd"])


@pytest.fixture
def strict_rules(own_rules: Path) -> Path:
    """Rules of which one cannot be met."""
    file = own_rules / "customer_trusted.json"
    suite = json.loads(file.read_text(encoding="utf-8"))
    suite["expectations"].append(
        {
            "type": "expect_table_row_count_to_equal",
            "kwargs": {"value": 1},
            "severity": "critical",
            "notes": "There is exactly one customer.",
        }
    )
    file.write_text(json.dumps(suite), encoding="utf-8")
    return own_rules


def test_a_held_table_fails_the_job_with_its_rules(lake: Path, strict_rules: Path) -> None:
    words = ["--lake", str(lake), "--rules", str(strict_rules), "--table", "customer_trusted"]
    with pytest.raises(TableHeld) as held:
        main(["glue_job.py", *words])
    said = str(held.value)
    assert "customer_trusted was held by expect_table_row_count_to_equal" in said
    assert "There is exactly one customer" in said
    # The documentation was written before the job failed.
    pages = (lake / "docs").rglob("*.html")
    assert any("There is exactly one customer" in page.read_text("utf-8") for page in pages)


def test_the_script_ends_with_an_error_for_what_runs_it(
    lake: Path, strict_rules: Path, tmp_path: Path
) -> None:
    words = ["--lake", str(lake), "--rules", str(strict_rules), "--table", "customer_trusted"]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    # Glue shows this line as the run's error, and alerts quote it.
    assert last.startswith("stedi_glue.errors.TableHeld: customer_trusted was held by expect_")


def test_a_failed_table_fails_the_job(tmp_path: Path) -> None:
    with pytest.raises(StediError, match="no raw data for 'customer_landing'"):
        main(["glue_job.py", "--lake", str(tmp_path / "empty")])
