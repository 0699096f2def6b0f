"""All sessions of an endpoint, and what each operation of the API does with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from stedi_glue.sessions.api import ApiError
from stedi_glue.sessions.session import Session

ACCOUNT = "000000000000"
# Each is a process with an engine in it.
MOST = 8
_PAGE = 1000

Values = dict[str, Any]


class Sessions:
    """The sessions of one endpoint.

    start: makes a session of CreateSession's parameters. Each operation takes the request's
    parameters, which were checked, and returns the answer's.
    """

    def __init__(self, start: Callable[[Mapping[str, Any]], Session]) -> None:
        self._start = start
        self._sessions: dict[str, Session] = {}
        self._lock = Lock()

    def answer(self, operation: str, request: Values) -> Values:
        """Do what an operation asks for; ApiError when it cannot be done."""
        return _OPERATIONS[operation](self, request)

    def expire(self) -> None:
        """End the sessions whose time is over."""
        for session in self._all():
            if not session.ended:
                session.expire()

    def close(self) -> None:
        """Stop every session."""
        for session in self._all():
            session.end("STOPPED")

    def _all(self) -> list[Session]:
        with self._lock:
            return list(self._sessions.values())

    def _session(self, name: str) -> Session:
        with self._lock:
            if name not in self._sessions:
                raise ApiError("EntityNotFoundException", f"There is no session '{name}'.")
            return self._sessions[name]

    def _create(self, request: Values) -> Values:
        name = request["Id"]
        with self._lock:
            if name in self._sessions:
                raise ApiError("AlreadyExistsException", f"There is a session '{name}' already.")
            if sum(not session.ended for session in self._sessions.values()) >= MOST:
                raise ApiError(
                    "ResourceNumberLimitExceededException",
                    f"{MOST} sessions are running; stop one first.",
                )
            session = self._sessions[name] = self._start(request)
        return {"Session": session.described()}

    def _get(self, request: Values) -> Values:
        return {"Session": self._session(request["Id"]).described()}

    def _list(self, request: Values) -> Values:
        wanted = request.get("Tags", {}).items()
        found = [s for s in self._all() if wanted <= s.tags.items()]
        page, more = _page(found, request)
        described = [session.described() for session in page]
        return {"Ids": [one["Id"] for one in described], "Sessions": described, **more}

    def _stop(self, request: Values) -> Values:
        session = self._session(request["Id"])
        if session.ended:
            raise ApiError(
                "IllegalSessionStateException", f"Session {session.id} is {session.status}."
            )
        session.end("STOPPED")
        return {"Id": session.id}

    def _delete(self, request: Values) -> Values:
        session = self._session(request["Id"])
        session.end("STOPPED")
        with self._lock:
            self._sessions.pop(session.id, None)
        return {"Id": session.id}

    def _run(self, request: Values) -> Values:
        return {"Id": self._session(request["SessionId"]).run(request["Code"])}

    def _statement(self, request: Values) -> Values:
        statement = self._session(request["SessionId"]).statement(request["Id"])
        return {"Statement": statement.described()}

    def _statements(self, request: Values) -> Values:
        page, more = _page(self._session(request["SessionId"]).statements, request)
        return {"Statements": [statement.described() for statement in page], **more}

    def _cancel(self, request: Values) -> Values:
        self._session(request["SessionId"]).cancel(request["Id"])
        return {}

    def _tagged(self, request: Values) -> Session:
        kind, _, name = request["ResourceArn"].rpartition(":")[2].partition("/")
        if kind != "session":
            raise ApiError(
                "InvalidInputException", f"'{request['ResourceArn']}' is not a session's ARN."
            )
        return self._session(name)

    def _tag(self, request: Values) -> Values:
        self._tagged(request).tags.update(request["TagsToAdd"])
        return {}

    def _untag(self, request: Values) -> Values:
        tags = self._tagged(request).tags
        for key in request["TagsToRemove"]:
            tags.pop(key, None)
        return {}

    def _tags(self, request: Values) -> Values:
        return {"Tags": dict(self._tagged(request).tags)}


def _page(found: Sequence[Any], request: Values) -> tuple[Sequence[Any], Values]:
    """Return the part of a list that a request asks for, and where the next one begins."""
    token = request.get("NextToken") or "0"
    if not token.isdecimal():
        raise ApiError("InvalidInputException", f"'{token[:40]}' is no NextToken of this list.")
    start = int(token)
    end = start + int(request.get("MaxResults", _PAGE))
    return found[start:end], {"NextToken": str(end)} if end < len(found) else {}


_OPERATIONS: dict[str, Callable[[Sessions, Values], Values]] = {
    "CreateSession": Sessions._create,
    "GetSession": Sessions._get,
    "ListSessions": Sessions._list,
    "StopSession": Sessions._stop,
    "DeleteSession": Sessions._delete,
    "RunStatement": Sessions._run,
    "GetStatement": Sessions._statement,
    "ListStatements": Sessions._statements,
    "CancelStatement": Sessions._cancel,
    "TagResource": Sessions._tag,
    "UntagResource": Sessions._untag,
    "GetTags": Sessions._tags,
}
