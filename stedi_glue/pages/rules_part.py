"""The rules that were not met, in plain words, with rows that show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stedi_glue.pages import addresses, words
from stedi_glue.pages.html import Html, el, join
from stedi_glue.publish.ports import RuleResult
from stedi_glue.publish.report import RunReport, TableReport

_MARKS = {"critical": "held", "warning": "warned", "info": "info"}
_WORDS = {"critical": "holds the table", "warning": "reported", "info": "recorded"}


def rules_part(run: RunReport) -> Html:
    """Return the section about rules that were not met: the worst first."""
    parts = [_error(table) for table in run.tables if table.status == "failed"]
    for severity in ("critical", "warning"):
        parts += _of(run, severity)
    if not parts:
        parts.append(el("p", "Every critical and every warning rule was met.", class_="fine"))
    recorded = _of(run, "info")
    if recorded:
        said = f"For information, in {words.plural(len(recorded), 'table')}"
        parts.append(el("details", el("summary", said), *recorded, class_="recorded"))
    return el("section", el("h2", "Rules that were not met"), *parts, id="rules")


def _of(run: RunReport, severity: str) -> list[Html]:
    found = (_table(run, table, severity) for table in run.tables)
    return [part for part in found if part is not None]


def _table(run: RunReport, table: TableReport, severity: str) -> Html | None:
    results = table.verdict.results if table.verdict else ()
    unmet = [one for one in results if not one.passed and one.severity == severity]
    if not unmet or not table.verdict:
        return None
    where = addresses.data_docs_page(table.verdict.suite, run.run_id, run.started_at, table.table)
    docs = el("a", f"Data Docs of {table.table}", href=where)
    mark = _MARKS[severity]
    head = el(
        "header",
        el("h3", el("a", table.table, href=f"#{table.table}")),
        el(
            "span",
            f"{words.plural(len(unmet), f'{severity} rule')}, {_WORDS[severity]}",
            class_=f"pill {mark}",
        ),
        docs,
    )
    rules = (rule_details(one, open_=severity == "critical") for one in unmet)
    return el("article", head, *rules, class_=f"unmet {mark}")


def rule_details(one: RuleResult, *, open_: bool = False) -> Html:
    """Return a rule that was not met, to unfold: in plain words, with rows that broke it."""
    said = el("span", (one.note or one.rule).rstrip("."), class_="note")
    seen = el("span", one.observed, class_="seen") if one.observed else ""
    shown: Html | str
    if one.samples:
        shown = _rows(one.samples)
        about = f"{words.plural(len(one.samples), 'row')} of those that did not meet it"
    else:
        shown, about = "", "It looks at the whole table, so there are no single rows to show"
    body = (
        el("p", about, ". Personal values are masked." if one.samples else ".", class_="about"),
        shown,
        el("p", "Rule: ", el("code", one.rule), class_="about"),
    )
    return el("details", el("summary", join(said, seen, by=" ")), *body, open=open_)


def _rows(samples: Sequence[Mapping[str, str]]) -> Html:
    names = list(dict.fromkeys(name for row in samples for name in row))
    head = el("tr", *(el("th", name, scope="col") for name in names))
    rows = (el("tr", *(el("td", row.get(name, "")) for name in names)) for row in samples)
    table = el("table", el("thead", head), el("tbody", *rows), class_="rows")
    return el("div", table, class_="scroll", tabindex=0, role="region", aria_label="Sample rows")


def _error(table: TableReport) -> Html:
    head = el(
        "header",
        el("h3", el("a", table.table, href=f"#{table.table}")),
        el("span", "could not be made", class_="pill failed"),
    )
    return el("article", head, el("p", table.reason), class_="unmet failed")
