"""A suite that is about to be judged: what its rules tell of themselves is worked out once.

Great Expectations makes every rule anew for each of its metrics, and a rule makes its own
configuration anew for each of its arguments: 22,000 times in a run of all 237 rules.
"""

from __future__ import annotations

from abc import ABCMeta
from copy import deepcopy
from functools import cache
from typing import Any

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
        return _remembering(super()._get_expectation_impl())

    def to_domain_obj(self) -> Expectation:
        if not hasattr(self, "_made"):
            self._made = super().to_domain_obj()
        return self._made


class _Remembering:
    """What an expectation does once it is asked again and again."""

    __slots__ = ()
    _told: ExpectationConfiguration
    _asked: tuple[dict[str, Any], ValidationDependencies]

    @property
    def configuration(self) -> ExpectationConfiguration:
        if not hasattr(self, "_told"):
            told = _SettledRule.of(super().configuration)  # type: ignore[misc]
            told._made = self  # type: ignore[assignment]
            object.__setattr__(self, "_told", told)
        return self._told

    def get_validation_dependencies(
        self,
        execution_engine: Any = None,
        runtime_configuration: dict[str, Any] | None = None,
        **more: Any,
    ) -> ValidationDependencies:
        asked: dict[str, Any] = {
            "execution_engine": execution_engine,
            "runtime_configuration": runtime_configuration,
            **more,
        }
        if not hasattr(self, "_asked") or self._asked[0] != asked:
            found = super().get_validation_dependencies(**asked)  # type: ignore[misc]
            before = {**asked, "runtime_configuration": deepcopy(runtime_configuration)}
            object.__setattr__(self, "_asked", (before, found))
        return self._asked[1]


@cache
def _remembering(kind: type[Expectation]) -> type[Expectation]:
    """Return a kind of expectations that remember what they told."""
    # The library's own way to make a class takes long, and puts it in place of the first one.
    body = {"__module__": __name__, "__slots__": ("_told", "_asked")}
    made: Any = ABCMeta.__new__(type(kind), kind.__name__, (_Remembering, kind), body)
    return made  # type: ignore[no-any-return]
