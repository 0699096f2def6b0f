"""Well-formed lines, by Arrow's JSON reader: some hundred megabytes a second on each core.

Whatever it would read otherwise than `recovery` is not for it.
"""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json

from stedi_glue.backends.raw.blocks import middle
from stedi_glue.backends.raw.shape import Batch, Shape

# Arrow's reader ends the process over a null in place of an object.
_NULL_OBJECT = re.compile(rb"\}\s*null")
# Deeper nesting than Python's JSON reader can follow is for it to refuse.
_DEEP = 500
_SMALL = 1 << 16
# Arrow takes them for numbers.
_NOT_FINITE = re.compile(rb"[:,\[\- \t](NaN|Inf)")


def decode(block: bytes, shape: Shape) -> tuple[list[Batch], list[bytes]]:
    """Return what could be read of a block, and the parts that `recovery` has to look at."""
    batch = _decode(block, shape)
    if batch is not None:
        return [batch], []
    cut = middle(block) if len(block) > _SMALL else 0
    if not cut:
        return [], [block]
    left, right = decode(block[:cut], shape), decode(block[cut:], shape)
    return left[0] + right[0], left[1] + right[1]


def _decode(block: bytes, shape: Shape) -> Batch | None:
    """Read a block in which every line is one sound object; None when it is another."""
    lines = _lines(block)
    if not lines:
        return None
    try:
        raw = json.read_json(
            pa.BufferReader(block),
            read_options=json.ReadOptions(use_threads=False, block_size=max(len(block), 1)),
            parse_options=json.ParseOptions(
                explicit_schema=shape.raw_schema, unexpected_field_behavior="ignore"
            ),
        )
    except pa.ArrowInvalid:
        return None
    return _joined(raw, shape) if raw.num_rows == lines else None


def _lines(block: bytes) -> int:
    """Count the lines of a block; 0 when they are not for Arrow."""
    if not block.startswith(b'{"') or b"\x00" in block:
        return 0
    text = np.frombuffer(block, np.uint8)
    ends, closed, arrays = (int(np.count_nonzero(text == sign)) for sign in b"\n}[")
    # Each line starts with {" and ends with }.
    lines = ends + (not block.endswith(b"\n"))
    if block.count(b'}\n{"') != lines - 1 or not block.endswith((b"}", b"}\n")):
        return 0
    if closed > lines and _NULL_OBJECT.search(block):
        return 0
    if closed - lines + arrays > _DEEP:
        return 0
    # A search for one byte takes no time.
    for first, word in ((b"N", b"NaN"), (b"I", b"Inf")):
        if first in block and word in block and _NOT_FINITE.search(block):
            return 0
    return lines if block.isascii() or _is_text(block) else 0


def _is_text(block: bytes) -> bool:
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _joined(raw: pa.Table, shape: Shape) -> Batch | None:
    """Bring the keys of each column together; None when a record needs a closer look."""
    columns: dict[str, pa.ChunkedArray] = {}
    mended: Counter[str] = Counter()
    for key, name in shape.keys.items():
        values = raw[key]
        there = len(values) - values.null_count
        if name not in columns:
            columns[name] = values
        elif there:
            if pc.any(pc.and_(columns[name].is_valid(), values.is_valid())).as_py():
                return None
            columns[name] = pc.coalesce(columns[name], values)
            mended[f"key '{key}' for '{name}'"] += there
    if all(values.null_count for values in columns.values()):
        empty = [values.is_null() for values in columns.values()]
        nothing = empty[0]
        for one in empty[1:]:
            nothing = pc.and_(nothing, one)
        if pc.any(nothing).as_py():
            return None
    return Batch(pa.table(columns), mended=mended)
