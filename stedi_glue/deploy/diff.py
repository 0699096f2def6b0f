"""How one template differs from another, resource by resource, in words a person can judge."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["added", "changed", "removed"]


@dataclass(frozen=True)
class Line:
    """One difference in a resource: where it is, and the value before and after (None: absent)."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """What happens to one resource of a stack."""

    kind: Kind
    name: str
    type: str
    lines: tuple[Line, ...] = ()


def changes(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> tuple[Change, ...]:
    """Return what turns one template into another, by name; None is a stack that is not there."""
    before: Mapping[str, Any] = (old or {}).get("Resources", {})
    after: Mapping[str, Any] = (new or {}).get("Resources", {})
    found = []
    for name in sorted({*before, *after}):
        if name not in before:
            found.append(Change("added", name, after[name]["Type"]))
        elif name not in after:
            found.append(Change("removed", name, before[name]["Type"]))
        elif lines := tuple(_lines("", before[name], after[name])):
            found.append(Change("changed", name, after[name]["Type"], lines))
    return tuple(found)


def _lines(path: str, old: Any, new: Any) -> Iterator[Line]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict) and not _is_function(old, new):
        for key in sorted({*old, *new}):
            yield from _lines(f"{path}.{key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _items(path, old, new)
    else:
        yield Line(_named(path), _text(old), _text(new))


def _items(path: str, old: list[Any], new: list[Any]) -> Iterator[Line]:
    """Compare lists as sets, but things that have a name with those of the same name."""
    named_old, named_new = ({_name(item): item for item in items} for items in (old, new))
    if None not in named_old and None not in named_new:
        for name in [*named_old, *(name for name in named_new if name not in named_old)]:
            yield from _lines(f"{path}[{name}]", named_old.get(name), named_new.get(name))
        return
    yield from (Line(_named(path), _text(item), None) for item in old if item not in new)
    yield from (Line(_named(path), None, _text(item)) for item in new if item not in old)


def _name(item: Any) -> str | None:
    keys = ("Sid", "Id", "PolicyName", "Key")
    return next((item[k] for k in keys if k in item), None) if isinstance(item, dict) else None


def _is_function(*values: dict[str, Any]) -> bool:
    return any(len(v) == 1 and next(iter(v)).startswith(("Fn::", "Ref")) for v in values)


def _named(path: str) -> str:
    return path.removeprefix(".").removeprefix("Properties.")


def _text(value: Any) -> str | None:
    """Write a value on one line; what a function refers to, without its ceremony."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict) and len(value) == 1:
        (name, argument), *_ = value.items()
        if name in ("Ref", "Fn::Sub"):
            return str(argument)
    return json.dumps(value, sort_keys=True)
