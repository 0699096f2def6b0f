"""Where the key of pseudonyms may be, and that no message shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stedi_glue.backends import aws
from stedi_glue.backends.keys import read_key
from stedi_glue.errors import LakeError, UsageError
from tests.aws_server import Account

KEY = "0123456789abcdef0123456789abcdef"


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")
    assert read_key(str(tmp_path / "key")) == KEY.encode()


def test_the_environment() -> None:
    assert read_key("env:MY_KEY", {"MY_KEY": f" {KEY}\n"}) == KEY.encode()


@pytest.mark.parametrize("kind", ["SecretString", "SecretBinary"])
def test_a_secret_by_name_and_by_arn(account: Account, kind: str) -> None:
    value = KEY if kind == "SecretString" else KEY.encode()
    made = aws.client("secretsmanager").create_secret(Name=f"stedi/{kind}", **{kind: value})
    assert read_key(f"secret:stedi/{kind}") == KEY.encode()
    assert read_key(f"secret:{made['ARN']}") == KEY.encode()


def test_a_secret_that_is_not_there(account: Account) -> None:
    with pytest.raises(UsageError, match="has no secret called 'stedi/none'"):
        read_key("secret:stedi/none")


def test_a_secret_that_one_may_not_read(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "allows", lambda environ: False)
    with pytest.raises(LakeError, match="Cannot read the secret 'stedi/key': AWS denied"):
        read_key("secret:stedi/key")


def test_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    for place, words in {
        "env:MY_KEY": "variable 'MY_KEY' holds no key",
        str(tmp_path / "empty"): "holds no key",
        str(tmp_path / "none"): "cannot be read",
        str(tmp_path): "cannot be read",
        # Given by mistake in place of the place.
        KEY: "never the key itself",
        "a\0b": "cannot be read",
    }.items():
        with pytest.raises(UsageError, match=words) as refused:
            read_key(place, {})
        assert KEY not in str(refused.value)
