"""The profile of a table: what is in each column, in small plots."""

from __future__ import annotations

from stedi_glue.pages import addresses, words
from stedi_glue.pages.charts import bars
from stedi_glue.pages.html import Html, el, join, page
from stedi_glue.profiling.profile import ColumnProfile, Profile

_WIDTH, _HEIGHT, _GROUND = 320, 84, 70
_SHOWN = 8


def page_of(profile: Profile, now: int) -> Html:
    """Return the page of a profile taken at `now`, epoch milliseconds UTC."""
    table = profile.table
    links = (
        el("a", "Run report", href=addresses.LATEST),
        el("a", "Data Docs", href=addresses.data_docs_page()),
    )
    keys = " or ".join(" + ".join(key) for key in profile.keys) or "none found"
    facts = (
        ("Rows", f"{profile.rows:,}"),
        ("Columns", str(len(profile.columns))),
        ("Key", keys),
        ("Taken", words.moment(now)),
    )
    head = el(
        "section",
        el("h1", table.name),
        el("p", table.doc, class_="lead"),
        el("dl", *(el("div", el("dt", name), el("dd", fact)) for name, fact in facts)),
        class_="verdict profile",
    )
    cards = el("div", *(_card(one) for one in profile.columns), class_="cards")
    body = (
        el(
            "header",
            el("span", el("b", "stedi_glue"), " profile", class_="brand"),
            el("nav", *links),
        ),
        el("main", head, el("section", el("h2", "Columns"), cards)),
        el("footer", el("p", "Values of personal columns are never shown.")),
    )
    return page(f"Profile of {table.name}", *body)


def _card(one: ColumnProfile) -> Html:
    column = one.column
    personal = el("span", "personal", class_="pill warned") if column.personal else ""
    missing = f"{100 * one.nulls / one.rows:.3g} %" if one.rows else "no rows"
    facts = [
        ("Type", column.type),
        ("Nulls", f"{one.nulls:,} ({missing})" if one.nulls else "none"),
        ("Distinct", f"{one.distinct:,}{' (unique)' if one.unique else ''}"),
    ]
    if one.least is not None and not column.personal:
        write = _moment if one.is_moment else _number
        facts.append(("Range", f"{write(one.least)} to {write(one.most or 0)}"))
        if one.quarters:
            facts.append(("Median", write(one.quarters[1])))
        share = f" ({100 * one.outliers / one.values:.2g} %)" if one.outliers else ""
        facts.append(("Outliers", f"{one.outliers:,}{share}" if one.outliers else "none"))
    if one.longest is not None:
        facts.append(("Length", f"{one.shortest} to {one.longest} characters"))
    if one.formats:
        facts.append(("Form", one.formats[0]))
    lines = (el("div", el("dt", name), el("dd", value)) for name, value in facts)
    return el(
        "article",
        el("header", el("h3", column.name), personal),
        el("p", column.doc, class_="dim"),
        _plot(one),
        el("dl", *lines, class_="facts"),
        class_="card",
    )


def _plot(one: ColumnProfile) -> Html:
    if one.column.personal:
        return Html("")
    if one.bins:
        return _histogram(one)
    if one.top:
        shown = dict(list(one.top.items())[:_SHOWN])
        rest = sum(one.top.values()) - sum(shown.values())
        return bars({**shown, "others": rest} if rest else shown)
    return Html("")


def _histogram(one: ColumnProfile) -> Html:
    most, step = max(one.bins), _WIDTH / len(one.bins)
    drawn = []
    for place, count in enumerate(one.bins):
        # What occurs at all is seen.
        tall = max(_GROUND * count / most, 1.5) if count else 0
        box = {
            "x": f"{place * step + 0.75:.1f}",
            "y": f"{_GROUND - tall:.1f}",
            "width": f"{step - 1.5:.1f}",
            "height": f"{tall:.1f}",
        }
        drawn.append(el("rect", el("title", words.plural(count, "row")), class_="step", **box))
    write = _moment if one.is_moment else _number
    least, greatest = write(one.least or 0), write(one.most or 0)
    ends = (
        el("text", least, x=0, y=_HEIGHT - 1),
        el("text", greatest, x=_WIDTH, y=_HEIGHT - 1, text_anchor="end"),
    )
    said = f"Histogram of {one.column.name} from {least} to {greatest}"
    return el(
        "svg",
        join(*drawn, _middle(one), *ends),
        class_="histogram",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=said,
    )


def _middle(one: ColumnProfile) -> Html:
    """Mark the middle half and the median under the steps."""
    if one.quarters is None or one.least is None or one.most is None or one.most <= one.least:
        return Html("")
    least, span = one.least, one.most - one.least
    low, middle, high = (_WIDTH * (value - least) / span for value in one.quarters)
    half = {
        "x": f"{low:.1f}",
        "y": _GROUND + 1,
        "width": f"{max(high - low, 1):.1f}",
        "height": 2.5,
    }
    return join(
        el("rect", class_="half", **half),
        el("circle", cx=f"{middle:.1f}", cy=_GROUND + 2.2, r=3, class_="median"),
    )


def _number(value: float) -> str:
    if abs(value) < 1e15 and value == int(value):
        return f"{int(value):,}"
    return f"{value:,.4g}"


def _moment(value: float) -> str:
    return words.moment(int(value))
