"""What every run did, kept in the lake: one small JSON file per run under `runs/`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from stedi_glue.backends.storage import open_storage
from stedi_glue.errors import LakeError
from stedi_glue.publish.ports import RuleResult, Snapshot
from stedi_glue.publish.report import Attempt, PastRun, RunReport

# An id begins with when its run began; a file of another name is not a run's.
_RUN = re.compile(r"\d{8}T\d{6}-")


class RunJournal:
    """Remembers the outcome of every run on a lake, also of those that published nothing."""

    def __init__(self, root: str) -> None:
        self._folder = f"{root}/runs"
        self._storage = open_storage(root)

    def record(self, report: RunReport) -> None:
        """Keep a run's report, and for each table the rules that were not met."""
        text = json.dumps(document(report))
        self._storage.write_text(f"{self._folder}/{report.run_id}.json", text)

    def runs(self) -> list[str]:
        """Return the ids of all runs, newest first."""
        names = (file.rpartition("/")[2].removesuffix(".json") for file in self._records())
        return [name for name in names if _RUN.match(name)]

    def documents(
        self, runs: Sequence[str], known: Mapping[str, dict[str, Any]]
    ) -> dict[str, dict[str, Any]]:
        """Return what is remembered of these runs, by their ids.

        known: runs that need not be read, by their ids.
        """
        found: dict[str, dict[str, Any]] = {}
        for run_id in runs:
            # What a run tells of others must not stop it.
            with suppress(LakeError):
                found[run_id] = known.get(run_id) or self._read(f"{self._folder}/{run_id}.json")
        return found

    def attempts(self, table: str) -> tuple[Attempt, ...]:
        """Return what became of a table in every run that named it, newest first."""
        return tuple(
            _attempt(document, content)
            for document in map(self._read, self._records())
            for content in document["tables"]
            if content["table"] == table
        )

    def _records(self) -> list[str]:
        paths = (file.path for file in self._storage.list(self._folder))
        return sorted((path for path in paths if path.endswith(".json")), reverse=True)

    def _read(self, path: str) -> dict[str, Any]:
        try:
            return dict(json.loads(self._storage.read_text(path) or ""))
        except ValueError as error:
            raise LakeError(
                f"The record of a run '{path}' is damaged; restore it, or delete it."
            ) from error


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


def document(report: RunReport) -> dict[str, Any]:
    """Return what is kept of a run: its report, and for each table the rules that were not met."""
    content = report.to_json() | {"started_at": report.started_at}
    for table, one in zip(report.tables, content["tables"], strict=True):
        unmet = table.verdict.unmet if table.verdict else ()
        one["suite"] = table.verdict.suite if table.verdict else table.table
        one["unmet"] = [asdict(rule) for rule in unmet]
    return content


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
        suite=content.get("suite", content["table"]),
    )
