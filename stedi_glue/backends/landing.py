"""Raw landing data, parsed once into Parquet that audits and transforms read.

The parsed copy lies beside the raw folder (`customer/landing_parsed`) with a manifest
that says which raw files it holds, and what could not be used in `customer/quarantine`; files
that did not change are never parsed again, unless their copy is lost or damaged.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import TYPE_CHECKING

from stedi_glue.backends.raw.contract import FILE, PROBLEM, RAW, staged_contract, staged_folders
from stedi_glue.backends.raw.staging import parse
from stedi_glue.backends.storage import open_storage
from stedi_glue.errors import LakeError, LandingError
from stedi_glue.publish.ports import Engine, Staged

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stedi_glue.backends.forgetting.sieve import Sieve
    from stedi_glue.backends.forgetting.suppression import Suppression
    from stedi_glue.model.table import Table

# Raised when the parser reads the same bytes differently than before.
PARSER = 5
_FILES_AT_ONCE = 64


@dataclass(frozen=True)
class Part:
    """Raw files that were parsed together, and the Parquet files that came of them.

    raw: name to fingerprint (size and version) of each raw file.
    files: path to fingerprint of each Parquet file.
    problems: how many records could not be used, for each reason.
    mended: how many records were read only by a lenient rule, for each such rule.
    """

    raw: dict[str, str]
    files: dict[str, str]
    rows: int
    problems: dict[str, int]
    mended: dict[str, int]


class LandingFolder:
    """The raw files of a landing root, and their parsed copy in the lake.

    root: where `customer/landing` and its like are; lake: where parsed copies go.
    suppression: whom reading leaves out, however late their records arrive. registers: the
    landing table that says whose a device is.
    """

    def __init__(
        self,
        root: str,
        lake: str,
        engine: Engine,
        suppression: Suppression | None = None,
        registers: Table | None = None,
    ) -> None:
        self._root = root
        self._lake = lake
        self._engine = engine
        self._raw = open_storage(root)
        self._parsed = open_storage(lake)
        self._suppression = suppression
        self._registers = registers

    def check(self, tables: Sequence[Table]) -> None:
        """Raise LandingError unless every landing table has raw files."""
        for table in tables:
            self._raw_files(table)

    def stage(self, table: Table, run_id: str) -> Staged:
        """Parse what is new in a table's raw files and return all its records as Parquet."""
        found = self._raw_files(table)
        sieve = self._sieve(table)
        left_out = sieve.stamp if sieve else ""
        known = self._manifest(table, left_out)
        sound = self._fingerprints(self._copies(table)) if known else {}
        kept = [
            part
            for part in known
            if part.raw.items() <= found.items() and part.files.items() <= sound.items()
        ]
        old = {name for part in kept for name in part.raw}
        fresh = sorted(name for name in found if name not in old)
        parts = kept + [
            self._parse(table, {name: found[name] for name in group}, f"{run_id}-{number}", sieve)
            for number, group in enumerate(_groups(fresh))
        ]
        if parts != known:
            stamp = {**_stamp(table), "left_out": left_out}
            text = json.dumps({**stamp, "parts": [asdict(part) for part in parts]})
            self._parsed.write_text(self._manifest_path(table), text)
        self._sweep(table, parts)
        return _staged(parts)

    def staged(self, table: Table) -> Staged | None:
        """Return what was last staged, without looking at the raw files."""
        parts = self._manifest(table)
        lost = self._parsed.missing(file for part in parts for file in part.files)
        return _staged(parts) if parts and not lost else None

    def version(self, table: Table) -> str:
        """Return the fingerprint of a table's raw files as they are now; `Staged` has the like."""
        return _fingerprint(self._raw_files(table).items())

    def look(self, table: Table, scratch: str) -> DataFrame:
        """Read the good records of raw files as they are now, and leave the lake as it is.

        What was not parsed yet is parsed into `scratch`, a folder on this machine.
        """
        found = self._raw_files(table)
        kept = [
            part
            for part in self._manifest(table)
            if part.raw.items() <= found.items() and not self._parsed.missing(part.files)
        ]
        fresh = sorted(found.keys() - {name for part in kept for name in part.raw})
        rows = self.read(table, _staged(kept))
        if fresh:
            folder = f"{self._root}/{table.location}"
            into = (scratch, f"{scratch}/quarantine")
            storage, sieve = open_storage(scratch), self._sieve(table)
            done = parse(table, self._raw, folder, fresh, storage, *into, sieve)
            rows = rows.union(self.read(table, Staged(tuple(done.files), done.rows)))
        return rows

    def read(self, table: Table, staged: Staged) -> DataFrame:
        """Read the good records of a landing table."""
        frame = self._engine.read(staged_contract(table), staged.files)
        return frame.where(f"{PROBLEM.name} IS NULL").select(*table.column_names)

    def problems(self, table: Table, staged: Staged) -> DataFrame:
        """Read the records that could not be used: `_file`, `_problem`, `_raw`."""
        frame = self._engine.read(staged_contract(table), staged.files)
        names = (FILE.name, PROBLEM.name, RAW.name)
        return frame.where(f"{PROBLEM.name} IS NOT NULL").select(*names)

    def registered(self) -> frozenset[str]:
        """Return hashes of what the parsed registrations say of those who were not forgotten."""
        from pyarrow import BufferReader, parquet

        from stedi_glue.backends.forgetting.sieve import registered

        if self._registers is None or self._suppression is None or not self._suppression.people:
            return frozenset()
        found: set[str] = set()
        staged = self.staged(self._registers)
        for file in staged.files if staged else ():
            rows = parquet.read_table(BufferReader(self._parsed.read_bytes(file)))
            found |= registered(rows, self._registers, self._suppression)
        return frozenset(found)

    def _sieve(self, table: Table) -> Sieve | None:
        if self._suppression is None or not self._suppression.people:
            return None
        from stedi_glue.backends.forgetting.sieve import Sieve

        # Registrations themselves are told apart by their e-mail address.
        registered = frozenset[str]() if table == self._registers else self.registered()
        return Sieve(table, self._suppression, registered)

    def _raw_files(self, table: Table) -> dict[str, str]:
        folder = f"{self._root}/{table.location}"
        try:
            listed = self._raw.list(folder)
        except LakeError as error:
            raise LandingError(str(error)) from error
        found = {
            file.path.removeprefix(f"{folder}/"): f"{file.size}:{file.version}"
            for file in listed
            if not _hidden(file.path.removeprefix(f"{folder}/"))
        }
        if not found:
            raise LandingError(
                f"There is no raw data for '{table.name}' in '{folder}': put newline JSON files "
                "there, or name another root with --landing."
            )
        return found

    def _parse(
        self, table: Table, raw: dict[str, str], folder_name: str, sieve: Sieve | None
    ) -> Part:
        source = f"{self._root}/{table.location}"
        into, aside = (f"{copy}/{folder_name}" for copy in self._copies(table))
        done = parse(table, self._raw, source, sorted(raw), self._parsed, into, aside, sieve)
        written = self._fingerprints((into, aside))
        files = {file: written[file] for file in done.files}
        return Part(raw, files, done.rows, dict(done.problems), dict(done.mended))

    def _manifest(self, table: Table, left_out: str | None = None) -> list[Part]:
        """Return the parts of a parsed copy; none when it was made otherwise than now.

        left_out: who has to be left out of it; None takes it as it is.
        """
        try:
            text = self._parsed.read_text(self._manifest_path(table))
            if text is None:
                return []
            manifest = json.loads(text)
            parts = [Part(**{**part, "files": dict(part["files"])}) for part in manifest["parts"]]
        except (ValueError, TypeError, KeyError):
            return []
        current = {key: manifest.get(key) for key in _stamp(table)} == _stamp(table)
        current = current and left_out in (None, manifest.get("left_out", ""))
        return parts if current else []

    def _sweep(self, table: Table, parts: Sequence[Part]) -> None:
        used = {self._manifest_path(table), *(file for part in parts for file in part.files)}
        for copy in self._copies(table):
            self._parsed.sweep(copy, used.__contains__)

    def _copies(self, table: Table) -> tuple[str, ...]:
        return tuple(f"{self._lake}/{folder}" for folder in staged_folders(table))

    def _fingerprints(self, folders: Sequence[str]) -> dict[str, str]:
        found = (self._parsed.fingerprints(folder).items() for folder in folders)
        return dict(chain.from_iterable(found))

    def _manifest_path(self, table: Table) -> str:
        return f"{self._copies(table)[0]}/manifest.json"


def _stamp(table: Table) -> dict[str, object]:
    """What a parsed copy depends on besides the raw bytes."""
    columns = [[c.name, c.type, *c.aliases] for c in table.columns]
    return {"parser": PARSER, "columns": columns}


def _staged(parts: Sequence[Part]) -> Staged:
    raw = [item for part in parts for item in part.raw.items()]
    reasons: Counter[str] = Counter()
    mended: Counter[str] = Counter()
    for part in parts:
        reasons.update(part.problems)
        mended.update(part.mended)
    return Staged(
        files=tuple(file for part in parts for file in part.files),
        rows=sum(part.rows for part in parts),
        version=_fingerprint(raw),
        quarantined=reasons.total(),
        reasons=dict(reasons),
        mended=dict(mended),
    )


def _fingerprint(raw: Iterable[tuple[str, str]]) -> str:
    return hashlib.sha256(json.dumps(sorted(raw)).encode()).hexdigest()[:16]


def _groups(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), _FILES_AT_ONCE):
        yield names[start : start + _FILES_AT_ONCE]


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in name.split("/"))
