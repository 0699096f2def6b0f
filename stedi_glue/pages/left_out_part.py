"""What is not in the tables as it came: rows that were left out, raw records that were mended."""

from __future__ import annotations

from collections.abc import Sequence

from stedi_glue.model.table import Zone
from stedi_glue.pages import words
from stedi_glue.pages.charts import bars
from stedi_glue.pages.html import Html, el
from stedi_glue.pages.rules_part import rule_details
from stedi_glue.publish.report import RunReport, TableReport


def left_out_part(run: RunReport) -> Html:
    """Return the section about rows that were left out, by reason."""
    parts = []
    for table in run.tables:
        if not table.quarantined:
            continue
        rules = table.verdict.quarantined if table.verdict else ()
        total = table.quarantined + (table.rows or 0)
        noun = "raw record" if table.zone == Zone.LANDING else "row"
        reasons = dict(table.reasons) or {"not said": table.quarantined}
        see = f"stedi-glue quarantine {table.table}"
        several = sum(reasons.values()) > table.quarantined
        parts.append(
            _counted(
                table,
                "warned",
                words.plural(table.quarantined, noun),
                f"{100 * table.quarantined / total:.2g} % of what arrived"
                + (", some for several reasons" if several else ""),
                bars(reasons, "warned"),
                *(rule_details(rule) for rule in rules),
                el("p", "To see all: ", el("code", see), class_="about"),
            )
        )
    return _section("Rows left out, by reason", "left-out", parts)


def mended_part(run: RunReport) -> Html:
    """Return the section about raw records that were not as they should be, and were read."""
    parts = [
        _counted(
            table,
            "",
            words.plural(sum(table.mended.values()), "time"),
            f"in {words.plural(table.rows or 0, 'record')} that were read",
            bars(table.mended),
        )
        for table in run.tables
        if table.mended
    ]
    return _section("Raw records that were mended, by how", "mended", parts)


def _counted(table: TableReport, mark: str, count: str, about: str, *inside: Html) -> Html:
    head = el(
        "header",
        el("h3", el("a", table.table, href=f"#{table.table}")),
        el("span", count, class_=f"pill {mark}".strip()),
        el("span", about, class_="dim"),
    )
    return el("article", head, *inside)


def _section(title: str, name: str, parts: Sequence[Html]) -> Html:
    return el("section", el("h2", title), *parts, id=name) if parts else Html("")
