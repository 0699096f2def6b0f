"""How this program speaks: calm tables on a terminal, plain text in a pipe."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime

from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

PROGRAM = "stedi-glue"
# From here on there is room for every column; below, the least needed are left out.
WIDE = 118
# Nothing is wrapped or cut in a pipe.
PIPE = 100_000

ZONE = {"landing": "yellow", "trusted": "cyan", "curated": "green"}
STATUS = {
    "published": "green",
    "audited": "green",
    "held": "yellow",
    "skipped": "dim",
    "failed": "red",
}
NONE = Text("-", "dim")


def console(stderr: bool = False) -> Console:
    """Return a console for standard output or error as it is now."""
    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(
        stderr=stderr,
        highlight=False,
        emoji=False,
        markup=False,
        force_terminal=terminal,
        width=None if terminal else PIPE,
    )


def iso(milliseconds: int) -> str:
    """Write epoch milliseconds as UTC, to the second."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def safe(value: object) -> str:
    """Write a value from the data so that it cannot steer the terminal."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda found: repr(found[0])[1:-1], str(value))


def grid(*columns: Column | str) -> Table:
    """Return an empty table with a thin rule under its header and no other line."""
    return Table(
        *columns,
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
        pad_edge=False,
        header_style="dim",
        border_style="dim",
    )


def figure(header: str) -> Column:
    """Return a column of numbers."""
    return Column(header, justify="right", no_wrap=True)


def word(header: str) -> Column:
    """Return a column of identifiers."""
    return Column(header, no_wrap=True)


def amount(number: int | float | None) -> Text:
    """Write a count with thousands separators, or seconds with two decimals."""
    if number is None:
        return NONE
    return Text(f"{number:,}" if isinstance(number, int) else f"{number:,.2f}")


def noted(number: int, style: str) -> Text:
    """Write a count that should be 0, so that it stands out when it is not."""
    return Text(f"{number:,}", style if number else "dim")


def verdict_text(evaluated: int, failed: int, warned: int) -> Text:
    """Write how many rules were evaluated, and how many of them were not met."""
    if failed:
        return Text(f"{evaluated}, {failed} failed", "red")
    return Text(f"{evaluated}, {warned} warned", "yellow") if warned else Text(f"{evaluated}")


def plural(number: int, noun: str) -> str:
    """Write a number of things: `1 rule`, `2 rules`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(number: float) -> str:
    """Write bytes as people read them: `1.2 MB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def show_error(err: Console, sentence: str) -> None:
    """Print why something did not work."""
    err.print(Text.assemble(("Error: ", "red"), sentence))
