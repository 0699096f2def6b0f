"""The wheels that Glue 5.1 lacks, locked by hash so that every build holds the same bytes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from configparser import ConfigParser
from pathlib import Path

from stedi_glue.errors import DeployError

GLUE_VERSION = "5.1"
BASE = Path("deploy") / f"glue-{GLUE_VERSION}.txt"
LOCK = Path("deploy") / "gluewheels.txt"

# Glue brings its own Spark, and a filelock that will do, as only lakes on disk take locks: ours
# stands against Glue's virtualenv. The others serve the laptop and the deployer.
NOT_ON_GLUE = frozenset(
    {
        "filelock",
        "googleapis-common-protos",
        "grpcio",
        "grpcio-status",
        "pysail",
        "pyspark",
        "troposphere",
        "typer",
    }
)

# What runs on Glue's Amazon Linux 2023: an x86 processor, Python 3.11, glibc 2.34.
_PLATFORM = (
    "--only-binary=:all:",
    "--implementation=cp",
    "--python-version=3.11",
    *("--abi=cp311", "--abi=abi3", "--abi=none"),
    *(f"--platform={name}_x86_64" for name in ("manylinux_2_28", "manylinux_2_17")),
    "--platform=manylinux2014_x86_64",
)


def provided(sources: Path) -> dict[str, str]:
    """Return the packages that Glue 5.1 provides, with their versions."""
    return _pins(_read(sources / BASE))


def locked(sources: Path) -> dict[str, str]:
    """Return the packages of the lock file, with their versions."""
    return _pins(_read(sources / LOCK))


def wanted(sources: Path) -> dict[str, str]:
    """Return what the package asks for and a job must bring along, with versions.

    Names keep their extras (`pyiceberg[sql-sqlite]`).
    """
    setup = ConfigParser()
    setup.read_string(_read(sources / "setup.cfg"))
    pins = _pins(setup["options"]["install_requires"])
    base = provided(sources)
    return {
        name: version
        for name, version in pins.items()
        if _bare(name) not in NOT_ON_GLUE and base.get(_bare(name)) != version
    }


def relock(sources: Path) -> dict[str, str]:
    """Resolve again what a job must bring along, and write it to the lock file.

    What Glue provides is kept at Glue's version unless the package pins another one.
    """
    pins = wanted(sources)
    own = {_bare(name) for name in pins}
    base = provided(sources)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        kept = {name: version for name, version in base.items() if name not in own}
        (folder / "base.txt").write_text(_requirements(kept))
        (folder / "wanted.txt").write_text(_requirements(pins))
        _pip(
            "install",
            *("--dry-run", "--ignore-installed", "--target", str(folder / "target")),
            *("--report", str(folder / "report.json")),
            *("-r", str(folder / "wanted.txt"), "-c", str(folder / "base.txt")),
        )
        report = json.loads((folder / "report.json").read_text())
    lines = []
    for package in report["install"]:
        name, version = _normal(package["metadata"]["name"]), package["metadata"]["version"]
        if base.get(name) != version:
            digest = package["download_info"]["archive_info"]["hashes"]["sha256"]
            lines.append(f"{name}=={version} --hash=sha256:{digest}\n")
    heading = "# What a Glue job brings along; 'stedi-glue build --relock' writes it.\n"
    (sources / LOCK).write_text(heading + "".join(sorted(lines)))
    return locked(sources)


def download(sources: Path, folder: Path) -> tuple[Path, ...]:
    """Fetch the locked wheels into a folder, and return them by name.

    Raises DeployError when the lock file is older than the package's requirements, or
    when a wheel cannot be had or is not the one that was locked.
    """
    lock = locked(sources)
    for name, version in wanted(sources).items():
        if lock.get(_bare(name)) != version:
            raise DeployError(
                f"The package asks for {name}=={version}, which {LOCK} does not hold; bring it up "
                "to date with 'stedi-glue build --relock', and commit it."
            )
    _pip("download", "--no-deps", "--require-hashes", "-r", str(sources / LOCK), "-d", str(folder))
    return tuple(sorted(folder.glob("*.whl")))


def requirements(sources: Path) -> str:
    """Return the locked packages as Glue's pip takes them from a zip of wheels."""
    # Without hashes: pip would then demand them of what Glue provides, too.
    return _requirements(locked(sources))


def _requirements(pins: Mapping[str, str]) -> str:
    return "".join(f"{name}=={version}\n" for name, version in pins.items())


def _pins(text: str) -> dict[str, str]:
    lines = (line.split("#")[0].split(" --hash")[0].strip() for line in text.splitlines())
    pairs = (line.split("==") for line in lines if line)
    return {_normal(name): version for name, version in pairs}


def _normal(name: str) -> str:
    # PyPI takes all these spellings for one name.
    return re.sub(r"[-_.]+", "-", name).lower()


def _bare(name: str) -> str:
    return name.split("[")[0]


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        raise DeployError(f"There is no {file}; build from a clone of the project.") from None


def _pip(command: str, *arguments: str) -> None:
    run_tool(sys.executable, "-m", "pip", command, "--quiet", *_PLATFORM, *arguments)


def run_tool(*command: str, cwd: Path | None = None) -> str:
    """Run a build tool and return what it printed; DeployError with its last words otherwise."""
    try:
        # Tools of this environment, by list and without a shell.
        done = subprocess.run(  # noqa: S603
            command, cwd=cwd, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise DeployError(f"This needs '{command[0]}', which is not installed.") from None
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        errors = [line for line in said if line.lower().startswith("error")] or said[-1:]
        name = " ".join(command[2:4] if command[1] == "-m" else (Path(command[0]).name, command[1]))
        raise DeployError(f"'{name}' failed: {' '.join(errors).removeprefix('ERROR: ')}")
    return done.stdout
