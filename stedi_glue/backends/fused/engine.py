"""The execution engine that answers a suite with a few queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from great_expectations.exceptions.exceptions import MetricResolutionError

from stedi_glue.backends.fused import counts, samples
from stedi_glue.backends.fused.domains import DomainEngine
from stedi_glue.backends.fused.metrics import (
    ROW_COUNT,
    Metric,
    Stage,
    needs_no_values,
    stage,
    unshown,
)
from stedi_glue.backends.fused.one_query import Answers, ask
from stedi_glue.backends.fused.views import selecting

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.validator.metric_configuration import (
        MetricConfiguration,
        MetricConfigurationID,
    )

_BARE: dict[str, Any] = {"result_format": {"result_format": "BOOLEAN_ONLY"}}


class Promise:
    """Stands for a number that is still to come; whoever computes with it fails."""


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
        self._promised: dict[MetricConfigurationID, MetricConfiguration] = {}
        # Whole rows that broke a rule, by the metric that counts them: the library's summary has
        # only values of the columns that the rule is about.
        self._broken: dict[MetricConfigurationID, list[dict[str, Any]]] = {}

    def load_batch_data(self, batch_id: str, batch_data: Any) -> None:
        """Take the rows that `batch_id` names from now on."""
        self._kept.clear()
        self._promised.clear()
        self._broken.clear()
        super().load_batch_data(batch_id, batch_data)

    def broken(self, expectation: Expectation) -> list[dict[str, Any]]:
        """Return a few whole rows that broke a rule, after it was evaluated.

        None when it is not about single rows, or about keys that repeat.
        """
        asked = expectation.get_validation_dependencies(
            execution_engine=self, runtime_configuration=_BARE
        ).metric_configurations.values()
        return next((self._broken[one.id] for one in asked if one.id in self._broken), [])

    def resolve_metrics(
        self,
        metrics_to_resolve: Iterable[MetricConfiguration],
        metrics: Answers | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> Answers:
        """Answer those whose turn it is; a validation graph asks again for the others.

        Its last call asks for nothing.
        """
        waiting, resolved, runtime = list(metrics_to_resolve), metrics or {}, runtime_configuration
        if runtime is None:
            # Not a graph: it would not ask again.
            return super().resolve_metrics(waiting, resolved)
        kept = {one.id: self._kept.pop(one.id) for one in waiting if one.id in self._kept}
        if kept:
            return kept
        # Nearly every metric is said to depend on the number of rows, and few do.
        promises = [one for one in waiting if one.metric_name == ROW_COUNT]
        if promises:
            self._promised.update({one.id: one for one in promises})
            return {one.id: Promise() for one in promises}
        stages = {one.id: self._stage(one) for one in waiting}
        turn = min(stages.values(), default=Stage.SAMPLES)
        asked = [one for one in waiting if stages[one.id] is turn]
        if turn is Stage.OWN or not self._promised:
            return self._answer(asked, turn, resolved, runtime)
        promised, self._promised = self._promised, {}
        due = [*promised.values(), *(asked if turn is Stage.COUNTS else ())]
        try:
            return self._answer(due, Stage.COUNTS, resolved, runtime)
        except MetricResolutionError:
            # The graph asks again for what it lacks.
            for broken in promised:
                resolved.pop(broken, None)
            raise

    def _stage(self, metric: MetricConfiguration) -> Stage:
        turn = stage(metric, self)
        awaits = any(one.id in self._promised for one in metric.metric_dependencies.values())
        late = turn is Stage.OWN and awaits and not needs_no_values(metric, self)
        return Stage.SAMPLES if late else turn

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
        return Metric(asked, given)

    def _counts(self, metrics: Sequence[Metric], resolved: Answers) -> Answers:
        """Count in one query; where that finds keys that may occur twice, in another."""
        with selecting(self) as select:
            answers = ask(counts.questions(self, metrics, select))
        doubtful = [metric for metric in metrics if metric.repeats and answers[metric.id]]
        return answers | ask(counts.exact(self, doubtful))

    def _samples(self, metrics: Sequence[Metric], resolved: Answers) -> Answers:
        """Show failed rows in one query; none when no row failed."""
        hidden: Answers = {one.id: None for one in metrics if unshown(one.configuration)}
        shown = [one for one in metrics if one.id not in hidden]
        failed = [one for one in shown if resolved.get(one.count, 1)]
        with selecting(self) as select:
            found = ask(samples.questions(self, failed, select))
        self._broken.update({one.count: found[one.id] for one in failed if not one.repeats})
        return hidden | {one.id: samples.values(one, found.get(one.id, [])) for one in shown}
