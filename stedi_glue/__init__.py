"""A data lakehouse whose tables cannot reach a reader unless they passed their rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stedi_glue.version import __version__

if TYPE_CHECKING:
    from stedi_glue.lakehouse import Lakehouse
    from stedi_glue.zones import STEDI, stedi

__all__ = ["STEDI", "Lakehouse", "__version__", "stedi"]


def __getattr__(name: str) -> Any:
    # Late, so that importing the package imports neither PySpark nor a backend.
    if name == "Lakehouse":
        from stedi_glue.lakehouse import Lakehouse

        return Lakehouse
    if name in ("STEDI", "stedi"):
        from stedi_glue import zones

        return getattr(zones, name)
    raise AttributeError(f"module 'stedi_glue' has no attribute '{name}'")
