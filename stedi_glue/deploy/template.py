"""The CloudFormation template of a lake, made from its pipeline.

Tables are not in it: publication owns them.
"""

from __future__ import annotations

from troposphere import (
    GetAtt,
    Join,
    Output,
    Ref,
    Select,
    Split,
    Sub,
    Template,
    athena,
    events,
    glue,
    iam,
    s3,
    secretsmanager,
    sns,
)

from stedi_glue.deploy.permissions import (
    ANSWERS,
    alerts_from,
    analyst_policy,
    job_policy,
    job_trust,
    only_encrypted_transport,
    people_trust,
    secret_called,
    steward_policy,
)
from stedi_glue.deploy.plan import DATABASE, DESCRIBED, Plan
from stedi_glue.deploy.wheels import GLUE_VERSION
from stedi_glue.deploy.workflow import STACK, add_jobs, add_workflow
from stedi_glue.model.pipeline import Pipeline

ANALYSTS = f"{STACK}-analysts"
# A query that would read more is stopped: at 5 USD a terabyte it costs 5 cents.
SCAN_LIMIT = 10 * 1024**3
# What does not last: Athena's answers and the scratch files of jobs.
SCRATCH = ("athena", "queries", "temp")
SCRATCH_DAYS = 7
TROUBLE = ["ERROR", "FAILED", "STOPPED", "TIMEOUT"]


def synthesize(pipeline: Pipeline, plan: Plan) -> Template:
    """Return the template of a pipeline's lake."""
    template = Template(f"{DESCRIBED}{plan.lake}: {plan.layout} jobs on Glue {GLUE_VERSION}")
    _add_storage(template, plan)
    _add_key(template, plan)
    _add_role(template, pipeline, plan)
    _add_people(template, pipeline, plan)
    jobs = add_jobs(template, pipeline, plan)
    add_workflow(template, pipeline, plan, jobs)
    _add_alerts(template, plan, jobs)
    return template


def _add_storage(template: Template, plan: Plan) -> None:
    rules = [
        s3.LifecycleRule(
            Id=f"Expire-{folder}",
            Prefix=f"{folder}/",
            ExpirationInDays=SCRATCH_DAYS,
            Status="Enabled",
        )
        for folder in SCRATCH
    ]
    # What a killed run had sent of a file is seen by nobody, and paid for. Whole files that it
    # left are not a rule's to find: they lie beside published ones, and only the catalog tells
    # them apart. The table's next run deletes them.
    orphans = s3.LifecycleRule(
        Id="Abort-orphaned-staging",
        AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=1),
        Status="Enabled",
    )
    encrypted = s3.ServerSideEncryptionRule(
        ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256")
    )
    template.add_resource(
        s3.Bucket(
            "Bucket",
            BucketName=plan.bucket,
            BucketEncryption=s3.BucketEncryption(ServerSideEncryptionConfiguration=[encrypted]),
            LifecycleConfiguration=s3.LifecycleConfiguration(Rules=[*rules, orphans]),
            OwnershipControls=s3.OwnershipControls(
                Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
            ),
            PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
                BlockPublicAcls=True,
                BlockPublicPolicy=True,
                IgnorePublicAcls=True,
                RestrictPublicBuckets=True,
            ),
            **_KEPT,
        )
    )
    template.add_resource(
        s3.BucketPolicy(
            "BucketPolicy",
            Bucket=Ref("Bucket"),
            PolicyDocument=only_encrypted_transport(plan.bucket),
        )
    )
    template.add_resource(
        glue.Database(
            "Database",
            CatalogId=Ref("AWS::AccountId"),
            DatabaseName=DATABASE,
            DatabaseInput=glue.DatabaseInput(
                Name=DATABASE,
                Description="The STEDI lake: what is published passed its rules.",
                LocationUri=f"{plan.lake}/",
            ),
            **_KEPT,
        )
    )
    _add_work_group(template, plan, "WorkGroup", STACK, "athena/")
    _add_work_group(template, plan, "AnalystWorkGroup", ANALYSTS, ANSWERS)
    template.add_output(Output("AthenaWorkGroup", Value=Ref("WorkGroup")))


def _add_work_group(template: Template, plan: Plan, title: str, name: str, answers: str) -> None:
    results = athena.ResultConfiguration(
        OutputLocation=f"{plan.lake}/{answers}",
        EncryptionConfiguration=athena.EncryptionConfiguration(EncryptionOption="SSE_S3"),
    )
    template.add_resource(
        athena.WorkGroup(
            title,
            Name=Sub(name),
            Description=f"Queries of the lake; one reads {SCAN_LIMIT // 1024**3} GiB at most.",
            RecursiveDeleteOption=True,
            WorkGroupConfiguration=athena.WorkGroupConfiguration(
                BytesScannedCutoffPerQuery=SCAN_LIMIT,
                EnforceWorkGroupConfiguration=True,
                PublishCloudWatchMetricsEnabled=True,
                ResultConfiguration=results,
            ),
        )
    )


# Data outlives the stack.
_KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


def _add_key(template: Template, plan: Plan) -> None:
    """Add the secret with the key of pseudonyms, which nobody needs to see."""
    if plan.secret:
        return
    # Kept with the data that it belongs to; the next stack of this name makes one of its own.
    unique = Select(2, Split("/", Ref("AWS::StackId")))
    template.add_resource(
        secretsmanager.Secret(
            "PseudonymKey",
            Name=Join("-", [Ref("AWS::StackName"), "pseudonyms", unique]),
            Description=f"The key of pseudonyms in {plan.lake}: lost, all of them change.",
            GenerateSecretString=secretsmanager.GenerateSecretString(
                ExcludePunctuation=True, PasswordLength=64
            ),
            **_KEPT,
        )
    )
    template.add_output(Output("PseudonymKeySecret", Value=Ref("PseudonymKey")))


def _add_role(template: Template, pipeline: Pipeline, plan: Plan) -> None:
    secret = secret_called(plan.secret) if plan.secret else Ref("PseudonymKey")
    policy = iam.Policy(
        PolicyName="MakeTables", PolicyDocument=job_policy(pipeline, plan.bucket, secret)
    )
    template.add_resource(
        iam.Role(
            "JobRole",
            Description=f"Makes the tables of {plan.lake}, and nothing else.",
            AssumeRolePolicyDocument=job_trust(),
            Policies=[policy],
        )
    )


def _add_people(template: Template, pipeline: Pipeline, plan: Plan) -> None:
    """Add the roles of people, each of which sees what its work takes and no more."""
    roles = {
        "AnalystRole": (
            f"Queries the curated tables of {plan.lake}, and sees nothing else of it.",
            analyst_policy(pipeline, plan.bucket, ANALYSTS),
        ),
        "StewardRole": (
            f"Reads what runs of {plan.lake} say and what they left out, but no table.",
            steward_policy(pipeline, plan.bucket),
        ),
    }
    for title, (doc, policy) in roles.items():
        template.add_resource(
            iam.Role(
                title,
                Description=doc,
                AssumeRolePolicyDocument=people_trust(),
                Policies=[iam.Policy(PolicyName="Read", PolicyDocument=policy)],
            )
        )
        template.add_output(Output(title, Value=GetAtt(title, "Arn")))


def _add_alerts(template: Template, plan: Plan, jobs: dict[str | None, str]) -> None:
    """Tell of every run that did not publish; the error of a held one names its rules."""
    template.add_resource(sns.Topic("Alerts", DisplayName="STEDI lake"))
    if plan.alert:
        template.add_resource(
            sns.SubscriptionResource(
                "AlertByEmail", TopicArn=Ref("Alerts"), Protocol="email", Endpoint=plan.alert
            )
        )
    said = {
        "job": "$.detail.jobName",
        "state": "$.detail.state",
        "run": "$.detail.jobRunId",
        "message": "$.detail.message",
    }
    # Inside quotes, EventBridge puts a value as it is, and one with a quote in it loses the
    # e-mail. Bare, it is written as JSON.
    lines = ",\n".join(f'  "{name}": <{name}>' for name in said)
    template.add_resource(
        events.Rule(
            "AlertRule",
            Description="Runs of the lake's jobs that failed, were held by rules, or were stopped.",
            EventPattern={
                "source": ["aws.glue"],
                "detail-type": ["Glue Job State Change"],
                "detail": {"jobName": [Ref(job) for job in jobs.values()], "state": TROUBLE},
            },
            State="ENABLED",
            Targets=[
                events.Target(
                    Id="alerts",
                    Arn=Ref("Alerts"),
                    InputTransformer=events.InputTransformer(
                        InputPathsMap=said,
                        InputTemplate=f"{{\n{lines}\n}}",
                    ),
                )
            ],
        )
    )
    template.add_resource(
        sns.TopicPolicy(
            "AlertsPolicy",
            Topics=[Ref("Alerts")],
            PolicyDocument=alerts_from(GetAtt("AlertRule", "Arn"), Ref("Alerts")),
        )
    )
    template.add_output(Output("AlertTopic", Value=Ref("Alerts")))
