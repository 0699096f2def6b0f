"""No rule can be changed without a default test that notices."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_every_changed_rule_is_noticed() -> None:
    command = [sys.executable, "-m", "tests.mutation", "rules"]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
