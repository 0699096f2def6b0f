"""A lake made by a Glue job, whose arguments are those of the settings and `--table`."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from dataclasses import fields
from difflib import get_close_matches
from typing import TYPE_CHECKING

from stedi_glue.entry.opening import open_lake
from stedi_glue.errors import TableHeld, UsageError
from stedi_glue.settings import Settings

if TYPE_CHECKING:
    from stedi_glue.publish.report import RunReport

# Which table to make; without it, all.
TABLE = "table"


def main(argv: Sequence[str]) -> None:
    """Make one table, or all, and print what became of each as one JSON object.

    argv: the script's name and the job's arguments. Raises TableHeld, naming the rules,
    when a table was held, and StediError when one failed: the job's run then fails.
    """
    settings, table = parse(argv)
    with open_lake(settings) as lake:
        report = lake.run(*([table] if table else []))
    sys.stdout.write(json.dumps(report.to_json()) + "\n")
    _raise_for_held(report)
    report.raise_for_status()


def parse(argv: Sequence[str]) -> tuple[Settings, str | None]:
    """Return the settings in a job's arguments, and the table to make (None: all).

    Read by Glue's own library where there is one, else alike. Arguments that are not ours
    are Glue's; UsageError for one that looks like a slip of ours.
    """
    names = [*(setting.name for setting in fields(Settings)), TABLE]
    given = [word[2:].split("=")[0] for word in argv[1:] if word.startswith("--")]
    for name in given:
        near = get_close_matches(name, names, n=1, cutoff=0.7)
        if near and name not in names:
            raise UsageError(f"A job has no argument '--{name}': did you mean '--{near[0]}'?")
    present = [name for name in names if name in given]
    options = _resolve(argv, present)
    table = options.get(TABLE)
    values: dict[str, str | None] = {name: options[name] for name in present if name != TABLE}
    return Settings.load(os.environ, **values), table


def _resolve(argv: Sequence[str], names: Iterable[str]) -> dict[str, str]:
    try:
        from awsglue.utils import getResolvedOptions
    except ImportError:
        parser = ArgumentParser()
        for name in names:
            parser.add_argument(f"--{name}", required=True)
        return vars(parser.parse_known_args(argv[1:])[0])
    return dict(getResolvedOptions(list(argv), list(names)))


def _raise_for_held(report: RunReport) -> None:
    """Raise TableHeld with the rules by name, as alerts quote it."""
    held = [
        f"{table.table} was held by {rule.rule}: {rule}"
        for table in report.tables
        if table.status == "held" and table.verdict
        for rule in table.verdict.failed
    ]
    if report.status == "held":
        raise TableHeld("; ".join(held))
