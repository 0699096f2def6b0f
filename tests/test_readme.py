"""The README's own commands, as a newcomer types them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_first_command_builds_a_lake_in_a_fresh_environment_without_java(
    tmp_path: Path,
) -> None:
    clone = tmp_path / "clone"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".git", ".*", "*.egg-info", "lake"))
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    # Only what a shell needs besides the environment: no Java.
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("bash", "sh", "env", "uname", "cat", "rm"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    path = f"{tmp_path / 'venv' / 'bin'}:{tools}"
    assert shutil.which("java", path=path) is None

    command = re.search(r"^pip install .* && stedi-glue demo$", readme(), re.MULTILINE)
    assert command, "the README's first command is not there"
    done = subprocess.run(
        ["bash", "-c", command[0]],
        cwd=clone,
        env={**os.environ, "PATH": path, "JAVA_HOME": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "machine_learning_curated" in done.stdout


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")
