"""Every file that still holds somebody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stedi_glue.backends.forgetting.person import Theirs
from stedi_glue.backends.forgetting.suppression import FOLDER
from stedi_glue.backends.forgetting.versions import old_versions, read
from stedi_glue.backends.forgetting.words import words
from stedi_glue.backends.storage import LOCK_FILE, open_storage


def files(*roots: str) -> Iterator[str]:
    """Yield the files under some roots, each once, and old versions of objects.

    Not the list of forgotten people itself, nor a lake's lock.
    """
    seen: set[str] = set()
    for root in roots:
        for path in (*(file.path for file in open_storage(root).list(root)), *old_versions(root)):
            own = path == f"{root}/{LOCK_FILE}" or path.startswith(f"{root}/{FOLDER}/")
            if not own and path not in seen:
                seen.add(path)
                yield path


def holding(theirs: Theirs, paths: Iterable[str]) -> Iterator[str]:
    """Yield those of the files that hold one of somebody's values. Every byte is read."""
    for path in paths:
        if theirs.any(words(path, read(path))):
            yield path
