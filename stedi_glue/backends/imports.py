"""Imports of libraries, spared what their users do not need."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType


class _LazyFinder(MetaPathFinder):
    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._names:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


@contextmanager
def lazily(*names: str) -> Iterator[None]:
    """Let imports of these modules, in whatever is imported meanwhile, wait for their first use.

    For libraries that import more than most of their users need.
    """
    finder = _LazyFinder(frozenset(names))
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@contextmanager
def standard(package: str) -> Iterator[None]:
    """Let imports of a package of the standard library, meanwhile, find nobody's replacement.

    Afterwards it is as if nobody had imported it.
    """
    sys.meta_path.insert(0, PathFinder)
    before = set(sys.modules)
    try:
        yield
    finally:
        sys.meta_path.remove(PathFinder)
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == package:
                del sys.modules[name]
