"""The execution engine that answers a suite with a few queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from great_expectations.exceptions import MetricResolutionError
from great_expectations.expectations.registry import get_metric_provider

from stedi_glue.backends.fused import counts, samples
from stedi_glue.backends.fused.domains import DomainEngine
from stedi_glue.backends.fused.metrics import INDEX_QUERY, Metric, Stage, stage
from stedi_glue.backends.fused.one_query import Answers, ask
from stedi_glue.backends.fused.views import selecting

if TYPE_CHECKING:
    from great_expectations.execution_engine.sparkdf_batch_data import SparkDFBatchData
    from great_expectations.validator.metric_configuration import MetricConfiguration
    from pyspark.sql import DataFrame


class FusedExecutionEngine(DomainEngine):
    """Answers all counts of a suite with one query, and shows failed rows with another.

    Verdicts, figures and samples are those of `SparkDFExecutionEngine`, but for the choice
    and order of sampled rows. Duplicates take one query more. Metrics it does not know, and
    those a common query failed over, are resolved by Great Expectations itself.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What was found beside a metric that failed: it is asked for again.
        self._kept: Answers = {}

    def load_batch_data(self, batch_id: str, batch_data: SparkDFBatchData | DataFrame) -> None:
        """Take the rows that `batch_id` names from now on."""
        self._kept.clear()
        super().load_batch_data(batch_id, batch_data)

    def resolve_metrics(
        self,
        metrics_to_resolve: Iterable[MetricConfiguration],
        metrics: Answers | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> Answers:
        """Answer those whose turn it is; a validation graph asks again for the others."""
        waiting = list(metrics_to_resolve)
        if runtime_configuration is None or not waiting:
            # Not a graph: it would not ask again.
            return super().resolve_metrics(waiting, metrics, runtime_configuration)
        kept = {one.id: self._kept.pop(one.id) for one in waiting if one.id in self._kept}
        if kept:
            return kept
        stages = {metric.id: stage(metric, self) for metric in waiting}
        turn = min(stages.values())
        return self._answer(
            [metric for metric in waiting if stages[metric.id] is turn],
            turn,
            metrics or {},
            runtime_configuration,
        )

    def _answer(
        self,
        asked: Sequence[MetricConfiguration],
        turn: Stage,
        resolved: Answers,
        runtime: dict[str, Any],
    ) -> Answers:
        if turn is Stage.OWN:
            return super().resolve_metrics(asked, resolved, runtime)
        fused = self._counts if turn is Stage.COUNTS else self._samples
        try:
            answers = fused([self._metric(one, resolved) for one in asked], resolved)
        except Exception:
            answers = self._halved(asked, turn, resolved, runtime)
        if self._caching:
            self._metric_cache.update(answers)
        return answers

    def _halved(
        self,
        asked: Sequence[MetricConfiguration],
        turn: Stage,
        resolved: Answers,
        runtime: dict[str, Any],
    ) -> Answers:
        """Find the metrics that a common query failed over, and answer the others."""
        if len(asked) == 1:
            return super().resolve_metrics(asked, resolved, runtime)
        answers: Answers = {}
        failures: list[MetricResolutionError] = []
        middle = len(asked) // 2
        for half in (asked[:middle], asked[middle:]):
            try:
                answers.update(self._answer(half, turn, resolved, runtime))
            except MetricResolutionError as failure:
                failures.append(failure)
        if failures:
            self._kept.update(answers)
            raise failures[0]
        return answers

    def _metric(self, asked: MetricConfiguration, resolved: Answers) -> Metric:
        given = self._get_computed_metric_evaluation_dependencies_by_metric_name(asked, resolved)
        partial = asked.metric_dependencies.get("metric_partial_fn")
        if partial and "unexpected_condition" in partial.metric_dependencies:
            given |= self._get_computed_metric_evaluation_dependencies_by_metric_name(
                partial, resolved
            )
        return Metric(asked, get_metric_provider(asked.metric_name, self)[0], given)

    def _counts(self, metrics: Sequence[Metric], resolved: Answers) -> Answers:
        """Count in one query; where that finds keys that may occur twice, in another."""
        with selecting(self) as select:
            answers = ask(counts.questions(self, metrics, select))
        doubtful = [metric for metric in metrics if metric.repeats and answers[metric.id]]
        return answers | ask(counts.exact(self, doubtful))

    def _samples(self, metrics: Sequence[Metric], resolved: Answers) -> Answers:
        """Show failed rows in one query; none when no row failed."""
        answers: Answers = {one.id: None if one.what == INDEX_QUERY else [] for one in metrics}
        failed = [one for one in metrics if one.what != INDEX_QUERY and resolved.get(one.count, 1)]
        with selecting(self) as select:
            return answers | ask(samples.questions(self, failed, select))
