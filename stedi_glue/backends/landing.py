"""Raw landing data, parsed once into Parquet that audits and transforms read.

The parsed copy lies beside the raw folder (`customer/landing_parsed`) with a manifest
that says which raw files it holds; files that did not change are never parsed again, unless
their copy is lost or damaged.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from stedi_glue.backends.raw.contract import FILE, PROBLEM, RAW, staged_contract
from stedi_glue.backends.raw.staging import parse
from stedi_glue.backends.storage import open_storage
from stedi_glue.errors import LakeError, LandingError
from stedi_glue.publish.ports import Engine, Staged

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stedi_glue.model.table import Table

# Raised when the parser reads the same bytes differently than before.
PARSER = 3
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
    """

    def __init__(self, root: str, lake: str, engine: Engine) -> None:
        self._root = root
        self._lake = lake
        self._engine = engine
        self._raw = open_storage(root)
        self._parsed = open_storage(lake)

    def check(self, tables: Sequence[Table]) -> None:
        """Raise LandingError unless every landing table has raw files."""
        for table in tables:
            self._raw_files(table)

    def stage(self, table: Table, run_id: str) -> Staged:
        """Parse what is new in a table's raw files and return all its records as Parquet."""
        found = self._raw_files(table)
        known = self._manifest(table)
        sound = self._parsed.fingerprints(self._copy(table)) if known else {}
        kept = [
            part
            for part in known
            if part.raw.items() <= found.items() and part.files.items() <= sound.items()
        ]
        old = {name for part in kept for name in part.raw}
        fresh = sorted(name for name in found if name not in old)
        parts = kept + [
            self._parse(table, {name: found[name] for name in group}, f"{run_id}-{number}")
            for number, group in enumerate(_groups(fresh))
        ]
        if parts != known:
            text = json.dumps({**_stamp(table), "parts": [asdict(part) for part in parts]})
            self._parsed.write_text(self._manifest_path(table), text)
        self._sweep(table, parts)
        return _staged(parts)

    def staged(self, table: Table) -> Staged | None:
        """Return what was last staged, without looking at the raw files."""
        parts = self._manifest(table)
        lost = self._parsed.missing(file for part in parts for file in part.files)
        return _staged(parts) if parts and not lost else None

    def read(self, table: Table, staged: Staged) -> DataFrame:
        """Read the good records of a landing table."""
        frame = self._engine.read(staged_contract(table), staged.files)
        return frame.where(f"{PROBLEM.name} IS NULL").select(*table.column_names)

    def problems(self, table: Table, staged: Staged) -> DataFrame:
        """Read the records that could not be used: `_file`, `_problem`, `_raw`."""
        frame = self._engine.read(staged_contract(table), staged.files)
        names = (FILE.name, PROBLEM.name, RAW.name)
        return frame.where(f"{PROBLEM.name} IS NOT NULL").select(*names)

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

    def _parse(self, table: Table, raw: dict[str, str], folder_name: str) -> Part:
        source = f"{self._root}/{table.location}"
        folder = f"{self._copy(table)}/{folder_name}"
        done = parse(table, self._raw, source, sorted(raw), self._parsed, folder)
        written = self._parsed.fingerprints(folder)
        files = {file: written[file] for file in done.files}
        return Part(raw, files, done.rows, dict(done.problems), dict(done.mended))

    def _manifest(self, table: Table) -> list[Part]:
        text = self._parsed.read_text(self._manifest_path(table))
        if text is None:
            return []
        try:
            manifest = json.loads(text)
            parts = [Part(**{**part, "files": dict(part["files"])}) for part in manifest["parts"]]
        except (ValueError, TypeError, KeyError):
            return []
        current = {key: manifest.get(key) for key in _stamp(table)} == _stamp(table)
        return parts if current else []

    def _sweep(self, table: Table, parts: Sequence[Part]) -> None:
        used = {self._manifest_path(table), *(file for part in parts for file in part.files)}
        self._parsed.sweep(self._copy(table), used.__contains__)

    def _copy(self, table: Table) -> str:
        return f"{self._lake}/{table.location}_parsed"

    def _manifest_path(self, table: Table) -> str:
        return f"{self._copy(table)}/manifest.json"


def _stamp(table: Table) -> dict[str, object]:
    """What a parsed copy depends on besides the raw bytes."""
    columns = [[c.name, c.type, *c.aliases] for c in table.columns]
    return {"parser": PARSER, "columns": columns}


def _staged(parts: Sequence[Part]) -> Staged:
    raw = sorted(item for part in parts for item in part.raw.items())
    reasons: Counter[str] = Counter()
    mended: Counter[str] = Counter()
    for part in parts:
        reasons.update(part.problems)
        mended.update(part.mended)
    return Staged(
        files=tuple(file for part in parts for file in part.files),
        rows=sum(part.rows for part in parts),
        version=hashlib.sha256(json.dumps(raw).encode()).hexdigest()[:16],
        quarantined=reasons.total(),
        reasons=dict(reasons),
        mended=dict(mended),
    )


def _groups(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), _FILES_AT_ONCE):
        yield names[start : start + _FILES_AT_ONCE]


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in name.split("/"))
