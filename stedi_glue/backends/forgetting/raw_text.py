"""Raw exports without the objects of some people; every other byte stays."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from stedi_glue.backends.forgetting.words import of_text, of_value

Theirs = Callable[[Iterator[str]], bool]

_DECODER = json.JSONDecoder(strict=False)
# What parts two objects: it goes with the one before it.
_AFTER = re.compile(r"[ \t]*,?[ \t]*\r?\n?")


def without(text: str, theirs: Theirs) -> tuple[str, int]:
    """Return a text less what is somebody's, and how many pieces that was.

    A piece is a JSON object, wherever it begins, or a line of what lies between objects.
    theirs: whether one of the values in a piece is that person's.
    """
    kept: list[str] = []
    removed = 0
    for piece, found in _pieces(text):
        if theirs(found):
            removed += 1
        else:
            kept.append(piece)
    return "".join(kept), removed


def _pieces(text: str) -> Iterator[tuple[str, Iterator[str]]]:
    start = 0
    begin = text.find("{")
    while begin >= 0:
        try:
            value, end = _DECODER.raw_decode(text, begin)
        except (ValueError, RecursionError):
            # Cut short or malformed: part of what lies between objects.
            begin = text.find("{", begin + 1)
            continue
        yield from _lines(text[start:begin])
        after = _AFTER.match(text, end)
        start = after.end() if after else end
        yield text[begin:start], of_value(value)
        begin = text.find("{", start)
    yield from _lines(text[start:])


def _lines(text: str) -> Iterator[tuple[str, Iterator[str]]]:
    for line in text.splitlines(keepends=True):
        yield line, of_text(line)
