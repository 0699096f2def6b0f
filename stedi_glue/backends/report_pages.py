"""The page of every run, in the lake's `docs/`; the newest is also `docs/index.html`."""

from __future__ import annotations

import json
from typing import Any

from stedi_glue.backends.journal import RunJournal, past_run
from stedi_glue.backends.storage import open_storage
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.pages import addresses
from stedi_glue.publish.report import PastRun, RunReport

# Runs a page compares with and lists; what is older is on the oldest listed page.
EARLIER = 200


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
        """Keep a run's report, and write its page."""
        from stedi_glue.pages.run_page import run_page

        recent = self._journal.recent(EARLIER, self._known())
        earlier = [past_run(document) for document in recent.values()]
        self._journal.record(report)
        text = run_page(report, earlier, self._pipeline)
        for page in (addresses.run_page(report.run_id), addresses.LATEST):
            self._storage.write_text(f"{self._folder}/{page}", text)
        now = report.to_json() | {"started_at": report.started_at}
        kept = {report.run_id: now, **recent}
        self._storage.write_text(f"{self._folder}/recent.json", json.dumps(_brief(kept)))

    def earlier(self, run_id: str) -> tuple[PastRun, ...]:
        """Return the last runs before one, newest first."""
        recent = self._journal.recent(EARLIER, self._known())
        return tuple(past_run(document) for name, document in recent.items() if name < run_id)

    def _known(self) -> dict[str, dict[str, Any]]:
        text = self._storage.read_text(f"{self._folder}/recent.json")
        try:
            return dict(json.loads(text or "{}"))
        except ValueError:
            return {}


def _brief(runs: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Leave out what only a run's own page shows."""
    return {
        run_id: {**run, "tables": [_without(table, "unmet", "reasons") for table in run["tables"]]}
        for run_id, run in list(runs.items())[:EARLIER]
    }


def _without(content: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key not in keys}
