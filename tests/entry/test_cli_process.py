"""The program as a process: streams, signals, colours, start-up."""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import pytest
from rich.console import Console

from stedi_glue.entry import cli
from stedi_glue.entry.run_view import Progress
from stedi_glue.entry.synthetic import write_landing
from stedi_glue.settings import Settings, variable
from stedi_glue.zones import Consent, Pairing
from tests.entry.conftest import Stedi
from tests.entry.test_cli import PROGRAM

COLOUR = re.compile(r"\x1b\[[0-9;]*3[1-7]m")


def test_help_loads_nothing_heavy() -> None:
    check = (
        "import sys; from stedi_glue.entry.cli import main; main(['run', '--help']); "
        "heavy = {'pyspark', 'pyarrow', 'pyiceberg', 'great_expectations', 'numpy', 'boto3'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_run_loads_nothing_that_its_rules_do_not_need(tmp_path: Path) -> None:
    write_landing(tmp_path, 3)
    check = (
        "import sys, warnings; from stedi_glue.entry.cli import main; assert main() == 0; "
        "seldom = {'altair', 'jsonschema', 'scipy.stats'}; "
        "print([n for n in seldom if type(sys.modules[n]).__name__ != '_LazyModule']); "
        "print([n for n in sys.modules if n.startswith(('setuptools', 'distutils'))]); "
        # Setuptools warns of a distutils that was there before it.
        "warnings.simplefilter('error', UserWarning); import distutils.version"
    )
    done = subprocess.run(
        [sys.executable, "-c", check, "run", "customer_landing", "--lake", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["[]", "[]"]


def test_help_names_every_choice_and_every_variable(stedi: Stedi) -> None:
    run, query = (stedi(command, "--help") for command in ("run", "query"))
    assert (run.code, query.code) == (0, 0)
    for choice in (*get_args(Pairing), *get_args(Consent), "sail", "spark", "local", "glue"):
        assert f"{choice}:" in run.out
    for name in Settings.__dataclass_fields__:
        said = query.out if name == "workgroup" else run.out
        assert f"--{name}" in said
        assert variable(name) in said


def test_the_program_alone_is_wrong_usage_and_shows_its_help(stedi: Stedi) -> None:
    said = stedi()
    assert said.code == 2
    assert "lineage" in said.out + said.err


def test_the_version(stedi: Stedi) -> None:
    assert re.fullmatch(r"stedi-glue \d+\.\d+\.\d+\S*\n", stedi("--version").out)


def test_a_pipe_gets_plain_text(demo_lake: Path) -> None:
    for command in (["tables"], ["history", "nope"]):
        done = subprocess.run(
            [*PROGRAM, *command],
            env={**os.environ, "STEDI_LAKE": str(demo_lake), "FORCE_COLOR": "1", "COLUMNS": "40"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "\x1b" not in done.stdout + done.stderr
        if command == ["tables"]:
            assert "machine_learning/curated" in done.stdout


@pytest.mark.parametrize("no_color", [False, True])
def test_a_terminal_gets_colours_unless_it_wants_none(no_color: bool) -> None:
    environ = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    environ |= {"TERM": "xterm-256color"} | ({"NO_COLOR": "1"} if no_color else {})
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*PROGRAM, "lineage"], stdout=theirs, env=environ)
    os.close(theirs)
    said = os.read(ours, 10_000).decode()
    assert process.wait(30) == 0
    os.close(ours)
    assert "machine_learning_curated" in said
    assert bool(COLOUR.search(said)) != no_color


def test_progress_says_where_the_run_is() -> None:
    progress = Progress(["customer_landing", "customer_trusted", "customers_curated"])
    assert [line[-2:] for line in drawn(progress)] == [
        ["customer_landing", "starting"],
        ["customer_trusted"],
        ["customers_curated"],
    ]
    progress("customer_landing", "audited")
    progress("customer_trusted", "audit")
    assert [line[-2:] for line in drawn(progress)] == [
        ["customer_landing", "audited"],
        ["customer_trusted", "audit"],
        ["customers_curated"],
    ]


def drawn(progress: Progress) -> list[list[str]]:
    out = Console(file=io.StringIO(), width=80)
    out.print(progress)
    assert isinstance(out.file, io.StringIO)
    text = re.sub(r" \d+\.\d s", "", out.file.getvalue())
    return [line.split() for line in text.splitlines()]


def test_a_reader_that_stops_reading_hears_no_complaint(demo_lake: Path) -> None:
    for command in (["ddl"], ["query", "SELECT * FROM step_trainer_trusted", "--format", "csv"]):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [*PROGRAM, *command],
            env={**os.environ, "STEDI_LAKE": str(demo_lake)},
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        os.close(writing)
        assert done.stderr == ""


def test_an_interrupted_run_ends_at_once_with_one_line(tmp_path: Path) -> None:
    write_landing(tmp_path, customers=8)
    process = subprocess.Popen(
        # Where its key is, a lake of pseudonyms says in another line.
        [*PROGRAM, "run", "--lake", tmp_path, "--privacy", "identified"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not (tmp_path / "customer" / "landing_parsed").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    said = "Interrupted; readers see each table as it was last published.\n"
    assert (process.returncode, out, err) == (130, "", said)


def test_an_interrupt_leaves_the_engine_up_for_those_who_clean_up() -> None:
    # Else what a run does on its way out would wait for a dead engine, for minutes.
    check = """
import os, signal
from stedi_glue.backends.engines import SailEngine
engine = SailEngine()
engine.session
try:
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()
except KeyboardInterrupt:
    print(engine.session.sql("SELECT 1").collect())
engine.close()
"""
    command = [sys.executable, "-c", check]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == "[Row(1=1)]\n", done.stderr


def test_a_bug_is_one_line_without_its_message(
    stedi: Stedi, monkeypatch: pytest.MonkeyPatch
) -> None:
    # There is no known bug to run into, so one is planted.
    def broken(*_: object, **__: object) -> None:
        raise KeyError("someone@example.com")

    monkeypatch.setattr(cli, "app", broken)
    said = stedi("tables")
    assert said.code == 1
    assert re.fullmatch(
        r"Error: This is a bug in stedi-glue: KeyError in test_cli_process.py, line \d+; "
        r"run again with STEDI_DEBUG=1 to see the traceback.\n",
        said.err,
    )
    monkeypatch.setenv("STEDI_DEBUG", "1")
    assert "Traceback (most recent call last)" in stedi("tables").err
