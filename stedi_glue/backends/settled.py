"""A suite that is about to be judged: what its rules tell of themselves is worked out once.

Great Expectations makes every rule anew for each of its metrics, and a rule makes its own
configuration anew for each of its arguments: two fifths of what the library does in a short run.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

from great_expectations.compatibility.pydantic import PrivateAttr
from great_expectations.core import ExpectationSuite
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.validator.validator import ValidationDependencies


class SettledSuite(ExpectationSuite):
    """A suite to validate with, and not to change any more; its results are those of the suite."""

    def __init__(self, suite: ExpectationSuite) -> None:
        super().__init__(suite.name)
        self.expectations = suite.expectations

    @property  # type: ignore[misc]
    def expectation_configurations(self) -> list[ExpectationConfiguration]:
        """The rules, as a validator wants them."""
        return [_SettledRule.of(rule) for rule in super().expectation_configurations]


class _SettledRule(ExpectationConfiguration):
    """A rule that makes its expectation when it is first asked for it."""

    # Not among the attributes: what is copied or written has no expectation yet.
    __slots__ = ("_made",)

    @classmethod
    def of(cls, rule: ExpectationConfiguration) -> _SettledRule:
        settled = cls(rule.type, rule.kwargs)
        settled.__dict__.update(rule.__dict__)
        return settled

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def _get_expectation_impl(self) -> type[Expectation]:
        return _settled(super()._get_expectation_impl())

    def to_domain_obj(self) -> Expectation:
        if not hasattr(self, "_made"):
            self._made = super().to_domain_obj()
        return self._made


@cache
def _settled(kind: type[Expectation]) -> type[Expectation]:
    """Return a kind of expectations that remember what they told; the library does not know it."""

    class Settled(kind):  # type: ignore[misc, valid-type]
        _told: Any = PrivateAttr(None)
        _asked: Any = PrivateAttr(None)

        @classmethod
        def is_abstract(cls) -> bool:
            # Else it would take the place of the library's own.
            return True

        @classmethod
        def _register_renderer_functions(cls) -> None: ...

        @property
        def configuration(self) -> ExpectationConfiguration:
            if self._told is None:
                self._told = _SettledRule.of(super().configuration)
                self._told._made = self
            return self._told  # type: ignore[no-any-return]

        def get_validation_dependencies(
            self,
            execution_engine: Any = None,
            runtime_configuration: dict[str, Any] | None = None,
            **more: Any,
        ) -> ValidationDependencies:
            question = (execution_engine, runtime_configuration, more)
            if self._asked is None or self._asked[0] != question:
                found = super().get_validation_dependencies(
                    execution_engine=execution_engine,
                    runtime_configuration=runtime_configuration,
                    **more,
                )
                self._asked = ((execution_engine, deepcopy(runtime_configuration), more), found)
            return self._asked[1]  # type: ignore[no-any-return]

    Settled.__name__ = kind.__name__
    Settled.expectation_type = kind.expectation_type
    return Settled
