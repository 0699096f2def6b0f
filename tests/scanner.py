"""Looks for text in every file of a folder, whatever its format; knows nothing of the package."""

from __future__ import annotations

import gzip
import html
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow.parquet as pq
from pyiceberg.avro.file import AvroFile
from pyiceberg.io.pyarrow import PyArrowFileIO

_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def holding(folder: Path, *values: str) -> list[str]:
    """The files in whose content one of the values occurs, in any case, by path."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    assert len(files) > 20
    wanted = [value.casefold() for value in values]
    assert all(wanted)
    return [
        str(file.relative_to(folder))
        for file in files
        if any(value in text.casefold() for text in decoded(file) for value in wanted)
    ]


def decoded(file: Path) -> Iterator[str]:
    """All that is in a file, as text."""
    content = file.read_bytes()
    yield from _plain(content)
    if content.startswith(b"PAR1"):
        table = pq.ParquetFile(BytesIO(content))
        for column in table.read().columns:
            yield "\n".join(map(str, column.unique().to_pylist()))
        yield str(table.metadata.to_dict())
        yield str(table.metadata.metadata)
    elif content.startswith(b"Obj\x01"):
        with AvroFile[Any](PyArrowFileIO().new_input(str(file))) as records:
            yield "\n".join(str(_values(record)) for record in records)
    elif content.startswith(b"\x1f\x8b"):
        unzip, text = zlib.decompressobj(31), b""
        for start in range(0, len(content), 64):
            try:
                text += unzip.decompress(content[start : start + 64])
            except zlib.error:
                break
        yield from _plain(text)
        if unzip.eof:
            yield from _plain(gzip.decompress(content))


def _plain(content: bytes) -> Iterator[str]:
    for encoding in ("utf-8", "utf-16-le"):
        text = content.decode(encoding, "replace")
        yield text
        yield " ".join(text.split())
        yield html.unescape(text)
        yield unquote(text)
        yield _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    with suppress(ValueError):
        yield json.dumps(json.loads(content), ensure_ascii=False)


def _values(record: Any) -> Any:
    if hasattr(record, "_data"):
        return [_values(value) for value in record._data]
    if isinstance(record, dict):
        return {key: _values(value) for key, value in record.items()}
    if isinstance(record, list):
        return [_values(value) for value in record]
    return record
