"""The audit: a table's rules, put to its staged rows by Great Expectations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import import_module
from numbers import Real
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from stedi_glue.backends.masking import cause, samples
from stedi_glue.backends.rules import ROW_RULES, Rule, parameters
from stedi_glue.backends.storage import open_storage
from stedi_glue.backends.suites import RulesFolder, Suite
from stedi_glue.errors import RulesError
from stedi_glue.publish.ports import RuleResult, Verdict

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuite, ExpectationSuiteValidationResult
    from pyspark.sql import DataFrame

    from stedi_glue.model.table import Table
    from stedi_glue.publish.ports import Snapshot

# What Great Expectations calls the judged rows while a query runs; it does not clean up.
_BATCH_VIEW = "tmp_view"


class ExpectationsAuditor:
    """Judges staged rows by the Great Expectations suite of their table.

    rules: a folder of `<table>.json` files; by default those that come with the package.
    docs: the lake's folder that Great Expectations keeps its results and pages in.
    drafts: rules of tables, by name, in place of their files.
    """

    def __init__(
        self,
        rules: Path | None = None,
        docs: str | None = None,
        drafts: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    ) -> None:
        self._rules = RulesFolder(rules, drafts)
        self._docs = docs
        # Two audits in one session would read each other's rows through `_BATCH_VIEW`.
        self._turn = Lock()
        # Of each table, what Data Docs call the audited rows, and what was found.
        self._audits: dict[
            tuple[Table, str], tuple[ExpectationSuite, ExpectationSuiteValidationResult]
        ] = {}
        self._asked: dict[Table, tuple[Suite, Mapping[str, int]]] = {}

    def prepare(self) -> None:
        """Begin a run: forget audits that were never documented.

        Great Expectations is imported in the background, as it takes seconds.
        """
        self._audits.clear()
        module = "stedi_glue.backends.validation"
        Thread(target=import_module, args=(module,), daemon=True).start()

    def check(self, tables: Sequence[Table]) -> None:
        """Raise RulesError unless every table has rules that can be put to it."""
        self._rules.check(tables)

    def names(self, table: Table) -> frozenset[str]:
        """Return the names of other tables that a table's rules look at.

        A name with `_problems` at its end means that table's unreadable records.
        """
        return self._rules.names(table)

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
        references: the tables that `names` names; others are ignored. While the audit
        runs they are temporary views of the session, in place of views of the same name.
        Raises RulesError when a rule cannot be evaluated: it is never taken as passed.
        """
        suite = self._rules.suite(table)
        values = parameters(now, table, history)
        views = {name: references[name] for name in self.names(table) if name in references}
        missing = sorted(self.names(table) - views.keys())
        if missing:
            raise RulesError(
                f"The rules of '{table.name}' look at {', '.join(missing)}, of which there are no "
                "rows yet; publish it first, or correct the query."
            )
        from stedi_glue.backends.validation import expectation_suite, validate

        expectations = expectation_suite(suite)

        with self._turn, _views(rows, views):
            result = validate(expectations, rows, values)
        self._asked[table] = (suite, values)
        again = (table, table.name) in self._audits
        self._audits[table, f"{table.name}_kept" if again else table.name] = (expectations, result)
        outcomes = {one.expectation_config.id: one for one in result.results}  # type: ignore[union-attr]
        return Verdict(
            suite.name,
            tuple(
                _judged(rule, table, outcomes.get(suite.rule_id(place)), values)
                for place, rule in enumerate(suite.rules)
            ),
            newest={
                rule.columns[0]: int(outcomes[suite.rule_id(place)].result["observed_value"])
                for place, rule in enumerate(suite.rules)
                if _tells_newest(rule, outcomes[suite.rule_id(place)].result)
            },
        )

    def mark(self, table: Table, rows: DataFrame, verdict: Verdict) -> DataFrame:
        """Add `_rules` to audited rows: the names of the rules that each one broke.

        Null in rows that broke no rule which sends rows to quarantine. verdict: that of the last
        audit of the table.
        """
        suite, values = self._asked[table]
        judged = zip(suite.rules, verdict.results, strict=True)
        unmet = [rule for rule, found in judged if rule.type in ROW_RULES and not found.passed]
        from stedi_glue.backends.validation import mark

        return mark(rows, unmet, values)

    def document(self, run_id: str, now: int) -> None:
        """Keep the results of every audit since `prepare`, and show them in Data Docs."""
        if self._docs is None or not self._audits:
            return
        from stedi_glue.backends.data_docs import DataDocs

        with open_storage(self._docs).explaining(f"Cannot write Data Docs to '{self._docs}'"):
            DataDocs(self._docs).add(run_id, now, self._audits)
        self._audits.clear()


def _tells_newest(rule: Rule, result: Mapping[str, Any]) -> bool:
    """Tell whether a rule compared the greatest value of a column with a moment."""
    moments = [name for name in rule.parameters if name.endswith("_ms") or "_newest_" in name]
    whole = rule.type == "expect_column_max_to_be_between" and bool(moments)
    return whole and result.get("observed_value") is not None


@contextmanager
def _views(rows: DataFrame, views: Mapping[str, DataFrame]) -> Iterator[None]:
    from pyspark.errors import AnalysisException

    catalog = rows.sparkSession.catalog
    try:
        for name, frame in views.items():
            frame.createOrReplaceTempView(name)
        yield
    finally:
        for name in (*views, _BATCH_VIEW):
            # Sail, unlike Spark, refuses to drop a view that is not there.
            with suppress(AnalysisException):
                catalog.dropTempView(name)


def _judged(rule: Rule, table: Table, outcome: Any, values: Mapping[str, int]) -> RuleResult:
    raised = _exception(outcome.exception_info) if outcome else "it gave no result"
    if raised:
        why = cause(raised, str(rule.document))
        raise RulesError(f"{rule.where} could not be evaluated on '{table.name}': {why}")
    return RuleResult(
        rule=rule.label,
        note=rule.note,
        severity=rule.severity,
        passed=bool(outcome.success),
        observed=_observed(rule, table, outcome.result)
        + ("" if outcome.success else _usual(rule, values)),
        limit=rule.limit,
        judged=int(outcome.result.get("element_count") or 0),
        broke=int(outcome.result.get("unexpected_count") or 0),
        samples=() if outcome.success else _samples(rule, table, outcome.result),
    )


def _samples(rule: Rule, table: Table, result: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
    """Return a few of the rows that did not meet the rule, with personal values masked."""
    whole = (result.get("details") or {}).get("unexpected_rows")
    return samples(whole or result.get("partial_unexpected_list") or (), rule.columns, table)


def _exception(info: Mapping[str, Any]) -> str:
    """Return the message of what was raised, directly or by one of the rule's metrics."""
    found = [info] if "raised_exception" in info else list(info.values())
    return next(
        (str(one["exception_message"]) or "unknown" for one in found if one["raised_exception"]), ""
    )


def _observed(rule: Rule, table: Table, result: Mapping[str, Any]) -> str:
    """Say in words what was seen, without quoting a personal value."""
    value = result.get("observed_value")
    if result.get("element_count") is not None:
        count, total = int(result.get("unexpected_count") or 0), int(result["element_count"])
        share = f" ({100 * count / total:.3g} %)" if count else ""
        limit = f", limit {100 * rule.limit:.3g} %" if rule.limit and count else ""
        return f"{count:,} of {total:,} rows{share}{limit}"
    if value is None:
        return ""
    if rule.query:
        return f"{int(value):,} row{'' if value == 1 else 's'}"
    personal = {c.name for c in table.columns if c.personal} & set(rule.columns)
    if isinstance(value, Real) and not personal:
        if any(name.endswith("_ms") or "_newest_" in name for name in rule.parameters):
            return f"observed {_moment(float(value))}"
        return f"observed {value:,}"
    if rule.type.startswith("expect_table_columns_"):
        return f"observed {', '.join(value)}"
    return f"observed {value}" if "_type" in rule.type else ""


def _usual(rule: Rule, values: Mapping[str, int]) -> str:
    """Say what earlier publications let a rule expect; nothing of other rules."""
    learned = [values[name] for name in rule.parameters if name.startswith("usual_")]
    if any("_newest_" in name for name in rule.parameters):
        return f", usual is {_moment(learned[0])} or later"
    return f", usual are {' to '.join(f'{number:,}' for number in learned)}" if learned else ""


def _moment(milliseconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError):
        # Microseconds, say: no calendar has that year, but whoever looks for the row wants it.
        return f"{milliseconds:,.0f} ms"
