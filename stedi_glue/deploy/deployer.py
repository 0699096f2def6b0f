"""What whoever deploys a lake must be allowed to do, for an administrator to grant."""

from __future__ import annotations

from typing import Any

from stedi_glue.deploy.plan import DATABASE, check_bucket


def deployer_policy(bucket: str, stack: str) -> dict[str, Any]:
    """Return an IAM policy that allows to deploy and destroy that stack, and no other.

    CloudFormation acts in the deployer's name, so most of it is what CloudFormation calls.
    """
    check_bucket(bucket)
    anywhere = "arn:aws:{}:*:*:{}".format
    catalog = [
        anywhere("glue", "catalog"),
        anywhere("glue", f"database/{DATABASE}"),
        # Deleting a database deletes its tables.
        anywhere("glue", f"table/{DATABASE}/*"),
    ]
    things = [anywhere("glue", f"{kind}/{stack}*") for kind in ("job", "trigger", "workflow")]
    kept = [
        f"glue:{verb}{thing}"
        for thing in ("Database", "Job", "Trigger", "Workflow")
        for verb in ("Create", "Delete", "Get", "Update")
    ]
    statements = {
        "ChangeTheStack": (
            _named(
                *("cloudformation", "CreateChangeSet DeleteChangeSet DescribeChangeSet"),
                "ExecuteChangeSet DescribeStacks DescribeStackEvents GetTemplate DeleteStack",
            ),
            [anywhere("cloudformation", f"stack/{stack}/*")],
        ),
        "KeepTheBucket": (
            _named(
                *("s3", "CreateBucket DeleteBucket DeleteBucketPolicy DeleteObject GetObject"),
                "AbortMultipartUpload ListBucket ListBucketMultipartUploads",
                "ListMultipartUploadParts ListTagsForResource PutBucketOwnershipControls",
                "PutBucketPolicy PutBucketPublicAccessBlock PutBucketTagging",
                "PutEncryptionConfiguration PutLifecycleConfiguration PutObject",
                "TagResource UntagResource",
                # CloudFormation reads all that a bucket can have, whatever this one has.
                "GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAbac GetBucketAcl",
                "GetBucketCORS GetBucketLocation GetBucketLogging",
                "GetBucketMetadataTableConfiguration GetBucketNotification",
                "GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy",
                "GetBucketPublicAccessBlock GetBucketTagging GetBucketVersioning",
                "GetBucketWebsite GetEncryptionConfiguration",
                "GetIntelligentTieringConfiguration GetInventoryConfiguration",
                "GetLifecycleConfiguration GetMetricsConfiguration GetReplicationConfiguration",
            ),
            [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        ),
        "KeepTheJobs": (
            [
                *kept,
                *_named("glue", "GetTags StartTrigger StartWorkflowRun StopTrigger TagResource"),
                *_named("glue", "UntagResource"),
            ],
            [*catalog, *things],
        ),
        # CloudFormation looks there before it changes a database; these know no resources.
        "LookAtLakeFormation": (
            _named(
                *("lakeformation", "DescribeLakeFormationIdentityCenterConfiguration"),
                "DescribeResource ListResources",
            ),
            ["*"],
        ),
        "KeepTheRoles": (
            _named(
                *("iam", "CreateRole DeleteRole DeleteRolePolicy GetRole GetRolePolicy"),
                "ListAttachedRolePolicies ListRolePolicies PassRole PutRolePolicy TagRole",
                "UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription",
            ),
            [
                f"arn:aws:iam::*:role/{stack}-{title}Role-*"
                for title in ("Analyst", "Job", "Steward")
            ],
        ),
        "KeepTheWorkGroup": (
            _named(
                *("athena", "CreateWorkGroup DeleteWorkGroup GetWorkGroup ListTagsForResource"),
                "TagResource UntagResource UpdateWorkGroup",
            ),
            [anywhere("athena", f"workgroup/{group}") for group in (stack, f"{stack}-analysts")],
        ),
        "KeepTheKey": (
            _named(
                *("secretsmanager", "CreateSecret DeleteSecret DescribeSecret TagResource"),
                "UntagResource UpdateSecret",
            ),
            [anywhere("secretsmanager", f"secret:{stack}-pseudonyms-*")],
        ),
        # It is of no secret yet, so there is none to name.
        "MakeTheKey": (_named("secretsmanager", "GetRandomPassword"), ["*"]),
        "KeepTheAlerts": (
            _named(
                *("sns", "CreateTopic DeleteTopic GetDataProtectionPolicy"),
                "GetSubscriptionAttributes GetTopicAttributes ListSubscriptionsByTopic",
                "ListTagsForResource SetTopicAttributes Subscribe TagResource Unsubscribe",
                "UntagResource",
            ),
            [anywhere("sns", f"{stack}-Alerts-*")],
        ),
        "KeepTheAlertRule": (
            _named(
                *("events", "DeleteRule DescribeRule ListTagsForResource ListTargetsByRule"),
                "PutRule PutTargets RemoveTargets TagResource UntagResource",
            ),
            [anywhere("events", f"rule/{stack}-AlertRule-*")],
        ),
    }
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": name, "Effect": "Allow", "Action": sorted(actions), "Resource": resources}
            for name, (actions, resources) in statements.items()
        ],
    }


def _named(service: str, *actions: str) -> list[str]:
    return [f"{service}:{action}" for words in actions for action in words.split()]
