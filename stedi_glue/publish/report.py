"""What a run did, table by table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from stedi_glue.errors import LakeError, StediError, TableHeld
from stedi_glue.publish.ports import RuleResult, Verdict

Status = Literal["published", "audited", "held", "skipped", "failed"]


@dataclass(frozen=True)
class Seconds:
    """Wall-clock seconds of a table's three steps; None for a step that did not run."""

    transform: float | None = None
    audit: float | None = None
    publish: float | None = None

    @property
    def total(self) -> float:
        """Seconds of all steps that ran."""
        return sum(one for one in (self.transform, self.audit, self.publish) if one is not None)


@dataclass(frozen=True)
class TableReport:
    """What became of one table.

    status: "published"; "audited" for landing data that passed; "held" by rules;
    "skipped" because a source was held or failed; "failed" on an error.
    rows: rows that were staged, whether published or held; None when nothing was staged.
    quarantined: rows that were left out because they broke rules, or raw records that could
    not be read; with `rows`, they are all there were. reasons: how many for each reason.
    mended: how many raw records were read only by a lenient rule, for each such rule.
    record: what the published snapshot says of itself (`Snapshot.summary`).
    reason: why it was not published, in one sentence; empty otherwise.
    """

    table: str
    zone: str
    status: Status
    rows: int | None = None
    quarantined: int = 0
    mended: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    snapshot_id: int | None = None
    record: Mapping[str, str] = field(default_factory=dict)
    verdict: Verdict | None = None
    seconds: Seconds = field(default_factory=Seconds)
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form: rules are counted, not listed."""
        verdict = self.verdict
        return {
            "table": self.table,
            "zone": self.zone,
            "status": self.status,
            "rows": self.rows,
            "quarantined": self.quarantined,
            "mended": dict(self.mended),
            "reasons": dict(self.reasons),
            "snapshot_id": self.snapshot_id,
            "expectations": {
                "evaluated": len(verdict.results) if verdict else 0,
                "failed": len(verdict.failed) if verdict else 0,
                "warnings": len(verdict.warnings) if verdict else 0,
                "quarantine": len(verdict.quarantined) if verdict else 0,
            },
            "seconds": {
                "transform": self.seconds.transform,
                "audit": self.seconds.audit,
                "publish": self.seconds.publish,
            },
            "reason": self.reason,
        }


@dataclass(frozen=True)
class RunReport:
    """What became of every table of a run, in lineage order.

    started_at: epoch milliseconds UTC.
    unrecorded: why the lake does not remember the run in full; empty when it does.
    """

    run_id: str
    engine: str
    tables: tuple[TableReport, ...]
    started_at: int = 0
    unrecorded: str = ""

    @property
    def status(self) -> Literal["published", "held", "failed"]:
        """The worst that happened: an error before a held table before success."""
        found = {table.status for table in self.tables}
        if "failed" in found:
            return "failed"
        return "held" if "held" in found else "published"

    @property
    def exit_code(self) -> int:
        """0 published, 1 error, 3 held by rules."""
        return 1 if self.unrecorded else {"published": 0, "failed": 1, "held": 3}[self.status]

    def table(self, name: str) -> TableReport:
        """Return the report of one table."""
        return next(table for table in self.tables if table.table == name)

    def raise_for_status(self) -> None:
        """Raise TableHeld or StediError with the reasons unless everything was published.

        LakeError when it was, but the lake does not remember how.
        """
        reasons = [f"{t.table}: {t.reason}" for t in self.tables if t.status in ("held", "failed")]
        if self.status == "held":
            raise TableHeld("; ".join(reasons))
        if self.status == "failed":
            raise StediError("; ".join(reasons))
        if self.unrecorded:
            raise LakeError(self.unrecorded)

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {
            "run_id": self.run_id,
            "engine": self.engine,
            "status": self.status,
            "tables": [table.to_json() for table in self.tables],
        }


@dataclass(frozen=True)
class Attempt:
    """What became of one table in one run, as the lake remembers it.

    started_at: when the run began, epoch milliseconds UTC.
    rows: rows that were staged; None when nothing was.
    snapshot_id: what was published; None when nothing was.
    quarantined: rows or raw records that were left out besides.
    seconds: of all its steps; None when that was not recorded.
    unmet: the rules that were not met, of every severity.
    suite: what its rules are called.
    """

    run_id: str
    started_at: int
    engine: str
    status: Status
    rows: int | None
    snapshot_id: int | None
    evaluated: int
    failed: int
    warned: int
    quarantined: int = 0
    seconds: float | None = None
    unmet: tuple[RuleResult, ...] = ()
    reason: str = ""
    suite: str = ""


@dataclass(frozen=True)
class PastRun:
    """One run as the lake remembers it: what became of each table it named.

    started_at: epoch milliseconds UTC.
    """

    run_id: str
    started_at: int
    engine: str
    status: str
    attempts: Mapping[str, Attempt]
