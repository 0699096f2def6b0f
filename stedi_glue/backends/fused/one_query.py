"""Several frames, one query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql.utils import is_remote

if TYPE_CHECKING:
    from great_expectations.validator.metric_configuration import MetricConfigurationID
    from pyspark.sql import DataFrame, SparkSession

_ADAPTIVE = "spark.sql.adaptive.enabled"

Rows = list[tuple[Any, ...]]
Answers = dict["MetricConfigurationID", Any]


@dataclass(frozen=True)
class Question:
    """A frame, and what its rows say about metrics.

    read: is given the rows, their values in the order of the frame's columns.
    kinds: tell which columns of several frames are of one type; by default their types, for
    which the engine has to be asked.
    """

    frame: DataFrame
    read: Callable[[Rows], Answers]
    kinds: Sequence[str] = ()


def ask(questions: Iterable[Question]) -> Answers:
    """Return what all questions find out, from one query; from none when there are none."""
    kinds = [(question, question.kinds or _types(question.frame)) for question in questions]
    if not kinds:
        return {}
    # The widest first: the others then fit into its columns.
    kinds.sort(key=lambda one: -len(one[1]))
    asked = [question for question, _ in kinds]
    numbers: dict[str, int] = {}
    places = [_places(own, numbers) for _, own in kinds]
    tagged = (
        question.frame.toDF(*names).select(F.lit(number).alias("_question"), "*")
        for number, (question, names) in enumerate(zip(asked, places, strict=True))
    )
    union = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), tagged)
    answered: list[Rows] = [[] for _ in asked]
    with _few_jobs(union.sparkSession):
        found = union.collect()
    for row in found:
        number = row["_question"]
        answered[number].append(tuple(row[place] for place in places[number]))
    answers: Answers = {}
    for question, rows in zip(asked, answered, strict=True):
        answers.update(question.read(rows))
    return answers


@contextmanager
def _few_jobs(session: SparkSession) -> Iterator[None]:
    """Let classic Spark run a query in few jobs; adaptively, it makes a job of every stage."""
    if is_remote():
        yield
        return
    before = session.conf.get(_ADAPTIVE) or "true"
    session.conf.set(_ADAPTIVE, "false")
    try:
        yield
    finally:
        session.conf.set(_ADAPTIVE, before)


def _types(frame: DataFrame) -> list[str]:
    return [field.dataType.simpleString() for field in frame.schema]


def _places(kinds: Sequence[str], numbers: dict[str, int]) -> list[str]:
    """Name columns by kind and number, so that frames share those of the union."""
    seen: Counter[str] = Counter()
    places = []
    for kind in kinds:
        places.append(f"_{numbers.setdefault(kind, len(numbers))}_{seen[kind]}")
        seen[kind] += 1
    return places
