"""The commands that carry a lake to AWS: build, deploy, destroy."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from stedi_glue.deploy.plan import NIGHTLY, Layout, Plan, check_bucket
from stedi_glue.entry.json_view import print_json
from stedi_glue.entry.terminal import console
from stedi_glue.errors import DeployError, UsageError
from stedi_glue.settings import Settings

# What takes long to import is imported where it is used: '--help' must be instant.
if TYPE_CHECKING:
    from stedi_glue.deploy.artifacts import Manifest
    from stedi_glue.deploy.stack import Watch

app = typer.Typer()

Bucket = Annotated[str, typer.Option(metavar="NAME", help="The bucket of the lake.")]
StackName = Annotated[str, typer.Option("--stack", metavar="NAME", help="The stack's name.")]
Region = Annotated[
    str | None,
    # boto3, unlike everything else of AWS, does not read it.
    typer.Option(metavar="NAME", envvar="AWS_REGION", help="By default that of the AWS profile."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Artifacts = Annotated[Path, typer.Option(metavar="DIR", help="What 'stedi-glue build' wrote.")]


Pairing = Annotated[str | None, typer.Option(metavar="KIND", help=Settings.describe("pairing"))]
Consent = Annotated[str | None, typer.Option(metavar="KIND", help=Settings.describe("consent"))]
Versions = Annotated[str | None, typer.Option(metavar="KIND", help=Settings.describe("versions"))]
Privacy = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        help=f"{Settings.describe('privacy')} A lake that was identified becomes pseudonymous "
        "by a 'stedi-glue run', not by this.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        metavar="secret:NAME",
        help="The secret of AWS Secrets Manager with the key of pseudonyms; by default a new one.",
    ),
]


@app.command()
def build(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to write.")] = Path("dist"),
    source: Annotated[
        Path, typer.Option(metavar="DIR", help="A clone of the project.", show_default="here")
    ] = Path(),
    relock: Annotated[
        bool, typer.Option("--relock", help="Resolve again which wheels Glue lacks.")
    ] = False,
) -> None:
    """Build what Glue jobs run: the wheel, its zip twin, and the wheels that Glue lacks."""
    from stedi_glue.deploy import artifacts, wheels
    from stedi_glue.entry.deploy_view import show_built

    if relock:
        wheels.relock(source)
    with _busy("building"):
        manifest = artifacts.build(source, out)
    sizes = {name: (out / name).stat().st_size for name in manifest.artifacts}
    show_built(console(), str(out), manifest, sizes)


@app.command()
def deploy(
    bucket: Bucket,
    layout: Annotated[
        Layout, typer.Option(help="A job for each table, or a single one for all.")
    ] = "per-table",
    stack: StackName = "stedi",
    artifacts: Artifacts = Path("dist"),
    schedule: Annotated[
        str, typer.Option(metavar="CRON", help="When runs begin, in UTC, as Glue writes it.")
    ] = NIGHTLY,
    alert: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Who is told of failed and held runs.")
    ] = None,
    pairing: Pairing = None,
    consent: Consent = None,
    versions: Versions = None,
    privacy: Privacy = None,
    key: Key = None,
    region: Region = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the template; needs no AWS account.")
    ] = False,
    permissions: Annotated[
        bool, typer.Option("--permissions", help="Print the IAM policy that deploying takes.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Put a lake on AWS, or bring it up to date: bucket, jobs, workflow, schedule, alerts."""
    from stedi_glue.deploy.deployer import deployer_policy
    from stedi_glue.deploy.template import synthesize
    from stedi_glue.zones import stedi

    if permissions:
        print_json(deployer_policy(bucket, stack))
        return
    settings = Settings.load(
        pairing=pairing, consent=consent, versions=versions, privacy=privacy, key=key
    )
    manifest = _manifest(artifacts, needed=not dry_run)
    names = (manifest.release, manifest.twin, manifest.brought)
    plan = Plan(
        *(bucket, *names),
        layout=layout,
        schedule=schedule,
        alert=alert,
        privacy=settings.privacy,
        secret=_secret(settings),
    )
    pipeline = stedi(settings.pairing, settings.consent, settings.versions)
    template = synthesize(pipeline, plan)
    if dry_run:
        sys.stdout.write(template.to_yaml(clean_up=True))
    else:
        _deploy(Aws(region, stack), plan, template.to_json(indent=None), artifacts, manifest, yes)


def _secret(settings: Settings) -> str | None:
    """Return the secret that jobs read the key from; None when the stack is to make one."""
    prefix, _, name = (settings.key or "").partition(":")
    if settings.key and not (prefix == "secret" and name):
        raise UsageError(
            "Jobs read the key of pseudonyms from AWS Secrets Manager: put it there and name it "
            "with '--key secret:NAME', or leave out --key, and the stack makes one."
        )
    return name or None


def _deploy(
    aws: Aws, plan: Plan, template: str, folder: Path, manifest: Manifest, yes: bool
) -> None:
    from stedi_glue.deploy.diff import changes
    from stedi_glue.deploy.store import bucket_exists
    from stedi_glue.entry.deploy_view import show_changes, show_links

    with _busy("comparing with what is there"):
        old = aws.stack.template()
        change_set = aws.stack.prepare(template)
    if change_set is None:
        console().print("The stack is as it should be.")
    else:
        show_changes(console(), changes(old, json.loads(template)), change_set.replaced)
        agreed = False
        try:
            agreed = _agreed("Apply this?", yes)
        finally:
            if not agreed:
                aws.stack.discard(change_set)
        if not agreed:
            _refused("Nothing was changed.")
    # Jobs of an update must find their files; before the first, there is no bucket.
    early = bucket_exists(aws.s3, plan.bucket)
    if early:
        _upload(aws.s3, plan, manifest, folder)
    if change_set is not None:
        with _busy("applying") as watch:
            aws.stack.apply(change_set, watch)
    if not early:
        _upload(aws.s3, plan, manifest, folder)
    show_links(console(), aws.stack.name, plan.bucket, aws.region)


@app.command()
def destroy(
    bucket: Bucket,
    stack: StackName = "stedi",
    region: Region = None,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Also delete the bucket and the tables.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Remove a lake's jobs from AWS; its data stays, unless told otherwise."""
    from stedi_glue.deploy.diff import changes
    from stedi_glue.deploy.store import delete_data as delete
    from stedi_glue.entry.deploy_view import show_changes

    check_bucket(bucket)
    aws = Aws(region, stack)
    with _busy("looking"):
        template = aws.stack.template()
    held = aws.stack.bucket()
    if held not in (None, bucket):
        raise UsageError(f"The stack '{stack}' has the bucket '{held}', not '{bucket}'.")
    if template is None and not delete_data:
        raise UsageError(f"There is no stack '{stack}'; name another one with --stack.")
    gone = [c for c in changes(template, None) if not _stays(template, c.name)]
    if gone:
        show_changes(console(), gone, frozenset())
    if delete_data:
        console().print(f"All data in s3://{bucket} will be deleted, and cannot be had back.")
        if typer.prompt("Type the bucket's name to go on", err=True) != bucket:
            _refused("That is not its name; nothing was deleted.")
    elif not _agreed("Remove this? Bucket, tables and data stay.", yes):
        _refused("Nothing was removed.")
    with _busy("removing") as watch:
        aws.stack.delete(watch)
        if delete_data:
            delete(aws.s3, aws.client("glue"), bucket)
    console().print("Removed." if delete_data else f"Removed; the data is still in s3://{bucket}.")


class Aws:
    """An account and region, as boto3 finds them."""

    def __init__(self, region: str | None, stack: str) -> None:
        import boto3

        from stedi_glue.deploy.stack import Stack, explaining

        with explaining("Cannot use AWS"):
            self._session: Any = boto3.Session(region_name=region)
            self.stack = Stack(stack, self._session.client("cloudformation"))
            self.s3 = self._session.client("s3")
        self.region = self._session.region_name

    def client(self, service: str) -> Any:
        """Return boto3's client of a service."""
        return self._session.client(service)


def _manifest(folder: Path, needed: bool) -> Manifest:
    from stedi_glue.deploy.artifacts import Manifest

    try:
        return Manifest.read(folder)
    except DeployError as error:
        if needed:
            raise
        console(stderr=True).print(f"{error} Until then the release is called 'unbuilt'.")
        return Manifest.unbuilt()


def _upload(s3: Any, plan: Plan, manifest: Manifest, folder: Path) -> None:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from stedi_glue.deploy.store import missing_artifacts, upload

    files = missing_artifacts(s3, plan, manifest, folder)
    err = console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        for file in files:
            task = progress.add_task(f"uploading {file.name}", total=file.stat().st_size)
            upload(s3, plan, file, partial(progress.advance, task))


def _agreed(question: str, yes: bool) -> bool:
    if not yes and not sys.stdin.isatty():
        raise UsageError("Nobody is there to ask: say --yes to go on without.")
    return yes or typer.confirm(question, err=True)


def _refused(sentence: str) -> NoReturn:
    console(stderr=True).print(sentence)
    raise typer.Exit(DeployError.exit_code)


def _stays(template: Mapping[str, Any] | None, name: str) -> bool:
    resource = (template or {})["Resources"][name]
    return str(resource.get("DeletionPolicy", "")).startswith("Retain")


@contextmanager
def _busy(what: str) -> Iterator[Watch]:
    """Show that something goes on, and hand out what prints events above it."""
    from stedi_glue.entry.deploy_view import show_event

    err = console(stderr=True)
    if not err.is_terminal:
        yield partial(show_event, err)
        return
    with err.status(what, spinner="line"):
        yield partial(show_event, err)
