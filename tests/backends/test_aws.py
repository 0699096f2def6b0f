"""What goes wrong with AWS, said in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from stedi_glue.backends import aws
from stedi_glue.backends.s3 import S3Storage
from stedi_glue.errors import LakeError
from stedi_glue.lakehouse import Lakehouse
from tests.aws_server import BUCKET, REGION, Account

ROOT = f"s3://{BUCKET}/lake"


@pytest.fixture(autouse=True)
def fresh(account: Account) -> Iterator[None]:
    """Sign in anew, with the variables that a test sets, and forget it afterwards."""
    forget()
    yield
    forget()


def forget() -> None:
    aws.session.cache_clear()
    aws.client.cache_clear()


def refusal(root: str = ROOT) -> str:
    """Return the one sentence that opening a lake is refused with."""
    with pytest.raises(LakeError) as error:
        Lakehouse.open(root).tables()
    said = str(error.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert refusal().startswith("There are no AWS credentials: sign in with 'aws configure'")


def test_half_of_the_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "there are no usable AWS credentials" in refusal()


@pytest.mark.parametrize("region", [None, ""])
def test_no_region(monkeypatch: pytest.MonkeyPatch, region: str | None) -> None:
    monkeypatch.delenv("AWS_REGION")
    if region is not None:
        monkeypatch.setenv("AWS_REGION", region)
    assert refusal().startswith("No AWS region is chosen: set AWS_REGION")


def test_no_such_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "nobody" in refusal()


def test_no_such_bucket() -> None:
    assert refusal("s3://nobody-has-this") == (
        "Cannot open the lake 's3://nobody-has-this': there is no such bucket; create it, or "
        "correct its name."
    )


def test_no_such_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert "AWS cannot be reached at http://127.0.0.1:9" in refusal()


def test_a_bucket_in_another_region(account: Account) -> None:
    # moto does not tell a bucket's region here as S3 does, so its answer is completed.
    def answered(parsed: dict[str, Any], **_: Any) -> None:
        parsed["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] = "us-west-2"

    aws.client("s3").meta.events.register("after-call.s3.ListObjectsV2", answered)
    assert refusal() == (
        f"The bucket '{BUCKET}' is in us-west-2, and your AWS region is {REGION}; "
        "set AWS_REGION=us-west-2."
    )


def test_unknown_keys_and_missing_permissions(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam = account.client("iam")
    iam.create_user(UserName="ana")
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    requests.post(f"{account.url}/moto-api/reset-auth", data=b"0", timeout=10).raise_for_status()
    try:
        assert "AWS does not accept these credentials (InvalidAccessKeyId)" in refusal()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        forget()
        assert "AWS denied ListObjectsV2; ask for permission" in refusal()
        assert key["SecretAccessKey"] not in refusal()
    finally:
        off = f"{account.url}/moto-api/reset-auth"
        requests.post(off, data=b"1000000000", timeout=10).raise_for_status()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ExpiredToken", "AWS does not accept these credentials (ExpiredToken); sign in with"),
        ("PermanentRedirect", "the bucket is in another region; set AWS_REGION"),
        ("SlowDown", "ListObjectsV2 failed with SlowDown: Said so"),
    ],
)
def test_other_refusals_of_s3(code: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with Stubber(aws.client("s3")) as stub:
        stub.add_client_error("list_objects_v2", code, "Said so.\nWith more.")
        assert words in refusal()


def test_arrow_speaks_in_one_sentence_too(account: Account) -> None:
    gone = S3Storage("s3://nobody-has-this/lake")
    assert gone.missing(["s3://nobody-has-this/lake/a"]) == ("s3://nobody-has-this/lake/a",)
    with (
        pytest.raises(LakeError, match="Cannot try: AWS Error NETWORK_CONNECTION") as error,
        aws.explaining("Cannot try"),
    ):
        raise OSError("AWS Error NETWORK_CONNECTION during HeadObject operation\nand more")
    assert "\n" not in str(error.value)


def test_an_endpoint_is_named_only_when_it_is_not_aws_own(
    account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert aws.endpoint() == account.url
    assert aws.environment() == {
        "AWS_REGION": REGION,
        "AWS_ENDPOINT": account.url,
        "AWS_ALLOW_HTTP": "true",
    }
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    forget()
    assert aws.endpoint() is None
    assert aws.environment() == {"AWS_REGION": REGION}
    # From a profile, where Sail and Arrow would not look.
    config = tmp_path / "config"
    config.write_text(f"[default]\nendpoint_url = {account.url}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    forget()
    assert aws.endpoint() == account.url


def test_only_what_aws_raises_is_explained() -> None:
    with pytest.raises(KeyError), aws.explaining("Cannot try"):
        raise KeyError("a bug")
    with (
        pytest.raises(LakeError, match=r"^Cannot try: Do failed with Odd\.$"),
        aws.explaining("Cannot try"),
    ):
        raise ClientError({"Error": {"Code": "Odd"}}, "Do")


def test_credentials_show_themselves_to_nobody(
    account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert aws.keys() is None, "what is in the environment is found by all"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    role = "role_arn = arn:aws:iam::123456789012:role/steward\nsource_profile = ana\n"
    config.write_text(f"[profile steward]\n{role}[profile ana]\n")
    credentials.write_text("[ana]\naws_access_key_id = a\naws_secret_access_key = b\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    monkeypatch.setenv("AWS_PROFILE", "steward")
    forget()
    keys = aws.keys()
    assert keys is not None
    assert repr(keys) == "Keys()"
    assert aws.environment().items() >= {
        ("AWS_ACCESS_KEY_ID", keys.access),
        ("AWS_SECRET_ACCESS_KEY", keys.secret),
        ("AWS_SESSION_TOKEN", keys.token),
    }
