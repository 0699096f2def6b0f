"""A change of the template in words: what a person must know before they agree."""

from __future__ import annotations

import json
from typing import Any

from stedi_glue.deploy.diff import Change, Line, changes
from stedi_glue.deploy.plan import Plan
from stedi_glue.deploy.template import synthesize
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.zones import STEDI
from tests.test_new_table import with_sixth_table


def template(pipeline: Pipeline = STEDI, release: str = "1", **choices: Any) -> dict[str, Any]:
    plan = Plan("the-lake", release, "the.zip", "the.gluewheels.zip", **choices)
    return json.loads(synthesize(pipeline, plan).to_json())


def by_name(found: tuple[Change, ...]) -> dict[str, Change]:
    return {change.name: change for change in found}


def test_nothing_changed() -> None:
    assert changes(template(), template()) == ()


def test_a_new_stack_adds_everything_and_a_removed_one_removes_it() -> None:
    whole = template()
    added, removed = changes(None, whole), changes(whole, None)
    assert {change.kind for change in added} == {"added"}
    assert {change.kind for change in removed} == {"removed"}
    assert set(by_name(added)) == set(by_name(removed)) == set(whole["Resources"])


def test_a_value_is_shown_before_and_after() -> None:
    (change,) = changes(template(), template(schedule="cron(0 4 * * ? *)"))
    assert (change.kind, change.name, change.type) == (
        "changed",
        "StartTrigger",
        "AWS::Glue::Trigger",
    )
    assert change.lines == (Line("Schedule", "cron(0 3 * * ? *)", "cron(0 4 * * ? *)"),)


def test_a_new_release_changes_the_jobs_files_and_nothing_else() -> None:
    found = changes(template(), template(release="2"))
    assert {change.type for change in found} == {"AWS::Glue::Job"}
    for change in found:
        assert {line.path for line in change.lines} == {
            "Command.ScriptLocation",
            "DefaultArguments.--additional-python-modules",
            "DefaultArguments.--extra-py-files",
        }


def test_a_new_table_is_told_by_the_permissions_it_gains() -> None:
    found = by_name(changes(template(), template(with_sixth_table())))
    assert {name: change.kind for name, change in found.items()} == {
        "AlertRule": "changed",
        "DeviceActivityJob": "added",
        "DeviceActivityTrigger": "added",
        "JobRole": "changed",
        "AnalystRole": "changed",
        "StewardRole": "changed",
    }
    statement = "Policies[MakeTables].PolicyDocument.Statement"
    place = "${AWS::Region}:${AWS::AccountId}"
    lake = "arn:${AWS::Partition}:s3:::the-lake"
    gained = {line.path.removeprefix(statement): [] for line in found["JobRole"].lines}
    for line in found["JobRole"].lines:
        assert line.before is None
        assert line.after is not None
        gained[line.path.removeprefix(statement)].append(line.after.removeprefix(f"{lake}/"))
    folders = ["device_activity/curated", "device_activity/curated_quarantine"]
    assert gained == {
        "[ReadWhatIsThere].Resource": ["device_activity", *folders],
        "[WriteTables].Resource": [f"{folder}/*" for folder in folders],
        "[ClearEmptyFolders].Resource": ["device_activity/"],
        "[PublishTables].Resource": [
            f"arn:${{AWS::Partition}}:glue:{place}:table/stedi/device_activity"
        ],
    }
    assert found["AlertRule"].lines == (
        Line("EventPattern.detail.jobName", None, "DeviceActivityJob"),
    )


def test_what_is_kept_or_deleted_counts_too() -> None:
    old = template()
    new = template()
    del new["Resources"]["Bucket"]["DeletionPolicy"]
    (change,) = changes(old, new)
    assert change.lines == (Line("DeletionPolicy", "RetainExceptOnCreate", None),)
