"""Great Expectations' own pages about every audit. Importing this takes seconds: do it late."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from great_expectations import get_context
from great_expectations.core import ExpectationSuite, ExpectationSuiteValidationResult
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.store.validation_results_store import ValidationResultsStore
from great_expectations.data_context.types.base import DataContextConfig
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.render.renderer.site_builder import SiteBuilder

from stedi_glue.backends.masking import cause, masked, masked_row
from stedi_glue.backends.storage import S3
from stedi_glue.errors import StediError
from stedi_glue.pages.addresses import DATA_DOCS

if TYPE_CHECKING:
    from stedi_glue.model.table import Table

# The newest results that the index page lists; every result keeps its page and its JSON.
_LISTED = 80
_VIEWS = "stedi_glue.backends.offline.views"


class MaskedResultsStore(ValidationResultsStore):
    """Takes results as the JSON objects they are kept as."""

    def serialize(self, value: dict[str, Any]) -> str:
        """Return the text to keep."""
        return json.dumps(value, indent=2, sort_keys=True)


class DataDocs:
    """Keeps every validation result of a lake, and pages that show them.

    root: the lake. Results are kept as JSON under `audits/validations`, pages under
    `docs/data_docs`.
    """

    def __init__(self, root: str) -> None:
        config = DataContextConfig(
            expectations_store_name="expectations",
            validation_results_store_name="validations",
            checkpoint_store_name="checkpoints",
            stores={
                "expectations": _store("ExpectationsStore", f"{root}/audits/expectations"),
                "validations": {
                    "module_name": __name__,
                    **_store("MaskedResultsStore", f"{root}/audits/validations"),
                },
                "checkpoints": _store("CheckpointStore"),
                "validation_definition_store": _store("ValidationDefinitionStore"),
            },
            data_docs_sites={"lake": _site(f"{root}/docs/{DATA_DOCS}")},
            analytics_enabled=False,
        )
        self._context = get_context(mode="ephemeral", project_config=config)

    def add(
        self,
        run_id: str,
        now: int,
        audits: Mapping[
            tuple[Table, str], tuple[ExpectationSuite, ExpectationSuiteValidationResult]
        ],
    ) -> None:
        """Keep a run's suites and results, with personal values masked, and build their pages.

        now: when the run began, epoch milliseconds UTC. audits: by table and by what the
        audited rows are called.
        """
        run = RunIdentifier(run_id, datetime.fromtimestamp(now / 1000, UTC))
        keys: list[Any] = []
        for (table, batch), (expectations, result) in audits.items():
            suite = ExpectationSuiteIdentifier(expectations.name)
            expectations.id = str(uuid5(NAMESPACE_URL, f"stedi:suite:{expectations.name}"))
            # Overwritten, not updated: a run that was killed may have left a part of the file.
            self._context.expectations_store.set(suite, expectations)
            key = ValidationResultIdentifier(suite, run, batch_identifier=batch)
            # Through JSON, because engines count in NumPy's numbers, which the store refuses.
            content = result.to_json_dict()  # type: ignore[no-untyped-call]
            document = json.loads(json.dumps(content, default=_plain))
            document["meta"]["run_id"] = run.to_json_dict()
            shown = mask(document, table)
            self._context.validation_results_store.set(key, shown)
            keys += [suite, key]
        with _insisting():
            self._context.build_data_docs(resource_identifiers=keys)


@contextmanager
def _insisting() -> Iterator[None]:
    """Raise what keeps a page from being written; the library logs it, and goes on."""

    def insist(record: logging.LogRecord) -> bool:
        error = sys.exc_info()[1]
        if isinstance(error, OSError | StediError):
            raise error
        return True

    log = logging.getLogger(SiteBuilder.__module__)
    log.addFilter(insist)
    try:
        yield
    finally:
        log.removeFilter(insist)


def mask(document: dict[str, Any], table: Table) -> dict[str, Any]:
    """Return a validation result without personal values: their first letter stays, as a hint."""
    personal = frozenset(table.personal_columns)
    results = []
    for one in document["results"]:
        about = one["expectation_config"]
        # A type's name is nobody's.
        hide = bool(personal & {*_columns(about["kwargs"])}) and "_type" not in about["type"]
        quoted = {name: masked(value, personal, hide=hide) for name, value in one["result"].items()}
        selected = (one["result"].get("details") or {}).get("unexpected_rows")
        if selected:
            rows = [masked_row(row, table) for row in selected]
            quoted["details"] = {**quoted["details"], "unexpected_rows": rows}
        raised = _unquoted(one.get("exception_info") or {}, str(about))
        results.append({**one, "result": quoted, "exception_info": raised})
    return {**document, "results": results}


def _unquoted(info: Mapping[str, Any], asked: str) -> dict[str, Any]:
    """Return what a rule or its metrics raised, without what engines quote from rows."""
    if "raised_exception" not in info:
        return {name: _unquoted(one, asked) for name, one in info.items()}
    if not info["raised_exception"]:
        return dict(info)
    message = cause(str(info["exception_message"]), asked)
    return {**info, "exception_message": message, "exception_traceback": message}


def _columns(kwargs: Mapping[str, Any]) -> Iterator[str]:
    """Yield the columns that a rule is about."""
    for name, value in kwargs.items():
        if name.startswith("column"):
            yield from value if isinstance(value, list) else [str(value)]


def _store(class_name: str, folder: str | None = None) -> dict[str, Any]:
    backend = _folder(folder) if folder else {"class_name": "InMemoryStoreBackend"}
    return {"class_name": class_name, "store_backend": backend}


def _folder(path: str) -> dict[str, Any]:
    if path.startswith(S3):
        return {
            "module_name": "stedi_glue.backends.docs_store",
            "class_name": "S3StoreBackend",
            "base_directory": path,
        }
    return {"class_name": "TupleFilesystemStoreBackend", "base_directory": path}


def _site(folder: str) -> dict[str, Any]:
    return {
        "module_name": _VIEWS,
        "class_name": "OfflineSite",
        "store_backend": _folder(folder),
        "show_how_to_buttons": False,
        "site_index_builder": {
            "class_name": "DefaultSiteIndexBuilder",
            "view": {"module_name": _VIEWS, "class_name": "OfflineIndexView"},
            "validation_results_limit": _LISTED,
        },
        "site_section_builders": {
            "validations": {
                "class_name": "DefaultSiteSectionBuilder",
                "source_store_name": "validations",
                "renderer": {"class_name": "ValidationResultsPageRenderer"},
                "view": {"module_name": _VIEWS, "class_name": "OfflinePageView"},
            },
            "expectations": {
                "class_name": "DefaultSiteSectionBuilder",
                "source_store_name": "expectations",
                "renderer": {"class_name": "ExpectationSuitePageRenderer"},
                "view": {"module_name": _VIEWS, "class_name": "OfflinePageView"},
            },
            "profiling": "None",
        },
    }


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
