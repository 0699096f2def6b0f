from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Callable
from contextlib import suppress
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


def seen_on_terminal(*command: str | Path) -> str:
    """Run a program whose standard error is a terminal; return what was drawn there."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env=environ)
    os.close(theirs)
    said = b""
    # Linux ends a terminal whose other side is closed by an error.
    with suppress(OSError):
        while part := os.read(ours, 10_000):
            said += part
    os.close(ours)
    assert process.wait(30) == 0, said.decode()
    return said.decode()


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file under a folder with its size and the time of its last change."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }
