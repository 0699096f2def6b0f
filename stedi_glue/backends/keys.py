"""Where the secret key of pseudonyms is read from: a file, the environment, or AWS."""

from __future__ import annotations

import os
from collections.abc import Mapping

from stedi_glue.errors import UsageError

IN_ENVIRONMENT = "env:"
IN_AWS = "secret:"


def read_key(place: str, environ: Mapping[str, str] = os.environ) -> bytes:
    """Return a key without the blanks and line ends around it.

    place: a file, `env:NAME` for an environment variable, or `secret:NAME` for a secret of AWS
    Secrets Manager, by its name or ARN. UsageError when nothing is there, LakeError when AWS
    refuses it. No message quotes a file's name: it may be a key that was given by mistake.
    """
    if place.startswith(IN_ENVIRONMENT):
        name = place.removeprefix(IN_ENVIRONMENT)
        return _filled(environ.get(name, "").encode(), f"The environment variable '{name}'")
    if place.startswith(IN_AWS):
        name = place.removeprefix(IN_AWS)
        return _filled(_secret(name), f"The secret '{name}'")
    try:
        with open(os.path.expanduser(place), "rb") as stream:
            key = stream.read()
    except (OSError, ValueError):
        raise UsageError(
            "The key of pseudonyms cannot be read: name a file that holds it, 'env:NAME' or "
            "'secret:NAME' with --key or STEDI_KEY, never the key itself."
        ) from None
    return _filled(key, "The file that --key or STEDI_KEY names")


def _filled(key: bytes, what: str) -> bytes:
    if not key.strip():
        raise UsageError(f"{what} holds no key; make one with 'openssl rand -hex 32'.")
    return key.strip()


def _secret(name: str) -> bytes:
    from botocore.exceptions import ClientError

    from stedi_glue.backends import aws

    client = aws.client("secretsmanager")
    with aws.explaining(f"Cannot read the secret '{name}'"):
        try:
            found = client.get_secret_value(SecretId=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            raise UsageError(
                f"AWS Secrets Manager has no secret called '{name}' in this account and region."
            ) from None
    text: str | None = found.get("SecretString")
    return text.encode() if text is not None else bytes(found["SecretBinary"])
