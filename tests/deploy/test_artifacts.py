"""What a job is made of: complete, nothing Glue has already, and the same bytes every time."""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from stedi_glue.deploy import wheels
from stedi_glue.deploy.artifacts import Manifest, build
from stedi_glue.errors import DeployError
from stedi_glue.zones import STEDI
from tests.deploy.conftest import ROOT, git


def test_the_lock_holds_what_the_package_asks_for_and_glue_lacks() -> None:
    locked, provided = wheels.locked(ROOT), wheels.provided(ROOT)
    wanted = {name.split("[")[0]: version for name, version in wheels.wanted(ROOT).items()}
    assert set(wanted) == {"great-expectations", "pyiceberg", "rich"}
    assert wanted.items() <= locked.items()
    # What Glue has is left alone.
    assert not locked.keys() & provided.keys()


def test_the_engines_of_a_laptop_stay_there() -> None:
    locked = wheels.locked(ROOT)
    assert not [name for name in locked if name in wheels.NOT_ON_GLUE]
    assert not [name for name in locked if re.match("pyspark|grpc|pysail|boto|pandas|numpy", name)]


def test_an_old_lock_is_told(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    setup = (ROOT / "setup.cfg").read_text("utf-8")
    (tmp_path / "setup.cfg").write_text(re.sub(r"(great-expectations==)\S+", r"\g<1>9.9.9", setup))
    with pytest.raises(DeployError, match=r"great-expectations==9\.9\.9.*build --relock"):
        wheels.download(tmp_path, tmp_path / "wheels")


def test_sources_are_needed(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"no clone of this project.*--source"):
        build(tmp_path, tmp_path / "dist")


def test_a_release_is_named_by_its_bytes() -> None:
    one = Manifest("0.1.0", "c0ffee", dirty=False, glue="5.1", artifacts={"a": "1"})
    other = Manifest("0.1.0", "beef", dirty=True, glue="5.1", artifacts={"a": "1"})
    changed = Manifest("0.1.0", "c0ffee", dirty=False, glue="5.1", artifacts={"a": "2"})
    assert one.release == other.release != changed.release
    assert Manifest.unbuilt().release.endswith("-unbuilt")


@pytest.mark.parametrize("text", ["", "[]", '{"version": 1}', '{"wheels": []}'])
def test_a_strange_manifest_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(DeployError, match="build again"):
        Manifest.read(tmp_path)


@pytest.mark.slow
def test_the_artifacts_are_complete(dist: Path) -> None:
    manifest = Manifest.read(dist)
    assert {path.name for path in dist.iterdir()} == {*manifest.artifacts, "manifest.json"}
    assert (dist / manifest.wheel).read_bytes() == (dist / manifest.twin).read_bytes()

    names = set(zipfile.ZipFile(dist / manifest.wheel).namelist())
    assert {f"stedi_glue/rules/{table.name}.json" for table in STEDI.tables} < names
    assert not [name for name in names if name.startswith(("tests/", "deploy/"))]

    with zipfile.ZipFile(dist / manifest.brought) as brought:
        listed = brought.namelist()
        asked = brought.read("wheels/requirements.txt").decode().split()
    held = [name.removeprefix("wheels/") for name in listed if name.endswith(".whl")]
    assert tuple(held) == manifest.wheels
    assert len(asked) == len(held) == len(wheels.locked(ROOT))
    for name in held:
        assert re.search(
            r"-(py3|py2\.py3)-none-any\.whl$|-cp3\d+-(cp311|abi3)-.*manylinux\w*_x86_64", name
        ), name


@pytest.mark.slow
def test_the_same_commit_gives_the_same_bytes(clone: Path, tmp_path: Path) -> None:
    hashes = []
    for name, mask in (("one", 0o022), ("another", 0o077)):
        # A clone of its own each: other folder, other times and other permissions.
        before = os.umask(mask)
        try:
            git("clone", "--quiet", str(clone), str(tmp_path / name))
            (tmp_path / name / "build" / "lib" / "stedi_glue").mkdir(parents=True)
            (tmp_path / name / "build" / "lib" / "stedi_glue" / f"{name}.py").touch()
            manifest = build(tmp_path / name, tmp_path / name / "dist")
        finally:
            os.umask(before)
        hashes.append(dict(manifest.artifacts))
        assert not manifest.dirty
        written = json.loads((tmp_path / name / "dist" / "manifest.json").read_text())
        assert written["commit"] == manifest.commit
    assert hashes[0] == hashes[1]


@pytest.mark.slow
def test_another_content_gives_other_bytes(clone: Path, dist: Path, tmp_path: Path) -> None:
    git("clone", "--quiet", str(clone), str(tmp_path / "clone"))
    with (tmp_path / "clone" / "stedi_glue" / "version.py").open("a") as file:
        file.write("# changed\n")
    manifest = build(tmp_path / "clone", tmp_path / "dist")
    assert manifest.dirty
    assert manifest.release != Manifest.read(dist).release
