"""The notebook, and what it takes to run it: a demo lake, a wheel, the kernels."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stedi_glue.entry.cli import main

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "deploy" / "notebooks" / "explore_stedi.ipynb"


@pytest.fixture(scope="session")
def notebook_extra() -> None:
    # In CI a missing package must fail, or the notebooks would go unproven without a word.
    if os.environ.get("CI") != "true":
        for package in ("nbclient", "aws_glue_interactive_sessions_kernel", "sklearn"):
            pytest.importorskip(package, reason="needs pip install -e '.[notebook]'")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("notebook") / "lake"
    assert main(["demo", str(lake)]) == 0
    return lake


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    subprocess.run([*command, str(folder), str(ROOT)], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture
def notebook(notebook_extra: None) -> Any:
    import nbformat

    return nbformat.read(NOTEBOOK, as_version=4)


def said(cell: Any) -> str:
    """Return all text that a cell showed."""
    texts = [out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.outputs]
    return "\n".join(texts)


def images(cell: Any) -> list[str]:
    """Return the pictures that a cell showed, as base64 of PNG."""
    found = [out.get("data", {}).get("image/png") for out in cell.outputs]
    return [image for image in found if image]


def cells_with(notebook: Any, text: str) -> list[Any]:
    """Return the code cells whose source has a text."""
    return [one for one in notebook.cells if one.cell_type == "code" and text in one.source]


def check_outputs(notebook: Any, rows: dict[str, int]) -> None:
    """Assert what a run of the notebook must show, whichever kernel ran it.

    rows: of each table, counted by somebody else.
    """
    [overview] = cells_with(notebook, "session.tables(")
    for table, count in rows.items():
        [line] = [line for line in said(overview).splitlines() if line.startswith(f"{table} ")]
        assert f" {count:,} " in line
        assert "published" in line
    assert "sameCustomer" in said(cells_with(notebook, "session.preview(")[0])
    assert "machine_learning_curated  warning" in said(cells_with(notebook, "session.unmet(")[0])
    assert "walks would be published" in said(cells_with(notebook, "RULES = [")[0])
    held = said(cells_with(notebook, "class CarelessWalks")[0])
    assert "walks would be held" in held
    assert "critical  One row per step trainer." in held
    assert "pairs in" in said(cells_with(notebook, "toPandas()")[0])
    plots = cells_with(notebook, "%matplot plt")
    assert [len(images(cell)) for cell in plots] == [1, 1]
    assert "random forest" in said(cells_with(notebook, "GroupKFold")[0])
    assert "no more than chance" in said(cells_with(notebook, "from guessing")[0])
