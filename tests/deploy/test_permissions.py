"""What a deployer may do: actions that exist, on what belongs to one lake."""

from __future__ import annotations

import json

from cfnlint import ManualArgs
from cfnlint.api import lint

from stedi_glue.deploy.deployer import deployer_policy

# Every rule but the experimental ones, also those that only inform.
STRICT = ManualArgs(include_checks=["I"])


def test_the_deployers_permissions_are_real_and_bounded() -> None:
    policy = deployer_policy("the-lake", "stedi")
    holder = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": policy, "Description": "Deploys."},
    }
    # cfn-lint knows every action of every service.
    assert lint(json.dumps({"Resources": {"Deployer": holder}}), config=STRICT) == []
    for statement in policy["Statement"]:
        assert not [action for action in statement["Action"] if "*" in action]
        if statement["Action"] == ["secretsmanager:GetRandomPassword"]:
            continue  # It knows no resources.
        for resource in statement["Resource"]:
            assert "the-lake" in resource or "stedi" in resource or resource.endswith(":catalog")


def test_a_made_up_action_would_be_found() -> None:
    policy = deployer_policy("the-lake", "stedi")
    policy["Statement"][0]["Action"].append("cloudformation:MakeItSo")
    holder = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy}}
    found = lint(json.dumps({"Resources": {"Deployer": holder}}), config=STRICT)
    assert {match.rule.id for match in found} == {"W3037"}
