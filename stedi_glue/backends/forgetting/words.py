"""The values that a file's bytes may hold, whatever its format."""

from __future__ import annotations

import gzip
import html
import json
import re
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any

# Names have several words.
_WINDOW = 4
# Iceberg keeps this much of a column's least and greatest text.
BOUND = 16
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_WORD = re.compile(r"""[^\s"'`<>,;:=()\[\]{}|\\]+""")
_PARTS = re.compile(r"[<>\"\n]")


def values(path: str, content: bytes) -> Iterator[str]:
    """Yield every text in a file that may be a personal value: fields, words, and runs of words.

    Parquet, Avro and gzip are decoded; all else is read as text.
    """
    if content.startswith(b"PAR1"):
        yield from _parquet(content)
    elif content.startswith(b"Obj\x01"):
        yield from _avro(path, content)
    else:
        yield from of_text(unpacked(content).decode("utf-8", "replace"))


def unpacked(content: bytes) -> bytes:
    """Return the content of a gzip file, as far as it goes, and other content as it is."""
    if not content.startswith(b"\x1f\x8b"):
        return content
    found = bytearray()
    try:
        with gzip.open(BytesIO(content)) as stream:
            while chunk := stream.read(1 << 16):
                found += chunk
    except (EOFError, OSError, zlib.error):
        pass
    return bytes(found)


def of_text(text: str) -> Iterator[str]:
    """Yield what is quoted in a text, its words, and runs of a few words."""
    for quoted in _QUOTED.findall(text):
        yield quoted
        if "\\" in quoted:
            try:
                inner = json.loads(f'"{quoted}"', strict=False)
            except ValueError:
                continue
            yield inner
            yield from of_text(inner)
    for part in _PARTS.split(html.unescape(text)):
        yield part.strip()
        words = _WORD.findall(part)
        for start in range(len(words)):
            for end in range(start + 1, min(start + _WINDOW, len(words)) + 1):
                run = " ".join(words[start:end])
                yield run
                yield run.strip(".!?")


def of_value(value: Any) -> Iterator[str]:
    """Yield the texts in a JSON value or a record."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, dict):
        for item in value.values():
            yield from of_value(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from of_value(item)
    elif hasattr(value, "_data"):
        # A record of pyiceberg, which has no other way to all of its fields.
        yield from of_value(value._data)


def _parquet(content: bytes) -> Iterator[str]:
    import pyarrow as pa
    from pyarrow import compute, parquet

    file = parquet.ParquetFile(BytesIO(content))
    for column in file.read().columns:
        if pa.types.is_list(column.type):
            column = compute.list_flatten(column)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            for value in compute.unique(column).to_pylist():
                if value is not None:
                    yield value
                    if not value.isalnum():
                        yield from of_text(value)
    # The footer has texts of its own: the least and greatest values of columns.
    for group in range(file.metadata.num_row_groups):
        for number in range(file.metadata.num_columns):
            found = file.metadata.row_group(group).column(number).statistics
            if found is not None and found.has_min_max:
                yield from of_value([found.min, found.max])


def _avro(path: str, content: bytes) -> Iterator[str]:
    from pyiceberg.avro.file import AvroFile
    from pyiceberg.io import InputFile

    class Memory(InputFile):
        def __len__(self) -> int:
            return len(content)

        def exists(self) -> bool:
            return True

        def open(self, seekable: bool = True) -> Any:
            return BytesIO(content)

    file: AvroFile[Any] = AvroFile(Memory(path))
    with file as records:
        for record in records:
            yield from of_value(record)
