"""The demo: landing data that is invented, never mixed with anybody's own, and what to try."""

from __future__ import annotations

import filecmp
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from stedi_glue.entry.synthetic import write_landing
from stedi_glue.errors import LandingError, UsageError

CUSTOMERS = 200
NEXT = (
    "tables",
    "tables machine_learning_curated",
    'query "SELECT sameCustomer, count(*) FROM machine_learning_curated GROUP BY 1"',
    "history customer_trusted",
    "lineage",
)


def prepare(lake: str, customers: int = CUSTOMERS) -> None:
    """Write the demo's landing data into a lake, or leave it when it is there already.

    Raises UsageError when the lake is not on disk or its landing folders hold anything
    else, and LandingError when it cannot be written.
    """
    if "://" in lake:
        raise UsageError(f"The demo builds a lake on disk, not in '{lake}': name a folder.")
    folder = Path(lake)
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch)
        write_landing(fresh, customers)
        parts = sorted(path.relative_to(fresh) for path in fresh.glob("*/landing"))
        taken = [
            part for part in parts if (folder / part).is_dir() and any((folder / part).iterdir())
        ]
        foreign = [part for part in taken if not _same(fresh / part, folder / part)]
        if foreign:
            raise UsageError(
                f"'{folder / foreign[0]}' holds files that the demo did not write, and it does not "
                f"mix its own with them: use 'stedi-glue run --lake {folder}' for them, or name "
                "another folder for the demo."
            )
        try:
            for part in (part for part in parts if part not in taken):
                shutil.copytree(fresh / part, folder / part, dirs_exist_ok=True)
        except OSError as error:
            raise LandingError(
                f"The demo cannot write to '{folder}'; name a folder that can be written."
            ) from error


def _same(one: Path, other: Path) -> bool:
    names = sorted(path.name for path in one.iterdir())
    if names != sorted(path.name for path in other.iterdir()):
        return False
    return filecmp.cmpfiles(one, other, names, shallow=False)[0] == names


def show_next(out: Console, command: Callable[[str], str]) -> None:
    """Print what to try on a new lake; `command` completes a subcommand to a whole line."""
    out.print("\nWhere to look next:")
    for line in NEXT:
        out.print(Text(f"  {command(line)}", "cyan"), soft_wrap=True)
