"""An AWS account of moto's own, reached over HTTP as the real one is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import requests
from moto.glue.exceptions import GlueClientError
from moto.glue.responses import GlueResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.server import ThreadedMotoServer
from pyiceberg.catalog.glue import GlueCatalog

REGION = "eu-west-1"
BUCKET = "stedi-lake"


class Account:
    """What tests look into by hand; the product has its own way there, by these variables."""

    def __init__(self, url: str) -> None:
        self.url = url
        # Told of every request, before it is answered.
        self.on_request: Callable[[str], None] = lambda request: None
        # Asked of every request, as WSGI has it, whether it is allowed.
        self.allows: Callable[[dict[str, Any]], bool] = lambda request: True
        self.variables = {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": url,
            "AWS_REGION": REGION,
            # Nobody's own settings shall matter.
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def empty(self) -> None:
        """Begin anew, with one empty bucket."""
        requests.post(f"{self.url}/moto-api/reset", timeout=10).raise_for_status()
        self.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )

    def answers(self, *results: dict[str, Any]) -> None:
        """Say what Athena, which moto does not run, answers to the next queries."""
        body = {"account_id": "123456789012", "region": REGION, "results": list(results)}
        address = f"{self.url}/moto-api/static/athena/query-results"
        requests.post(address, json=body, timeout=10).raise_for_status()

    def objects(self, prefix: str = "") -> dict[str, int]:
        """Return every object's key and size."""
        pages = self.client("s3").get_paginator("list_objects_v2")
        return {
            found["Key"]: found["Size"]
            for page in pages.paginate(Bucket=BUCKET, Prefix=prefix)
            for found in page.get("Contents", ())
        }

    def table(self, name: str) -> dict[str, Any]:
        """Return a table as the Glue Data Catalog has it."""
        found: dict[str, Any] = self.client("glue").get_table(DatabaseName="stedi", Name=name)
        return dict(found["Table"])

    def by_hand(self) -> GlueCatalog:
        """Open the catalog as any user of pyiceberg would."""
        return GlueCatalog(
            "by-hand",
            client=self.client("glue"),
            **{
                "s3.endpoint": self.url,
                "s3.region": REGION,
                "s3.access-key-id": "testing",
                "s3.secret-access-key": "testing",
            },
        )


class StaleVersion(GlueClientError):
    def __init__(self) -> None:
        super().__init__("ConcurrentModificationException", "Update table failed: stale version.")


def _update_table(self: GlueResponse) -> Any:
    # AWS documents that UpdateTable fails when VersionId is not the table's current version;
    # moto ignores it, so what the product sends is held to that here.
    entry = self.parameters["TableInput"]
    table = self.glue_backend.get_table(self.parameters["DatabaseName"], entry["Name"])
    sent = self.parameters.get("VersionId")
    if sent is not None and sent != table.as_dict()["VersionId"]:
        raise StaleVersion
    return _moto_update_table(self)


_moto_update_table = GlueResponse.update_table


def _deny(environ: dict[str, Any], start: Any) -> list[bytes]:
    """Answer as AWS does to who lacks a permission."""
    if "HTTP_X_AMZ_TARGET" in environ:
        start("400 Bad Request", [("Content-Type", "application/x-amz-json-1.1")])
        return [b'{"__type": "AccessDeniedException", "Message": "not authorized"}']
    start("403 Forbidden", [("Content-Type", "application/xml")])
    return [b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"]


@contextmanager
def serving() -> Iterator[Account]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    GlueResponse.update_table = _update_table  # type: ignore[method-assign]
    answer = DomainDispatcherApplication.__call__

    def tell_and_answer(self: Any, environ: dict[str, Any], start: Any) -> Any:
        name = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        account.on_request(name or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        if not account.allows(environ):
            return _deny(environ, start)
        return answer(self, environ, start)

    DomainDispatcherApplication.__call__ = tell_and_answer  # type: ignore[method-assign]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        account = Account(f"http://{host}:{port}")
        yield account
    finally:
        server.stop()
        DomainDispatcherApplication.__call__ = answer  # type: ignore[method-assign]
        GlueResponse.update_table = _moto_update_table  # type: ignore[method-assign]
