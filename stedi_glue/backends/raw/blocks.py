"""A raw file's bytes, cut into blocks that can be read one by one."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

# Between two objects on lines of their own. No JSON value has this inside: objects in an array
# are parted by a comma, and text has no line end.
CUT = b'}\n{"'
# What is made of a block stays near the core: at 8 MB each step pays for fresh memory.
BLOCK = 2 << 20
GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_READ = 1 << 20


class DamagedArchive(Exception):
    """The rest of a compressed file is not there."""


class CorruptArchive(DamagedArchive):
    """The rest of a compressed file makes no sense, and what came just before may be wrong."""


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Cut a file into blocks of whole records, as many bytes each as it takes to find a cut.

    Line ends are made plain, a byte-order mark is left out, gzip is unpacked. Raises
    DamagedArchive after the last block when a compressed file breaks off or is damaged.
    """
    waiting: list[bytes] = []
    size = searched = 0
    damage: DamagedArchive | None = None
    try:
        for chunk in _plain(unpacked(stream)):
            waiting.append(chunk)
            size += len(chunk)
            # Twice as much each time, where cuts are far apart.
            if size - searched < max(BLOCK, searched):
                continue
            text = b"".join(waiting)
            end = text.rfind(CUT) + 2
            if end > 1:
                yield text[:end]
                text = text[end:]
            waiting, size = [text], len(text)
            searched = 0 if end > 1 else size
    except DamagedArchive as error:
        damage = error
    if size:
        yield b"".join(waiting)
    if damage:
        raise damage


def middle(block: bytes) -> int:
    """Return where a block can be cut in two, near its middle; 0 when nowhere."""
    half = len(block) // 2
    before = block.rfind(CUT, 0, half)
    found = before if before >= 0 else block.find(CUT, half)
    return found + 2 if found >= 0 else 0


def unpacked(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of a file as they are, of a gzip file as they were.

    Raises DamagedArchive after all that comes before the damage.
    """
    head = stream.read(_READ)
    if not head.startswith(GZIP):
        while head:
            yield head
            head = stream.read(_READ)
        return
    unzip = zlib.decompressobj(wbits=31)
    while head:
        before = unzip.copy()
        try:
            yield unzip.decompress(head)
        except zlib.error as error:
            yield from _salvaged(before, head)
            raise CorruptArchive from error
        # An archive may have several members, one after the other.
        head = unzip.unused_data or stream.read(_READ)
        if unzip.eof and head:
            unzip = zlib.decompressobj(wbits=31)
    if not unzip.eof:
        raise DamagedArchive


def _salvaged(unzip: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    """Unpack what comes before the damage: of a piece that has it, zlib gives nothing."""
    while packed:
        half = packed[: (len(packed) + 1) // 2]
        before = unzip.copy()
        try:
            yield unzip.decompress(half)
            packed = packed[len(half) :]
        except zlib.error:
            unzip, packed = before, half
            if len(half) == 1:
                break
    # The last byte may still stand for many.
    with suppress(zlib.error):
        while piece := unzip.decompress(packed, 1):
            yield piece
            packed = unzip.unconsumed_tail


def _plain(chunks: Iterator[bytes]) -> Iterator[bytes]:
    first, held = True, b""
    try:
        for chunk in chunks:
            chunk = held + chunk
            if first and len(chunk) < len(_BYTE_ORDER_MARK):
                held = chunk
                continue
            if first:
                chunk, first = chunk.removeprefix(_BYTE_ORDER_MARK), False
            held = b"\r" if chunk.endswith(b"\r") else b""
            yield chunk.removesuffix(b"\r").replace(b"\r\n", b"\n") if b"\r" in chunk else chunk
    except DamagedArchive:
        yield held
        raise
    yield held
