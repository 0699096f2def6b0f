"""From a run to the rule it failed and on to Great Expectations' page, in a real browser."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, expect

from stedi_glue.entry.serve import PageServer
from stedi_glue.lakehouse import Lakehouse
from tests.browsing import PHONE, browsing, opened
from tests.entry.conftest import Stedi

FAR = {
    "type": "expect_column_values_to_be_between",
    "kwargs": {"column": "distanceFromObject", "max_value": 150},
    "severity": "critical",
    "notes": "Nothing is farther away than 150 cm.",
}
NAMES = {
    "type": "expect_column_value_lengths_to_be_between",
    "kwargs": {"column": "customerName", "max_value": 2},
    "severity": "warning",
    "notes": "Names are short.",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


def test_a_held_run_is_followed_from_its_report_to_the_data_docs(
    browser: Browser, stedi: Stedi, demo_lake: Path, own_rules: Path
) -> None:
    for table, rule in (("step_trainer_trusted", FAR), ("customer_trusted", NAMES)):
        file = own_rules / f"{table}.json"
        suite = json.loads(file.read_text("utf-8"))
        suite["expectations"].append(rule)
        file.write_text(json.dumps(suite), encoding="utf-8")
    assert stedi("run", "--lake", demo_lake, "--rules", own_rules).code == 3
    report = Path(stedi("docs", "--lake", demo_lake).out.strip())
    with opened(browser, report) as one:
        page = one.page
        one.check()
        expect(page.get_by_role("heading", level=1)).to_have_text("Held: step_trainer_trusted")
        far = page.locator("#rules .held .rows td:first-child").all_text_contents()
        assert far
        assert all(int(value) > 150 for value in far)
        # Somebody who knows the readings knows these.
        heads = page.locator("#rules .held .rows th").all_text_contents()
        assert heads == ["distanceFromObject", "sensorReadingTime", "serialNumber"]
        # Nobody's name is told.
        page.get_by_text("Names are short").click()
        names = page.locator("#rules .warned .rows td:first-child").all_text_contents()
        assert names
        assert all(len(name) == 2 and name.endswith("…") for name in names)

        page.get_by_role("link", name="Data Docs of step_trainer_trusted").click()
        one.check()
        expect(page.locator("main")).to_contain_text("Nothing is farther away than 150 cm.")
        met = page.get_by_text("Every reading has a distance")
        expect(met.first).to_be_visible()
        page.get_by_label("Show only what failed").check()
        expect(met.first).to_be_hidden()
        expect(page.get_by_text("Nothing is farther away than 150 cm.")).to_be_visible()

        page.get_by_role("link", name="Data Docs", exact=False).first.click()
        one.check()
        listed = page.locator("section").first.locator("tbody tr")
        # This run's results, and those of the run that built the lake.
        assert listed.count() >= 15
        page.get_by_role("link", name="All runs", exact=True).click()
        one.check()
        signs = page.locator("tbody tr").first.get_by_role("link")
        assert signs.count() >= 7
        signs.nth(2).click()
        expect(page.locator("main")).to_contain_text("accelerometer_landing")
        page.get_by_role("link", name="Data Docs", exact=False).first.click()
        page.get_by_role("link", name="customer_trusted").last.click()
        one.check()
        expect(page.locator("main")).to_contain_text("Every customer agreed to share data")
        page.get_by_role("link", name="Run report").click()
        page.locator("#runs tbody a").last.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Published")


def test_data_docs_are_readable_on_a_phone(browser: Browser, demo_lake: Path) -> None:
    folder = demo_lake / "docs" / "data_docs"
    result = next(folder.glob("validations/machine_learning_curated/*/*/*.html"))
    for file in (folder / "index.html", result):
        with opened(browser, file, dark=True, size=PHONE) as one:
            one.check()


def test_pages_are_served_to_this_machine_alone(demo_lake: Path) -> None:
    with Lakehouse.open(demo_lake) as lake, PageServer(lake.page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        assert server.server_address[0] == "127.0.0.1"

        def get(path: str, host: str | None = None) -> tuple[int, str]:
            connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
            connection.request("GET", path, headers={"Host": host} if host else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

        assert get("/") == (200, (demo_lake / "docs" / "index.html").read_text("utf-8"))
        assert "machine_learning_curated" in get("/data_docs/index.html")[1]
        assert get("/nothing.html")[0] == 404
        assert get("/../catalog.db")[0] == 404
        assert get("/%2e%2e/docs/index.html")[0] == 404
        assert get("/recent.json")[0] == 404
        for never in ("/%00.html", "/%5c.html", "http://[/index.html"):
            assert get(never, "localhost:80")[0] == 404
        # A name of somebody else's that leads here.
        assert get("/", "example.com:80")[0] == 404
        server.shutdown()


def test_a_taken_port_is_a_usage_error(stedi: Stedi, demo_lake: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = stedi("docs", "--lake", demo_lake, "--serve", "--port", str(port))
    assert said.code == 2
    assert f"Cannot serve on port {port}" in said.err


def test_serving_ends_with_an_interrupt(demo_lake: Path) -> None:
    program = Path(sys.executable).with_name("stedi-glue")
    command = [program, "docs", "--lake", demo_lake, "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as served:
        try:
            assert served.stdout
            address = served.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:")
            with urlopen(address, timeout=10) as answer:
                assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
            served.send_signal(signal.SIGINT)
            assert served.wait(timeout=30) == 0
        finally:
            served.kill()
