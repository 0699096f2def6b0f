"""Raw files without a person; what belongs to others stays as it arrived."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from stedi_glue.backends.forgetting.words import of_text, of_texts, of_value
from stedi_glue.backends.raw.blocks import DamagedArchive, blocks
from stedi_glue.backends.raw.recovery import pieces
from stedi_glue.backends.raw.shape import Shape

if TYPE_CHECKING:
    from stedi_glue.backends.forgetting.person import Theirs
    from stedi_glue.backends.storage import Storage
    from stedi_glue.model.table import Table

# What parts two pieces: it goes with the one before it.
_AFTER = re.compile(r"[ \t]*,?[ \t]*\n?")
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"|(?<![\w.+-])\d{7,}(?![\w.+-])')
_FIELD = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|(\d+))')


def subject_keys(table: Table) -> frozenset[str]:
    """Return the keys whose value says whose an object is: an e-mail address, else a device."""
    named = [column for column in table.columns if column.pseudonym]
    subjects = [column for column in named if column.pseudonym == "subject"]
    return frozenset(key for c in subjects or named for key in (c.name, *c.aliases))


def plain(storage: Storage, path: str) -> Iterator[str]:
    """Yield a raw file's text in blocks of whole pieces, as far as it can be unpacked."""
    reading = storage.explaining(f"Cannot read '{path}'")
    with reading, suppress(DamagedArchive), storage.open_input(path) as stream:
        for block in blocks(stream):
            yield block.decode("utf-8", "surrogateescape")


def fields(text: str, table: Table) -> Iterator[dict[str, str]]:
    """Yield what is personal in each piece, by column; also of pieces that broke off."""
    shape = Shape(table.columns)
    keys = {k: name for k, name in shape.keys.items() if name in table.personal_columns}
    for start, stop, pairs in pieces(text, shape):
        found: Any = pairs
        if pairs is None:
            found = (
                (k, quoted or number) for k, quoted, number in _FIELD.findall(text[start:stop])
            )
        yield {
            keys[key]: str(value)
            for key, value in found
            if key in keys and isinstance(value, str) and value.strip()
        }


def without(text: str, shape: Shape, keys: frozenset[str], theirs: Theirs) -> tuple[str, int]:
    """Return a block of raw text less what is somebody's, and how many pieces that changed.

    A piece of theirs goes. What somebody else's says of them is blanked.
    keys: those whose value says whose an object is.
    """
    if theirs.nowhere_in(text):
        return text, 0
    kept: list[str] = []
    done = changed = 0
    for start, stop, pairs in pieces(text, shape):
        if pairs is None:
            mine = theirs.cut(text[start:stop]) or theirs.any(of_text(text[start:stop]))
            others: list[str] = []
        else:
            owners = [str(v) for k, v in pairs if k in keys and isinstance(v, str) and v.strip()]
            others = [owner for owner in owners if not theirs(owner)]
            mine = len(others) < len(owners) or theirs.any(of_texts(of_value(pairs)))
        if not mine:
            continue
        changed += 1
        kept.append(text[done:start])
        if others and len(others) == len(owners):
            kept.append(blanked(text[start:stop], theirs))
            done = stop
        else:
            after = _AFTER.match(text, stop)
            done = after.end() if after else stop
    kept.append(text[done:])
    return "".join(kept), changed


def blanked(text: str, theirs: Theirs) -> str:
    """Return JSON text with nothing in place of each text and number that tells of somebody."""

    def blank(found: re.Match[str]) -> str:
        literal = found[0]
        if not literal.startswith('"'):
            return "0" if theirs(literal) else literal
        try:
            value = json.loads(literal, strict=False)
        except ValueError:
            value = literal
        return '""' if theirs.any(of_texts([value])) else literal

    return _LITERAL.sub(blank, text)
