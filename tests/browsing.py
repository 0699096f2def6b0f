"""A real browser for pages of the project, and what every one of them must hold to."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
DESK, PHONE = (1280, 900), (390, 844)


@dataclass
class Opened:
    """A page in the browser, with what it asked for and complained about."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Hold the page to what every page promises."""
        assert self.complaints == []
        assert [url for url in self.requests if not url.startswith("file:")] == []
        found = Axe().run(self.page).response["violations"]
        grave = [one for one in found if one["impact"] in ("serious", "critical")]
        said = [(one["id"], one["nodes"][0]["html"][:200]) for one in grave]
        assert not said, said
        # Nothing is wider than the screen.
        assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@contextmanager
def browsing() -> Iterator[Browser]:
    """Start Chromium; skip when there is none, but not in CI."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None and os.environ.get("CI") != "true":
        pytest.skip("these tests need Chromium on the PATH, for example Debian's 'chromium'")
    # Root has no sandbox.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=arguments)
        processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
        yield browser
        # Asked to close, Chromium now and then does nothing until Playwright's patience of 30
        # seconds is over. It leads a group of processes, and nothing of them is kept.
        leader = next(one["id"] for one in processes["processInfo"] if one["type"] == "browser")
        os.killpg(leader, signal.SIGKILL)
        browser.close()


@contextmanager
def opened(
    browser: Browser, file: Path, *, dark: bool = False, size: tuple[int, int] = DESK
) -> Iterator[Opened]:
    """Open a file in a fresh window, without a network."""
    options: dict[str, Any] = {"color_scheme": "dark" if dark else "light", "offline": True}
    width, height = size
    with browser.new_context(viewport={"width": width, "height": height}, **options) as context:
        one = Opened(context.new_page())
        one.page.on("request", lambda request: one.requests.append(request.url))
        one.page.on("pageerror", lambda error: one.complaints.append(str(error)))
        one.page.on(
            "console",
            lambda said: said.type in ("error", "warning") and one.complaints.append(said.text),
        )
        one.page.goto(file.as_uri())
        yield one
