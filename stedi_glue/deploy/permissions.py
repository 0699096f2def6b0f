"""Who may do what: a job's role gets exactly what making the pipeline's tables takes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from stedi_glue.backends.raw.contract import staged_folders
from stedi_glue.backends.storage import NOTE
from stedi_glue.deploy.plan import DATABASE
from stedi_glue.model.pipeline import Pipeline
from stedi_glue.model.table import Zone

Statement = dict[str, Any]

# Where the answers to analysts' queries are kept: those of others may name people.
ANSWERS = "athena/analysts/"
# What a run writes besides tables, and reads to show earlier runs beside it.
RECORDS = ("audits/*", "docs/*", NOTE, "runs/*")


def job_policy(pipeline: Pipeline, bucket: str, secret: Any) -> dict[str, Any]:
    """Return the policy of the role that jobs run with, for a lake in that bucket.

    secret: the ARN of what holds the key of pseudonyms, as policies and templates write it.

    It holds what a run was seen to ask for, and what Glue asks for around it: the artifacts,
    the folder of `--TempDir`, logs, metrics, and where the bucket is.
    """
    raw = [table.location for table in pipeline.landing]
    made = [table.location for table in pipeline.made]
    by_spark = [*made, *(table.quarantine().location for table in pipeline.made)]
    parsed = (folder for table in pipeline.landing for folder in staged_folders(table))
    written = [*parsed, *by_spark]
    above = sorted({str(up) for one in by_spark for up in PurePosixPath(one).parents[:-1]})
    # Before Spark makes a folder, it asks for files of its name and of those above it; after it
    # has written, it clears what consoles put in their place.
    read = (
        "artifacts/*",
        "forgotten/*",
        *(f"{folder}/*" for folder in raw),
        *above,
        *by_spark,
    )
    tables = [_glue(f"table/{DATABASE}/{table.name}") for table in pipeline.tables]

    def objects(keys: Iterable[str]) -> list[dict[str, str]]:
        return [_s3(bucket, key) for key in keys]

    return _policy(
        _allow("ReadTheKey", ("secretsmanager:GetSecretValue",), [secret]),
        _allow("ListTheLake", ("s3:GetBucketLocation", "s3:ListBucket"), [_s3(bucket)]),
        _allow("ReadWhatIsThere", ("s3:GetObject",), objects(read)),
        _allow(
            "WriteTables",
            ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
            objects(f"{folder}/*" for folder in written),
        ),
        _allow(
            "ClearEmptyFolders", ("s3:DeleteObject",), objects(f"{folder}/" for folder in above)
        ),
        _allow("WriteRecords", ("s3:GetObject", "s3:PutObject"), objects(RECORDS)),
        _allow(
            "KeepScratchFiles",
            ("s3:DeleteObject", "s3:GetObject", "s3:PutObject"),
            objects(["temp/*"]),
        ),
        _allow(
            "PublishTables",
            ("glue:CreateTable", "glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"),
            [*_CATALOG, *tables],
        ),
        _allow(
            "WriteLogs",
            ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
            [_here("logs", "log-group:/aws-glue/jobs/*")],
        ),
        # Metrics are no resources that could be named: their namespace takes the place.
        _allow("WriteMetrics", ("cloudwatch:PutMetricData",), "*")
        | {"Condition": {"StringEquals": {"cloudwatch:namespace": "Glue"}}},
    )


def analyst_policy(pipeline: Pipeline, bucket: str, workgroup: str) -> dict[str, Any]:
    """Return the policy of who queries curated tables and sees nothing else of a lake.

    workgroup: the Athena workgroup whose answers are kept under `ANSWERS`.
    """
    curated = [table for table in pipeline.tables if table.zone is Zone.CURATED]
    folders = [f"{table.location}/*" for table in curated]
    return _policy(
        _allow(
            "LookUpCuratedTables",
            ("glue:GetDatabase", "glue:GetTable"),
            [*_CATALOG, *(_glue(f"table/{DATABASE}/{table.name}") for table in curated)],
        ),
        _allow("ReadCuratedTables", ("s3:GetObject",), [_s3(bucket, one) for one in folders]),
        _allow(
            "Query",
            (
                *("athena:GetQueryExecution", "athena:GetQueryResults", "athena:GetWorkGroup"),
                *("athena:StartQueryExecution", "athena:StopQueryExecution"),
            ),
            [_here("athena", f"workgroup/{workgroup}")],
        ),
        _allow(
            "KeepAnswers",
            (
                *("s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts"),
                "s3:PutObject",
            ),
            [_s3(bucket, f"{ANSWERS}*")],
        ),
        _allow("FindTheBucket", ("s3:GetBucketLocation",), [_s3(bucket)]),
        _listing(bucket, [*folders, f"{ANSWERS}*", NOTE]),
    )


def steward_policy(pipeline: Pipeline, bucket: str) -> dict[str, Any]:
    """Return the policy of who reads what runs say and what they left out, but no table.

    Of a table's own files only those that describe its snapshots: others have values in them.
    """
    left_out = [f"{table.quarantine().location}/*" for table in pipeline.made]
    left_out += [f"{staged_folders(table)[1]}/*" for table in pipeline.landing]
    described = [f"{table.location}/metadata/*.metadata.json" for table in pipeline.made]
    return _policy(
        _allow(
            "LookUpTables",
            ("glue:GetDatabase", "glue:GetTable"),
            [*_CATALOG, *(_glue(f"table/{DATABASE}/{table.name}") for table in pipeline.made)],
        ),
        _allow(
            "ReadDocsAndQuarantine",
            ("s3:GetObject",),
            [_s3(bucket, one) for one in (*RECORDS, *described, *left_out)],
        ),
        _listing(bucket, [*RECORDS, *left_out]),
    )


def people_trust() -> dict[str, Any]:
    """Return who takes on the role of a person: whom this account's administrators let."""
    root = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    return _policy({"Effect": "Allow", "Principal": {"AWS": root}, "Action": "sts:AssumeRole"})


def job_trust() -> dict[str, Any]:
    """Return who takes on the role of jobs: Glue, for this account alone."""
    return _policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "glue.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
        }
    )


def only_encrypted_transport(bucket: str) -> dict[str, Any]:
    """Return a bucket's policy that refuses whoever comes without TLS."""
    return _policy(
        {
            "Sid": "RefusePlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [_s3(bucket), _s3(bucket, "*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


def alerts_from(rule: Any, topic: Any) -> dict[str, Any]:
    """Return a topic's policy that lets one rule of EventBridge publish to it."""
    return _policy(
        {
            "Sid": "TellOfRuns",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
    )


def _listing(bucket: str, keys: Iterable[str]) -> Statement:
    """Allow to list what is under these keys of a bucket, and nothing beside it."""
    allowed = _allow("ListThem", ("s3:ListBucket",), [_s3(bucket)])
    return allowed | {"Condition": {"StringLike": {"s3:prefix": list(keys)}}}


def _policy(*statements: Statement) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(name: str, actions: Iterable[str], resources: Any) -> Statement:
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": resources}


def _s3(bucket: str, key: str | None = None) -> dict[str, str]:
    name = bucket if key is None else f"{bucket}/{key}"
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{name}"}


def _glue(name: str) -> dict[str, str]:
    return _here("glue", name)


def secret_called(name: str) -> Any:
    """Return the ARN of a secret of this account, by its name, or as it is."""
    # AWS ends the ARN of a secret with six characters of its own.
    return name if name.startswith("arn:") else _here("secretsmanager", f"secret:{name}-??????")


def _here(service: str, name: str) -> dict[str, str]:
    place = "${AWS::Region}:${AWS::AccountId}"
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:{service}:{place}:{name}"}


_CATALOG = (_glue("catalog"), _glue(f"database/{DATABASE}"))
