"""What every run did, kept in the lake: one small JSON file per run under `runs/`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from stedi_glue.backends.storage import open_storage
from stedi_glue.publish.ports import RuleResult, Snapshot
from stedi_glue.publish.report import Attempt, PastRun, RunReport


class RunJournal:
    """Remembers the outcome of every run on a lake, also of those that published nothing."""

    def __init__(self, root: str) -> None:
        self._folder = f"{root}/runs"
        self._storage = open_storage(root)

    def record(self, report: RunReport) -> None:
        """Keep a run's report, and for each table the rules that were not met."""
        document = _document(report)
        for table, content in zip(report.tables, document["tables"], strict=True):
            unmet = table.verdict.unmet if table.verdict else ()
            content["unmet"] = [asdict(result) for result in unmet]
        self._storage.write_text(f"{self._folder}/{report.run_id}.json", json.dumps(document))

    def recent(self, limit: int, known: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Return what is remembered of the last runs, by their ids, newest first.

        known: runs that need not be read, by their ids.
        """
        names = [file.path.rpartition("/")[2] for file in self._storage.list(self._folder)]
        found = {}
        for run_id in sorted((name.removesuffix(".json") for name in names), reverse=True)[:limit]:
            found[run_id] = known.get(run_id) or json.loads(
                self._storage.read_text(f"{self._folder}/{run_id}.json") or "{}"
            )
        return found

    def attempts(self, table: str) -> tuple[Attempt, ...]:
        """Return what became of a table in every run that named it, newest first."""
        found = []
        for file in reversed(self._storage.list(self._folder)):
            document = json.loads(self._storage.read_text(file.path) or "{}")
            found += [
                _attempt(document, content)
                for content in document.get("tables", [])
                if content["table"] == table
            ]
        return tuple(found)


def past_run(document: dict[str, Any]) -> PastRun:
    """Return what a run's document says."""
    attempts = {content["table"]: _attempt(document, content) for content in document["tables"]}
    return PastRun(
        run_id=document["run_id"],
        started_at=document["started_at"],
        engine=document["engine"],
        status=document["status"],
        attempts=attempts,
    )


def _document(report: RunReport) -> dict[str, Any]:
    return report.to_json() | {"started_at": report.started_at}


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
        quarantined=snapshot.quarantined,
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
        quarantined=content["quarantined"],
        seconds=sum(one for one in content["seconds"].values() if one is not None),
        unmet=tuple(RuleResult(**result) for result in content.get("unmet", ())),
        reason=content["reason"],
    )
