"""What the rules as a whole promise, said apart from them: none is lost or softened unnoticed.

That each rule does what it says is proven in test_rules.py; here it is that the rule is there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

from tests.rows import TABLES

Rules = Mapping[str, Sequence[Mapping[str, Any]]]

# By the names of their rules files.
CONTRACTS = {table.suite: table for table in TABLES}
# How many rules of a table hold it, leave rows out, warn, and inform.
COUNTS = {
    "customer_landing": {"critical": 15, "warning": 20, "info": 4},
    "accelerometer_landing": {"critical": 10, "warning": 12, "info": 2},
    "step_trainer_landing": {"critical": 8, "warning": 8, "info": 2},
    "customer_trusted": {"critical": 14, "quarantine": 6, "warning": 16, "learned": 1},
    "accelerometer_trusted": {
        "critical": 10,
        "quarantine": 9,
        "warning": 2,
        "info": 1,
        "learned": 2,
    },
    "customers_curated": {"critical": 23, "warning": 14, "info": 1, "learned": 1},
    "step_trainer_trusted": {"critical": 8, "quarantine": 5, "warning": 3, "learned": 2},
    "machine_learning_curated": {"critical": 31, "warning": 2, "info": 1, "learned": 1},
    "machine_learning_curated.pseudonymous": {
        "critical": 34,
        "warning": 2,
        "info": 1,
        "learned": 1,
    },
}
# The share of rows that may be left out.
LIMIT = 0.05

YEAR_2015 = 1_420_070_400_000
TOMORROW = {"$PARAMETER": "tomorrow_ms"}
A_MONTH_AGO = {"$PARAMETER": "month_ago_ms"}
CONSENTS = ("shareWithResearchAsOfDate", "shareWithPublicAsOfDate", "shareWithFriendsAsOfDate")
# Between what the values of a column lie, in every table that has a rule of this kind for it.
VALUES: dict[str, tuple[Any, Any]] = {
    **dict.fromkeys(("x", "y", "z"), (-160, 160)),
    **dict.fromkeys(("timestamp", "sensorReadingTime"), (YEAR_2015, TOMORROW)),
    **dict.fromkeys(("registrationDate", "lastUpdateDate"), (YEAR_2015, TOMORROW)),
    **dict.fromkeys(CONSENTS, (0, TOMORROW)),
    "distanceFromObject": (0, 1000),
}
# Only customers who agreed are trusted.
AGREED = {("customer_trusted", CONSENTS[0]): 1, ("customers_curated", CONSENTS[0]): 1}
# How many rows of a hundred must meet a rule that not all must meet.
SHARES = {
    "expect_column_values_to_not_be_null": 0.95,
    "expect_compound_columns_to_be_unique": 0.85,
    "expect_column_values_to_be_in_set": 0.5,
}


def broken_promises(rules: Rules) -> list[str]:
    """Return in words what the rules, by table, do not keep."""
    found = []
    for table, promised in COUNTS.items():
        counts = Counter(_fate(rule) for rule in rules[table])
        if counts != promised:
            found.append(f"{table} has {dict(counts)} rules, promised were {promised}")
        for number, rule in enumerate(rules[table], start=1):
            found += [f"{table}, rule {number}: {why}" for why in _wrong(table, rule)]
    return found


def _learned(rule: Mapping[str, Any]) -> bool:
    """Tell whether the rule's bounds come from earlier runs."""
    bounds = [value for value in rule["kwargs"].values() if isinstance(value, dict)]
    return any(bound["$PARAMETER"].startswith("usual_") for bound in bounds)


def _fate(rule: Mapping[str, Any]) -> str:
    if _learned(rule) and rule["severity"] == "warning":
        return "learned"
    limit = rule.get("meta", {}).get("stedi", {}).get("quarantine")
    if limit is None:
        return str(rule["severity"])
    promised = (rule["severity"], limit) == ("critical", LIMIT)
    return "quarantine" if promised else f"{rule['severity']} with a quarantine of {limit}"


def _wrong(table: str, rule: Mapping[str, Any]) -> Iterator[str]:
    kind, kwargs = rule["type"], rule["kwargs"]
    column = kwargs.get("column")
    if column is not None and column not in CONTRACTS[table].column_names:
        yield f"{table} has no column {column}"
        return
    if _learned(rule):
        return
    low, high = {
        "expect_column_values_to_be_between": VALUES.get(column, (None, None)),
        "expect_column_max_to_be_between": (A_MONTH_AGO, None),
        "expect_table_row_count_to_be_between": (1, None),
    }.get(kind, (None, None))
    low = AGREED.get((table, column), low)
    for bound, promised in (("min_value", low), ("max_value", high)):
        if kwargs.get(bound, promised) != promised:
            yield f"{bound} is {kwargs[bound]}, promised was {promised}"
    if kwargs.get("mostly", 1) not in (1, SHARES.get(kind)):
        yield f"mostly is {kwargs['mostly']}, promised was {SHARES.get(kind, 1)}"


def test_no_rule_is_lost_or_softened() -> None:
    folder = resources.files("stedi_glue.rules")
    texts = {name: (folder / f"{name}.json").read_text(encoding="utf-8") for name in CONTRACTS}
    rules = {name: json.loads(text)["expectations"] for name, text in texts.items()}
    assert broken_promises(rules) == []
    assert COUNTS.keys() == rules.keys()
