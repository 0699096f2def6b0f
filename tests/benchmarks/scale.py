"""How time and memory of a gated run grow with the data."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks import inputs, processes
from tests.benchmarks.figures import BenchmarkError, medians, tell, text_table


class Peak:
    """The most resident memory seen of a process and its children; in bytes."""

    def __init__(self) -> None:
        self.bytes = 0

    def look(self, pid: int) -> None:
        """Measure it now."""
        import psutil

        total = 0
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(pid)
            for member in (parent, *parent.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    total += member.memory_info().rss
        self.bytes = max(self.bytes, total)


def measure(sizes: Sequence[int], engine: str, repeat: int, data: Path) -> dict[str, Any]:
    """Run the product once per size and round; return seconds and peak bytes for each size."""
    _require_psutil()
    roots = {rows: inputs.landing(data, rows) for rows in sizes}
    seconds: dict[int, list[float]] = {rows: [] for rows in sizes}
    peaks: dict[int, list[float]] = {rows: [] for rows in sizes}
    for turn in range(1, repeat + 1):
        for rows, root in roots.items():
            peak = Peak()
            with inputs.fresh_lake(data) as lake:
                done = processes.run("product", "gated", root, lake, engine, watch=peak.look)
            seconds[rows].append(done.seconds)
            peaks[rows].append(peak.bytes)
            tell(f"round {turn} of {repeat}, {rows:,} rows: {done.seconds:.2f} s")
    points = [
        {
            "rows": rows,
            "median_seconds": medians({"s": seconds[rows]})["s"],
            "median_peak_bytes": int(medians({"b": peaks[rows]})["b"]),
        }
        for rows in sizes
    ]
    return {
        "engine": engine,
        "repeat": repeat,
        "points": points,
        "exponents": {
            what: _exponent(points, f"median_{what}") for what in ("seconds", "peak_bytes")
        },
    }


def text(found: dict[str, Any]) -> str:
    """Show the figures of `measure`; the exponents between neighbours and over all sizes."""
    rows: list[list[str]] = []
    before: dict[str, Any] | None = None
    for point in found["points"]:
        pair = [before, point] if before else []
        rows.append(
            [
                f"{point['rows']:,}",
                f"{point['median_seconds']:.2f}",
                f"{_exponent(pair, 'median_seconds'):.2f}" if pair else "",
                f"{point['median_peak_bytes'] / 1e6:,.0f}",
                f"{_exponent(pair, 'median_peak_bytes'):.2f}" if pair else "",
            ]
        )
        before = point
    exponents = found["exponents"]
    if len(found["points"]) > 1:
        rows.append(
            ["all", "", f"{exponents['seconds']:.2f}", "", f"{exponents['peak_bytes']:.2f}"]
        )
    return text_table(["rows", "process s", "exponent", "peak MB", "exponent"], rows)


def _exponent(points: Sequence[dict[str, Any]], what: str) -> float | None:
    """Return the slope of the figure over the rows, both as logarithms; None for one point."""
    if len(points) < 2:
        return None
    slope, _ = np.polyfit([log(p["rows"]) for p in points], [log(p[what]) for p in points], 1)
    return round(float(slope), 3)


def _require_psutil() -> None:
    if find_spec("psutil") is None:
        raise BenchmarkError("Memory is measured with psutil: pip install -e '.[benchmark]'.")
