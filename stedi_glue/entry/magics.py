"""The magics of a Glue session for plain Jupyter, where they have nothing to do.

With `%load_ext stedi_glue.entry.magics` in its first cell a notebook for Glue runs as it is in
plain Jupyter. The kernel of Glue sessions keeps its own magics.
"""

from __future__ import annotations

from typing import Any

MAGICS = (
    *("glue_version", "worker_type", "number_of_workers", "idle_timeout", "timeout"),
    *("extra_py_files", "additional_python_modules", "profile", "region", "iam_role"),
    # Jupyter shows figures by itself.
    "matplot",
)


def load_ipython_extension(shell: Any) -> None:
    """Register each magic that this shell lacks; told by IPython."""
    known = shell.magics_manager.magics["line"]
    for name in MAGICS:
        if name not in known:
            shell.register_magic_function(_nothing, "line", name)


def _nothing(line: str) -> None:
    """Do nothing: here is no session to configure."""
