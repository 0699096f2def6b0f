"""The notebook in plain Jupyter, on demo lakes."""

from __future__ import annotations

import json
import os
from configparser import ConfigParser
from pathlib import Path
from typing import Any, get_args

import pytest

from stedi_glue.backends.privacy import Privacy
from stedi_glue.entry.cli import main
from stedi_glue.lakehouse import Lakehouse
from tests.notebooks.conftest import NOTEBOOK, ROOT, cells_with, check_outputs


@pytest.mark.slow
@pytest.mark.parametrize("privacy", get_args(Privacy))
def test_the_notebook_runs_as_it_is(tmp_path: Path, privacy: Privacy, notebook: Any) -> None:
    """On a lake that names nobody, and on one that names people."""
    from nbclient import NotebookClient

    demo = tmp_path / "lake"
    assert main(["demo", str(demo), "--privacy", privacy]) == 0
    with Lakehouse.open(demo) as lake:
        rows = {state.table.name: state.rows or 0 for state in lake.tables() if state.snapshot}
        before = files(demo)
    environment = {**os.environ, "STEDI_LAKE": str(demo)}
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute(env=environment)
    check_outputs(notebook, rows)
    # In Jupyter the same objects are HTML and a drawing.
    [drawing] = cells_with(notebook, "session.lineage(")
    html = drawing.outputs[0].data["text/html"]
    assert html.startswith("<svg")
    assert all(name in html for name in rows)
    assert files(demo) == before


def files(lake: Path) -> set[str]:
    return {str(path) for path in lake.rglob("*") if path.is_file()}


def test_the_notebook_is_kept_without_outputs() -> None:
    for cell in json.loads(NOTEBOOK.read_text())["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_sessions_bring_along_what_the_package_pins() -> None:
    setup = ConfigParser()
    setup.read_string((ROOT / "setup.cfg").read_text())
    pins = (
        setup["options"]["install_requires"] + setup["options.extras_require"]["notebook"]
    ).splitlines()
    known = {line.replace("[glue,sql-sqlite]", "").strip() for line in pins}
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    lines = [line.strip() for cell in cells for line in cell["source"]]
    [line] = [line for line in lines if line.startswith("%additional_python_modules")]
    assert set(line.split(" ", 1)[1].split(",")) <= known
