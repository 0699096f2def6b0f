"""Every file that still holds somebody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stedi_glue.backends.forgetting.person import Theirs
from stedi_glue.backends.forgetting.suppression import FOLDER
from stedi_glue.backends.forgetting.words import words
from stedi_glue.backends.storage import LOCK_FILE, open_storage


def files(*roots: str) -> Iterator[str]:
    """Yield the files under some roots, each once; not the list of forgotten people itself."""
    seen: set[str] = set()
    for root in roots:
        for file in open_storage(root).list(root):
            own = file.path == f"{root}/{LOCK_FILE}" or file.path.startswith(f"{root}/{FOLDER}/")
            if not own and file.path not in seen:
                seen.add(file.path)
                yield file.path


def holding(theirs: Theirs, paths: Iterable[str]) -> Iterator[str]:
    """Yield those of the files that hold one of somebody's values. Every byte is read."""
    for path in paths:
        if theirs.any(words(path, open_storage(path).read_bytes(path))):
            yield path
