"""The lake in a notebook: in a Glue session, or on this machine.

    from stedi_glue.entry import session

    lake = session.connect(on_glue="s3://my-lake")
    session.tables(lake)

What it shows is HTML in Jupyter and text in a Glue session, whose kernel shows nothing else.
Personal values are cut to their first letter.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stedi_glue.backends.masking import masked
from stedi_glue.entry.opening import open_lake
from stedi_glue.errors import UsageError
from stedi_glue.model.table import RULES, Zone
from stedi_glue.pages import words
from stedi_glue.pages.cells import Shown, grid, note
from stedi_glue.pages.cells import lineage as drawn
from stedi_glue.publish.report import RunReport
from stedi_glue.settings import Settings, variable

if TYPE_CHECKING:
    from stedi_glue.lakehouse import Lakehouse
    from stedi_glue.model.table import Table
    from stedi_glue.model.transform import ZoneTransform
    from stedi_glue.publish.ports import RuleResult, Verdict
    from stedi_glue.publish.rehearsal import Rehearsal

SEVERITIES = ("critical", "warning", "info")


def connect(on_glue: str | None = None) -> Lakehouse:
    """Open the lake of where this runs.

    In a Glue session, which has its Spark already, it is the lake `on_glue` on that Spark;
    elsewhere the one that the settings name (`STEDI_LAKE`, by default the folder `lake`), on
    Sail. What the environment says comes before what `on_glue` says.
    """
    environment = dict(os.environ)
    overrides: dict[str, str | None] = {}
    if _has_spark():
        overrides["engine"] = "glue"
        if on_glue:
            environment.setdefault(variable("lake"), on_glue)
        elif variable("lake") not in environment:
            raise UsageError(
                "A Glue session has no disk of its own to hold a lake: name one in S3, as in "
                'connect(on_glue="s3://my-lake").'
            )
    lake = open_lake(Settings.load(environment, **overrides))
    _teach_jupyter()
    return lake


def tables(lake: Lakehouse) -> Shown:
    """Show what readers see of each table, and what its rules said when it was published."""
    rows = []
    for state in lake.tables():
        raw = state.table.zone is Zone.LANDING
        seen = state.snapshot
        summary = seen.summary if seen else {}
        last = next(iter(lake.attempts(state.table.name)), None) if raw else None
        rules = last.evaluated if last else _count(summary.get("stedi.rules-evaluated"))
        warned = last.warned if last else _count(summary.get("stedi.rules-warned"))
        status = (last.status if last else "never") if raw else "published" if seen else "never"
        at = last.started_at if last else seen.published_at if seen else None
        when = words.moment(at) if at else None
        zone = str(state.table.zone)
        rows.append((state.table.name, zone, status, state.rows, rules, warned, when))
    headers = ("table", "zone", "verdict", "rows", "rules", "warnings", "since")
    return grid(f"The lake {lake.root}", headers, rows)


def lineage(lake: Lakehouse) -> Shown:
    """Show which tables are made from which."""
    return drawn(lake.pipeline)


def preview(lake: Lakehouse, name: str, rows: int = 5) -> Shown:
    """Show a few rows of a table as published; which ones is nobody's promise."""
    table = lake.contract(name)
    found = [row.asDict() for row in lake.table(name).limit(rows).collect()]
    return _rows(f"{name}: {table.doc}", table, found)


def unmet(lake: Lakehouse) -> Shown:
    """Show the rules that were not met when each table was last made, held or published."""
    lines = []
    for table in lake.pipeline.tables:
        last = next(iter(lake.attempts(table.name)), None)
        for rule in last.unmet if last else ():
            lines.append((table.name, rule.severity, rule.note or rule.rule, rule.observed))
    if not lines:
        return note("Every rule of every table was met.")
    lines.sort(key=lambda line: SEVERITIES.index(line[1]))
    headers = ("table", "severity", "rule", "what was seen")
    return grid("Rules that were not met", headers, lines)


def quarantined(lake: Lakehouse) -> Shown:
    """Show what was left out of each table, and why: records or rows by reason."""
    lines = []
    for state in lake.tables():
        if state.quarantined:
            raw = state.table.zone is Zone.LANDING
            left_out = lake.quarantine(state.table.name, personal=False)
            reasons = left_out.groupBy("_problem" if raw else RULES).count().collect()
            lines += [(state.table.name, str(why), int(count)) for why, count in reasons]
    if not lines:
        return note("Nothing is in quarantine.")
    return grid("In quarantine", ("table", "why", "rows"), sorted(lines))


def shown(report: RunReport) -> Shown:
    """Show what a run did; Jupyter shows a report so by itself."""
    lines = [
        (one.table, str(one.zone), one.status, one.rows, *_counts(one.verdict), one.reason)
        for one in report.tables
    ]
    headers = ("table", "zone", "status", "rows", "rules", "warnings", "why not")
    return grid(f"Run {report.run_id} on {report.engine}", headers, lines)


@dataclass(frozen=True, repr=False)
class Tried(Shown):
    """A rehearsal to look at."""

    rehearsal: Rehearsal

    @property
    def passed(self) -> bool:
        """Whether a run would have published the table."""
        return self.rehearsal.verdict.passed


def try_transform(
    lake: Lakehouse, transform: ZoneTransform, rules: Sequence[Mapping[str, Any]] | None = None
) -> Tried:
    """Make a table from published ones and audit its written rows, before it exists anywhere.

    transform: of no pipeline yet, or a new version of one. rules: expectations as the rules
    files list them; without, those in the table's file. Its files are deleted afterwards, and
    no catalog, journal or page learns of it.
    """
    done = lake.rehearse(transform, rules)
    verdict = done.verdict
    would = "would be published" if verdict.passed else "would be held"
    left_out = f" ({done.quarantined:,} in quarantine)" if done.quarantined else ""
    heading = (
        f"{done.table.name} {would}: {words.plural(done.rows, 'row')}{left_out}, "
        f"{words.plural(len(verdict.results), 'rule')}, {words.seconds(done.seconds)}"
    )
    said = [(_met(rule), rule.note or rule.rule, rule.observed) for rule in verdict.results]
    verdicts = grid(heading, ("verdict", "rule", "what was seen"), said)
    both = verdicts + _rows("Some of its rows", done.table, done.sample)
    return Tried(both.text, both.html, done)


def _rows(title: str, table: Table, rows: Sequence[Mapping[str, Any]]) -> Shown:
    personal = frozenset(table.personal_columns)
    safe = [masked(dict(row), personal, hide=False) for row in rows]
    return grid(title, table.column_names, [[row[n] for n in table.column_names] for row in safe])


def _met(rule: RuleResult) -> str:
    return "passed" if rule.passed else rule.severity


def _counts(verdict: Verdict | None) -> tuple[int | None, int | None]:
    return (len(verdict.results), len(verdict.warnings)) if verdict else (None, None)


def _count(text: str | None) -> int | None:
    return int(text) if text else None


def _has_spark() -> bool:
    """Return whether this process has a classic Spark that somebody else started."""
    if "pyspark" not in sys.modules:
        return False
    from pyspark import SparkContext

    return SparkContext._active_spark_context is not None


def _teach_jupyter() -> None:
    """Let Jupyter show reports, which are the publication's and know nothing of HTML."""
    if "IPython" not in sys.modules:
        return
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None:
        formatters = shell.display_formatter.formatters
        formatters["text/html"].for_type(RunReport, lambda report: shown(report).html)
