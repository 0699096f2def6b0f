"""Code that is changed on purpose: the default tests notice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Of some hundred changes of Python files; all changes of rules, which take no time.
MUTANTS = os.environ.get("MUTANTS", "48")


@pytest.mark.slow
def test_code_that_is_changed_on_purpose_fails_the_tests() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutation"],
        env={**os.environ, "MUTANTS": MUTANTS},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tried = int(done.stdout.rpartition(" mutants, ")[0].split()[-1])
    assert tried > 700 + int(MUTANTS), "the changes of rules, too"
