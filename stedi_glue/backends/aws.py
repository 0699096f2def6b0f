"""How AWS is reached: by boto3's own rules, which other libraries are told.

boto3, Arrow and Sail each look for endpoints, regions and credentials in their own way; what
boto3 finds, in the environment or in a profile, holds for all of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from stedi_glue.errors import LakeError

if TYPE_CHECKING:
    from boto3 import Session
    from botocore.exceptions import ClientError

SIGN_IN = "sign in with 'aws configure' or 'aws sso login', or choose a profile with AWS_PROFILE"
_UNKNOWN_IDENTITY = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
# Credentials that the others find as boto3 does, and renew.
_FOUND_BY_ALL = {
    "assume-role-with-web-identity",
    "config-file",
    "container-role",
    "custom-process",
    "env",
    "iam-role",
    "shared-credentials-file",
}
_DENIED = {"403", "AccessDenied", "AccessDeniedException", "AllAccessDisabled"}
_NO_BUCKET = {"404", "NoSuchBucket"}
_ELSEWHERE = {
    "301",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "PermanentRedirect",
}


@cache
def session() -> Session:
    """Return this process's one session."""
    import boto3

    # Every AWS library reads AWS_REGION but boto3, which reads AWS_DEFAULT_REGION.
    return boto3.Session(region_name=os.environ.get("AWS_REGION") or None)


@cache
def client(service: str) -> Any:
    """Return this process's client of a service."""
    return new_client(service)


def new_client(service: str) -> Any:
    """Make a client of a service; raises LakeError without credentials or a region."""
    from botocore.config import Config

    with explaining("Cannot sign in to AWS"):
        if session().get_credentials() is None:
            raise LakeError(f"There are no AWS credentials: {SIGN_IN}.")
        if session().region_name is None:
            raise LakeError("No AWS region is chosen: set AWS_REGION, as in AWS_REGION=eu-west-1.")
        make: Any = session().client
        return make(service, config=Config(retries={"mode": "standard"}))


def endpoint() -> str | None:
    """Return where S3 is when it is not AWS's own; None when it is."""
    url = str(client("s3").meta.endpoint_url)
    host = url.partition("://")[2].partition("/")[0]
    return None if host.endswith((".amazonaws.com", ".amazonaws.com.cn")) else url


def region() -> str:
    """Return the region in use."""
    return str(client("s3").meta.region_name)


@dataclass(frozen=True)
class Keys:
    """Credentials that boto3 got by signing in or by assuming a role."""

    access: str = field(repr=False)
    secret: str = field(repr=False)
    token: str | None = field(repr=False)


def keys() -> Keys | None:
    """Return credentials that have to be handed over; None when the others find them, too.

    They last as long as AWS said, an hour by default, and whoever has them cannot renew them.
    """
    with explaining("Cannot sign in to AWS"):
        found = session().get_credentials()
        if found is None or found.method in _FOUND_BY_ALL:
            return None
        frozen: Any = found.get_frozen_credentials()
    return Keys(frozen.access_key, frozen.secret_key, frozen.token)


def environment() -> dict[str, str]:
    """Return the variables that lead an engine to the same S3 as boto3, signed in alike."""
    found = {"AWS_REGION": region()}
    handed = keys()
    if handed is not None:
        found |= {"AWS_ACCESS_KEY_ID": handed.access, "AWS_SECRET_ACCESS_KEY": handed.secret}
        found |= {"AWS_SESSION_TOKEN": handed.token} if handed.token else {}
    url = endpoint()
    if url is not None:
        # Not AWS_ENDPOINT_URL, which would lead boto3's other services there as well.
        found["AWS_ENDPOINT"] = url
        if url.startswith("http://"):
            found["AWS_ALLOW_HTTP"] = "true"
    return found


def hadoop() -> dict[str, str]:
    """Return the settings that let classic Spark 3.5 read and write `s3://` where boto3 would."""
    options = {
        "impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "endpoint.region": region(),
    }
    url = endpoint()
    if url is not None:
        options |= {"endpoint": url, "path.style.access": "true"}
    settings = {f"spark.hadoop.fs.s3a.{key}": value for key, value in options.items()}
    settings["spark.hadoop.fs.s3.impl"] = options["impl"]
    settings["spark.jars.packages"] = "org.apache.hadoop:hadoop-aws:3.3.4"
    return settings


@contextmanager
def explaining(what: str) -> Iterator[None]:
    """Turn what AWS's libraries raise into one sentence: "<what>: <reason>"."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise LakeError(f"{what}: {_refusal(error)}.") from error
    except BotoCoreError as error:
        raise LakeError(f"{what}: {_failure(error)}.") from error
    except OSError as error:
        # Arrow raises the errors of its own S3 client as these.
        first = (error.strerror or str(error).strip() or type(error).__name__).splitlines()[0]
        raise LakeError(f"{what}: {first.rstrip('.')}.") from error


def _refusal(error: ClientError) -> str:
    code = str(error.response.get("Error", {}).get("Code", "unknown"))
    message = " ".join(str(error.response.get("Error", {}).get("Message", "")).split())
    operation = error.operation_name
    if code in _UNKNOWN_IDENTITY:
        return f"AWS does not accept these credentials ({code}); {SIGN_IN}"
    if code in _DENIED:
        said = (
            f" ({message.rstrip('.')})" if message not in ("", "Access Denied", "Forbidden") else ""
        )
        return f"AWS denied {operation}{said}; ask for permission, or use another AWS_PROFILE"
    if code in _NO_BUCKET:
        return "there is no such bucket; create it, or correct its name"
    if code in _ELSEWHERE:
        return "the bucket is in another region; set AWS_REGION to the bucket's region"
    return f"{operation} failed with {code}{f': {message}' if message else ''}".rstrip(".")


def _failure(error: Exception) -> str:
    from botocore import exceptions as known

    if isinstance(error, known.ProfileNotFound):
        return f"{str(error).rstrip('.')}; correct AWS_PROFILE"
    if isinstance(
        error,
        known.NoCredentialsError
        | known.PartialCredentialsError
        | known.CredentialRetrievalError
        | known.SSOError
        | known.TokenRetrievalError,
    ):
        return f"there are no usable AWS credentials; {SIGN_IN}"
    if isinstance(error, known.HTTPClientError | known.ConnectionError):
        url = error.kwargs.get("endpoint_url", "its endpoint")
        return f"AWS cannot be reached at {url}; check the network and AWS_ENDPOINT_URL"
    return " ".join(str(error).split()).rstrip(".")
