"""Takes the README's pictures of pages: `python -m tests.pages.pictures`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser

from stedi_glue.pages.run_page import run_page
from stedi_glue.publish.report import RunReport
from stedi_glue.zones import STEDI
from tests.browsing import browsing, opened
from tests.pages import runs

FOLDER = Path(__file__).with_name("images")


def take(browser: Browser, run: RunReport, name: str, size: tuple[int, int], **how: object) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, "index.html")
        file.write_text(run_page(run, runs.earlier(60), STEDI), encoding="utf-8")
        with opened(browser, file, dark=bool(how.get("dark")), size=size) as one:
            one.page.evaluate("place => location.hash = place", how.get("place", ""))
            one.page.screenshot(path=FOLDER / f"{name}.png")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with browsing() as browser:
        take(browser, runs.held(), "report-held", (1280, 1180))
        take(browser, runs.warned(), "report-dark", (1280, 820), dark=True, place="#tables")
        take(browser, runs.held(), "report-phone", (390, 1180))


if __name__ == "__main__":
    main()
