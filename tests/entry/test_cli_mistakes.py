"""Every mistake of a user: one clear sentence, the right exit code, nothing changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.entry.conftest import Said, Stedi, listing

READING = [["tables"], ["query", "SELECT 1"], ["history", "customer_trusted"]]
READING += [["rollback", "customer_trusted"]]


def sentence(said: Said, code: int) -> str:
    """Return the one sentence of a refusal, having checked that there is nothing else."""
    assert said.out == ""
    assert said.code == code, said.err
    lines = said.err.splitlines()
    assert len(lines) == 1, said.err
    assert lines[0].startswith("Error: ")
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "customer_trustd"], 2, ["customer_trustd", "did you mean 'customer_trusted'?"]),
        (["history", "machine_learning"], 2, ["did you mean 'machine_learning_curated'?"]),
        (["tables", "customer_trustd"], 2, ["did you mean 'customer_trusted'?"]),
        (["ddl", "customer_trustd"], 2, ["did you mean 'customer_trusted'?"]),
        (["rollback", "customer_trusted", "7"], 2, ["no snapshot 7", "stedi-glue history"]),
        (["rollback", "customer_landing"], 2, ["landing", "no snapshots"]),
        (["rollback", "customer_trusted", "seven"], 2, ["integer"]),
        (["query", "SELEC 1"], 2, ["only reads", "SELECT"]),
        (["query", "SELECT 1 +"], 1, ["Cannot run the query"]),
        (["query", "SELECT nobody FROM customer_trusted"], 1, ["nobody"]),
        (["query", "SELECT * FROM customer_trustd"], 2, ["customer_trustd"]),
        (
            ["query", "SELECT email, email FROM customer_trusted", "--format", "json"],
            2,
            ["several columns called 'email'", "AS"],
        ),
        (["query", "SELECT 1", "--format", "xml"], 2, ["'xml' is not one of", "'csv'"]),
        (["query"], 2, ["Missing argument 'SQL'"]),
        (["run", "--engine", "sial"], 2, ["did you mean 'sail'?"]),
        (["run", "--pairing", "customers"], 2, ["pairing", "did you mean 'customer'?"]),
        (["run", "--consent", "asof"], 2, ["consent", "did you mean 'as-of'?"]),
        (["run", "--versions", "last"], 2, ["versions", "did you mean 'latest'?"]),
        (["run", "--landin", "x"], 2, ["--landin", "--landing"]),
        (["histroy", "customer_trusted"], 2, ["Did you mean 'history'"]),
    ],
)
def test_a_mistake_on_the_command_line(
    arguments: list[str],
    code: int,
    words: list[str],
    demo_lake: Path,
    stedi: Stedi,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STEDI_LAKE", str(demo_lake))
    before = listing(demo_lake)
    said = sentence(stedi(*arguments), code)
    for word in words:
        assert word in said
    assert listing(demo_lake) == before


@pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
def test_reading_where_no_lake_is(command: list[str], tmp_path: Path, stedi: Stedi) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder in (empty, tmp_path / "missing"):
        said = sentence(stedi(*command, "--lake", folder), 1)
        assert f"no lake in '{folder}'" in said
    assert list(listing(tmp_path)) == ["empty"]


@pytest.mark.parametrize("command", [["run"], *READING], ids=lambda command: command[0])
def test_a_lake_that_is_a_file(
    command: list[str], demo_lake: Path, tmp_path: Path, stedi: Stedi
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    landing = ["--landing", demo_lake] if command == ["run"] else []
    said = sentence(stedi(*command, "--lake", file, *landing), 1)
    assert str(file) in said
    assert file.read_text() == "mine"


def test_landing_data_that_is_not_there(demo_lake: Path, tmp_path: Path, stedi: Stedi) -> None:
    for subject in ("customer", "accelerometer", "step_trainer"):
        (tmp_path / "empty" / subject / "landing").mkdir(parents=True)
    before = listing(demo_lake)
    for folder in ("missing", "empty"):
        said = sentence(stedi("run", "--lake", demo_lake, "--landing", tmp_path / folder), 1)
        assert "no raw data for 'customer_landing'" in said
        assert str(tmp_path / folder / "customer" / "landing") in said
    assert listing(demo_lake) == before


def test_no_new_lake_is_begun_without_landing_data(tmp_path: Path, stedi: Stedi) -> None:
    sentence(stedi("run", "--lake", tmp_path / "lake"), 1)
    assert not list(tmp_path.iterdir())


def test_rules_that_are_no_json(demo_lake: Path, own_rules: Path, stedi: Stedi) -> None:
    (own_rules / "customers_curated.json").write_text('{"name": "customers_curated",')
    before = listing(demo_lake)
    said = sentence(stedi("run", "--lake", demo_lake, "--rules", own_rules), 1)
    assert "customers_curated.json" in said
    assert "JSON" in said
    assert listing(demo_lake) == before


def test_rules_about_a_column_that_is_not_there(
    demo_lake: Path, own_rules: Path, stedi: Stedi
) -> None:
    rule = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "e_mail"}}
    add_rule(own_rules / "customers_curated.json", rule | {"severity": "critical"})
    before = listing(demo_lake)
    said = sentence(stedi("run", "--lake", demo_lake, "--rules", own_rules), 1)
    assert "e_mail" in said
    assert "did you mean 'email'?" in said
    assert listing(demo_lake) == before


def test_rules_that_are_not_there(demo_lake: Path, tmp_path: Path, stedi: Stedi) -> None:
    before = listing(demo_lake)
    said = sentence(stedi("run", "--lake", demo_lake, "--rules", tmp_path), 1)
    assert "customer_landing.json" in said
    assert listing(demo_lake) == before


def test_the_demo_leaves_the_landing_data_of_others_alone(tmp_path: Path, stedi: Stedi) -> None:
    mine = tmp_path / "step_trainer" / "landing" / "export.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("{}\n")
    before = listing(tmp_path)
    said = sentence(stedi("demo", tmp_path), 2)
    assert str(mine.parent) in said
    assert listing(tmp_path) == before


def test_a_demo_that_cannot_be_written(tmp_path: Path, stedi: Stedi) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    assert str(file) in sentence(stedi("demo", file), 1)
    assert "s3://bucket/lake" in sentence(stedi("demo", "s3://bucket/lake"), 2)
    assert file.read_text() == "mine"


def add_rule(file: Path, rule: dict[str, object]) -> None:
    suite = json.loads(file.read_text(encoding="utf-8"))
    suite["expectations"].append(rule)
    file.write_text(json.dumps(suite), encoding="utf-8")
