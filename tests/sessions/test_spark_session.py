"""A session on classic Spark, which is how a session on AWS looks from inside."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import Any

import pytest

from stedi_glue.entry.synthetic import write_landing
from stedi_glue.lakehouse import Lakehouse
from tests.conftest import java
from tests.sessions.conftest import Client, created, ended, ran, serving, signed_in, wait

CONNECT = """
from stedi_glue.entry import session
lake = session.connect(on_glue="s3://not-here")
rows = lake.table("customer_trusted").count()
(lake._engine.name, rows, lake._engine.session is spark)
"""
ENDLESS = "spark.range(10**14).selectExpr('sum(id % 7)').show()"


@pytest.mark.slow
def test_connect_takes_the_sessions_own_spark(tmp_path: Path) -> None:
    if os.environ.get("CI") != "true" and not java():
        pytest.skip("classic Spark needs a Java: put one on PATH or set JAVA_HOME")
    write_landing(tmp_path, customers=20)
    with Lakehouse.open(tmp_path) as lake:
        rows = lake.run("customer_trusted").table("customer_trusted").rows
    with serving(tmp_path, engine="spark") as endpoint:
        glue = signed_in(endpoint)
        name = created(glue, "spark")
        assert value(ran(glue, name, "sc.master")) == "local[*]"
        assert value(ran(glue, name, CONNECT)) == ("glue", rows, True)

        number = glue.run_statement(SessionId=name, Code=ENDLESS)["Id"]
        wait(lambda: _jobs(glue, name, number))
        glue.cancel_statement(SessionId=name, Id=number)
        assert ended(glue, name, number)["State"] == "CANCELLED"
        # The engine is free again: what was cancelled does not run on behind its back.
        assert value(ran(glue, name, "len(sc.statusTracker().getActiveJobsIds())")) == 0


def _jobs(glue: Client, name: str, number: int) -> bool:
    state: str = glue.get_statement(SessionId=name, Id=number)["Statement"]["State"]
    return state == "RUNNING"


def value(statement: dict[str, Any]) -> Any:
    assert statement["Output"]["Status"] == "ok", statement["Output"]
    return ast.literal_eval(statement["Output"]["Data"]["TextPlain"])
