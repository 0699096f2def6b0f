from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest

from stedi_glue.entry.cli import main


@dataclass(frozen=True)
class Said:
    """What the program answered: its exit code, standard output and standard error."""

    code: int
    out: str
    err: str


Stedi = Callable[..., Said]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("STEDI_"):
            monkeypatch.delenv(name)


@pytest.fixture
def stedi(capfd: pytest.CaptureFixture[str]) -> Stedi:
    """Run the program in this process, on a real lake and a real engine."""

    def run(*arguments: str | Path) -> Said:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        return Said(code, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def demo_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake that `stedi-glue demo` built; tests leave its current rows as they are."""
    lake = tmp_path_factory.mktemp("demo") / "lake"
    assert main(["demo", str(lake)]) == 0
    return lake


@pytest.fixture
def own_rules(tmp_path: Path) -> Path:
    """A copy of the packaged rules, to spoil."""
    folder = tmp_path / "rules"
    folder.mkdir()
    for file in resources.files("stedi_glue.rules").iterdir():
        if file.name.endswith(".json"):
            (folder / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file under a folder with its size and the time of its last change."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }
