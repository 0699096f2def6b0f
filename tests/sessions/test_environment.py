"""What a session's arguments bring along, whole and from where they say."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from stedi_glue.errors import SessionError
from stedi_glue.sessions.environment import Environment, prepare
from tests.aws_server import BUCKET, Account
from tests.sessions.conftest import module, wheel

OFFLINE = {"--python-modules-installer-option": "--no-index"}


def says(place: Environment, code: str) -> str:
    """Run code in the environment as a session's process would."""
    program = f"import sys; sys.path[:0] = {[str(path) for path in place.path]!r}; {code}"
    done = subprocess.run(
        [place.python, "-P", "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_files_may_be_in_s3(account: Account, tmp_path: Path) -> None:
    file = module(tmp_path, "from_s3", "VALUE = 5\n")
    account.client("s3").upload_file(str(file), BUCKET, "lib/from_s3.py")
    place = prepare({"--extra-py-files": f"s3://{BUCKET}/lib/from_s3.py"}, tmp_path / "session")
    assert says(place, "import from_s3; print(from_s3.VALUE)") == "5"


def test_a_wheel_comes_before_what_is_installed(tmp_path: Path) -> None:
    own = wheel(tmp_path, "rich", "VALUE = 6\n")
    place = prepare({"--extra-py-files": str(own)}, tmp_path / "session")
    assert says(place, "import rich; print(rich.VALUE)") == "6"


def test_modules_come_in_a_zip_of_wheels_as_jobs_bring_them(tmp_path: Path) -> None:
    one = wheel(tmp_path, "stedi-test-zipped", "VALUE = 7\n")
    bundle = tmp_path / "ours.gluewheels.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.write(one, f"wheels/{one.name}")
        archive.writestr("wheels/requirements.txt", "stedi-test-zipped==1.0\n")
    place = prepare({"--additional-python-modules": str(bundle), **OFFLINE}, tmp_path / "session")
    code = "import stedi_test_zipped, pyspark; print(stedi_test_zipped.VALUE, pyspark.__version__)"
    assert says(place, code) == "7 3.5.6"


def test_what_pip_refuses_is_said_in_its_words(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="stedi-no-such"):
        prepare({"--additional-python-modules": "stedi-no-such==1", **OFFLINE}, tmp_path)
