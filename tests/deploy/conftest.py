from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from stedi_glue.deploy.artifacts import build

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def clone() -> Path:
    """The sources under test; tests that build are of no use in a copy that git does not know."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("artifacts are built from a git clone")
    return ROOT


@pytest.fixture(scope="session")
def dist(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything a Glue job is made of, built from the sources under test."""
    folder = tmp_path_factory.mktemp("dist")
    build(clone, folder)
    return folder


def git(*words: str) -> None:
    subprocess.run(["git", *words], check=True, capture_output=True)
