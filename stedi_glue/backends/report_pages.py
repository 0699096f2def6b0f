"""The page of every run, in the lake's `docs/`, and lists of all; the newest is `index.html`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from stedi_glue.backends.journal import RunJournal, document, past_run
from stedi_glue.backends.storage import open_storage
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.pages import addresses
from stedi_glue.publish.report import PastRun, RunReport

# Runs a page compares with and lists; what is older is on the oldest listed page.
EARLIER = 200
# Runs on each page of older ones; the page of the newest lists up to twice as many.
LISTED = 100


class ReportPages:
    """A journal that also shows what it remembers.

    Earlier runs come from one file beside the pages, `recent.json`: reading hundreds from S3
    would take longer than the run. What it lacks is read from the journal.
    """

    def __init__(self, root: str, pipeline: Pipeline, journal: RunJournal) -> None:
        self._folder = f"{root}/docs"
        self._storage = open_storage(root)
        self._pipeline = pipeline
        self._journal = journal

    def record(self, report: RunReport) -> None:
        """Keep a run's report, write its page, and list it."""
        from stedi_glue.pages.run_page import run_page

        runs = self._journal.runs()
        recent = self._journal.documents(runs[:EARLIER], self._known())
        earlier = [past_run(one) for one in recent.values()]
        self._journal.record(report)
        text = run_page(report, earlier, self._pipeline)
        for page in (addresses.run_page(report.run_id), addresses.LATEST):
            self._storage.write_text(f"{self._folder}/{page}", text)
        recent = {report.run_id: document(report), **recent}
        self._storage.write_text(f"{self._folder}/recent.json", json.dumps(_brief(recent)))
        self._list([report.run_id, *runs], recent)

    def earlier(self, run_id: str) -> tuple[PastRun, ...]:
        """Return the last runs before one, newest first."""
        runs = [run for run in self._journal.runs() if run < run_id][:EARLIER]
        return self._past(runs, self._known())

    def _list(self, runs: Sequence[str], known: Mapping[str, dict[str, Any]]) -> None:
        """Write the page of the newest runs, and those of older ones that are not there yet."""
        closed = max(len(runs) // LISTED - 1, 0)
        oldest_first = runs[::-1]
        began = {
            number: _began(oldest_first[(number - 1) * LISTED]) for number in range(1, closed + 1)
        }
        new = []
        for number in reversed(began):
            # Each is written once, the oldest first, so those before one that is there are, too.
            if not self._storage.missing([f"{self._folder}/{addresses.runs_page(number)}"]):
                break
            new.append(number)
        for number in reversed(new):
            part = oldest_first[(number - 1) * LISTED : number * LISTED]
            older = {one: start for one, start in began.items() if one < number}
            self._write_list(number, part, known, older)
        self._write_list(0, oldest_first[closed * LISTED :], known, began)

    def _write_list(
        self,
        number: int,
        oldest_first: Sequence[str],
        known: Mapping[str, dict[str, Any]],
        older: Mapping[int, int],
    ) -> None:
        from stedi_glue.pages.runs_page import runs_page

        runs = self._past(oldest_first[::-1], known)
        page = runs_page(runs, self._pipeline, older, newest=not number)
        self._storage.write_text(f"{self._folder}/{addresses.runs_page(number)}", page)

    def _past(
        self, runs: Sequence[str], known: Mapping[str, dict[str, Any]]
    ) -> tuple[PastRun, ...]:
        return tuple(past_run(one) for one in self._journal.documents(runs, known).values())

    def _known(self) -> dict[str, dict[str, Any]]:
        try:
            text = self._storage.read_text(f"{self._folder}/recent.json")
            return dict(json.loads(text or "{}"))
        except ValueError:
            return {}


def _began(run_id: str) -> int:
    """Return when a run began, epoch milliseconds UTC, as its id tells."""
    moment = datetime.strptime(run_id.partition("-")[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def _brief(runs: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Leave out what only a run's own page shows."""
    return {
        run_id: {**run, "tables": [_without(table, "unmet", "reasons") for table in run["tables"]]}
        for run_id, run in list(runs.items())[:EARLIER]
    }


def _without(content: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key not in keys}
