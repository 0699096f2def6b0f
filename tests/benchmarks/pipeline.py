"""A whole lake: gated, ungated, and by a naive script."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds

from stedi_glue.model.table import Zone
from stedi_glue.zones import STEDI
from tests.benchmarks import inputs, processes
from tests.benchmarks.figures import (
    BenchmarkError,
    medians,
    ratio_lines,
    ratios,
    span,
    tell,
    text_table,
)

CONTENDERS = ("gated", "ungated", "naive")
PAIRS = (("gated", "ungated"), ("naive", "gated"), ("naive", "ungated"))


def compare(
    landing: Path, engine: str, contenders: Sequence[str], repeat: int, data: Path
) -> dict[str, Any]:
    """Let contenders make a lake of the same landing data, in turns, and return the figures."""
    samples: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
    for turn in range(1, repeat + 1):
        for name in contenders:
            sample = _measure(name, landing, engine, data)
            samples[name].append(sample)
            tell(f"round {turn} of {repeat}, {name}: {sample['process']:.2f} s")
    agree({name: taken[0]["rows"] for name, taken in samples.items()})
    whole = medians({name: [one["process"] for one in taken] for name, taken in samples.items()})
    inner = medians({name: [one["run"] for one in taken] for name, taken in samples.items()})
    return {
        "engine": engine,
        "repeat": repeat,
        "median_seconds": whole,
        "ratios": ratios(whole, PAIRS),
        "median_run_seconds": inner,
        "run_ratios": ratios(inner, PAIRS),
        "samples": samples,
    }


def text(found: dict[str, Any]) -> str:
    """Show the figures of `compare`."""
    rows = []
    for name, samples in found["samples"].items():
        steps = samples[0]["steps"]
        rows.append(
            [
                name,
                f"{found['median_seconds'][name]:.2f}",
                span([sample["process"] for sample in samples]),
                f"{found['median_run_seconds'][name]:.2f}",
                *(
                    f"{medians({step: [s['steps'][step] for s in samples]})[step]:.2f}"
                    if steps
                    else "-"
                    for step in ("transform", "audit", "publish")
                ),
            ]
        )
    header = ["", "process s", "min - max", "run s", "transform s", "audit s", "publish s"]
    return "\n\n".join(
        part
        for part in (
            text_table(header, rows),
            ratio_lines(found["ratios"], " of the whole process"),
            ratio_lines(found["run_ratios"], " of the run"),
        )
        if part
    )


def _measure(name: str, landing: Path, engine: str, data: Path) -> dict[str, Any]:
    with inputs.fresh_lake(data) as lake:
        if name == "naive":
            done = processes.run("naive", landing, lake)
            rows = {
                table.name: ds.dataset(lake / table.name, format="parquet").count_rows()
                for table in STEDI.tables
                if table.zone is not Zone.LANDING
            }
        else:
            done = processes.run("product", name, landing, lake, engine)
            rows = done.said["rows"]
    return {
        "process": round(done.seconds, 3),
        "run": round(done.said["seconds"], 3),
        "steps": done.said.get("steps"),
        "rules": done.said.get("rules", 0),
        "rows": rows,
    }


def agree(rows: dict[str, dict[str, int]]) -> None:
    """Refuse figures of contenders that did not do the same work."""
    (first, expected), *others = rows.items()
    for name, made in others:
        if made != expected:
            raise BenchmarkError(
                f"{name} made other tables than {first}, so their times do not compare: "
                f"{made} instead of {expected}."
            )
