"""Each table: its trend, its rules, its time, and the snapshot readers see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stedi_glue.pages import addresses, words
from stedi_glue.pages.charts import TREND, shares, trend
from stedi_glue.pages.html import Html, el, join
from stedi_glue.pages.past import State
from stedi_glue.publish.report import RunReport, TableReport

_STEPS = ("transform", "audit", "publish")


def tables_part(run: RunReport, known: Sequence[State]) -> Html:
    """Return the section with a card for each table."""
    key = el(
        "p",
        "The line is the number of rows in each of the last runs, up to ",
        str(TREND),
        ". Each bar under it is what the rules said: ",
        *(
            join(el("i", class_=f"bar {mark}"), f" {word} ")
            for mark, word in (
                ("passed", "met,"),
                ("warned", "warned,"),
                ("held", "held or failed."),
            )
        ),
        class_="about",
    )
    cards = el("div", *(_card(run, state) for state in known), class_="cards")
    return el("section", el("h2", "Tables"), key, cards, id="tables")


def _card(run: RunReport, state: State) -> Html:
    table, report, last = state.table, state.report, state.last
    status = last.status if report and last else "not in this run"
    pill = el("span", status, class_=f"pill {state.mark if report else 'none'}")
    zone = el("span", table.zone, class_=f"tag {table.zone}")
    parts: list[object] = [
        el("header", el("h3", table.name), pill),
        el("p", zone, " ", table.doc, class_="dim"),
        _rows(state),
    ]
    if state.attempts:
        parts.append(trend(state.attempts))
    if report and report.verdict:
        parts.append(_rules(report))
    if report and report.seconds.total:
        ran = {step: getattr(report.seconds, step) for step in _STEPS}
        steps = {step: spent for step, spent in ran.items() if spent is not None}
        parts.append(shares(steps, report.seconds.total, " s"))
    if report and report.reason and not report.verdict:
        parts.append(el("p", report.reason, class_="about"))
    if report and report.record:
        parts.append(_snapshot(report))
    parts.append(_links(run, state))
    return el("article", *parts, class_=f"card {state.mark}", id=table.name)


def _rows(state: State) -> Html:
    last, before = state.last, state.before
    if last is None or last.rows is None:
        return el("p", el("b", "no rows"), class_="amount")
    delta = ""
    if state.report and before and before.rows is not None:
        grown = words.change(last.rows, before.rows) or "unchanged"
        delta = f"{grown} since {words.day(before.started_at)}"
    elif state.report:
        delta = "the first time"
    return el("p", el("b", f"{last.rows:,}"), " rows ", el("span", delta), class_="amount")


def _rules(report: TableReport) -> Html | str:
    verdict = report.verdict
    if verdict is None:
        return ""
    met = sum(one.passed for one in verdict.results)
    said = f"{met} of {words.plural(len(verdict.results), 'rule')} met"
    for found, word in ((verdict.failed, "failed"), (verdict.warnings, "warned")):
        said += f", {len(found)} {word}" if found else ""
    return el("p", said, class_="said")


def _snapshot(report: TableReport) -> Html:
    record: Mapping[str, str] = report.record
    size = record.get("total-files-size")
    facts = {
        "Snapshot": str(report.snapshot_id),
        "Size": words.size(int(size)) if size else "",
        "Files": record.get("total-data-files", ""),
    }
    for key, value in sorted(record.items()):
        if key.startswith(("stedi.source.", "stedi.option.")):
            facts[key.removeprefix("stedi.").replace(".", " ", 1)] = value
    lines = (
        el("div", el("dt", name), el("dd", el("code", value)))
        for name, value in facts.items()
        if value
    )
    read = join("SELECT * FROM ", report.table, " FOR VERSION AS OF ", str(report.snapshot_id))
    return el(
        "details",
        el("summary", "Snapshot ", el("code", str(report.snapshot_id))),
        el("dl", *lines),
        el("p", "To read it in Athena or Trino: ", el("code", read), class_="about"),
        class_="snapshot",
        id=f"snapshot-{report.snapshot_id}",
    )


def _links(run: RunReport, state: State) -> Html:
    name, report = state.table.name, state.report
    links = []
    if report and report.verdict:
        suite = report.verdict.suite
        result = addresses.data_docs_page(suite, run.run_id, run.started_at, name)
        links.append(el("a", "What the rules found", href=result))
        if report.verdict.quarantined:
            kept = addresses.data_docs_page(suite, run.run_id, run.started_at, f"{name}_kept")
            links.append(el("a", "What they found in the rows that stayed", href=kept))
        links.append(el("a", "The rules", href=addresses.data_docs_page(suite)))
    return el("p", *links, class_="links") if links else Html("")
