from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tests.benchmarks
from tests.benchmarks import audit, page, pipeline, scale
from tests.benchmarks.figures import BenchmarkError, machine, machine_line
from tests.benchmarks.inputs import landing

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "stedi_glue", "benchmarks")
UNITS = {"": 1, "k": 1_000, "m": 1_000_000}


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and return the exit code."""
    options = _parser().parse_args(arguments)
    found: dict[str, Any] = {
        "benchmark": options.benchmark,
        "command": shlex.join(["python", "-m", "tests.benchmarks", *arguments]),
        "machine": machine(),
    }
    try:
        measured, text = _measure(options)
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    found.update(measured)
    if options.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        about = f"{found['command']}\n{machine_line(found['machine'])}"
        sys.stdout.write(f"{about}\n\n{text}\n")
    return 0


def _measure(options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    if options.benchmark == "page":
        found = page.measure(options.repeat)
        return found, page.text(found)
    engine, repeat, data = options.engine, options.repeat, options.data.expanduser().resolve()
    match options.benchmark:
        case "pipeline":
            contenders = _kept(pipeline.CONTENDERS, options.without)
            found = pipeline.compare(landing(data, options.rows), engine, contenders, repeat, data)
            return {"rows": options.rows, **found}, pipeline.text(found)
        case "start":
            root = options.landing.expanduser().resolve()
            found = pipeline.compare(root, engine, ("gated", "naive"), repeat, data)
            return found, pipeline.text(found)
        case "audit":
            contenders = _kept(audit.CONTENDERS, options.without)
            limit = options.limit
            found = audit.compare(options.rows, engine, contenders, repeat, data, limit)
            return {"rows": options.rows, **found}, audit.text(found)
    found = scale.measure(options.sizes, engine, repeat, data)
    return found, scale.text(found)


def _kept(contenders: Sequence[str], without: Sequence[str]) -> list[str]:
    kept = [name for name in contenders if name not in without]
    if not kept:
        raise BenchmarkError("Nothing is left to measure; name fewer contenders after --without.")
    return kept


def _rows(text: str) -> int:
    found = re.fullmatch(r"([0-9][0-9_]*)([kM]?)", text)
    if not found or int(found[1]) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of rows like 5000, 300k or 10M")
    return int(found[1]) * UNITS[found[2].lower()]


def _sizes(text: str) -> list[int]:
    return sorted({_rows(size) for size in text.split(",")})


def _times(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of rounds")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=tests.benchmarks.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(dest="benchmark", required=True)

    def kind(name: str, about: str, repeat: int) -> argparse.ArgumentParser:
        added = kinds.add_parser(name, help=about, description=about)
        added.add_argument("--repeat", type=_times, default=repeat, metavar="K", help="rounds")
        added.add_argument("--json", action="store_true", help="print one JSON object")
        return added

    def running(name: str, about: str, repeat: int) -> argparse.ArgumentParser:
        added = kind(name, about, repeat)
        added.add_argument("--engine", choices=["sail", "spark"], default="sail")
        added.add_argument("--data", type=Path, default=CACHE, help="where generated data is kept")
        return added

    def size(added: argparse.ArgumentParser, contenders: Sequence[str]) -> None:
        added.add_argument("--rows", type=_rows, default=300_000, help="accelerometer rows")
        added.add_argument(
            "--without", action="append", choices=contenders, default=[], help="leave one out"
        )

    size(running("pipeline", "gated against ungated and naive", 3), pipeline.CONTENDERS)
    small = running("start", "from nothing to published tables on small data, against naive", 3)
    small.add_argument("--landing", type=Path, required=True, help="holds customer/landing etc.")
    judging = running("audit", "the audit alone, against peers", 5)
    judging.add_argument(
        "--limit", type=int, default=600, metavar="S", help="seconds until a contender is stopped"
    )
    size(judging, audit.CONTENDERS)
    growing = running("scale", "time and memory as the data grows", 1)
    growing.add_argument("--sizes", type=_sizes, default=_sizes("1M,3M,10M,30M"))
    kind("page", "until a browser has opened the report of a run, and the list of runs", 9)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
