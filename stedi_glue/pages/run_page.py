"""The report of a run: what became of each table, why, and how that compares with before."""

from __future__ import annotations

from collections.abc import Sequence

from stedi_glue.model.pipeline import Pipeline
from stedi_glue.pages import addresses, words
from stedi_glue.pages.html import Html, el, join, page
from stedi_glue.pages.left_out_part import left_out_part, mended_part
from stedi_glue.pages.past import State, states
from stedi_glue.pages.picture import lineage, sign
from stedi_glue.pages.rules_part import rules_part
from stedi_glue.pages.tables_part import tables_part
from stedi_glue.publish.report import PastRun, RunReport
from stedi_glue.version import __version__

_LISTED = 12
_MARKS = {"published": "passed", "held": "held", "failed": "failed"}


def run_page(run: RunReport, earlier: Sequence[PastRun], pipeline: Pipeline) -> Html:
    """Return the page of a run; `earlier` runs are newest first."""
    known = states(run, earlier, pipeline)
    body = (
        el("a", "Skip to the report", href="#report", class_="skip"),
        _header(),
        el(
            "main",
            _verdict(run, known),
            _figures(run, known),
            el(
                "section",
                el("h2", "Lineage"),
                lineage(known),
                id="lineage",
            ),
            rules_part(run),
            left_out_part(run),
            mended_part(run),
            tables_part(run, known),
            _runs(run, earlier),
            id="report",
        ),
        el(
            "footer",
            el(
                "p",
                f"stedi_glue {__version__}. Times are UTC. This page loads nothing from a network.",
            ),
        ),
    )
    return page(f"{run.status.capitalize()}: run of {words.moment(run.started_at)}", *body)


def _header() -> Html:
    places = ("Lineage", "Rules", "Tables", "Runs")
    links = [el("a", place, href=f"#{place.lower()}") for place in places]
    docs = el("a", "Data Docs", href=addresses.data_docs_page())
    latest = el("a", "Latest run", href=addresses.LATEST)
    return el(
        "header",
        el("span", el("b", "stedi_glue"), " run report", class_="brand"),
        el("nav", *links, latest, docs, aria_label="On this page"),
    )


def _verdict(run: RunReport, known: Sequence[State]) -> Html:
    mark = _MARKS[run.status]
    if run.status == "published" and any(state.mark == "warned" for state in known if state.report):
        mark = "warned"
    title, lead = _headline(run, known)
    facts = (
        ("Began", el("time", words.moment(run.started_at), datetime=words.iso(run.started_at))),
        ("Engine", run.engine),
        ("Run", el("code", run.run_id)),
    )
    return el(
        "section",
        el("div", sign(mark), el("h1", title), class_="title"),
        el("p", lead, class_="lead"),
        el("dl", *(el("div", el("dt", name), el("dd", fact)) for name, fact in facts)),
        class_=f"verdict {mark}",
    )


def _headline(run: RunReport, known: Sequence[State]) -> tuple[str, str]:
    """Say in one line and one sentence what the run means for readers."""
    bad = [state for state in known if state.report and state.report.status in ("held", "failed")]
    skipped = [state for state in known if state.report and state.report.status == "skipped"]
    if not bad:
        warnings = sum(len(t.verdict.warnings) for t in run.tables if t.verdict)
        said = f"with {words.plural(warnings, 'warning')}" if warnings else ""
        lead = "Every critical rule was met, and readers see this run's rows."
        if not any(table.status == "published" for table in run.tables):
            lead = "Every critical rule was met; no table was to be published."
        return f"Published {said}".strip(), lead
    names = _listed([state.table.name for state in bad])
    verb = "Held" if run.status == "held" else "Failed"
    kept = []
    for state in (*bad, *skipped):
        if state.table.zone == "landing":
            continue
        rows = state.before.rows if state.before else None
        kept.append(
            f"{state.table.name} ({words.plural(rows, 'row')})"
            if rows is not None
            else f"{state.table.name} (never published)"
        )
    lead = f"Readers keep what they had of {_listed(kept)}." if kept else ""
    return f"{verb}: {names}", lead


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _figures(run: RunReport, known: Sequence[State]) -> Html:
    verdicts = [table.verdict for table in run.tables if table.verdict]
    evaluated = sum(len(verdict.results) for verdict in verdicts)
    failed = sum(len(verdict.failed) for verdict in verdicts)
    warned = sum(len(verdict.warnings) for verdict in verdicts)
    met = sum(result.passed for verdict in verdicts for result in verdict.results)
    made = [table for table in run.tables if table.zone != "landing"]
    published = sum(table.status == "published" for table in made)
    left_out = sum(table.quarantined for table in run.tables)
    spent = sum(table.seconds.total for table in run.tables)
    figures = (
        ("Tables published", f"{published}", f"of {len(made)}", published < len(made) and "held"),
        ("Rules met", f"{met:,}", f"of {evaluated:,}", ""),
        ("Critical failures", f"{failed:,}", "hold a table", failed and "held"),
        ("Warnings", f"{warned:,}", "published, reported", warned and "warned"),
        ("Rows left out", f"{left_out:,}", "kept with a reason", left_out and "warned"),
        ("Time spent", words.seconds(spent), "in all tables", ""),
    )
    cells = (
        el("div", el("dt", name), el("dd", el("b", value), el("span", of)), class_=mark or None)
        for name, value, of, mark in figures
    )
    return el("dl", *cells, class_="figures")


def _runs(run: RunReport, earlier: Sequence[PastRun]) -> Html:
    if not earlier:
        note = el("p", "This is the lake's first run; the next ones will be compared with it.")
        return el("section", el("h2", "Earlier runs"), note, id="runs")
    every = el("a", "All runs, with what was found in each table", href=addresses.runs_page())
    rows = [_past(one) for one in earlier]
    parts = [_runs_table(rows[:_LISTED], "Newest earlier runs")]
    if len(rows) > _LISTED:
        more = el("summary", f"{len(rows) - _LISTED} more")
        parts.append(el("details", more, _runs_table(rows[_LISTED:], "More earlier runs")))
    parts.append(el("p", every, class_="more"))
    return el("section", el("h2", "Earlier runs"), *parts, id="runs")


def _runs_table(rows: Sequence[Html], caption: str) -> Html:
    heads = ("Began", "Outcome", "Published", "Rows", "Failed", "Warned", "Engine")
    head = el("tr", *(el("th", name, scope="col") for name in heads))
    table = el(
        "table", el("caption", caption, class_="hidden"), el("thead", head), el("tbody", *rows)
    )
    return el("div", table, class_="scroll", tabindex=0, role="region", aria_label=caption)


def _past(one: PastRun) -> Html:
    attempts = one.attempts.values()
    published = [past for past in attempts if past.status == "published"]
    mark = _MARKS.get(one.status, "none")
    if mark == "passed" and any(past.warned for past in attempts):
        mark = "warned"
    began = el("time", words.moment(one.started_at), datetime=words.iso(one.started_at))
    cells = (
        el("a", began, href=addresses.run_page(one.run_id)),
        join(sign(mark), one.status, by=" "),
        f"{len(published)} of {sum(past.status != 'audited' for past in attempts)}",
        f"{sum(past.rows or 0 for past in published):,}",
        sum(past.failed for past in attempts),
        sum(past.warned for past in attempts),
        one.engine,
    )
    first, *others = cells
    return el("tr", el("th", first, scope="row"), *(el("td", cell) for cell in others))
