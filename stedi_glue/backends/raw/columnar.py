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

from stedi_glue.backends.raw.blocks import CUT, middle
from stedi_glue.backends.raw.shape import Batch, Shape

# Arrow's reader ends the process over a null in place of an object.
_NULL_OBJECT = re.compile(rb"\}\s*null")
# Deeper nesting than Python's JSON reader can follow is for it to refuse.
_DEEP = 500
_SMALL = 1 << 16
# Arrow takes them for numbers.
_NOT_FINITE = re.compile(rb"[:,\[\- \t\r](NaN|Inf)")


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
    # Few blocks have keys that are no columns, and to leave them out takes longer.
    raw = _read(block, shape.schema, "error")
    if raw is None and not _not_finite(block):
        raw = _read(block, shape.raw_schema, "ignore")
    return _joined(raw, shape) if raw and raw.num_rows == lines else None


def _not_finite(block: bytes) -> bool:
    """Tell whether there may be such numbers under any key; of columns `_joined` asks."""
    found = b"NaN" in block or b"Inf" in block
    return found and _NOT_FINITE.search(block) is not None


def _read(block: bytes, schema: pa.Schema, unexpected: str) -> pa.Table | None:
    try:
        return json.read_json(
            pa.BufferReader(block),
            read_options=json.ReadOptions(use_threads=False, block_size=len(block)),
            parse_options=json.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior=unexpected
            ),
        )
    except pa.ArrowInvalid:
        return None


def _lines(block: bytes) -> int:
    """Count the lines of a block; 0 when they are not for Arrow."""
    if not block.startswith(b'{"') or not block.endswith((b"}", b"}\n")) or b"\x00" in block:
        return 0
    ends, closed, arrays = (_count(block, sign) for sign in (b"\n", b"}", b"["))
    # Each line starts with {" and ends with }.
    lines = ends + (not block.endswith(b"\n"))
    if _cuts(block) != lines - 1:
        return 0
    if closed > lines and _NULL_OBJECT.search(block):
        return 0
    if closed - lines + arrays > _DEEP:
        return 0
    return lines if block.isascii() or _is_text(block) else 0


def _count(block: bytes, sign: bytes) -> int:
    """Count one byte: NumPy is quick where there are many, Python where there are none."""
    if sign not in block:
        return 0
    return int(np.count_nonzero(np.frombuffer(block, np.uint8) == ord(sign)))


def _cuts(block: bytes) -> int:
    """Count the cuts of a block: their four bytes are one number, at one of four places."""
    (cut,) = np.frombuffer(CUT, np.uint32)
    fours = (
        np.frombuffer(block, np.uint32, (len(block) - place) // 4, place) for place in range(4)
    )
    return sum(int(np.count_nonzero(four == cut)) for four in fours)


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
        if key not in raw.column_names:
            continue
        values = raw[key]
        if not _finite(values):
            return None
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


def _finite(values: pa.ChunkedArray) -> bool:
    if not pa.types.is_floating(values.type):
        return True
    return bool(pc.all(pc.is_finite(values), min_count=0).as_py())
