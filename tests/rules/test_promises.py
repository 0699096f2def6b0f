"""What the rules as a whole promise, said apart from them: none is lost or softened unnoticed.

That each rule does what it says is proven in test_rules.py; here it is that the rule is there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

from stedi_glue.zones import STEDI

Rules = Mapping[str, Sequence[Mapping[str, Any]]]

# How many rules of a table hold it, warn, and inform.
COUNTS = {
    "customer_landing": {"critical": 15, "warning": 19, "info": 3},
    "accelerometer_landing": {"critical": 10, "warning": 12, "info": 1},
    "step_trainer_landing": {"critical": 8, "warning": 8, "info": 1},
    "customer_trusted": {"critical": 20, "warning": 15},
    "accelerometer_trusted": {"critical": 16, "warning": 6, "info": 1},
    "customers_curated": {"critical": 23, "warning": 14, "info": 1},
    "step_trainer_trusted": {"critical": 11, "warning": 5},
    "machine_learning_curated": {"critical": 26, "warning": 7, "info": 1},
}

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
SHARES = {"expect_column_values_to_not_be_null": 0.95, "expect_compound_columns_to_be_unique": 0.85}


def broken_promises(rules: Rules) -> list[str]:
    """Return in words what the rules, by table, do not keep."""
    found = []
    for table, promised in COUNTS.items():
        counts = Counter(rule["severity"] for rule in rules[table])
        if counts != promised:
            found.append(f"{table} has {dict(counts)} rules, promised were {promised}")
        for number, rule in enumerate(rules[table], start=1):
            found += [f"{table}, rule {number}: {why}" for why in _wrong(table, rule)]
    return found


def _wrong(table: str, rule: Mapping[str, Any]) -> Iterator[str]:
    kind, kwargs = rule["type"], rule["kwargs"]
    column = kwargs.get("column")
    if column is not None and column not in STEDI.table(table).column_names:
        yield f"{table} has no column {column}"
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
    names = [table.name for table in STEDI.tables]
    texts = {name: (folder / f"{name}.json").read_text(encoding="utf-8") for name in names}
    rules = {name: json.loads(text)["expectations"] for name, text in texts.items()}
    assert broken_promises(rules) == []
    assert COUNTS.keys() == rules.keys()
