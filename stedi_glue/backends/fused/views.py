"""SQL over the rows of a domain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from stedi_glue.backends.fused.domains import DomainEngine
    from stedi_glue.backends.fused.metrics import Metric


@contextmanager
def selecting(engine: DomainEngine) -> Iterator[Callable[[Metric], DataFrame]]:
    """Give what returns the rows that a metric's query selects; they last as long as this."""
    views: dict[object, tuple[str, DataFrame]] = {}

    def select(metric: Metric) -> DataFrame:
        domain = metric.configuration.metric_domain_kwargs
        if metric.id.metric_domain_kwargs_id not in views:
            # Each domain has its own: Spark Connect looks a view up when the query runs.
            rows, name = engine.get_domain_records(domain), f"batch_{uuid4().hex}"
            rows.createOrReplaceTempView(name)
            views[metric.id.metric_domain_kwargs_id] = name, rows
        name, rows = views[metric.id.metric_domain_kwargs_id]
        query: str = metric.configuration.metric_value_kwargs["unexpected_rows_query"]
        return rows.sparkSession.sql(query.format(batch=name))

    try:
        yield select
    finally:
        for name, rows in views.values():
            rows.sparkSession.catalog.dropTempView(name)
