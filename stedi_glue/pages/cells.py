"""What a notebook's cell shows: as HTML in Jupyter, as text in a Glue session."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stedi_glue.model.pipeline import Pipeline
from stedi_glue.pages.html import Html, el, join

# Jupyter's own colours where it has them, so that a dark theme stays dark.
_INK = "var(--jp-content-font-color1, #18212c)"
_DIM = "var(--jp-content-font-color2, #566273)"
_LINE = "var(--jp-border-color2, #dfe4ea)"
_FONT = "font: 13px/1.5 system-ui, -apple-system, 'Segoe UI', sans-serif"
# Legible on light and dark.
COLOURS = {
    "landing": "#9a7d3c",
    "trusted": "#3b7cc4",
    "curated": "#2f9a60",
    "passed": "#2a8f5b",
    "published": "#2a8f5b",
    "audited": "#2a8f5b",
    "warning": "#b07512",
    "held": "#cf4a33",
    "critical": "#cf4a33",
    "failed": "#c02f64",
    "never": "#7a8594",
    "skipped": "#7a8594",
    "info": "#7a8594",
}
# A cell of text; longer ones would push the others out of sight.
_LONGEST = 72
# Text that stays on one line of a page.
_UNBROKEN = 32
_WIDE, _HIGH, _ACROSS, _DOWN = 196, 44, 38, 22


@dataclass(frozen=True, repr=False)
class Shown:
    """Something to look at: `repr` is its text, and Jupyter finds its HTML."""

    text: str
    html: Html

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html

    def __add__(self, other: Shown) -> Shown:
        return Shown(f"{self.text}\n\n{other.text}", join(self.html, other.html))


def grid(title: str, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Shown:
    """Show a table; numbers stand right, and words that tell a state have its colour."""
    lines = [list(row) for row in rows]
    return Shown(_text_grid(title, headers, lines), _html_grid(title, headers, lines))


def note(sentence: str) -> Shown:
    """Show one sentence."""
    return Shown(sentence, el("p", sentence, style=f"{_FONT}; color: {_DIM}; margin: 6px 0"))


def lineage(pipeline: Pipeline) -> Shown:
    """Show which tables are made from which, as a drawing."""
    made = [
        (table.name, str(table.zone), ", ".join(pipeline.sources(table.name)) or "raw data")
        for table in pipeline.tables
    ]
    text = _text_grid("Lineage", ("table", "zone", "made from"), made)
    return Shown(text, _drawing(pipeline))


def said(value: object) -> str:
    """Write a value: counts with separators, what is missing as a dash."""
    if value is None or value == "":
        return "\N{EN DASH}"
    if isinstance(value, bool):
        return str(value).lower()
    # An identifier of a time or a snapshot is no count.
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 1e12 else str(value)
    return f"{value:,.3g}" if isinstance(value, float) else str(value)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text_grid(title: str, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    cells = [[*headers], *([_brief(said(value)) for value in row] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(headers))]
    right = [any(_is_number(row[at]) for row in rows) for at in range(len(headers))]
    lines = [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    ]
    return "\n".join([title, "", lines[0], "-" * len(lines[0]), *lines[1:]])


def _brief(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def _html_grid(title: str, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> Html:
    right = [any(_is_number(row[at]) for row in rows) for at in range(len(headers))]
    sides = ["right" if number else "left" for number in right]
    head = [
        el("th", name, style=f"{_cell(side)}; color: {_DIM}; font-weight: 500")
        for name, side in zip(headers, sides, strict=True)
    ]
    body = [
        el("tr", *(_html_cell(value, side) for value, side in zip(row, sides, strict=True)))
        for row in rows
    ]
    table = el(
        "table",
        el("thead", el("tr", *head)),
        el("tbody", *body),
        style=f"border-collapse: collapse; {_FONT}; font-variant-numeric: tabular-nums",
    )
    name = el("div", title, style=f"{_FONT}; font-weight: 600; margin: 10px 0 4px; color: {_INK}")
    return el("div", name, table, style="overflow-x: auto")


def _html_cell(value: object, side: str) -> Html:
    colour = COLOURS.get(str(value))
    if colour is None:
        text = said(value)
        wrap = "normal" if len(text) > _UNBROKEN else "nowrap"
        return el("td", text, style=f"{_cell(side)}; color: {_INK}; white-space: {wrap}")
    dot = el("span", "\N{BLACK CIRCLE}", style=f"color: {colour}; margin-right: 6px")
    return el("td", dot, value, style=f"{_cell(side)}; color: {_INK}; white-space: nowrap")


def _cell(side: str) -> str:
    return f"text-align: {side}; padding: 4px 14px 4px 0; border-bottom: 1px solid {_LINE}"


def _drawing(pipeline: Pipeline) -> Html:
    """Draw each table in the column that says how far it is from raw data."""
    places = _places(pipeline)
    corner = {
        name: (column * (_WIDE + _ACROSS), row * (_HIGH + _DOWN))
        for name, (column, row) in places.items()
    }
    width = max(x for x, _ in corner.values()) + _WIDE
    height = max(y for _, y in corner.values()) + _HIGH
    edges = [
        _edge(corner[source], corner[table.name])
        for table in pipeline.tables
        for source in pipeline.sources(table.name)
    ]
    boxes = [_box(table.name, table.zone, *corner[table.name]) for table in pipeline.tables]
    return el(
        "svg",
        *edges,
        *boxes,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"-2 -2 {width + 4} {height + 4}",
        width="100%",
        style=f"max-width: {width}px",
        role="img",
        aria_label="Which table is made from which",
    )


def _places(pipeline: Pipeline) -> dict[str, tuple[int, int]]:
    """Give each table a column, and the row of what it is about unless that is taken."""
    places: dict[str, tuple[int, int]] = {}
    rows: dict[str, int] = {}
    for table in pipeline.tables:
        sources = [places[name] for name in pipeline.sources(table.name)]
        column = max((one[0] + 1 for one in sources), default=0)
        row = rows.setdefault(table.subject, 1 if sources else len(rows))
        while (column, row) in places.values():
            row += 1
        places[table.name] = (column, row)
    return places


def _edge(start: tuple[int, int], end: tuple[int, int]) -> Html:
    x, y = start[0] + _WIDE, start[1] + _HIGH // 2
    to_x, to_y = end[0], end[1] + _HIGH // 2
    # It bends just before it arrives, so that a long way stays in its own row.
    bend = to_x - _ACROSS
    middle = (bend + to_x) / 2
    path = f"M{x} {y}H{bend}C{middle} {y} {middle} {to_y} {to_x} {to_y}"
    return el("path", d=path, fill="none", stroke="#8a94a3", stroke_width=1.4)


def _box(name: str, zone: str, x: int, y: int) -> Html:
    colour = COLOURS[zone]
    font = "system-ui, -apple-system, 'Segoe UI', sans-serif"
    return el(
        "g",
        el(
            "rect",
            width=_WIDE,
            height=_HIGH,
            rx=7,
            fill="var(--jp-layout-color1, #ffffff)",
            stroke=colour,
            stroke_width=1.4,
        ),
        el("rect", x=0, y=9, width=4, height=_HIGH - 18, rx=2, fill=colour),
        el("text", name, x=14, y=19, font_size=12, font_weight=600, font_family=font, fill=_INK),
        el("text", zone, x=14, y=34, font_size=11, font_family=font, fill=colour),
        transform=f"translate({x} {y})",
    )
