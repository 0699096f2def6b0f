"""Several frames, one query."""

from __future__ import annotations

from collections import Counter
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
    # The widest first: the others then fit into its columns.
    asked = sorted(questions, key=lambda question: -len(question.frame.columns))
    if not asked:
        return {}
    kinds: dict[str, int] = {}
    places = [_places(question.frame, kinds) for question in asked]
    tagged = (
        question.frame.toDF(*names).select(F.lit(number).alias("_question"), "*")
        for number, (question, names) in enumerate(zip(asked, places, strict=True))
    )
    union = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), tagged)
    answered: list[Rows] = [[] for _ in asked]
    for row in union.collect():
        number = row["_question"]
        answered[number].append(tuple(row[place] for place in places[number]))
    answers: Answers = {}
    for question, rows in zip(asked, answered, strict=True):
        answers.update(question.read(rows))
    return answers


def _places(frame: DataFrame, kinds: dict[str, int]) -> list[str]:
    """Name columns by type and number, so that frames share those of the union."""
    seen: Counter[int] = Counter()
    places = []
    for field in frame.schema:
        kind = kinds.setdefault(field.dataType.simpleString(), len(kinds))
        places.append(f"_{kind}_{seen[kind]}")
        seen[kind] += 1
    return places
