"""The endpoint: HTTP on a loopback address, signed requests only."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from stedi_glue.errors import SessionError, UsageError
from stedi_glue.sessions.api import Api, ApiError
from stedi_glue.sessions.profile import Credential
from stedi_glue.sessions.session import Session
from stedi_glue.sessions.sessions import ACCOUNT, Sessions
from stedi_glue.sessions.signature import require

LOOPBACK = "127.0.0.1"
# Well above the longest statement, each of whose characters may be escaped.
_LARGEST = 2_000_000
_JSON = "application/x-amz-json-1.1"
_IDENTITY = f"""\
<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:aws:sts::{ACCOUNT}:assumed-role/stedi-local/local</Arn>
    <UserId>LOCAL:local</UserId>
    <Account>{ACCOUNT}</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata><RequestId>local</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>"""
_REFUSAL = """\
<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>
  <RequestId>local</RequestId>
</ErrorResponse>"""

log = logging.getLogger(__name__)


class Endpoint(ThreadingHTTPServer):
    """Speaks the Glue sessions API, and the one call to STS that its kernel makes.

    host: a loopback address; UsageError for any other. port: 0 chooses a free one.
    engine: what sessions run on, "sail" or "spark". lake: what `connect` opens in them.
    """

    daemon_threads = True

    def __init__(
        self, credential: Credential, engine: str, lake: str, port: int, host: str = LOOPBACK
    ) -> None:
        self.address_family = _loopback_family(host)

        def start(request: Mapping[str, Any]) -> Session:
            return Session(request, engine, lake)

        self.credential = credential
        self.api = Api()
        self.sessions = Sessions(start)
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise SessionError(
                f"Cannot listen on port {port} of {host}: {error.strerror}; "
                "choose others with --port and --host."
            ) from error

    @property
    def host(self) -> str:
        """The address it listens on."""
        return str(self.server_address[0])

    @property
    def url(self) -> str:
        """Where it listens."""
        host = f"[{self.host}]" if self.address_family == socket.AF_INET6 else self.host
        return f"http://{host}:{self.server_address[1]}"

    def service_actions(self) -> None:
        """End sessions whose time is over; called twice a second."""
        self.sessions.expire()

    def server_close(self) -> None:
        """Stop listening, and every session with it."""
        super().server_close()
        self.sessions.close()


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint
    protocol_version = "HTTP/1.1"
    # A client that says nothing holds a thread no longer.
    timeout = 60

    def do_POST(self) -> None:
        target = self.headers.get("X-Amz-Target", "")
        try:
            body = self._body()
            service = require(self.server.credential, self._url, self.headers, body)
            if service == "sts":
                return self._identity(body)
            operation = target.rpartition(".")[2]
            request = self.server.api.read(operation, body)
            self._answer(200, _JSON, json.dumps(self.server.sessions.answer(operation, request)))
        except ApiError as error:
            self._refuse(400, error.code, error.message, as_json=bool(target))
        except Exception:
            log.exception("a request failed")
            said = "The endpoint failed; its log says why."
            self._refuse(500, "InternalServiceException", said, as_json=bool(target))

    @property
    def _url(self) -> str:
        return f"http://{self.headers.get('Host', '')}{self.path}"

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LARGEST:
            # It is not read, so nothing after it can be told from it.
            self.close_connection = True
            raise ApiError(
                "ValidationException", f"A request's body has at most {_LARGEST:,} bytes."
            )
        return self.rfile.read(int(length))

    def _identity(self, body: bytes) -> None:
        action = parse_qs(body.decode("utf-8", "replace")).get("Action", [""])[0]
        if action != "GetCallerIdentity":
            raise ApiError("InvalidAction", f"This endpoint does not know the action '{action}'.")
        self._answer(200, "text/xml", _IDENTITY)

    def _refuse(self, status: int, code: str, message: str, *, as_json: bool) -> None:
        if as_json:
            self._answer(status, _JSON, json.dumps({"__type": code, "message": message}))
        else:
            text = _REFUSAL.format(code=escape(code), message=escape(message))
            self._answer(status, "text/xml", text)

    def _answer(self, status: int, kind: str, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *values: object) -> None:
        """Say nothing: a line per request is of no use to anybody."""


def _loopback_family(host: str) -> socket.AddressFamily:
    """Return the family of a loopback address; UsageError for any other."""
    try:
        address = ip_address(LOOPBACK if host == "localhost" else host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise UsageError(
            f"The endpoint runs whatever code it is sent, so it listens on this machine alone: "
            f"'{host}' is not a loopback address; use {LOOPBACK}."
        )
    return socket.AF_INET if address.version == 4 else socket.AF_INET6
