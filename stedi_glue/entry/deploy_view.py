"""A deployment as a person sees it: what would change, what happens, and where to look."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stedi_glue.deploy.artifacts import Manifest
from stedi_glue.deploy.diff import Change, Line
from stedi_glue.deploy.stack import Event
from stedi_glue.entry.terminal import plural, safe

SIGN = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}


def show_changes(out: Console, changes: Sequence[Change], replaced: frozenset[str]) -> None:
    """Print every resource that would change, and each value of it before and after."""
    for change in changes:
        sign, style = SIGN[change.kind]
        anew = " (made anew)" if change.name in replaced else ""
        out.print(
            Text.assemble(
                (f"{sign} {change.kind:<7} ", style),
                (change.name, "bold"),
                (f"  {change.type}", "dim"),
                (anew, "red"),
            )
        )
        path = ""
        for line in change.lines:
            if line.path != path:
                path = line.path
                out.print(Text(f"    {path}", "dim"))
            _show_line(out, line)
    kinds = [change.kind for change in changes]
    counts = [f"{kinds.count(kind)} {kind}" for kind in SIGN if kind in kinds]
    out.print(Text(f"\n{plural(len(kinds), 'resource')}: {', '.join(counts)}"))


def _show_line(out: Console, line: Line) -> None:
    for value, sign, style in ((line.before, "-", "red"), (line.after, "+", "green")):
        if value is not None:
            # A grid of its own, so that a long value wraps under its own beginning.
            grid = Table.grid(padding=(0, 1, 0, 0))
            grid.add_row(Text(f"      {sign}", style), Text(safe(value), style, overflow="fold"))
            out.print(grid)


def show_event(out: Console, event: Event) -> None:
    """Print what became of a resource; what only begins is not worth a line."""
    if not event.ended and not event.failed:
        return
    status, style = event.status.lower().replace("_", " "), "green"
    if event.failed:
        style = "red"
    elif status.endswith("failed"):
        # A consequence: it was not even tried.
        status, style = "cancelled", "dim"
    elif "rollback" in status:
        style = "yellow"
    out.print(Text.assemble((f"{status:<16} ", style), event.resource, (f"  {event.type}", "dim")))


def show_built(out: Console, folder: str, manifest: Manifest, sizes: dict[str, int]) -> None:
    """Print what was built, of what, and how to use it."""
    lines = Table.grid(padding=(0, 2, 0, 0))
    for name, digest in manifest.artifacts.items():
        lines.add_row(
            name, Text(f"{sizes[name]:,} bytes", justify="right"), Text(digest[:16], "dim")
        )
    out.print(lines)
    dirty = " with changes that are in no commit" if manifest.dirty else ""
    out.print(
        f"\nrelease {manifest.release} for Glue {manifest.glue}, of {manifest.commit[:12]}{dirty}; "
        f"{plural(len(manifest.wheels), 'wheel')} that Glue lacks",
        soft_wrap=True,
    )
    out.print(f"hashes are in {folder}/manifest.json", style="dim")


def show_links(out: Console, stack: str, bucket: str, region: str) -> None:
    """Print where the lake is in the AWS console, and what to do next."""
    console = f"https://{region}.console.aws.amazon.com"
    places = {
        "workflow": f"{console}/glue/home?region={region}#/v2/etl-configuration/workflows",
        "bucket": f"{console}/s3/buckets/{bucket}?region={region}",
        "queries": f"{console}/athena/home?region={region}#/query-editor",
        "stack": f"{console}/cloudformation/home?region={region}#/stacks",
    }
    for name, place in places.items():
        # Not wrapped: a terminal opens what it sees on one line.
        out.print(Text.assemble((f"{name:<10}", "dim"), place), soft_wrap=True)
    out.print(Text.assemble((f"{'workgroup':<10}", "dim"), stack))
    out.print("\nRun every table now, rather than tonight:")
    command = f"  aws glue start-workflow-run --name {stack} --region {region}"
    out.print(Text(command, "cyan"), soft_wrap=True)
