"""Several frames, one query."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from great_expectations.validator.metric_configuration import MetricConfigurationID
    from pyspark.sql import DataFrame

Rows = list[tuple[Any, ...]]
Answers = dict["MetricConfigurationID", Any]


@dataclass(frozen=True)
class Question:
    """A frame, and what its rows say about metrics.

    read: is given the rows, their values in the order of the frame's columns.
    """

    frame: DataFrame
    read: Callable[[Rows], Answers]


def ask(questions: Iterable[Question]) -> Answers:
    """Return what all questions find out, from one query; from none when there are none."""
    asked = list(questions)
    if not asked:
        return {}
    tagged: list[DataFrame] = []
    places: list[slice] = []
    end = 1
    for number, question in enumerate(asked):
        start, end = end, end + len(question.frame.columns)
        named = question.frame.toDF(*(f"_{place}" for place in range(start, end)))
        tagged.append(named.select(F.lit(number).alias("_question"), "*"))
        places.append(slice(start, end))
    found: list[Rows] = [[] for _ in asked]
    union = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), tagged)
    for row in union.collect():
        found[row[0]].append(tuple(row[places[row[0]]]))
    answers: Answers = {}
    for question, rows in zip(asked, found, strict=True):
        answers.update(question.read(rows))
    return answers
