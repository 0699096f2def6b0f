"""What every run did, kept in the lake: one small JSON file per run under `runs/`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from stedi_glue.backends.storage import open_storage
from stedi_glue.errors import LakeError
from stedi_glue.publish.ports import RuleResult, Snapshot
from stedi_glue.publish.report import Attempt, RunReport


class RunJournal:
    """Remembers the outcome of every run on a lake, also of those that published nothing."""

    def __init__(self, root: str) -> None:
        self._folder = f"{root}/runs"
        self._storage = open_storage(root)

    def record(self, report: RunReport) -> None:
        """Keep a run's report, and for each table the rules that were not met."""
        document = report.to_json() | {"started_at": report.started_at}
        for table, content in zip(report.tables, document["tables"], strict=True):
            unmet = [r for r in table.verdict.results if not r.passed] if table.verdict else []
            content["unmet"] = [asdict(result) for result in unmet]
        self._storage.write_text(f"{self._folder}/{report.run_id}.json", json.dumps(document))

    def attempts(self, table: str) -> tuple[Attempt, ...]:
        """Return what became of a table in every run that named it, newest first."""
        found = []
        for file in reversed(self._storage.list(self._folder)):
            if not file.path.endswith(".json"):
                continue
            try:
                document = json.loads(self._storage.read_text(file.path) or "{}")
            except ValueError as error:
                raise LakeError(
                    f"The record of a run '{file.path}' is damaged; restore or delete it."
                ) from error
            found += [
                _attempt(document, content)
                for content in document.get("tables", [])
                if content["table"] == table
            ]
        return tuple(found)


def told(snapshot: Snapshot) -> Attempt:
    """Return what a snapshot tells of the run that published it."""
    summary = snapshot.summary
    return Attempt(
        run_id=summary.get("stedi.run-id", ""),
        started_at=snapshot.published_at,
        engine=summary.get("stedi.engine", ""),
        status="published",
        rows=snapshot.rows,
        snapshot_id=snapshot.snapshot_id,
        evaluated=int(summary.get("stedi.rules-evaluated", 0)),
        failed=0,
        warned=int(summary.get("stedi.rules-warned", 0)),
    )


def _attempt(document: dict[str, Any], content: dict[str, Any]) -> Attempt:
    return Attempt(
        run_id=document["run_id"],
        started_at=document["started_at"],
        engine=document["engine"],
        status=content["status"],
        rows=content["rows"],
        snapshot_id=content["snapshot_id"],
        evaluated=content["expectations"]["evaluated"],
        failed=content["expectations"]["failed"],
        warned=content["expectations"]["warnings"],
        unmet=tuple(RuleResult(**result) for result in content["unmet"]),
        reason=content["reason"],
    )
