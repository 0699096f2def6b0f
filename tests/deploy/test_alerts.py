"""Alerts: of every job that fails, in words that arrive whatever it says."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest

from stedi_glue.deploy.plan import Layout
from tests.deploy.test_template import of_type, resources


@pytest.mark.parametrize("layout", get_args(Layout))
def test_every_job_that_fails_is_told_of(layout: Layout) -> None:
    found = resources(layout=layout, alert="who@example.com")
    pattern = found["AlertRule"]["Properties"]["EventPattern"]
    named = {job["Ref"] for job in pattern["detail"]["jobName"]}
    assert named == set(of_type(found, "Glue::Job"))
    assert {"FAILED", "TIMEOUT"} <= set(pattern["detail"]["state"])
    assert found["AlertByEmail"]["Properties"]["Endpoint"] == "who@example.com"


def told(transformer: dict[str, Any], event: dict[str, Any]) -> str:
    """What EventBridge makes of an event: inside quotes a value as it is, elsewhere as JSON."""
    values = {}
    for name, path in transformer["InputPathsMap"].items():
        value: Any = event
        for step in path.removeprefix("$.").split("."):
            value = value[step]
        values[name] = value
    parts = re.split(r'("[^"]*")', transformer["InputTemplate"])

    def put(part: str) -> str:
        write = str if part.startswith('"') else json.dumps
        return re.sub("<([a-z]+)>", lambda found: write(values[found[1]]), part)

    return "".join(map(put, parts))


@pytest.mark.parametrize("message", ["Plain.", 'no "such"\n column in C:\\lake; <state>'])
def test_an_alert_is_json_whatever_a_job_says(message: str) -> None:
    (target,) = resources()["AlertRule"]["Properties"]["Targets"]
    detail = {"jobName": "stedi-x", "state": "FAILED", "jobRunId": "jr_1", "message": message}
    text = told(target["InputTransformer"], {"detail": detail})
    assert json.loads(text) == {
        "job": "stedi-x",
        "state": "FAILED",
        "run": "jr_1",
        "message": message,
    }
    # People read it.
    assert text.splitlines()[1] == '  "job": "stedi-x",'
