"""Options win over the environment, which wins over defaults."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from stedi_glue.settings import Settings
from tests.entry.conftest import Stedi


def test_defaults() -> None:
    settings = Settings.load({})
    assert settings == Settings()
    assert (settings.lake, settings.landing, settings.engine) == ("lake", None, "sail")


def test_the_environment_wins_over_defaults() -> None:
    environ = {"STEDI_LAKE": "here", "STEDI_PAIRING": "customer", "LAKE": "not this"}
    assert Settings.load(environ) == Settings(lake="here", pairing="customer")


def test_options_win_over_the_environment() -> None:
    environ = {"STEDI_LAKE": "here", "STEDI_ENGINE": "spark"}
    settings = Settings.load(environ, lake="there", engine=None)
    assert settings == Settings(lake="there", engine="spark")


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.load({"STEDI_LAKE": "", "STEDI_RULES": ""}) == Settings()


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().lake = "elsewhere"  # type: ignore[misc]


def test_the_command_line_follows_them(
    stedi: Stedi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEDI_LAKE", str(tmp_path / "one"))
    assert f"'{tmp_path}/one'" in stedi("tables").err
    assert f"'{tmp_path}/two'" in stedi("tables", "--lake", tmp_path / "two").err
