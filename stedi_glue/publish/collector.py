"""How often Python looks for garbage while a run makes objects that stay."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


def be_patient() -> None:
    """Let Python look for garbage less often from now on, and not when the process ends.

    The libraries of an audit make hundreds of thousands of objects that stay; going through
    them again and again takes a fifth of a short run, and half a second at the end.
    """
    gc.set_threshold(100_000, 50, 100)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


@contextmanager
def patient_collector() -> Iterator[None]:
    """Be patient until this is over, and then as before."""
    before = gc.get_threshold()
    be_patient()
    try:
        yield
    finally:
        gc.set_threshold(*before)
