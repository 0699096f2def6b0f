"""Where pages are in a lake's `docs/`, as they link to each other: a copied folder still works."""

from __future__ import annotations

from datetime import UTC, datetime

# The report of the newest run, and the folder of Great Expectations' own pages.
LATEST = "index.html"
DATA_DOCS = "data_docs"


def run_page(run_id: str) -> str:
    """Return the report of a run."""
    return f"run-{run_id}.html"


def runs_page(number: int = 0) -> str:
    """Return the list of the newest runs, or a page of older ones, counted from the oldest as 1."""
    return f"runs-{number}.html" if number else "runs.html"


def profile_page(table: str) -> str:
    """Return the profile of a table."""
    return f"profile-{table}.html"


def data_docs_page(suite: str = "", run_id: str = "", started_at: int = 0, table: str = "") -> str:
    """Return a page of Great Expectations.

    By default its index; with a suite the suite's page; with a run and its table the result.
    """
    if run_id:
        began = f"{datetime.fromtimestamp(started_at / 1000, UTC):%Y%m%dT%H%M%S.%fZ}"
        return f"{DATA_DOCS}/validations/{suite}/{run_id}/{began}/{table}.html"
    return f"{DATA_DOCS}/expectations/{suite}.html" if suite else f"{DATA_DOCS}/index.html"
