"""Every kind of malformed record that is known, and what becomes of it, among good ones."""

from __future__ import annotations

import gzip
import io
import json
import random
import zlib
from collections import Counter
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stedi_glue.backends.raw import columnar, recovery
from stedi_glue.backends.raw.blocks import CorruptArchive, DamagedArchive, blocks
from stedi_glue.backends.raw.shape import Shape
from stedi_glue.zones.landing import ACCELEROMETER_LANDING, CUSTOMER_LANDING, STEP_TRAINER_LANDING

SHAPES = {
    table.subject: Shape(table.columns)
    for table in (CUSTOMER_LANDING, ACCELEROMETER_LANDING, STEP_TRAINER_LANDING)
}
# A good record of each subject: a text, a whole number, and a key to spoil them under.
GOOD: dict[str, dict[str, Any]] = {
    "customer": {
        "customerName": "Ana Test",
        "email": "ana@test.com",
        "phone": "8015551212",
        "birthDay": "1980-02-03",
        "serialNumber": "s-1",
        "registrationDate": 1655564444103,
    },
    "accelerometer": {"user": "ana@test.com", "timestamp": 1655564444103, "x": 1.5},
    "step_trainer": {
        "serialNumber": "s-1",
        "sensorReadingTime": 1655564444103,
        "distanceFromObject": 5,
    },
}
TEXT = {"customer": "email", "accelerometer": "user", "step_trainer": "serialNumber"}
NUMBER = {
    "customer": "registrationDate",
    "accelerometer": "timestamp",
    "step_trainer": "sensorReadingTime",
}


class Read(NamedTuple):
    """What came of a text: records without their nulls, problems, and what was mended."""

    records: list[dict[str, Any]]
    problems: list[tuple[str, str]]
    mended: dict[str, int]


def read(content: bytes, subject: str) -> Read:
    """Read a file's bytes as a run does."""
    records, problems, mended = [], [], Counter[str]()
    for block in blocks(io.BytesIO(content)):
        batches, odd = columnar.decode(block, SHAPES[subject])
        for part in odd:
            batches += recovery.decode(part, SHAPES[subject])
        for batch in batches:
            records += batch.records.to_pylist()
            problems += batch.problems
            mended += batch.mended
    full = [{k: v for k, v in record.items() if v is not None} for record in records]
    return Read(full, problems, dict(mended))


class Kind(NamedTuple):
    """A malformed piece of raw data; {good}, {text} and {number} stand for the subject's own.

    good: how many whole records are in it. reasons: why the others are problems.
    mended: what lenient rules had to be used.
    """

    piece: str | bytes
    good: int
    reasons: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()


ALONE = "object without a line of its own"
WRONG_TEXT, WRONG_NUMBER = ("wrong type: {text}",), ("wrong type: {number}",)
KINDS = {
    # Cut short
    "cut in a value": Kind('{"{text}": "an', 0, (recovery.BROKEN,)),
    "cut in a key": Kind('{"{text}": "ana", "ti', 0, (recovery.BROKEN,)),
    "cut behind a key": Kind('{"{text}"', 0, (recovery.BROKEN,)),
    "cut behind a colon": Kind('{"{text}":', 0, (recovery.BROKEN,)),
    "cut behind a comma": Kind('{"{text}": "ana",', 0, (recovery.BROKEN,)),
    "cut in a number": Kind('{"{number}": 16555', 0, (recovery.BROKEN,)),
    "cut before its end": Kind('{"{text}": "ana", "{number}": 1', 0, (recovery.BROKEN,)),
    "an opening brace": Kind("{", 0, (recovery.BROKEN,)),
    "without its beginning": Kind('na", "{number}": 1}', 0, (recovery.NO_OBJECT,)),
    "cut, and a good one": Kind('{"{text}": "an{good}', 1, (recovery.BROKEN,), (ALONE,)),
    "cut behind a colon, and a good one": Kind('{"q":{good}', 1, (recovery.BROKEN,), (ALONE,)),
    # Several on a line
    "two objects on a line": Kind("{good}{good}", 2, mended=(ALONE,)),
    "two objects and a blank": Kind("{good} {good}", 2, mended=(ALONE,)),
    "a comma at the end": Kind("{good},", 1, mended=(ALONE,)),
    "commas between": Kind("{good},{good},{good}", 3, mended=(ALONE,)),
    "an array": Kind("[{good},{good}]", 2, mended=(ALONE,)),
    "an array over lines": Kind("[\n{good},\n{good}\n]", 2, mended=(ALONE,)),
    "an empty array": Kind("[]", 0, mended=(ALONE,)),
    "an array of numbers": Kind("[1, 2]", 0, (recovery.NO_OBJECT,)),
    "a good one and rubbish": Kind("{good} rubbish", 1, (recovery.NO_OBJECT,), (ALONE,)),
    "rubbish and a good one": Kind("rubbish {good}", 1, (recovery.NO_OBJECT,), (ALONE,)),
    "one brace too many": Kind("{good}}", 1, (recovery.NO_OBJECT,), (ALONE,)),
    "over several lines": Kind('{\n  "{text}": "b",\n  "{number}": 7\n}', 1),
    "broken over several lines": Kind(
        '{\n  "{text}": b,\n  "{number}": 7\n}', 0, (recovery.BROKEN,)
    ),
    # No object at all
    "null": Kind("null", 0, (recovery.NO_OBJECT,)),
    "a good one and null": Kind("{good} null", 1, (recovery.NO_OBJECT,), (ALONE,)),
    "a number": Kind("12", 0, (recovery.NO_OBJECT,)),
    "a text": Kind('"text"', 0, (recovery.NO_OBJECT,)),
    "a word": Kind("hello", 0, (recovery.NO_OBJECT,)),
    "a CSV line": Kind("ana@test.com,1655564444103,1.5", 0, (recovery.NO_OBJECT,)),
    "an XML line": Kind("<a>1</a>", 0, (recovery.NO_OBJECT,)),
    "a NUL character": Kind("\0", 0, (recovery.NO_OBJECT,)),
    "an empty object": Kind("{}", 0, (recovery.STRANGE,)),
    "keys of another table": Kind('{"weather": "rain"}', 0, (recovery.STRANGE,)),
    "keys in other case": Kind('{"{TEXT}": "ana"}', 0, (recovery.STRANGE,)),
    # Blank
    "an empty line": Kind("", 0),
    "blanks": Kind(" \t  ", 0),
    "blanks around": Kind("   {good}  ", 1),
    "Windows' line ends": Kind("\r\n{good}\r\n\r\n{good}\r\n", 2),
    "old Macintosh's line ends": Kind("{good}\r{good}", 2, mended=(ALONE,)),
    # Not quite JSON
    "single quotes": Kind("{'{text}': 'ana'}", 0, (recovery.BROKEN,)),
    "keys without quotes": Kind('{{text}: "ana"}', 0, (recovery.BROKEN,)),
    "a comma before the end": Kind('{"{text}": "ana",}', 0, (recovery.BROKEN,)),
    "a comment": Kind('{"{text}": "ana" /* me */}', 0, (recovery.BROKEN,)),
    "a plus sign": Kind('{"{number}": +1}', 0, (recovery.BROKEN,)),
    "a leading zero": Kind('{"{number}": 01}', 0, (recovery.BROKEN,)),
    "a hexadecimal": Kind('{"{number}": 0x1F}', 0, (recovery.BROKEN,)),
    "no digit behind the point": Kind('{"{number}": 1.}', 0, (recovery.BROKEN,)),
    "a tab in a text": Kind('{"{text}": "a\tb"}', 0, (recovery.BROKEN,)),
    "an unknown escape": Kind(r'{"{text}": "\x"}', 0, (recovery.BROKEN,)),
    # Wrong types
    "text for a number": Kind('{"{number}": "1655564444103"}', 0, WRONG_NUMBER),
    "a word for a number": Kind('{"{number}": "soon"}', 0, WRONG_NUMBER),
    "an empty text for a number": Kind('{"{number}": ""}', 0, WRONG_NUMBER),
    "true for a number": Kind('{"{number}": true}', 0, WRONG_NUMBER),
    "half a millisecond": Kind('{"{number}": 1.5}', 0, WRONG_NUMBER),
    "more than 64 bits": Kind('{"{number}": 9223372036854775808}', 0, WRONG_NUMBER),
    "a number without end": Kind('{"{number}": 1e400}', 0, WRONG_NUMBER),
    "a number of 5,000 digits": Kind('{"{number}": ' + "9" * 5000 + "}", 0, WRONG_NUMBER),
    "NaN": Kind('{"{number}": NaN}', 0, WRONG_NUMBER),
    "NaN under another key": Kind('{"{text}": "ana", "q": NaN}', 1),
    "infinity in short": Kind('{"{text}": "ana", "q": Inf}', 0, (recovery.BROKEN,)),
    "infinity in short, behind an old line end": Kind(
        '{"{text}": "ana", "q":\rInf}', 0, (recovery.BROKEN,)
    ),
    "infinity": Kind('{"{number}": -Infinity}', 0, WRONG_NUMBER),
    "an array for a number": Kind('{"{number}": [1]}', 0, WRONG_NUMBER),
    "an object for a text": Kind('{"{text}": {"a": 1}}', 0, WRONG_TEXT),
    "true for a text": Kind('{"{text}": false}', 0, WRONG_TEXT),
    "a number for a text": Kind('{"{text}": 801555}', 1, mended=("number for text in '{text}'",)),
    "a whole decimal": Kind(
        '{"{number}": 1655000000361.0}', 1, mended=("decimal for whole number in '{number}'",)
    ),
    "a whole power": Kind(
        '{"{number}": 1e3}', 1, mended=("decimal for whole number in '{number}'",)
    ),
    # Keys
    "nulls": Kind('{"{text}": null, "{number}": null}', 1),
    "missing keys": Kind('{"{text}": "ana"}', 1),
    "other keys": Kind('{"{text}": "ana", "more": {"deep": [1, {"a": null}]}}', 1),
    "an escaped key": Kind('{"{text}": "ana", "\\u0061": 1}', 1),
    "a key twice": Kind('{"{text}": "a", "{text}": "b"}', 0, ("two values: {text}",)),
    "another key twice": Kind('{"{text}": "a", "q": 1, "q": 2}', 1),
    "nested without end": Kind('{"q": ' + "[" * 100_000, 0, (recovery.BROKEN,)),
    "nested too deep to follow": Kind(
        '{"{text}": "a", "q": ' + "[" * 5000 + "]" * 5000 + "}", 0, (recovery.BROKEN,)
    ),
    "nested too deep to write": Kind(
        r'{"{text}": "\ud83d", "q": ' + '{"a":' * 600 + "1" + "}" * 601, 0, (recovery.BROKEN,)
    ),
    # Text
    "bytes that are not UTF-8": Kind(b'{"{text}": "\xff\xfe"}', 0, (recovery.NO_TEXT,)),
    "Latin-1": Kind('{"{text}": "Zoë"}'.encode("latin-1"), 0, (recovery.NO_TEXT,)),
    "half a character, escaped": Kind(r'{"{text}": "\ud83d"}', 0, (recovery.NO_TEXT,)),
    "an emoji": Kind('{"{text}": "🚶"}', 1),
    "an escaped emoji": Kind(r'{"{text}": "\ud83d\udeb6"}', 1),
    "an escaped NUL": Kind(r'{"{text}": "a\u0000b"}', 1),
    "braces in a text": Kind(r'{"{text}": "}\n{\"x\": {"}', 1),
    "ten megabytes": Kind('{"{text}": "' + "a" * 10_000_000 + '"}', 1),
}


def filled(piece: str | bytes, subject: str) -> bytes:
    content = piece.encode() if isinstance(piece, str) else piece
    for word, meaning in (
        (b"{good}", json.dumps(GOOD[subject])),
        (b"{text}", TEXT[subject]),
        (b"{TEXT}", TEXT[subject].upper()),
        (b"{number}", NUMBER[subject]),
    ):
        content = content.replace(word, meaning.encode())
    return content


@pytest.mark.parametrize("subject", SHAPES)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_a_malformed_piece_costs_no_good_record(kind: Kind, subject: str) -> None:
    good = json.dumps(GOOD[subject]).encode()
    before, behind = good + b"\n", b"\n" + good + b"\n"
    found = read(before + filled(kind.piece, subject) + behind, subject)
    names = {"text": TEXT[subject], "number": NUMBER[subject]}
    assert len(found.records) == kind.good + 2
    assert found.records[0] == found.records[-1] == GOOD[subject]
    assert [reason for reason, _ in found.problems] == [r.format(**names) for r in kind.reasons]
    assert set(found.mended) == {rule.format(**names) for rule in kind.mended}


def test_a_problem_keeps_its_text() -> None:
    found = read(b'{"user": "ana@te\n{"user": "\xff"}\n', "accelerometer")
    assert found.problems == [
        (recovery.BROKEN, '{"user": "ana@te'),
        (recovery.NO_TEXT, '{"user": "\ufffd"}'),
    ]


def test_numbers_keep_their_digits_as_text() -> None:
    found = read(b'{"email": "a@b.c", "phone": 8015551212, "lastUpdateDate": 2.0}', "customer")
    assert found.records == [{"email": "a@b.c", "phone": "8015551212", "lastUpdateDate": 2}]


@pytest.mark.parametrize("blank", ["", " ", "\t", "\r"])
@pytest.mark.parametrize("number", ["NaN", "-NaN", "Inf", "-Infinity"])
def test_decimals_are_finite(number: str, blank: str) -> None:
    lines = f'{{"user": "a", "x":{blank}{number}}}\n'.encode()
    for content in (lines, lines + b'{"user": "b", "other": 1}\n'):
        found = read(content, "accelerometer")
        assert all("x" not in record for record in found.records)
        assert len(found.problems) == 1


def test_the_other_name_of_a_key_is_understood() -> None:
    lines = b'{"user": "a", "timeStamp": 1}\n{"user": "b", "timestamp": 2, "timeStamp": null}\n'
    found = read(lines, "accelerometer")
    assert [record["timestamp"] for record in found.records] == [1, 2]
    assert found.mended == {"key 'timeStamp' for 'timestamp'": 1}
    both = read(b'{"user": "a", "timestamp": 1, "timeStamp": 1}\n', "accelerometer")
    assert [reason for reason, _ in both.problems] == ["two values: timestamp"]


def test_a_byte_order_mark_costs_nothing() -> None:
    lines = b"\xef\xbb\xbf" + b'{"user": "a"}\n{"user": "b"}\n'
    assert [record["user"] for record in read(lines, "accelerometer").records] == ["a", "b"]
    assert read(b"\xef\xbb\xbf", "accelerometer") == Read([], [], {})


@pytest.mark.parametrize("members", [1, 3])
def test_gzip_is_unpacked(members: int) -> None:
    packed = gzip.compress(b'{"user": "a"}\n') * members
    assert len(read(packed, "accelerometer").records) == members


def test_a_broken_archive_gives_what_can_be_unpacked() -> None:
    lines = b"".join(b'{"user": "%d"}\n' % number for number in range(100_000))
    packed = gzip.compress(lines)
    found = []
    with pytest.raises(DamagedArchive):
        found += blocks(io.BytesIO(packed[: len(packed) // 2]))
    unpacked = b"".join(found)
    assert len(unpacked) > len(lines) // 4
    assert lines.startswith(unpacked)


@pytest.mark.parametrize("place", [11, 100, 5_000, -2_000])
def test_a_damaged_archive_gives_all_that_comes_before_the_damage(place: int) -> None:
    chance = random.Random(place)
    lines = b"".join(b'{"user": "%d"}\n' % chance.getrandbits(64) for _ in range(40_000))
    packed = bytearray(gzip.compress(lines))
    packed[place : place + 400] = b"\xff" * 400
    found, wanted = [], b""
    with pytest.raises(CorruptArchive):
        found += blocks(io.BytesIO(packed))
    # Byte by byte, nothing before the damage is lost; what it gives after that is rubbish.
    unzip = zlib.decompressobj(wbits=31)
    with suppress(zlib.error):
        for number in range(len(packed)):
            wanted += unzip.decompress(packed[number : number + 1])
    assert b"".join(found).startswith(wanted)
    before = zlib.decompressobj(wbits=31).decompress(packed[:place])
    assert lines.startswith(before)
    assert wanted.startswith(before)


def test_a_large_file_is_cut_where_no_record_can_be() -> None:
    record = json.dumps({"user": 'x"}\n{"' * 20, "nested": [{"a": 1}, {"b": 2}]})
    content = "\n".join([record] * 60_000).encode()
    parts = list(blocks(io.BytesIO(content)))
    assert len(parts) > 1
    assert b"".join(parts) == content
    found = read(content, "accelerometer")
    assert (len(found.records), found.problems) == (60_000, [])


def test_one_bad_line_in_millions_is_found_alone() -> None:
    good = json.dumps(GOOD["accelerometer"]).encode()
    lines = [good] * 200_000
    lines[123_456] = b'{"user": 5, "timestamp": 1.5}'
    found = read(b"\n".join(lines), "accelerometer")
    assert len(found.records) == 199_999
    assert found.problems == [("wrong type: timestamp", lines[123_456].decode())]


# What both readers are given: mostly sound values, and some that only one might take.
WORDS = """
    1 1.5 -0 "a" "" null true NaN Inf -Infinity 1e400 1e3 "\\u0000" "\\ud800" "ü" [] {} "a}b" "NaN"
    [{"x":1}] {"user":{}} 9223372036854775807 9223372036854775808 0.1234567890123456789
"""
VALUES = st.sampled_from([*WORDS.split(), '"\t"'])
KEYS = st.sampled_from(["user", "timestamp", "timeStamp", "x", "q"])
MEMBERS = st.lists(st.tuples(KEYS, VALUES), max_size=4)
SEPARATORS = st.sampled_from(["\n", "\n", "\n", "", ",\n", " null\n", "\n\n", "}\n", "\n{", "\x00"])


@settings(deadline=None, max_examples=1500, derandomize=True)
@given(st.lists(st.tuples(MEMBERS, SEPARATORS), min_size=1, max_size=3))
def test_what_the_quick_reader_takes_the_thorough_one_reads_alike(
    objects: list[tuple[list[tuple[str, str]], str]],
) -> None:
    block = "".join(
        "{" + ",".join(f'"{key}":{value}' for key, value in members) + "}" + separator
        for members, separator in objects
    ).encode()
    shape = SHAPES["accelerometer"]
    quick, odd = columnar.decode(block, shape)
    thorough = list(recovery.decode(block, shape))
    assert odd in ([], [block])
    if not odd:
        assert [b.records.to_pylist() for b in quick] == [b.records.to_pylist() for b in thorough]
        assert [b.mended for b in quick] == [b.mended for b in thorough]
        assert not thorough[0].problems
