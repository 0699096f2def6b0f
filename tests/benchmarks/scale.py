"""How time and memory of a gated run grow with the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks import inputs, processes
from tests.benchmarks.figures import BenchmarkError, medians, tell, text_table


def measure(sizes: Sequence[int], engine: str, repeat: int, data: Path) -> dict[str, Any]:
    """Run the product once per size and round; return seconds and peak bytes for each size."""
    bytes_of = _resident()
    roots = {rows: inputs.landing(data, rows) for rows in sizes}
    seconds: dict[int, list[float]] = {rows: [] for rows in sizes}
    peaks: dict[int, list[float]] = {rows: [] for rows in sizes}
    for turn in range(1, repeat + 1):
        for rows, root in roots.items():
            seen: list[int] = []
            with inputs.fresh_lake(data) as lake:
                done = processes.run(
                    "product",
                    "gated",
                    root,
                    lake,
                    engine,
                    watch=lambda pid, seen=seen: seen.append(bytes_of(pid)),  # type: ignore[misc]
                )
            seconds[rows].append(done.seconds)
            peaks[rows].append(max(seen))
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
    rows, before = [], None
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


def _resident() -> Callable[[int], int]:
    """Return what measures the resident memory of a process and its children."""
    try:
        import psutil
    except ImportError:
        raise BenchmarkError(
            "Memory is measured with psutil: pip install -e '.[benchmark]'."
        ) from None

    def resident(pid: int) -> int:
        total = 0
        try:
            parent = psutil.Process(pid)
            family = [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return 0
        for member in family:
            try:
                total += member.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total

    return resident
