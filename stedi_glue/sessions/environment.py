"""What a session's Python finds beyond this one: files and packages its arguments name."""

from __future__ import annotations

import shlex
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stedi_glue.backends.storage import open_storage
from stedi_glue.errors import SessionError

FILES = "--extra-py-files"
MODULES = "--additional-python-modules"
INSTALLER = "--python-modules-installer-option"


@dataclass(frozen=True)
class Environment:
    """The Python that runs a session's statements.

    path: what comes first on its `sys.path`.
    """

    python: Path
    path: tuple[Path, ...]


def prepare(arguments: Mapping[str, str], folder: Path) -> Environment:
    """Fetch and install what a session's arguments name, into a folder of its own.

    Files and modules may be local paths or in S3; modules may also be requirements that pip
    understands, or a `.gluewheels.zip`. Raises SessionError for what cannot be had.
    """
    files = _fetched(arguments.get(FILES, ""), folder / "files")
    modules = [word.strip() for word in arguments.get(MODULES, "").split(",") if word.strip()]
    python = Path(sys.executable)
    if modules:
        python = _virtual(folder / "python")
        options = shlex.split(arguments.get(INSTALLER, ""))
        _pip(python, [*options, *_requirements(modules, folder / "modules")])
    path = tuple(file.parent if file.suffix == ".py" else file for file in files)
    return Environment(python, tuple(dict.fromkeys(path)))


def _fetched(names: str, folder: Path) -> list[Path]:
    return [_fetch(name.strip(), folder) for name in names.split(",") if name.strip()]


def _fetch(name: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / name.rpartition("/")[2]
    source = name if "://" in name else str(Path(name).expanduser().absolute())
    try:
        with open_storage(source).open_input(source) as stream, target.open("wb") as copy:
            shutil.copyfileobj(stream, copy)
    except OSError as error:
        reason = (error.strerror or str(error).splitlines()[0]).rstrip(".")
        raise SessionError(f"Cannot read '{name}': {reason}.") from error
    return target


def _requirements(modules: Iterable[str], folder: Path) -> list[str]:
    """Return what pip installs: wheels that were fetched, and requirements as they are."""
    found: list[str] = []
    for module in modules:
        if module.endswith(".gluewheels.zip"):
            with zipfile.ZipFile(_fetch(module, folder)) as archive:
                archive.extractall(folder)
            found += ["--find-links", str(folder / "wheels")]
            found += ["--requirement", str(folder / "wheels" / "requirements.txt")]
        elif module.endswith(".whl"):
            found.append(str(_fetch(module, folder)))
        else:
            found.append(module)
    return found


def _virtual(folder: Path) -> Path:
    """Make a virtual environment that sees all of this one, and can add to it."""
    venv.create(folder, symlinks=True)
    names = {"base": str(folder), "platbase": str(folder)}
    inner = Path(sysconfig.get_path("purelib", "venv", vars=names))
    # Through `addsitedir`, so that editable installs are seen, too.
    lines = [f"import site; site.addsitedir({place!r})" for place in site.getsitepackages()]
    (inner / "outer.pth").write_text("\n".join(lines) + "\n", "utf-8")
    return folder / "bin" / "python"


def _pip(python: Path, arguments: Iterable[str]) -> None:
    # What a session's owner names is installed for code that the owner runs anyway.
    done = subprocess.run(  # noqa: S603
        [
            *(sys.executable, "-m", "pip", "--python", str(python), "install"),
            *("--quiet", "--disable-pip-version-check", *arguments),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["pip failed"]
        raise SessionError(f"Cannot install the session's modules: {said[-1]}")
