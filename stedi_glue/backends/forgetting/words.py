"""The values that a file's bytes may hold, whatever its format."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from stedi_glue.backends.raw.blocks import DamagedArchive, unpacked

# Names have several words.
_WINDOW = 4
# Iceberg keeps this much of a column's least and greatest text.
BOUND = 16
_AT_ONCE = 4 << 20
# As many digits as a telephone number has, at least; measurements are not worth a look.
_DIGITS = 7
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_WORD = re.compile(r"""[^\s"`<>,;:=()\[\]{}|\\]+""")
_PARTS = re.compile(r'[<>"\n\r\x00]')
_AROUND = ".,;:!?()[]{}'`=|\\"
_LETTER = re.compile(r"[^\W\d_]")
_NUMBER = re.compile(r"[-+]?\d[\d.eE+-]*")


def words(path: str, content: bytes) -> Iterator[str]:
    """Yield every text in a file that may be a personal value: fields, words, runs of words.

    Parquet, Avro and gzip are decoded; all else is read as text. What cannot be decoded is read
    as text as well.
    """
    # Whatever decoders raise over a damaged file.
    with suppress(Exception):
        if content.startswith(b"PAR1"):
            yield from _parquet(content)
            return
        if content.startswith(b"Obj\x01"):
            yield from _avro(path, content)
            return
    for lines in _lines(_unpacked(content)):
        yield from of_text(lines.decode("utf-8", "replace"))


def _lines(content: bytes) -> Iterator[bytes]:
    """Cut a text at line ends, so that not all of its words are in memory at once."""
    start = 0
    while start < len(content):
        end = content.rfind(b"\n", start, start + _AT_ONCE) + 1
        end = end or content.find(b"\n", start + _AT_ONCE) + 1 or len(content)
        if start + _AT_ONCE >= len(content):
            end = len(content)
        yield content[start:end]
        start = end


def _unpacked(content: bytes) -> bytes:
    found = bytearray()
    with suppress(DamagedArchive):
        for piece in unpacked(BytesIO(content)):
            found += piece
    return bytes(found)


def of_text(text: str) -> set[str]:
    """Return what is quoted in a text, its words, and runs of a few words."""
    found: set[str] = set()
    for quoted in set(_QUOTED.findall(text)):
        found.add(quoted)
        if "\\" in quoted:
            try:
                inner = json.loads(f'"{quoted}"', strict=False)
            except ValueError:
                continue
            found.add(inner)
            found |= of_text(inner)
    plain = html.unescape(text) if "&" in text else text
    for part in set(_PARTS.split(plain)):
        if _LETTER.search(part):
            found.update(_of_part(part))
        elif len(part) >= _DIGITS:
            found.update(number for number in re.findall(r"\d+", part) if len(number) >= _DIGITS)
    return found


def _of_part(part: str) -> Iterator[str]:
    yield part.strip()
    for word in part.split():
        yield word.strip(_AROUND)
        if "%" in word:
            yield from _WORD.findall(unquote(word))
    plain = (word.strip("'") for word in _WORD.findall(part))
    found = [word for word in plain if len(word) < _DIGITS or not _NUMBER.fullmatch(word)]
    for start in range(len(found)):
        for end in range(start + 1, min(start + _WINDOW, len(found)) + 1):
            run = " ".join(found[start:end])
            yield run
            yield run.strip(_AROUND)
    yield from (number for number in re.findall(r"\d+", part) if len(number) >= _DIGITS)


def of_value(value: Any) -> Iterator[str]:
    """Yield the texts in a JSON value or a record, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, dict):
        for pair in value.items():
            yield from of_value(pair)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from of_value(item)
    elif hasattr(value, "_data"):
        # A record of pyiceberg, which has no other way to all of its fields.
        yield from of_value(value._data)


def of_texts(values: Iterable[str]) -> Iterator[str]:
    """Yield each of some texts, and what is in it."""
    for value in values:
        yield value
        if not value.isalnum():
            yield from of_text(value)


def _parquet(content: bytes) -> Iterator[str]:
    import pyarrow as pa
    from pyarrow import compute, parquet

    file = parquet.ParquetFile(BytesIO(content))
    numbers = [field.name for field in file.schema_arrow if pa.types.is_primitive(field.type)]
    texts = [name for name in file.schema_arrow.names if name not in numbers]
    for group in range(file.metadata.num_row_groups):
        for column in file.read_row_group(group, columns=texts).columns:
            if pa.types.is_list(column.type):
                column = compute.list_flatten(column)
            there = (v for v in compute.unique(column).to_pylist() if v is not None)
            yield from of_texts(part for value in there for part in of_value(value))
        # The footer has texts of its own: the least and greatest values of columns.
        for number in range(file.metadata.num_columns):
            found = file.metadata.row_group(group).column(number).statistics
            if found is not None and found.has_min_max:
                yield from of_value([found.min, found.max])
    for text in (file.metadata.metadata or {}).values():
        yield from of_text(text.decode("utf-8", "replace"))


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
            yield from of_texts(of_value(record))
    # The head of the file says what it is of.
    yield from of_text(content[: 1 << 16].decode("utf-8", "replace"))
