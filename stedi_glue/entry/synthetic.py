"""Invented landing data: for the demo, for trying things out, and for measuring at any size.

It has the shape and the oddities of a STEDI export, and no real person in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from stedi_glue.errors import LandingError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from stedi_glue.model.table import Table

    Integers = NDArray[np.int64]
    # Returns the text of the records with these numbers.
    Lines = Callable[[Integers], bytes | pa.Buffer]

# A session is what one customer walks: 30 moments, at each of which the step trainer reads
# once and the phone two or three times.
MOMENTS = 30
READINGS = 85
FIRST_DAY = 1_655_560_000_000  # 18 June 2022, epoch milliseconds
YEAR = 365 * 86_400_000
# One registration each so many milliseconds keeps the share of strangers who read a sensor
# in the same millisecond steady at a few percent, however many customers there are.
PACE = 240
LONGEST_SESSION = 120_000

ROWS_PER_BLOCK = 50_000
ROWS_PER_FILE = 10_000
ROWS_PER_LARGE_FILE = 500_000

# How a hundred customers answer on sharing with research: at registration, after their
# session, not at all, in the older way with 0, or not at all with an explicit null.
ANSWERS = ["agreed"] * 48 + ["late"] * 2 + ["absent"] * 46 + ["zero"] * 2 + ["null"] * 2
# The first customers are cast by hand, so that the smallest lake shows every oddity.
CAST = ["agreed", "agreed", "absent", "late", "zero", "null", "absent", "agreed"]
# One customer in 20 has no phone; the last of the cast is the first of them.
WITHOUT_PHONE = 7

FIRST_NAMES = (
    "Alibi Bogus Cameo Demo Ersatz Faux Guise Hokum Imago Jest "
    "Kayfabe Legend Mockup Notional Pseudo Quasi Replica Sample Token Virtual"
)
LAST_NAMES = (
    "Anybody Blank Cardboard Doe Everyone Figment Gadget Handle Inkling Jargon "
    "Lorem Mannequin Nobody Outline Placeholder Quux Rough Specimen Template Untitled"
)


@dataclass(frozen=True)
class _Chance:
    """Random numbers that are the same on every machine, in whatever order they are drawn."""

    seed: int

    def bits(self, what: str, index: Integers) -> NDArray[np.uint64]:
        """Return 64 random bits for each index."""
        import numpy as np

        # The finalizer of SplitMix64: NumPy's own generators may change between releases.
        start = int.from_bytes(blake2b(f"{self.seed} {what}".encode(), digest_size=8).digest())
        bits = index.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(start)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
        return bits ^ (bits >> np.uint64(31))

    def below(self, limit: int, what: str, index: Integers) -> Integers:
        """Return for each index a number from 0 to `limit` - 1."""
        import numpy as np

        return (self.bits(what, index) % np.uint64(limit)).astype(np.int64)


@dataclass(frozen=True)
class _Crowd:
    """The invented customers; every record is computed from these.

    answers: how they answered on sharing with research, as in `ANSWERS`.
    registered, since, end: when they registered, last answered and ended their session; epoch ms.
    interval: the time between two moments of the session, in milliseconds.
    """

    chance: _Chance
    names: list[str]
    emails: list[str]
    serials: list[str]
    answers: list[str]
    registered: Integers
    since: Integers
    end: Integers
    interval: Integers


def write_landing(
    folder: Path, customers: int = 200, readings: int | None = None, seed: int = 2022
) -> dict[str, int]:
    """Write invented landing data and return the number of records per landing table.

    The same arguments give the same bytes on every machine. From 8 customers on, every
    oddity of real exports occurs: consent that is absent, null or 0, readings before
    consent, several readings of a user in one millisecond, strangers who share a
    millisecond, agreeing customers without readings, birth years below 1000.

    folder: the lake's root; files go to `<folder>/customer/landing` and its like.
    customers: registrations, each with 30 step trainer records; more are added when
        `readings` needs them.
    readings: accelerometer records, exactly; by default 85 for each customer with a phone
        (19 in 20). With fewer, the last customers have none.

    Raises UsageError when a number is not positive or a landing folder already holds
    something, and LandingError when the folder cannot be written.
    """
    import numpy as np

    from stedi_glue.zones import landing

    for name, number in (("customers", customers), ("readings", readings)):
        if number is not None and number < 1:
            raise UsageError(f"{name} must be 1 or more, not {number}.")
    if readings is not None:
        phones = -(-readings // READINGS)
        customers = max(customers, phones + phones // 19 + 1)
    crowd = _invent(customers, _Chance(seed))
    carriers = np.flatnonzero(np.arange(customers) % 20 != WITHOUT_PHONE)
    readings = readings or READINGS * len(carriers)
    parts: tuple[tuple[Table, int, Lines], ...] = (
        (landing.CUSTOMER_LANDING, customers, partial(_customer_lines, crowd)),
        (landing.ACCELEROMETER_LANDING, readings, partial(_reading_lines, crowd, carriers)),
        (landing.STEP_TRAINER_LANDING, MOMENTS * customers, partial(_step_lines, crowd)),
    )
    try:
        for table, _, _ in parts:
            target = folder / table.location
            if target.exists() and any(target.iterdir()):
                raise UsageError(
                    f"{target} already holds files, and invented data must not mix with them: "
                    "choose another folder, or empty that one."
                )
        for table, total, lines in parts:
            _write(folder / table.location, table.subject, total, lines)
    except OSError as error:
        raise LandingError(
            f"Invented data cannot be written to {folder}: {error.strerror}; "
            "choose a folder that can be written and has room."
        ) from error
    return {table.name: total for table, total, _ in parts}


def _write(folder: Path, subject: str, total: int, lines: Lines) -> None:
    """Write records 0 to `total` - 1 into files, a block at a time."""
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    size = ROWS_PER_FILE if total <= ROWS_PER_LARGE_FILE else ROWS_PER_LARGE_FILE
    for number, first in enumerate(range(0, total, size)):
        end = min(total, first + size)
        with (folder / f"{subject}-{number:05}.json").open("wb") as file:
            for start in range(first, end, ROWS_PER_BLOCK):
                file.write(lines(np.arange(start, min(end, start + ROWS_PER_BLOCK))))


def _invent(customers: int, chance: _Chance) -> _Crowd:
    import numpy as np

    index = np.arange(customers)
    first, last = FIRST_NAMES.split(), LAST_NAMES.split()
    names = []
    for at in range(customers):
        row, column = divmod(at, len(first))
        again, row = divmod(row, len(last))
        # A number keeps names distinct once every pair of first and last name is taken.
        names.append(f"{first[column]} {last[(row + column) % len(last)]}{again or ''}")
    serials = zip(
        chance.bits("high", index).tolist(), chance.bits("low", index).tolist(), strict=True
    )

    answers = [ANSWERS[draw] for draw in chance.below(100, "answer", index).tolist()]
    answers[: len(CAST)] = CAST[:customers]
    window = max(20_000, PACE * customers - LONGEST_SESSION)
    registered = FIRST_DAY + chance.below(window, "registered", index)
    end = registered + 65_000 + chance.below(10_000, "end", index)
    # Two of the cast walk together, so that strangers meet in a lake of any size.
    registered[1:2], end[1:2] = registered[0], end[0]
    registered[[answer == "zero" for answer in answers]] -= YEAR
    return _Crowd(
        chance=chance,
        names=names,
        emails=[name.replace(" ", ".") + "@example.com" for name in names],
        serials=[str(UUID(int=high << 64 | low, version=4)) for high, low in serials],
        answers=answers,
        registered=registered,
        since=np.where([answer == "late" for answer in answers], end + 1000, registered),
        end=end,
        interval=2000 + 100 * (1 + chance.below(60, "interval", index)) // 3,
    )


def _moments(crowd: _Crowd, customer: Integers, moment: Integers) -> pa.Array:
    """Return as text when customers were read, newest first."""
    import pyarrow as pa

    return pa.array(crowd.end[customer] - moment * crowd.interval[customer]).cast(pa.string())


def _customer_lines(crowd: _Crowd, rows: Integers) -> bytes:
    born = 967 + crowd.chance.below(998, "born", rows)
    born[rows == 0] = 967
    public = crowd.chance.below(2, "public", rows)
    friends = crowd.chance.below(2, "friends", rows)
    columns = (rows, crowd.registered[rows], crowd.since[rows], born, public, friends)
    lines = []
    for at, registered, since, year, *others in zip(*(c.tolist() for c in columns), strict=True):
        answer = crowd.answers[at]
        record = {
            "customerName": crowd.names[at],
            "email": crowd.emails[at],
            "phone": f"80155501{at % 100:02}",
            "birthDay": f"{year}-01-01",
            "serialNumber": crowd.serials[at],
            "registrationDate": registered,
            "lastUpdateDate": since,
        }
        shares = (answer in ("agreed", "late"), *others)
        for whom, yes in zip(("Research", "Public", "Friends"), shares, strict=True):
            if yes or answer == "zero":
                record[f"shareWith{whom}AsOfDate"] = since if yes else 0
            elif answer == "null":
                record[f"shareWith{whom}AsOfDate"] = None
        lines.append(json.dumps(record) + "\n")
    return "".join(lines).encode()


def _reading_lines(crowd: _Crowd, carriers: Integers, rows: Integers) -> pa.Buffer:
    import pyarrow as pa

    turn = rows % READINGS
    customer = carriers[rows // READINGS]
    # 85 readings spread over 30 moments: three at most, two at each sixth.
    moment = turn * MOMENTS // READINGS
    nth = turn - -(-moment * READINGS // MOMENTS)
    motions = [
        f',"x":{x}.0,"y":{y}.0,"z":{z}.0}}\n'
        for x, y, z in product((-1, 0, 1), (-1, 0, 1), (-1, 0))
    ]
    # A stride from 1 to 8 never returns to one of the 18 motions within three readings: rows
    # of one moment differ.
    draw = MOMENTS * customer + moment
    motion = crowd.chance.below(18, "motion", draw)
    motion += nth * (1 + crowd.chance.below(8, "stride", draw))
    return _joined(
        _per_customer('{"user":"%s","timestamp":', crowd.emails, customer),
        _moments(crowd, customer, moment),
        pa.array(motions).take(pa.array(motion % 18)),
    )


def _step_lines(crowd: _Crowd, rows: Integers) -> pa.Buffer:
    import pyarrow as pa

    customer, moment = rows // MOMENTS, rows % MOMENTS
    return _joined(
        '{"sensorReadingTime":',
        _moments(crowd, customer, moment),
        _per_customer(',"serialNumber":"%s","distanceFromObject":', crowd.serials, customer),
        pa.array(201 + crowd.chance.below(100, "distance", rows)).cast(pa.string()),
        "}\n",
    )


def _per_customer(text: str, values: list[str], customer: Integers) -> pa.Array:
    """Return for each row the text with the value of its customer; customers come in order."""
    import pyarrow as pa

    first, last = int(customer[0]), int(customer[-1])
    texts = pa.array([text % value for value in values[first : last + 1]])
    return texts.take(pa.array(customer - first))


def _joined(*parts: pa.Array | str) -> pa.Buffer:
    """Return the bytes of all rows, each the parts one after another."""
    import pyarrow.compute as pc

    rows = pc.binary_join_element_wise(*parts, "")
    return rows.buffers()[2]
