"""Small plots as inline SVG; each says in words what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stedi_glue.pages import words
from stedi_glue.pages.html import Html, el
from stedi_glue.pages.past import mark, outcome
from stedi_glue.publish.report import Attempt

# Runs a trend shows: more would be thinner than a line.
TREND = 60
_WIDTH, _LINE, _STRIP = 320, 46, 18
# Worse is taller: it is seen without colour, too.
_TALL = {"passed": 5, "warned": 10, "held": 18, "failed": 18, "skipped": 3}


def trend(attempts: Sequence[Attempt]) -> Html:
    """Draw rows as a line, and under it a bar per run for what its rules said; oldest first."""
    shown = attempts[-TREND:]
    step = _WIDTH / max(len(shown), 12)
    # The newest run is at the right edge.
    first = _WIDTH - step * len(shown)
    spots = [first + step * (place + 0.5) for place in range(len(shown))]
    rows = [(x, one.rows, one) for x, one in zip(spots, shown, strict=True) if one.rows is not None]
    drawn = [*_line(rows), *_strip(spots, shown, min(step * 0.7, 9))]
    return el(
        "svg",
        *drawn,
        class_="trend",
        viewBox=f"0 0 {_WIDTH} {_LINE + _STRIP + 10}",
        role="img",
        aria_label=_said(shown),
    )


def _line(rows: Sequence[tuple[float, int, Attempt]]) -> list[Html]:
    if not rows:
        return []
    least, most = min(one[1] for one in rows), max(one[1] for one in rows)
    span = most - least

    def height(value: int) -> float:
        share = (value - least) / span if span else 0.5
        return round(5 + (_LINE - 10) * (1 - share), 1)

    points = [f"{x:.1f} {height(value)}" for x, value, _ in rows]
    drawn = []
    if len(points) > 1:
        floor = f"L{rows[-1][0]:.1f} {_LINE}L{rows[0][0]:.1f} {_LINE}Z"
        drawn.append(el("path", d=f"M{'L'.join(points)}{floor}", class_="area"))
        drawn.append(el("path", d=f"M{'L'.join(points)}", class_="line"))
    for x, value, attempt in rows:
        if mark(attempt) in ("held", "failed") or attempt is rows[-1][2]:
            spot = {"cx": f"{x:.1f}", "cy": height(value), "r": 3.5}
            drawn.append(el("circle", class_=f"spot {mark(attempt)}", **spot))
    return drawn


def _strip(spots: Sequence[float], shown: Sequence[Attempt], width: float) -> list[Html]:
    bars = []
    for x, one in zip(spots, shown, strict=True):
        tall = _TALL[mark(one)]
        bars.append(
            el(
                "rect",
                el("title", f"{words.moment(one.started_at)}: {outcome(one)}"),
                x=f"{x - width / 2:.1f}",
                y=_LINE + 10 + _STRIP - tall,
                width=f"{width:.1f}",
                height=tall,
                rx=1,
                class_=f"bar {mark(one)}",
            )
        )
    return bars


def _said(shown: Sequence[Attempt]) -> str:
    """Tell the trend in words, for those who do not see it."""
    rows = [one.rows for one in shown if one.rows is not None]
    if not rows:
        return f"No rows in {words.plural(len(shown), 'run')}"
    said = f"Rows in {words.plural(len(shown), 'run')}: from {min(rows):,} to {max(rows):,}"
    for word in ("held", "failed", "skipped"):
        times = sum(one.status == word for one in shown)
        said += f"; {word} {words.plural(times, 'time')}" if times else ""
    warned = sum(bool(one.warned) for one in shown)
    return said + (f"; warnings in {words.plural(warned, 'run')}" if warned else "")


def shares(amounts: Mapping[str, float], total: float, unit: str = "") -> Html:
    """Draw amounts as one bar of parts, and name them under it."""
    parts, x = [], 0.0
    for place, amount in enumerate(amounts.values()):
        width = 100 * amount / total if total else 0
        parts.append(
            el("rect", x=f"{x:.2f}", y=0, width=f"{width:.2f}", height=6, class_=f"p{place}")
        )
        x += width
    said = ", ".join(f"{name} {amount:.2f}{unit}" for name, amount in amounts.items())
    bar = el(
        "svg",
        *parts,
        class_="shares",
        viewBox="0 0 100 6",
        preserveAspectRatio="none",
        role="img",
        aria_label=said,
    )
    names = (
        el("span", el("i", class_=f"p{place}"), f"{name} {amount:.2f}{unit}")
        for place, (name, amount) in enumerate(amounts.items())
    )
    return el("div", bar, el("div", *names, class_="keys"), class_="shared")


def bars(counts: Mapping[str, int], kind: str = "") -> Html:
    """Draw counts as labelled bars, the greatest first."""
    most = max(counts.values(), default=0)
    lines = []
    for name, count in sorted(counts.items(), key=lambda one: -one[1]):
        width = max(100 * count / most, 0.5)
        bar = el("rect", x=0, y=0, width=f"{width:.2f}", height=8, rx=1)
        drawn = el("svg", bar, viewBox="0 0 100 8", preserveAspectRatio="none", aria_hidden="true")
        lines.append(el("li", el("span", name), drawn, el("b", f"{count:,}")))
    return el("ul", *lines, class_=f"bars {kind}".strip())
