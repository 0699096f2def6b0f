"""The AWS profile of the local endpoint, in files that hold other people's settings."""

from __future__ import annotations

import os
from pathlib import Path

import botocore.session
import pytest

from stedi_glue.errors import SessionError, UsageError
from stedi_glue.sessions.profile import Profile

OTHERS = "# mine\n[default]\nregion = eu-west-1"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    config, credentials = tmp_path / "aws" / "config", tmp_path / "aws" / "credentials"
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    return config, credentials


def test_clients_find_endpoint_region_and_secret(files: tuple[Path, Path]) -> None:
    Profile.mine().install(port=4711)
    session = botocore.session.Session(profile="stedi-local")
    client = session.create_client("glue")
    assert client.meta.endpoint_url == "http://127.0.0.1:4711"
    found = session.get_credentials()
    assert found is not None
    mine = Profile.mine().credential()
    assert (found.access_key, found.secret_key) == (mine.key, mine.secret)
    assert mine.secret not in files[0].read_text()
    assert files[1].stat().st_mode & 0o077 == 0


def test_every_install_has_a_new_secret() -> None:
    Profile.mine().install()
    first = Profile.mine().credential()
    Profile.mine().install()
    assert Profile.mine().credential() != first


def test_what_else_is_in_the_files_stays_as_it_is(files: tuple[Path, Path]) -> None:
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{OTHERS}\n")
    for _ in range(2):
        Profile.mine().install()
        Profile.mine("other").install()
    assert Profile.mine().remove()
    assert Profile.mine("other").credential()
    assert Profile.mine("other").remove()
    assert [file.read_text() for file in files] == [f"{OTHERS}\n"] * 2
    assert not Profile.mine().remove()


def test_a_profile_of_somebody_else_is_left_alone(files: tuple[Path, Path]) -> None:
    files[0].parent.mkdir()
    files[0].write_text("[profile stedi-local]\nregion = eu-west-1\n")
    with pytest.raises(UsageError, match="did not write"):
        Profile.mine().install()
    assert files[0].read_text() == "[profile stedi-local]\nregion = eu-west-1\n"
    assert not files[1].exists()


def test_a_profile_that_is_not_there_has_no_secret() -> None:
    with pytest.raises(SessionError, match="install-profile"):
        Profile.mine().credential()
