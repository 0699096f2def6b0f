"""Figures, and how they are shown."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from statistics import median

PACKAGES = (
    "stedi_glue",
    "pyspark",
    "pysail",
    "great-expectations",
    "pyiceberg",
    "pyarrow",
    "cuallee",
    "soda-core-spark-df",
)


class BenchmarkError(Exception):
    """A measurement that would mean nothing, in one sentence for the user."""


def machine() -> dict[str, object]:
    """Describe what the figures were taken on; memory in bytes."""
    return {
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load_average": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version(), **_versions()},
    }


def machine_line(found: Mapping[str, object]) -> str:
    """Say in one line what the figures were taken on."""
    memory = int(str(found["memory_bytes"])) / 1e9
    versions = found["versions"]
    assert isinstance(versions, dict)
    known = ", ".join(f"{name} {number}" for name, number in versions.items())
    return f"{found['cores']} cores, {memory:.0f} GB, load {found['load_average']}; {known}"


def medians(samples: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return the median of each contender's seconds."""
    return {name: round(median(seconds), 3) for name, seconds in samples.items()}


def ratios(found: Mapping[str, float], pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Return `a_over_b` for each pair of which both were measured."""
    return {
        f"{one}_over_{other}": round(found[one] / found[other], 3)
        for one, other in pairs
        if one in found and other in found
    }


def span(seconds: Sequence[float]) -> str:
    """Show the range of some seconds."""
    return f"{min(seconds):.2f} - {max(seconds):.2f}"


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align rows under a header: the first column to the left, figures to the right."""
    lines = [header, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def ratio_lines(found: Mapping[str, float], note: str = "") -> str:
    """Show ratios one below the other."""
    return "\n".join(f"{name} {value:.2f}{note}" for name, value in found.items())


def tell(progress: str) -> None:
    """Show progress, beside the results."""
    sys.stderr.write(f"{progress}\n")
    sys.stderr.flush()


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
