"""How fast pages open, in headless Chromium."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Page

from stedi_glue.pages.run_page import run_page
from stedi_glue.pages.runs_page import runs_page
from stedi_glue.zones import STEDI
from tests.benchmarks.figures import medians, span, tell, text_table
from tests.browsing import browsing, opened
from tests.pages import runs

# Since the browser was asked for the page: until its first text or picture is seen, and until
# all of it is there.
_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
_LOADED = "performance.getEntriesByType('navigation')[0]?.loadEventEnd"


def measure(repeat: int) -> dict[str, Any]:
    """Open each page `repeat` times; return its bytes, and seconds until it is seen and loaded."""
    loaded: dict[str, list[float]] = {}
    painted: dict[str, list[float]] = {}
    with TemporaryDirectory() as folder, browsing() as browser:
        files = _files(Path(folder))
        for turn in range(1, repeat + 1):
            tell(f"round {turn} of {repeat}")
            for name, file in files.items():
                with opened(browser, file) as one:
                    for samples, asked in ((loaded, _LOADED), (painted, _PAINTED)):
                        samples.setdefault(name, []).append(_told(one.page, asked))
        sizes = {name: file.stat().st_size for name, file in files.items()}
    return {
        "bytes": sizes,
        "median_seconds_painted": medians(painted),
        "median_seconds_loaded": medians(loaded),
        "samples": loaded,
    }


def _told(page: Page, asked: str) -> float:
    """Return what the browser says, in seconds, once it is known."""
    while not (milliseconds := page.evaluate(asked)):
        page.wait_for_timeout(10)
    return float(milliseconds) / 1000


def text(found: Mapping[str, Any]) -> str:
    """Show what was measured."""
    header = ["page", "kB", "painted s", "loaded s", "loaded, range"]
    rows = [
        [
            name,
            f"{size / 1000:,.0f}",
            f"{found['median_seconds_painted'][name]:.3f}",
            f"{found['median_seconds_loaded'][name]:.3f}",
            span(found["samples"][name]),
        ]
        for name, size in found["bytes"].items()
    ]
    return text_table(header, rows)


def _files(folder: Path) -> dict[str, Path]:
    pages = {
        "first run": run_page(runs.published(), (), STEDI),
        "held run, 200 earlier": run_page(runs.held(), runs.earlier(200), STEDI),
        "run with warnings, 200 earlier": run_page(runs.warned(), runs.earlier(200), STEDI),
        "list of 199 runs": runs_page(runs.earlier(199), STEDI, {}, newest=True),
    }
    files = {}
    for place, (name, content) in enumerate(pages.items()):
        files[name] = folder / f"{place}.html"
        files[name].write_text(content, encoding="utf-8")
    return files
