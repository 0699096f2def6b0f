"""Where the endpoint listens, and where it refuses to."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from stedi_glue.errors import SessionError, UsageError
from stedi_glue.sessions.server import Endpoint
from tests.sessions.conftest import CREDENTIAL, serving, signed_in


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "example.com", ""])
def test_it_listens_to_this_machine_alone(host: str) -> None:
    with pytest.raises(UsageError, match="loopback"):
        Endpoint(CREDENTIAL, "sail", "lake", port=0, host=host)


def test_signed_clients_reach_it_over_ipv6(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with serving(tmp_path, host="::1") as endpoint:
        assert endpoint.url == f"http://[::1]:{endpoint.server_address[1]}"
        assert signed_in(endpoint).list_sessions()["Ids"] == []
        assert signed_in(endpoint, "sts").get_caller_identity()["Account"] == "000000000000"


def test_a_taken_port_is_named_with_its_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SessionError, match=f"port {port} of 127.0.0.1: .*--port"):
            Endpoint(CREDENTIAL, "sail", "lake", port=port)
