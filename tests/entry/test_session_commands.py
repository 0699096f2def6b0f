"""`stedi-glue sessions`: the profile comes and goes, and nothing is served without it."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from stedi_glue.entry import session_commands
from stedi_glue.sessions import profile
from stedi_glue.sessions.profile import Profile
from stedi_glue.sessions.server import Endpoint
from tests.entry.conftest import Stedi


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def test_the_command_writes_and_removes_it(stedi: Stedi) -> None:
    said = stedi("sessions", "install-profile", "--port", "4711")
    assert said.code == 0
    secret = Profile.mine().credential().secret
    assert secret not in said.out + said.err
    assert "Removed" in stedi("sessions", "install-profile", "--remove").out
    assert "no profile" in stedi("sessions", "install-profile", "--remove").out
    assert stedi("sessions", "install-profile", "--profile", "a b").code == 2


def test_the_command_serves_loopback_and_our_engines_alone(stedi: Stedi) -> None:
    stedi("sessions", "install-profile")
    said = stedi("sessions", "serve", "--host", "0.0.0.0", "--port", "0")
    assert (said.code, "loopback" in said.err) == (2, True)
    assert stedi("sessions", "serve", "--engine", "glue", "--port", "0").code == 2


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_that_cannot_be_is_wrong_usage(stedi: Stedi, port: str) -> None:
    for command in (["sessions", "serve"], ["sessions", "install-profile"], ["docs", "--serve"]):
        said = stedi(*command, "--port", port)
        assert (said.code, said.out) == (2, "")
        assert re.fullmatch(r"Error: .*'--port': Input should be .*\n", said.err)
    # No port is free for a profile to name.
    assert stedi("sessions", "install-profile", "--port", "0").code == 2
    assert "no profile" in stedi("sessions", "install-profile", "--remove").out


@pytest.mark.parametrize(("host", "told"), [("localhost", False), ("127.0.0.2", True)])
def test_serving_where_the_profile_does_not_lead_says_so(
    stedi: Stedi, monkeypatch: pytest.MonkeyPatch, host: str, told: bool
) -> None:
    def interrupted(_: Endpoint) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Endpoint, "serve_forever", interrupted)
    # This process keeps its own way to stop.
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    stedi("sessions", "install-profile")
    said = stedi("sessions", "serve", "--host", host, "--port", "0")
    assert (said.code, "change endpoint_url" in said.err) == (0, told)


def test_without_a_profile_nothing_is_served(stedi: Stedi) -> None:
    said = stedi("sessions", "serve", "--port", "0")
    assert (said.code, "install-profile" in said.err) == (1, True)


def test_what_help_promises_is_what_is_used() -> None:
    assert (session_commands.NAME, session_commands.PORT) == (profile.NAME, profile.PORT)
