"""The Glue sessions API: what requests must look like, after botocore's model of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel

OPERATIONS = frozenset(
    {
        "CreateSession",
        "GetSession",
        "ListSessions",
        "StopSession",
        "DeleteSession",
        "RunStatement",
        "GetStatement",
        "ListStatements",
        "CancelStatement",
        "TagResource",
        "UntagResource",
        "GetTags",
    }
)
# The model writes characters beyond 16 bits as pairs, which Python's expressions do not know.
_PAIRS, _WIDE = r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"
_NUMBERS: dict[str, type | tuple[type, ...]] = {
    "integer": int,
    "long": int,
    "double": (int, float),
    "float": (int, float),
}


class ApiError(Exception):
    """An answer of the API that refuses a request.

    code: the error's name in the API (`EntityNotFoundException`).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Api:
    """Reads requests as the service's own model describes them."""

    @cached_property
    def _model(self) -> ServiceModel:
        from botocore.session import get_session

        return get_session().get_service_model("glue")

    def read(self, operation: str, body: bytes) -> dict[str, Any]:
        """Return a request's parameters; ApiError when the model does not allow them.

        Parameters that the model does not know are left out.
        """
        if operation not in OPERATIONS:
            raise ApiError(
                "UnknownOperationException",
                f"This endpoint has no operation '{operation}'; it has "
                f"{', '.join(sorted(OPERATIONS))}.",
            )
        model = self._model.operation_model(operation)
        try:
            values = json.loads(body)
        except ValueError:
            raise _invalid(model, "The request's body is not JSON.") from None
        shape: Any = model.input_shape
        problem = next(_problems(shape, values, "the request"), None)
        if problem:
            raise _invalid(model, problem[0].upper() + problem[1:])
        return {name: values[name] for name in shape.members if name in values}


def _invalid(model: OperationModel, message: str) -> ApiError:
    names = [shape.name for shape in model.error_shapes]
    known = "ValidationException" in names
    return ApiError("ValidationException" if known else "InvalidInputException", message)


def _problems(shape: Any, value: Any, where: str) -> Iterator[str]:
    """Say in sentences what a value lacks to be of a shape."""
    kind = shape.type_name
    if kind in ("structure", "map"):
        if not isinstance(value, dict):
            yield f"{where} must be an object."
            return
        yield from _length(shape, value, where, "entries")
        if kind == "map":
            for key, one in value.items():
                yield from _problems(shape.key, key, f"a key of {where}")
                yield from _problems(shape.value, one, f"'{key}' in {where}")
            return
        yield from (f"{where} lacks '{n}'." for n in shape.required_members if n not in value)
        for name, member in shape.members.items():
            if name in value:
                yield from _problems(member, value[name], f"'{name}'")
    elif kind == "list":
        if not isinstance(value, list):
            yield f"{where} must be a list."
            return
        yield from _length(shape, value, where, "entries")
        for one in value:
            yield from _problems(shape.member, one, f"an entry of {where}")
    elif kind == "string":
        yield from _text(shape, value, where)
    elif kind in _NUMBERS:
        least = shape.metadata.get("min")
        if not isinstance(value, _NUMBERS[kind]) or isinstance(value, bool):
            yield f"{where} must be a number."
        elif least is not None and value < least:
            yield f"{where} must be at least {least}."


def _text(shape: Any, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{where} must be text."
        return
    yield from _length(shape, value, where, "characters")
    pattern = shape.metadata.get("pattern", "").replace(_PAIRS, _WIDE)
    if pattern and not re.fullmatch(pattern, value):
        yield f"{where} must match {pattern}."
    if shape.enum and value not in shape.enum:
        yield f"{where} must be one of {', '.join(shape.enum)}."


def _length(shape: Any, value: Any, where: str, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", len(value))
    if not least <= len(value) <= most:
        yield f"{where} has {len(value):,} {what}; it must have from {least:,} to {most:,}."
