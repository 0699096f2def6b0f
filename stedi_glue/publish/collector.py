"""How often Python looks for garbage while a run makes objects that stay."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def patient_collector() -> Iterator[None]:
    """Let Python look for garbage less often during a run.

    The libraries of an audit make hundreds of thousands of objects that stay; going through
    them again and again takes a fifth of a short run.
    """
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    # When the process ends, too, it would take half a second and free nothing that matters.
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        gc.set_threshold(*before)
