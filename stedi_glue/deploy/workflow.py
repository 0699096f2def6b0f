"""The Glue jobs of a lake, and the workflow that starts each after those it is made from."""

from __future__ import annotations

from typing import Any

from troposphere import GetAtt, Output, Ref, Sub, Template, glue

from stedi_glue.deploy.plan import Plan
from stedi_glue.deploy.wheels import GLUE_VERSION
from stedi_glue.model.pipeline import Pipeline

STACK = "${AWS::StackName}"


def add_jobs(template: Template, pipeline: Pipeline, plan: Plan) -> dict[str | None, str]:
    """Add the jobs and return their logical names by table; None is the job of all tables."""
    if plan.layout == "single":
        return {None: _add_job(template, pipeline, plan, "AllTables", None)}
    return {
        table.name: _add_job(template, pipeline, plan, _camel(table.name), table.name)
        for table in pipeline.made
    }


def _add_job(
    template: Template, pipeline: Pipeline, plan: Plan, name: str, table: str | None
) -> str:
    doc = pipeline.table(table).doc if table else "Every table of the lake, in lineage order."
    job = glue.Job(
        f"{name}Job",
        Name=Sub(f"{STACK}-{table or 'all-tables'}"),
        Description=doc,
        Role=GetAtt("JobRole", "Arn"),
        # Without it, Glue takes its newest version, whose Spark and Python differ.
        GlueVersion=GLUE_VERSION,
        Command=glue.JobCommand(
            Name="glueetl", PythonVersion="3", ScriptLocation=plan.artifact(plan.script)
        ),
        DefaultArguments=job_arguments(pipeline, plan, table),
        ExecutionProperty=glue.ExecutionProperty(MaxConcurrentRuns=1),
        MaxRetries=0,
        NumberOfWorkers=2,
        Timeout=30,
        WorkerType="G.1X",
    )
    return str(template.add_resource(job).title)


def job_arguments(pipeline: Pipeline, plan: Plan, table: str | None) -> dict[str, Any]:
    """Return the arguments of the job that makes a table, or all: Glue's own, then ours."""
    ours: dict[str, Any] = {
        "lake": plan.lake,
        "engine": "glue",
        "catalog": "glue",
        **pipeline.options,
    }
    # Where it is, not what it is.
    ours["key"] = f"secret:{plan.secret}" if plan.secret else Sub("secret:${PseudonymKey}")
    # Said outright, "pseudonymous" has a run take any key for the lake's: told every night,
    # nobody would notice a wrong one. New lakes are so without it.
    if plan.privacy == "identified":
        ours["privacy"] = plan.privacy
    return {
        "--additional-python-modules": plan.artifact(plan.wheels),
        "--python-modules-installer-option": "--no-index",
        "--extra-py-files": plan.artifact(plan.package),
        "--TempDir": f"{plan.lake}/temp/",
        "--job-language": "python",
        # Raw files are found by path, and unchanged ones are known by their fingerprint.
        "--job-bookmark-option": "job-bookmark-disable",
        "--enable-metrics": "true",
        "--enable-observability-metrics": "true",
        "--enable-continuous-cloudwatch-log": "true",
        **{f"--{name}": value for name, value in ours.items()},
        **({"--table": table} if table else {}),
    }


def add_workflow(
    template: Template, pipeline: Pipeline, plan: Plan, jobs: dict[str | None, str]
) -> None:
    """Start jobs whose sources all landed on schedule, and each other one after its sources."""
    template.add_resource(
        glue.Workflow(
            "Workflow",
            Name=Sub(STACK),
            Description="Refreshes every table, each after those it is made from.",
            MaxConcurrentRuns=1,
        )
    )
    template.add_output(Output("GlueWorkflow", Value=Ref("Workflow")))
    before = {
        table: [jobs[source] for source in pipeline.sources(table) if source in jobs]
        for table in jobs
        if table is not None
    }
    first = [job for table, job in jobs.items() if not before.get(table or "")]
    _add_trigger(template, "Start", "start", first, Type="SCHEDULED", Schedule=plan.schedule)
    for table, sources in before.items():
        if sources:
            predicate = glue.Predicate(
                Logical="AND",
                Conditions=[
                    glue.Condition(JobName=Ref(job), LogicalOperator="EQUALS", State="SUCCEEDED")
                    for job in sources
                ],
            )
            _add_trigger(
                *(template, _camel(table), table, [jobs[table]]),
                Type="CONDITIONAL",
                Predicate=predicate,
            )


def _add_trigger(template: Template, title: str, name: str, jobs: list[str], **rest: Any) -> None:
    template.add_resource(
        glue.Trigger(
            f"{title}Trigger",
            Name=Sub(f"{STACK}-{name}"),
            WorkflowName=Ref("Workflow"),
            StartOnCreation=True,
            Actions=[glue.Action(JobName=Ref(job)) for job in jobs],
            **rest,
        )
    )


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
