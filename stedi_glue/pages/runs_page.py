"""All runs of a lake, some on each page: what became of every table, and what its rules found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stedi_glue.model.pipeline import Pipeline
from stedi_glue.pages import addresses, words
from stedi_glue.pages.html import Html, el, join, page, text
from stedi_glue.pages.past import mark, outcome
from stedi_glue.publish.report import PastRun


def runs_page(
    runs: Sequence[PastRun], pipeline: Pipeline, older: Mapping[int, int], *, newest: bool
) -> Html:
    """Return a page of runs, newest first.

    older: of the pages of older runs, when their first run began (epoch milliseconds UTC), by
    their numbers. newest: whether it is the page of the newest runs.
    """
    names = [table.name for table in pipeline.tables]
    # Tables that the pipeline had once.
    names += sorted({name for run in runs for name in run.attempts} - set(names))
    began = min((run.started_at for run in runs), default=0)
    title = "All runs" if newest else f"Runs from {words.moment(began)}"
    links = (
        el("a", "Latest run", href=addresses.LATEST),
        "" if newest else el("a", "Newest runs", href=addresses.runs_page()),
        el("a", "Data Docs", href=addresses.data_docs_page()),
    )
    head = el(
        "header",
        el("span", el("b", "stedi_glue"), " all runs", class_="brand"),
        el("nav", *links, aria_label="Site"),
    )
    key = [
        join(el("i", class_=f"at {kind}"), f" {word}")
        for kind, word in (
            ("passed", "met,"),
            ("warned", "warned,"),
            ("held", "held or failed,"),
            ("skipped", "skipped."),
        )
    ]
    about = el("p", "Each leads to what the rules found in a table: ", join(*key, by=" "))
    section = el("section", el("h1", title), about, _table(runs, names), _older(older))
    return page(title, head, el("main", section))


def _table(runs: Sequence[PastRun], names: Sequence[str]) -> Html:
    heads = [el("th", word, scope="col") for word in ("Began", "Outcome")]
    # A name breaks where its words do.
    heads += [
        el("th", join(*map(text, name.split("_")), by="_<wbr>"), scope="col") for name in names
    ]
    table = el(
        "table",
        el("caption", "Runs and what became of each table", class_="hidden"),
        el("thead", el("tr", *heads)),
        el("tbody", *(_row(run, names) for run in runs)),
        class_="grid",
    )
    return el("div", table, class_="scroll", tabindex=0, role="region", aria_label="Runs")


def _row(run: PastRun, names: Sequence[str]) -> Html:
    began = el("time", words.moment(run.started_at), datetime=words.iso(run.started_at))
    report = el("a", began, href=addresses.run_page(run.run_id))
    cells = (el("td", _cell(run, name)) for name in names)
    return el("tr", el("th", report, scope="row"), el("td", run.status), *cells)


def _cell(run: PastRun, name: str) -> Html | str:
    attempt = run.attempts.get(name)
    if attempt is None:
        return ""
    # The style draws the sign: a picture in each of so many cells would make a heavy page.
    how = {"class_": f"at {mark(attempt)}", "title": f"{name}: {outcome(attempt)}"}
    if not attempt.evaluated:
        return el("span", role="img", **how)
    where = addresses.data_docs_page(attempt.suite, run.run_id, run.started_at, name)
    return el("a", href=where, **how)


def _older(pages: Mapping[int, int]) -> Html | str:
    if not pages:
        return ""
    links = [
        el("li", el("a", words.moment(began), href=addresses.runs_page(number)))
        for number, began in sorted(pages.items(), reverse=True)
    ]
    return el("nav", el("h2", "Older runs, from"), el("ul", *links), class_="pages")
