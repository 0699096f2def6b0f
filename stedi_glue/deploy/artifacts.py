"""What a Glue job is made of: our wheel, its zip twin, the wheels Glue lacks, the job's script."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from stedi_glue.deploy.wheels import GLUE_VERSION, download, requirements, run_tool
from stedi_glue.errors import DeployError
from stedi_glue.version import __version__

MANIFEST = "manifest.json"
JOB = "glue_job.py"


@dataclass(frozen=True)
class Manifest:
    """What was built, and of what.

    commit: of the sources; dirty: whether they had changes that are in no commit.
    artifacts: SHA-256 of each file, by name. wheels: names of those in the zip of wheels.
    """

    version: str
    commit: str
    dirty: bool
    glue: str
    artifacts: Mapping[str, str] = field(default_factory=dict)
    wheels: tuple[str, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read what was built into a folder; DeployError when a file is missing or changed."""
        try:
            values = json.loads((folder / MANIFEST).read_text("utf-8"))
            manifest = cls(**{**values, "wheels": tuple(values["wheels"])})
        except FileNotFoundError:
            raise DeployError(
                f"Nothing is built in '{folder}': build it with 'stedi-glue build --out {folder}'."
            ) from None
        except (ValueError, TypeError, KeyError):
            raise DeployError(
                f"'{folder / MANIFEST}' is not a manifest of this version; build again."
            ) from None
        for name, digest in manifest.artifacts.items():
            if not (folder / name).is_file() or _sha256(folder / name) != digest:
                raise DeployError(
                    f"'{folder / name}' is not what was built; build again with "
                    f"'stedi-glue build --out {folder}'."
                )
        return manifest

    @classmethod
    def unbuilt(cls) -> Manifest:
        """Return the manifest of a build that did not happen, for looking at a template."""
        return cls(__version__, commit="", dirty=True, glue=GLUE_VERSION)

    @property
    def release(self) -> str:
        """A name that changes whenever a byte of the artifacts does: `0.1.0-5f2a91c03b7e`."""
        if not self.artifacts:
            return f"{self.version}-unbuilt"
        text = json.dumps(dict(self.artifacts), sort_keys=True)
        return f"{self.version}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    @property
    def wheel(self) -> str:
        """The package, for the driver."""
        return f"stedi_glue-{self.version}-py3-none-any.whl"

    @property
    def twin(self) -> str:
        """The same bytes, for executors, which take no name that ends in .whl."""
        return f"stedi_glue-{self.version}-py3-none-any.zip"

    @property
    def brought(self) -> str:
        """The zip of the wheels that Glue lacks."""
        return f"stedi_glue-{self.version}.gluewheels.zip"


def build(sources: Path, out: Path) -> Manifest:
    """Build every artifact into a folder; the same commit gives the same bytes.

    sources: a clone of the project. Raises DeployError when it is none, or when a tool fails.
    """
    _require_clone(sources)
    commit, seconds = run_tool("git", "log", "-1", "--format=%H %ct", cwd=sources).split()
    dirty = bool(run_tool("git", "status", "--porcelain", cwd=sources))
    manifest = Manifest(__version__, commit, dirty, GLUE_VERSION)
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("stedi_glue-*"):
        old.unlink()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with zipfile.ZipFile(_wheel(sources, folder)) as built:
            _zip(out / manifest.wheel, {n: built.read(n) for n in built.namelist()}, int(seconds))
        wheels = download(sources, folder / "wheels")
        files = {f"wheels/{file.name}": file.read_bytes() for file in wheels}
        files["wheels/requirements.txt"] = requirements(sources).encode()
        _zip(out / manifest.brought, files, int(seconds))
    shutil.copyfile(out / manifest.wheel, out / manifest.twin)
    shutil.copyfile(sources / "deploy" / JOB, out / JOB)
    names = (manifest.wheel, manifest.twin, manifest.brought, JOB)
    manifest = replace(
        manifest,
        artifacts={name: _sha256(out / name) for name in names},
        wheels=tuple(file.name for file in wheels),
    )
    (out / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", "utf-8")
    return manifest


def _require_clone(sources: Path) -> None:
    if not (sources / "deploy" / JOB).is_file() or not (sources / ".git").exists():
        raise DeployError(
            f"'{sources.absolute()}' is no clone of this project, and artifacts are built from its "
            "sources: clone it, and build there or name it with --source."
        )


def _wheel(sources: Path, folder: Path) -> Path:
    """Build the wheel of exactly the files that git knows or would know."""
    # A copy: setuptools leaves files in its source folder and packs leftovers of old builds.
    listed = run_tool("git", "ls-files", "-z", "-co", "--exclude-standard", cwd=sources)
    for name in filter(None, listed.split("\0")):
        if (sources / name).is_file():
            (folder / "sources" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sources / name, folder / "sources" / name)
    run_tool(
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
        *("--wheel-dir", str(folder), str(folder / "sources")),
    )
    return next(folder.glob("*.whl"))


def _zip(target: Path, files: Mapping[str, bytes], seconds: int) -> None:
    """Write an archive whose bytes depend on nothing but its arguments.

    Stored, as compressors differ between machines, and the wheels inside are compressed.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        # A wheel's metadata comes last.
        for name in sorted(files, key=lambda name: (".dist-info/" in name, name)):
            info = zipfile.ZipInfo(name, time.gmtime(seconds)[:6])
            info.external_attr = 0o100644 << 16
            info.create_system = 3
            archive.writestr(info, files[name])


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
