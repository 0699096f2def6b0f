"""The lineage as a picture: wide for a desk, a rail of stops for a phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stedi_glue.pages import words
from stedi_glue.pages.html import Html, el, join
from stedi_glue.pages.past import State

_WIDE, _HIGH, _ACROSS, _DOWN = 214, 78, 34, 30
_RAIL, _STOP, _PHONE = 22, 62, 360

# Drawn in a circle of 7, so that the state is told by shape and not by colour alone.
_GLYPHS = {
    "passed": "M-3.2 .2 -1 2.6 3.4 -2.4",
    "warned": "M0 -3.6V.8M0 3.3V3.4",
    "held": "M-2.6 -2.6 2.6 2.6M2.6 -2.6 -2.6 2.6",
    "failed": "M-2.6 -2.6 2.6 2.6M2.6 -2.6 -2.6 2.6",
    "skipped": "M-3 0H3",
    "none": "M-3 0H3",
}

Places = Mapping[str, tuple[int, int]]


def lineage(states: Sequence[State]) -> Html:
    """Return both pictures; the style shows the one that fits."""
    places = _places(states)
    return join(_map(states, places), _rail(states, places))


def glyph(mark: str, x: float = 0, y: float = 0) -> Html:
    """Return the sign of a state, to stand inside an SVG."""
    inside = (el("circle", r=7), el("path", d=_GLYPHS[mark]))
    return el("g", *inside, class_=f"glyph {mark}", transform=f"translate({x} {y})")


def sign(mark: str) -> Html:
    """Return the sign of a state, to stand in a text."""
    return el("svg", glyph(mark), viewBox="-8 -8 16 16", class_="sign", aria_hidden="true")


def _places(states: Sequence[State]) -> Places:
    """Give each table a column (how far from raw data) and a lane (what it is about)."""
    places: dict[str, tuple[int, int]] = {}
    lanes: dict[str, int] = {}
    for state in states:
        sources = [places[name] for name in state.sources if name in places]
        column = max((one[0] + 1 for one in sources), default=0)
        if state.table.subject not in lanes and sources:
            lane = sorted(one[1] for one in sources)[len(sources) // 2]
        else:
            lane = lanes.setdefault(state.table.subject, len(lanes))
        taken = set(places.values())
        while (column, lane) in taken:
            lane += 1
        places[state.table.name] = (column, lane)
    return places


def _map(states: Sequence[State], places: Places) -> Html:
    width = (_WIDE + _ACROSS) * (1 + max(column for column, _ in places.values())) - _ACROSS
    height = (_HIGH + _DOWN) * (1 + max(lane for _, lane in places.values())) - _DOWN
    corner = {
        name: (column * (_WIDE + _ACROSS), lane * (_HIGH + _DOWN))
        for name, (column, lane) in places.items()
    }
    edges = [
        _edge(corner[source], corner[state.table.name], state.mark)
        for state in states
        for source in state.sources
    ]
    nodes = [_node(state, *corner[state.table.name]) for state in states]
    return _svg("map", width, height, edges, nodes)


def _edge(start: tuple[int, int], end: tuple[int, int], mark: str) -> Html:
    x, y = start[0] + _WIDE, start[1] + _HIGH // 2
    to_x, to_y = end[0], end[1] + _HIGH // 2
    # It bends right before it arrives, so that a long way stays in its own lane.
    bend = max(x, to_x - _ACROSS - 24)
    middle = (bend + to_x) / 2
    path = f"M{x} {y}H{bend}C{middle} {y} {middle} {to_y} {to_x} {to_y}"
    return el("path", d=path, class_=f"edge {mark}")


def _node(state: State, x: int, y: int) -> Html:
    rows, delta, outcome = _said(state)
    inside = (
        el("rect", width=_WIDE, height=_HIGH, rx=10, class_="box"),
        el("rect", width=4, height=_HIGH - 20, x=0, y=10, rx=2, class_=f"zone {state.table.zone}"),
        el("text", state.table.name, x=15, y=23, class_="name"),
        el(
            "text",
            el("tspan", rows),
            el("tspan", delta, class_="delta", dx=7) if delta else "",
            x=15,
            y=46,
            class_="rows",
        ),
        glyph(state.mark, 22, 62),
        el("text", outcome, x=34, y=66, class_="outcome"),
    )
    return _link(state, el("g", *inside, transform=f"translate({x} {y})"))


def _rail(states: Sequence[State], places: Places) -> Html:
    lanes = 1 + max(lane for _, lane in places.values())
    spot = {
        state.table.name: (14 + places[state.table.name][1] * _RAIL, 24 + order * _STOP)
        for order, state in enumerate(states)
    }
    edges = []
    for state in states:
        to_x, to_y = spot[state.table.name]
        for x, y in (spot[source] for source in state.sources):
            path = f"M{x} {y}C{x} {y + 34} {to_x} {to_y - 34} {to_x} {to_y}"
            edges.append(el("path", d=path, class_=f"edge {state.mark}"))
    stops = []
    left = 14 + lanes * _RAIL
    for state in states:
        x, y = spot[state.table.name]
        rows, delta, outcome = _said(state)
        inside = (
            el("rect", x=0, y=y - 26, width=_PHONE, height=_STOP - 8, class_="touch"),
            glyph(state.mark, x, y),
            el("text", state.table.name, x=left, y=y - 2, class_="name"),
            el("text", join(rows, delta, outcome, by=" · "), x=left, y=y + 16, class_="outcome"),
        )
        stops.append(_link(state, el("g", *inside)))
    return _svg("rail", _PHONE, _STOP * len(states), edges, stops)


def _svg(kind: str, width: int, height: int, edges: Sequence[Html], nodes: Sequence[Html]) -> Html:
    return el(
        "svg",
        el("g", *edges, aria_hidden="true"),
        *nodes,
        class_=f"lineage {kind}",
        viewBox=f"-2 -2 {width + 4} {height + 4}",
        role="group",
        aria_label="Lineage: which table is made from which, and how each stands",
    )


def _link(state: State, inside: Html) -> Html:
    rows, delta, outcome = _said(state)
    said = ", ".join(one for one in (state.table.name, rows, delta, outcome) if one)
    if state.sources:
        said += f", made from {', '.join(state.sources)}"
    return el("a", inside, href=f"#{state.table.name}", aria_label=said)


def _said(state: State) -> tuple[str, str, str]:
    """Say a table's rows, how they changed, and what became of it."""
    last = state.last
    if last is None:
        return "", "", "not in this run"
    rows = words.plural(last.rows, "row") if last.rows is not None else "no new rows"
    before = state.before
    delta = ""
    if state.report and before and last.rows is not None and before.rows is not None:
        delta = words.change(last.rows, before.rows)
    if state.report is None:
        return rows, delta, f"{last.status} earlier"
    parts: list[str] = [last.status]
    if last.failed:
        parts.append(f"{last.failed} failed")
    elif last.warned:
        parts.append(f"{last.warned} warned")
    if last.seconds:
        parts.append(words.seconds(last.seconds))
    return rows, delta, " · ".join(parts)
