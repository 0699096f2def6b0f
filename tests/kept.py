"""A lake that is made once, and that each of several tests finds as it was then."""

from __future__ import annotations

import shutil
from pathlib import Path


class Kept:
    """A folder to return to; always at the same place, as Iceberg's files know each other by it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copy = folder.with_name(f"{folder.name}.kept")
        shutil.copytree(folder, self._copy)

    def restored(self) -> Path:
        """Undo whatever the test before did, and return the folder."""
        shutil.rmtree(self._folder)
        shutil.copytree(self._copy, self._folder)
        return self._folder
