"""A run's summary on a terminal: as many lines as fit into a glance, and what the page says."""

from __future__ import annotations

import io
import re
from dataclasses import replace

from rich.console import Console

from stedi_glue.entry.run_view import show_run
from stedi_glue.publish.report import PastRun, RunReport
from stedi_glue.zones import STEDI
from tests.pages import runs

PAGE = "steps/docs/index.html"


def shown(run: RunReport, earlier: int | tuple[PastRun, ...] = 3, width: int = 80) -> list[str]:
    out = io.StringIO()
    past = runs.earlier(earlier) if isinstance(earlier, int) else earlier
    show_run(Console(file=out, width=width, force_terminal=True), run, past, STEDI, PAGE)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
    return [line.rstrip() for line in plain.splitlines()]


def test_a_run_is_told_in_ten_lines() -> None:
    lines = shown(runs.published(machine_learning_curated=(runs.STRANGERS, runs.OLD)))
    assert len(lines) == 10
    assert lines[0].split() == ["table", "rows", "change", "verdict", "seconds"]
    assert lines[2].startswith("3 landing tables")
    assert "110,909" in lines[2]
    assert [line.split()[0] for line in lines[3:8]] == [
        table.name for table in STEDI.tables if table.zone != "landing"
    ]
    # The end of a warning is cut; what was seen is not.
    assert lines[8].startswith("machine_learning_curated warning: 2,700 of 43,681 rows (6.18 %): ")
    assert len(lines[8]) <= 80
    assert lines[9].startswith("5 published, 3 audited on sail in ")
    assert lines[9].endswith(PAGE)


def test_change_is_what_the_last_publication_differs_by() -> None:
    before = runs.earlier(5)
    # The last run was held: readers still have the rows of the one before it.
    held, good = before[0].attempts["step_trainer_trusted"], before[1].attempts
    attempts = {**before[0].attempts, "step_trainer_trusted": replace(held, status="held", rows=1)}
    past = (replace(before[0], attempts=attempts), *before[1:])
    lines = {line.split()[0]: line.split() for line in shown(runs.published(), past)[3:8]}
    had = good["step_trainer_trusted"].rows
    assert had
    assert lines["step_trainer_trusted"][2] == f"+{14_460 - had:,}"
    latest = before[0].attempts["customer_trusted"].rows
    assert latest
    same = replace(before[0].attempts["customer_trusted"], rows=482)
    past = (replace(before[0], attempts={**attempts, "customer_trusted": same}),)
    lines = {line.split()[0]: line.split() for line in shown(runs.published(), past)[3:8]}
    assert lines["customer_trusted"][2] == "same"
    # It was held in the only run that is known.
    assert lines["step_trainer_trusted"][2] == "new"


def test_a_first_run_has_nothing_to_compare_with() -> None:
    assert [line.split()[-3:][0] for line in shown(runs.published(), 0)[3:8]]
    assert all(" new " in line for line in shown(runs.published(), 0)[2:8])


def test_a_held_run_says_whole_why_and_what_was_left_out() -> None:
    run = runs.held()
    lines = shown(run)
    # Raw data of which there is something to say has a line of its own.
    assert any(line.startswith("step_trainer_landing ") and "28,680" in line for line in lines)
    text = " ".join(lines)
    assert (
        "step_trainer_trusted held: 3 of 14,460 rows (0.0207 %): Distances are between 0 and 400 "
        "cm, what the sensor can see" in text
    )
    assert "machine_learning_curated skipped: its source step_trainer_trusted was held" in text
    wide = " ".join(shown(run, width=200))
    assert (
        "step_trainer_landing left out 41 raw records that could not be used: broken JSON" in wide
    )
    assert "step_trainer_landing read by lenient rules: another name of a key (9,570)" in wide
    assert "accelerometer_trusted left out 7 rows that broke rules: 7 of 40,988 rows" in wide
    assert "held, 1 of 31 failed" in next(
        line for line in lines if line.startswith("step_trainer_trusted")
    )


def test_many_warnings_are_counted() -> None:
    many = tuple(replace(runs.STRANGERS, note=f"Rule {n}.") for n in range(9))
    lines = shown(runs.published(machine_learning_curated=many))
    assert sum(" warning: " in line for line in lines) == 3
    assert "machine_learning_curated 6 more warnings, told in the report" in lines


def test_what_the_data_says_cannot_steer_the_terminal() -> None:
    rule = replace(runs.TOO_FAR, observed="\x1b[2Jgone")
    run = runs.published(customer_trusted=(rule,))
    out = io.StringIO()
    show_run(Console(file=out, width=80), run, (), STEDI, PAGE)
    assert "\x1b" not in out.getvalue()
    assert "\\x1b[2Jgone" in out.getvalue()
