"""For every rule, the ways to break good rows so that exactly this rule is not met."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stedi_glue.backends.rules import Rule, parameters
from stedi_glue.zones import STEDI
from tests.rows import HOUR, NOW, Rows, good_rows, pseudonym

Lake = dict[str, Rows]
Break = Callable[[Lake, Rows], None]

DAN = {"email": "dan@example.com", "serialNumber": "64616e00-1111-2222-3333-444444444444"}
DAN["user"] = DAN["email"]


def first(**values: Any) -> Break:
    """Change columns of the first row."""
    return lambda lake, rows: rows[0].update(values)


def second(**values: Any) -> Break:
    """Change columns of the second row."""
    return lambda lake, rows: rows[1].update(values)


def again(lake: Lake, rows: Rows) -> None:
    """Turn the second row into a copy of the first."""
    rows[1] = dict(rows[0])


def every(table: str, **values: Any) -> Break:
    """Change columns of all rows of another table."""
    return lambda lake, rows: [row.update(values) for row in lake[table]] and None


def without(table: str, **values: Any) -> Break:
    """Take the rows that have these values out of another table."""

    def take_out(lake: Lake, rows: Rows) -> None:
        kept = [row for row in lake[table] if not values.items() <= row.items()]
        assert len(kept) < len(lake[table])
        lake[table] = kept

    return take_out


def unreadable(lake: Lake, rows: Rows) -> None:
    """Add one record nobody could read to a handful of good ones."""
    problem = {"_file": "a.json", "_problem": "cut short", "_raw": '{"x'}
    for name in [name for name in lake if name.endswith("_problems")]:
        lake[name] = [problem]


def withdrawn(lake: Lake, rows: Rows) -> None:
    later = {**rows[0], "lastUpdateDate": NOW, "shareWithResearchAsOfDate": 0}
    lake["customer_landing"].append(later)


def shared_device(lake: Lake, rows: Rows) -> None:
    lake["customer_landing"][-1]["serialNumber"] = rows[0]["serialNumber"]


NO_CONSENT = {"shareWithResearchAsOfDate": 0}
SERIAL = "616e6100-1111-2222-3333-444444444444"
ANA = "ana@example.com"

# As in `QUERIES`, of pairs, whether or not they name people.
PAIRS: Mapping[str, list[Break]] = {
    "holds a trusted step trainer": [
        first(distanceFromObject=999),
        without("step_trainer_trusted", serialNumber=SERIAL),
    ],
    "holds a trusted accelerometer": [
        first(x=0.25),
        first(sensorReadingTime=NOW),
        without("accelerometer_trusted", user=ANA),
    ],
    "counted twice": [lambda lake, rows: rows.append(dict(rows[0]))],
}

# Per table, the rules that are queries: words of their note, and ways to break them.
QUERIES: Mapping[str, Mapping[str, list[Break]]] = {
    "customer_landing": {
        "unreadable record": [unreadable],
        "could be read": [unreadable],
        "differ in case": [second(email="Ana@example.com"), second(email=" ana@example.com ")],
    },
    "accelerometer_landing": {"unreadable record": [unreadable], "could be read": [unreadable]},
    "step_trainer_landing": {"unreadable record": [unreadable], "could be read": [unreadable]},
    "customer_trusted": {
        "later version": [withdrawn],
        "before they registered": [first(shareWithResearchAsOfDate=NOW - 99 * HOUR)],
        "several customers": [second(serialNumber=SERIAL)],
        "born later than today": [first(birthDay="2999-12-31")],
    },
    "accelerometer_trusted": {
        "of a trusted customer": [
            first(user=DAN["user"]),
            first(user=None),
            every("customer_trusted", **NO_CONSENT),
        ],
        "after its customer agreed": [every("customer_trusted", shareWithResearchAsOfDate=NOW)],
    },
    "customers_curated": {
        "is a trusted customer": [
            first(email=DAN["email"]),
            first(serialNumber=DAN["serialNumber"]),
            first(shareWithResearchAsOfDate=None),
            without("customer_trusted", email=ANA),
        ],
        "at least one trusted accelerometer": [without("accelerometer_trusted", user=ANA)],
        "left out": [lambda lake, rows: rows.pop()],
        "several customers": [second(serialNumber=SERIAL)],
        "before they registered": [first(shareWithResearchAsOfDate=NOW - 99 * HOUR)],
    },
    "step_trainer_trusted": {
        "belongs to a curated customer": [
            first(serialNumber=DAN["serialNumber"]),
            every("customers_curated", **NO_CONSENT),
        ],
        "shared with a customer": [shared_device],
    },
    "machine_learning_curated": {
        "phone was carried by": [
            first(user=DAN["user"]),
            every("customers_curated", **NO_CONSENT),
        ],
        "step trainer belongs to": [
            first(serialNumber=DAN["serialNumber"]),
            every("customers_curated", **NO_CONSENT),
        ],
        **PAIRS,
        "tells the truth": [first(sameCustomer=False), first(user="ben@example.com")],
    },
    "machine_learning_curated.pseudonymous": {
        "phone was carried by": [
            first(subject=pseudonym(DAN["email"])),
            # Of a customer, but made with another key.
            first(subject=pseudonym(ANA, b"another key, as good as the first")),
            every("customers_curated", **NO_CONSENT),
        ],
        "step trainer belongs to": [
            first(device=pseudonym(DAN["serialNumber"])),
            every("customers_curated", **NO_CONSENT),
        ],
        **PAIRS,
        "tells the truth": [first(sameCustomer=False), first(subject=pseudonym("ben@example.com"))],
        "No name, e-mail": [
            # Of who agreed, and of who did not.
            *(
                first(**{column: good_rows("customer_landing")[number][name]})
                for column, number in (("subject", 0), ("device", 3))
                for name in STEDI.table("customer_landing").personal_columns
            ),
        ],
    },
}

# Texts that no format rule of the column lets pass.
FORMATS: Mapping[str, list[str]] = {
    "email": [
        *("ana", "ana@example", "ana b@example.com", "@example.com", "", " "),
        *("ana@exämple.com", "ana@example..com", "ana@example.com,", "a@b@example.com"),
    ],
    "serialNumber": ["42", f"{SERIAL}0", SERIAL.replace("-", ""), SERIAL.replace("6", "g"), ""],
    "birthDay": ["03.02.1980", "1980-13-01", "1980-1-1", "1980-01-32", "198\u0660-01-01", ""],
    "phone": ["none", "801", "801555121x", ""],
    "subject": [ANA, pseudonym(ANA)[1:], pseudonym(ANA) + "0", pseudonym(ANA).upper(), ""],
    "device": [SERIAL, pseudonym(SERIAL)[1:], f" {pseudonym(SERIAL)}", ""],
}
# Texts that must pass: real exports have birth years below 1000, without a leading zero.
WELL_FORMED: Mapping[str, list[str]] = {
    "email": ["Santosh.Clayton@test.com", "o'hara+x@mail.example.co.uk"],
    "serialNumber": ["50f7b4f3-7af5-4b07-a421-7b902c8d2b7c", SERIAL.upper()],
    "birthDay": ["967-01-01", "1399-12-31", "2000-02-29"],
    "phone": ["8015551212", "+1 (801) 555-1212"],
    "subject": [pseudonym(ANA)],
    "device": [pseudonym(SERIAL)],
}


def breakages(table: str, rule: Rule) -> Iterator[Break]:
    """Yield the ways to break a rule by changing rows."""
    kwargs = rule.kwargs
    match rule.type:
        case "unexpected_rows_expectation":
            yield from next(
                breaks for words, breaks in QUERIES[table].items() if words in rule.note
            )
        case "expect_column_values_to_not_be_null":
            yield first(**{kwargs["column"]: None})
        case "expect_column_values_to_match_regex" if "1900" in rule.note:
            yield first(birthDay="967-01-01")
        case "expect_column_values_to_match_regex":
            column = kwargs["column"]
            texts = FORMATS["email" if column == "user" else column]
            yield first(**{column: texts[0]})
        case "expect_column_values_to_be_between":
            kind = float if kwargs["column"] in ("x", "y", "z") else int
            for end, beyond in (("min_value", -1), ("max_value", 1)):
                if end in kwargs:
                    yield first(**{kwargs["column"]: kind(bound(kwargs[end]) + beyond)})
            if kind is float:
                for value in ("nan", "inf", "-inf"):
                    yield first(**{kwargs["column"]: float(value)})
        case "expect_column_max_to_be_between" if "usual" in str(kwargs["min_value"]):
            yield lambda lake, rows: [row.update({kwargs["column"]: 1}) for row in rows] and None
        case "expect_column_max_to_be_between":
            old = {kwargs["column"]: bound(kwargs["min_value"]) - 1}
            yield lambda lake, rows: [row.update(old) for row in rows] and None
        case "expect_column_values_to_be_in_set" if "mostly" in kwargs:
            strangers = {kwargs["column"]: False}
            yield lambda lake, rows: [row.update(strangers) for row in rows[:4]] and None
        case "expect_column_values_to_be_in_set":
            yield first(**{kwargs["column"]: False})
        case "expect_column_values_to_be_unique":
            column = kwargs["column"]
            yield lambda lake, rows: rows[1].update({column: rows[0][column]})
        case "expect_compound_columns_to_be_unique":
            yield again
        case "expect_column_pair_values_a_to_be_greater_than_b":
            yield lambda lake, rows: rows[0].update(
                {kwargs["column_A"]: rows[0][kwargs["column_B"]] - 1}
            )
        case "expect_table_row_count_to_be_between":
            yield lambda lake, rows: rows.clear()
        case "expect_column_values_to_be_of_type" | "expect_table_columns_to_match_ordered_list":
            return  # No row can break these, only a frame of other columns.
        case unknown:
            raise AssertionError(f"say here how to break {unknown}")


def bound(value: int | dict[str, str]) -> int:
    """Return the value of a bound, which may be a parameter of the audit."""
    return parameters(NOW)[value["$PARAMETER"]] if isinstance(value, dict) else value


def broken(lake: Lake, table: str, how: Break) -> Lake:
    """Return a copy of the lake, broken."""
    changed = copy.deepcopy(lake)
    how(changed, changed[table])
    assert changed != lake
    return changed
