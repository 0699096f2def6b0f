"""HTML that cannot be broken by what it shows: every text is escaped, markup is marked."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: object) -> Html:
    """Return a value as text of a page; markup stays as it is."""
    return value if isinstance(value, Html) else Html(escape(str(value)))


def join(*inside: object, by: str = "") -> Html:
    """Put pieces after each other, leaving out those that are None or empty."""
    return Html(by.join(text(one) for one in inside if one is not None and one != ""))


def el(name: str, *inside: object, **attributes: object) -> Html:
    """Return an element.

    Attributes are written as in Python: `class_` and `aria_label` are `class` and `aria-label`;
    None and False leave one out, True gives it no value.
    """
    said = "".join(
        f" {_name(key)}" if value is True else f' {_name(key)}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{said}>{join(*inside)}</{name}>")


def page(title: str, *body: object) -> Html:
    """Return a whole page, which loads nothing: its style is inside, and it has no script."""
    head = (
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="color-scheme" content="light dark">'),
        Html(
            '<meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
        ),
        Html('<link rel="icon" href="data:,">'),
        el("title", title),
        el("style", Html(colours() + _read("style.css"))),
    )
    whole = el("html", el("head", *head), el("body", *body), lang="en")
    return join(Html("<!doctype html>\n"), whole)


def colours() -> str:
    """Return the style that all pages share: the colours of light and dark, and the type."""
    return _read("colours.css")


@cache
def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
