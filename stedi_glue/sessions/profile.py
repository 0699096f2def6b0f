"""The AWS profile that points clients at the local endpoint, with a secret of its own."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stedi_glue.errors import SessionError, UsageError
from stedi_glue.sessions.sessions import ACCOUNT

NAME = "stedi-local"
REGION = "us-east-1"
PORT = 8998
_BEGIN = "# {name}: written by stedi-glue, which removes it, too"
_END = "# end of {name}"


@dataclass(frozen=True)
class Credential:
    """What proves that a request comes from somebody who can read the profile."""

    key: str
    secret: str


class Profile:
    """A section of the user's AWS configuration and one of the credentials.

    Only the credentials file holds the secret; it is made readable by its owner alone.
    """

    def __init__(self, name: str, config: Path, credentials: Path) -> None:
        if not re.fullmatch(r"[\w.-]+", name):
            raise UsageError(
                f"A profile cannot be called '{name}': use letters, digits, '.', '_' and '-'."
            )
        self.name = name
        self._config = config
        self._credentials = credentials

    @classmethod
    def mine(cls, name: str = NAME) -> Profile:
        """Return a profile of this user, in the files that AWS's own tools read."""
        from botocore.session import get_session

        session = get_session()
        files = [session.get_config_variable(key) for key in ("config_file", "credentials_file")]
        return cls(name, *(Path(file).expanduser() for file in files))

    def install(self, port: int = PORT) -> None:
        """Write the profile, with a new secret."""
        self.remove()
        heading = f"profile {self.name}"
        for file, section in ((self._config, heading), (self._credentials, self.name)):
            if re.search(rf"^\[\s*{re.escape(section)}\s*\]", _text(file), re.MULTILINE):
                raise UsageError(
                    f"'{file}' has a profile '{self.name}' that this program did not write; "
                    "choose another name with --profile."
                )
        settings = {
            "region": REGION,
            "endpoint_url": f"http://127.0.0.1:{port}",
            # The kernel asks IAM for a role unless it finds one here.
            "glue_role_arn": f"arn:aws:iam::{ACCOUNT}:role/{self.name}",
        }
        keys = {
            "aws_access_key_id": f"LOCAL{secrets.token_hex(8).upper()}",
            "aws_secret_access_key": secrets.token_urlsafe(30),
        }
        self._add(self._credentials, self.name, keys)
        self._add(self._config, heading, settings)

    def remove(self) -> bool:
        """Remove the profile, and return whether there was one; all else stays as it is."""
        begin, end = (re.escape(mark.format(name=self.name)) for mark in (_BEGIN, _END))
        block = re.compile(rf"\n?^{begin}\n.*?^{end}\n", re.MULTILINE | re.DOTALL)
        found = False
        for file in (self._config, self._credentials):
            text = _text(file)
            rest = block.sub("", text)
            if rest != text:
                found = True
                _write(file, rest)
        return found

    def credential(self) -> Credential:
        """Return the profile's secret; SessionError when it is not installed."""
        found = dict(re.findall(r"^(\w+) = (\S+)$", self._section(), re.MULTILINE))
        try:
            return Credential(found["aws_access_key_id"], found["aws_secret_access_key"])
        except KeyError:
            raise SessionError(
                f"There is no profile '{self.name}' of this program yet; write it with "
                "'stedi-glue sessions install-profile'."
            ) from None

    def _section(self) -> str:
        begin, end = (mark.format(name=self.name) for mark in (_BEGIN, _END))
        return _text(self._credentials).partition(begin)[2].partition(end)[0]

    def _add(self, file: Path, section: str, values: Mapping[str, str]) -> None:
        text = _text(file)
        gap = "\n" if text else ""
        if text and not text.endswith("\n"):
            text += "\n"
        lines = [_BEGIN.format(name=self.name), f"[{section}]"]
        lines += [f"{key} = {value}" for key, value in values.items()]
        _write(file, text + gap + "\n".join([*lines, _END.format(name=self.name)]) + "\n")


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise SessionError(f"Cannot read '{file}': {error.strerror}.") from error


def _write(file: Path, text: str) -> None:
    """Replace a file's text at once, readable by its owner alone."""
    # Through links: people keep these files under version control elsewhere.
    target = file.resolve()
    fresh = target.with_name(f"{target.name}.stedi-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(text)
        fresh.replace(target)
    except OSError as error:
        raise SessionError(f"Cannot write '{file}': {error.strerror}.") from error
