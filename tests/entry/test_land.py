"""Raw files brought into a lake: whole, once, and resumed where a delivery was cut short."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stedi_glue.backends.delivery import Delivery
from stedi_glue.errors import LandingError
from tests.aws_server import BUCKET, Account
from tests.entry.conftest import Stedi, seen_on_terminal
from tests.entry.test_cli import PROGRAM

NAMES = ("accelerometer/landing/2022/a b+ü%20.json", "customer/landing/c.json")
NAMES += ("step_trainer/landing/s.json",)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in (*NAMES, "customer/landing/.hidden", "customer/landing/_SUCCESS", "other/x.json"):
        file = tmp_path / "source" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'{{"user": "{name}"}}\n')
    return tmp_path / "source"


class Root:
    """Where files are brought to."""

    def __init__(self, kind: str, tmp_path: Path, account: Account) -> None:
        self.kind, self.folder, self.account = kind, tmp_path / "lake", account
        self.name = f"s3://{BUCKET}/lake" if kind == "s3" else str(self.folder)

    def contents(self) -> dict[str, str]:
        if self.kind == "disk":
            files = [file for file in self.folder.rglob("*") if file.is_file()]
            return {f.relative_to(self.folder).as_posix(): f.read_text() for f in files}
        s3 = self.account.client("s3")
        return {
            key.removeprefix("lake/"): s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
            for key in self.account.objects("lake/")
        }

    def changed(self) -> dict[str, object]:
        """When each file last changed."""
        if self.kind == "disk":
            return {n: (self.folder / n).stat().st_mtime_ns for n in self.contents()}
        s3: Any = self.account.client("s3")
        versions = s3.list_object_versions(Bucket=BUCKET)["Versions"]
        return {v["Key"].removeprefix("lake/"): v["VersionId"] for v in versions if v["IsLatest"]}


@pytest.fixture(params=["disk", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path, account: Account) -> Root:
    account.client("s3").put_bucket_versioning(
        Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}
    )
    return Root(request.param, tmp_path, account)


def test_raw_files_are_brought_as_they_are(stedi: Stedi, root: Root, source: Path) -> None:
    said = stedi("land", source, "--lake", root.name)
    assert (said.code, said.err) == (0, "")
    assert root.contents() == {name: (source / name).read_text() for name in NAMES}
    size = sum((source / name).stat().st_size for name in NAMES)
    assert said.out == f"3 files ({size} bytes) brought to {root.name}\n"


def test_only_what_is_new_or_changed_is_brought_again(
    stedi: Stedi, root: Root, source: Path
) -> None:
    stedi("land", source, "--lake", root.name)
    before = root.changed()
    customer = source / "customer/landing/c.json"
    text = customer.read_text()
    customer.write_text(text.replace("user", "USER"))
    (source / "customer/landing/new.json").write_text("{}\n")
    said = stedi("land", source, "--lake", root.name)
    assert said.out.startswith("2 files (")
    assert said.out.endswith(", 2 files already there\n")
    after = root.changed()
    assert {name for name in after if after[name] != before.get(name)} == {
        "customer/landing/c.json",
        "customer/landing/new.json",
    }
    assert "USER" in root.contents()["customer/landing/c.json"]
    assert stedi("land", source, "--lake", root.name).out.startswith("0 files (0 bytes)")


def test_a_delivery_that_was_cut_short_is_resumed(
    stedi: Stedi, root: Root, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry = Delivery.carry

    def cut(self: Delivery, parcel: Any, on_bytes: Any) -> None:
        if parcel.source.name == "c.json":
            return carry(self, parcel, on_bytes)
        raise KeyboardInterrupt

    # Its own patch: undoing the test's would bring back the settings of whoever runs it.
    with monkeypatch.context() as patch:
        patch.setattr(Delivery, "carry", cut)
        assert stedi("land", source, "--lake", root.name).code == 130
    assert list(root.contents()) == ["customer/landing/c.json"]
    said = stedi("land", source, "--lake", root.name)
    assert said.out.startswith("2 files (")
    assert len(root.contents()) == 3


def test_a_file_in_several_parts_is_known_again(stedi: Stedi, root: Root, source: Path) -> None:
    # Above 8 MB an upload has parts, and its ETag is no checksum of the whole.
    big = source / "step_trainer/landing/s.json"
    big.write_text('{"distanceFromObject": 100}\n' * 400_000)
    assert stedi("land", source, "--lake", root.name).code == 0
    assert root.contents()["step_trainer/landing/s.json"] == big.read_text()
    assert stedi("land", source, "--lake", root.name).out.startswith("0 files")


def test_progress_is_drawn_on_a_terminal(root: Root, source: Path) -> None:
    said = seen_on_terminal(*PROGRAM, "land", source, "--lake", root.name)
    assert "━" in said
    assert "s.json" in said
    size = sum((source / name).stat().st_size for name in NAMES)
    assert f"{size}/{size} bytes" in said


def test_tables_are_chosen(stedi: Stedi, root: Root, source: Path) -> None:
    assert stedi("land", source, "step_trainer_landing", "--lake", root.name).code == 0
    assert list(root.contents()) == ["step_trainer/landing/s.json"]


def test_landing_data_may_go_elsewhere_than_the_lake(
    stedi: Stedi, root: Root, source: Path, tmp_path: Path
) -> None:
    stedi("land", source, "--lake", tmp_path / "not-here", "--landing", root.name)
    assert set(root.contents()) == set(NAMES)
    assert not (tmp_path / "not-here").exists()


def test_mistakes_are_one_sentence_and_change_nothing(
    stedi: Stedi, root: Root, source: Path, tmp_path: Path
) -> None:
    (source / "customer/landing/c.json").unlink()
    for arguments, code, words in (
        ([tmp_path / "nowhere"], 1, "There is no folder"),
        ([source], 1, "no raw data for 'customer_landing' in"),
        ([source, "customer_trusted"], 2, "did you mean 'customer_landing'?"),
        ([source, "step_trainer_landing", "--lake", "s3://no-such-bucket"], 1, "no such bucket"),
    ):
        said = stedi("land", *arguments, *(["--lake", root.name] * ("--lake" not in arguments)))
        assert (said.code, said.out) == (code, "")
        assert words in said.err
        assert said.err.count("\n") == 1
    assert root.contents() == {}


def test_a_disk_that_cannot_be_written_is_one_sentence(
    stedi: Stedi, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    said = stedi("land", source, "--lake", tmp_path / "file")
    assert said.code == 1
    assert "is a file" in said.err
    blocked = tmp_path / "lake" / "customer"
    blocked.parent.mkdir()
    blocked.write_text("mine")
    said = stedi("land", source, "--lake", tmp_path / "lake")
    assert said.code == LandingError.exit_code
    assert "Cannot copy" in said.err
