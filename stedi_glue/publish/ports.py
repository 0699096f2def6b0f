"""What publication needs from the outside, as protocols; `backends` fulfils them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stedi_glue.model.table import Table
    from stedi_glue.publish.report import RunReport


@dataclass(frozen=True)
class RuleResult:
    """The outcome of one rule on one table.

    rule: the expectation's type, and the columns it looks at.
    note: the rule in plain words, from the rules file.
    severity: "critical", "warning" or "info".
    observed: what was seen, in words; never a personal value.
    limit: the greatest share of rows that it sends to quarantine; None when it sends none.
    judged, broke: how many rows it looked at, and how many of them broke it; 0 when it is
    about something else than single rows.
    samples: a few of the rows that did not meet it, by column; personal values masked.
    """

    rule: str
    note: str
    severity: str
    passed: bool
    observed: str = ""
    samples: tuple[Mapping[str, str], ...] = ()
    limit: float | None = None
    judged: int = 0
    broke: int = 0

    def __str__(self) -> str:
        seen = f" ({self.observed})" if self.observed else ""
        return f"{self.note or self.rule}{seen}"


@dataclass(frozen=True)
class Verdict:
    """What the rules of a table said about its staged files.

    newest: of columns with moments whose newest a rule looked at, in epoch milliseconds UTC.
    quarantined: rules that sent rows to quarantine before, as they were found then.
    """

    suite: str
    results: tuple[RuleResult, ...]
    newest: Mapping[str, int] = field(default_factory=dict)
    quarantined: tuple[RuleResult, ...] = ()

    def _unmet(self, severity: str) -> tuple[RuleResult, ...]:
        return tuple(r for r in self.results if not r.passed and r.severity == severity)

    @property
    def failed(self) -> tuple[RuleResult, ...]:
        """Critical rules that were not met: they hold the table."""
        return self._unmet("critical")

    @property
    def warnings(self) -> tuple[RuleResult, ...]:
        """Warning rules that were not met: the table is published and they are reported."""
        return self._unmet("warning")

    @property
    def separable(self) -> tuple[RuleResult, ...]:
        """Rules that were not met by rows which may go to quarantine.

        None when the rows of any such rule are more than it may send there.
        """
        unmet = tuple(r for r in self.results if not r.passed and r.limit is not None)
        within = all(0 < r.broke <= r.limit * r.judged for r in unmet if r.limit is not None)
        return unmet if within else ()

    @property
    def unmet(self) -> tuple[RuleResult, ...]:
        """Every rule that was not met, also those whose rows went to quarantine."""
        return (*self.quarantined, *(r for r in self.results if not r.passed))

    @property
    def passed(self) -> bool:
        """Whether the table may be published."""
        return not self.failed


@dataclass(frozen=True)
class Staged:
    """Immutable Parquet files that no reader sees yet.

    version: for landing tables a fingerprint of the raw files, else the run that wrote them.
    quarantined: raw records left out because they could not be read, or rows that were
    separated because they broke rules.
    reasons: how many of them for each reason.
    mended: how many raw records were read only by a lenient rule, for each such rule.
    """

    files: tuple[str, ...]
    rows: int
    version: str = ""
    quarantined: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    mended: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """One published state of a table.

    published_at: epoch milliseconds UTC.
    summary: the verdict and lineage recorded with it (`stedi.*` keys) and Iceberg's own figures.
    """

    table: str
    snapshot_id: int
    published_at: int
    current: bool
    summary: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of the table in this state."""
        return int(self.summary.get("stedi.rows", self.summary.get("total-records", 0)))

    @property
    def quarantined(self) -> int:
        """Rows that were left out of it because they broke rules."""
        return int(self.summary.get("stedi.quarantined", 0))


class Engine(Protocol):
    """Something that runs PySpark DataFrames."""

    @property
    def name(self) -> str:
        """What users call it."""

    def start(self) -> None:
        """Be ready for work; by itself an engine starts when it is first used."""

    def read(self, table: Table, files: Sequence[str]) -> DataFrame:
        """Read exactly these Parquet files; no files give no rows, with the table's schema."""

    def explaining(self, what: str) -> AbstractContextManager[None]:
        """Turn what the engine raises into one sentence: "<what>: <why>"; it quotes no row."""

    def write(self, frame: DataFrame, folder: str) -> None:
        """Write the frame as Parquet files into a new folder; an empty frame may write none."""

    def query(self, sql: str, views: Mapping[str, DataFrame]) -> DataFrame:
        """Run SQL over the named frames."""

    def close(self) -> None:
        """Release the engine; it can be used no more."""


class Landing(Protocol):
    """Raw data from outside, parsed once."""

    def check(self, tables: Sequence[Table]) -> None:
        """Raise LandingError unless every landing table has raw files."""

    def stage(self, table: Table, run_id: str) -> Staged:
        """Parse what is new in a table's raw files and return all its records as Parquet."""

    def staged(self, table: Table) -> Staged | None:
        """Return what was last staged, without looking at the raw files."""

    def read(self, table: Table, staged: Staged) -> DataFrame:
        """Read the good records of a landing table."""

    def problems(self, table: Table, staged: Staged) -> DataFrame:
        """Read the records that could not be used: `_file`, `_problem`, `_raw`."""


class Catalog(Protocol):
    """Knows which files make up each published table."""

    def current(self, table: Table) -> Snapshot | None:
        """Return what readers see now; None when the table was never published."""

    def contract(self, table: Table, snapshot_id: int | None = None) -> Table:
        """Return the contract that a snapshot, by default the current one, was published with."""

    def files(self, table: Table, snapshot_id: int | None = None) -> tuple[str, ...]:
        """Return the data files of a snapshot, by default the current one."""

    def new_folder(self, table: Table, run_id: str) -> str:
        """Return the folder under the table's location where a run stages its files."""

    def quarantine_folder(self, table: Table, run_id: str) -> str:
        """Return the folder beside the table for the rows that a run leaves out of it."""

    def written(self, folder: str) -> Staged:
        """Return the Parquet files in a folder and how many rows they hold."""

    def publish(
        self, table: Table, staged: Staged, summary: Mapping[str, str], onto: int | None = None
    ) -> Snapshot:
        """Replace the table's rows by the staged files, in one atomic commit.

        onto: the snapshot that was current when they were begun, 0 when there was none; by
        default the one that is now. Raises LakeError when another one is.
        """

    def history(self, table: Table) -> tuple[Snapshot, ...]:
        """Return the retained snapshots, newest first."""

    def rollback(self, table: Table, snapshot_id: int | None = None) -> Snapshot:
        """Make an earlier snapshot current again; by default the one before the current."""

    def tidy(self, table: Table, keep: str | None = None) -> None:
        """Drop snapshots past their retention, and files nothing uses except run `keep`'s."""


class Auditor(Protocol):
    """Judges staged rows by a table's rules."""

    def prepare(self) -> None:
        """Get ready in the background, while the first rows are read and written."""

    def check(self, tables: Sequence[Table]) -> None:
        """Raise RulesError unless every table has rules that can be used."""

    def names(self, table: Table) -> frozenset[str]:
        """Return the names of other tables that a table's rules look at."""

    def audit(
        self,
        table: Table,
        rows: DataFrame,
        references: Mapping[str, DataFrame],
        now: int,
        history: Sequence[Snapshot] = (),
    ) -> Verdict:
        """Run the table's rules over the rows; `now` is epoch milliseconds UTC.

        history: the table's publications, newest first, from which rules learn what is usual.
        """

    def mark(self, table: Table, rows: DataFrame, verdict: Verdict) -> DataFrame:
        """Add `_rules` to audited rows: the names of the rules that each one broke.

        Null in rows that broke no rule which sends rows to quarantine. verdict: that of the last
        audit of the table.
        """

    def document(self, run_id: str, now: int) -> None:
        """Keep what was found in this run's audits, published or held, for people to read."""


class Journal(Protocol):
    """Remembers every run, also those that published nothing."""

    def record(self, report: RunReport) -> None:
        """Keep what became of every table of a run."""
