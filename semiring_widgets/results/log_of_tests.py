"""Tests that were run: what really became of the score when something was given another value.

An explanation is frozen, and a test is asked for after it: so it holds a log, which all its copies share and
which only ever grows. It is saved with it, and needs no model to be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, overload

from semiring_widgets.errors import InputError
from semiring_widgets.results.groups import Group
from semiring_widgets.results.parts import Part
from semiring_widgets.results.rankings import Family, ListedRoute, ListedStep
from semiring_widgets.results.wording import signed

__all__ = ["Test", "TestLog", "asked_of"]


@dataclass(frozen=True)
class Test:
    """One test, in the unit of the score.

    Attributes:
        parts: what was replaced, all at once.
        steps: the route whose contribution was taken away; none where parts were replaced.
        by: what the parts were given: their value under the ``"reference"``, ``"zero"``, the ``"mean"`` over
            the tokens, or ``"resample"``: their value in a given text.
        label: in words, for example ``"head 3·3"``.
        before: the score.
        after: the score with these parts replaced.
        predicted: their contribution, the estimate of the effect; NaN where it is not known.

    Example:
        >>> from semiring_widgets.results.parts import Part
        >>> test = Test((Part(layer=3, head=3),), (), "reference", "head 3·3", 8.0, 1.5, 6.0)
        >>> test.effect
        6.5
        >>> print(test)
        head 3·3: +8 → +1.5 (effect +6.5, predicted +6)
    """

    # pytest takes what is called a test for one of its own.
    __test__ = False

    parts: tuple[Part, ...]
    steps: tuple[ListedStep, ...]
    by: str
    label: str
    before: float
    after: float
    predicted: float

    @property
    def effect(self) -> float:
        """``before - after``: positive where what was replaced spoke for the score."""
        return self.before - self.after

    def __str__(self) -> str:
        change = f"{signed(self.before)} → {signed(self.after)}"
        return f"{self.label}: {change} (effect {signed(self.effect)}, predicted {signed(self.predicted)})"


class TestLog(Sequence[Test]):
    """The tests that were run of one explanation, in order; the same test is in it once.

    Args:
        tests: those that are known from the start.

    Example:
        >>> log = TestLog()
        >>> log.add(Test((), (), "zero", "the MLP of layer 1", 2.0, 1.0, 0.5))
        >>> log
        the MLP of layer 1: +2 → +1 (effect +1, predicted +0.5)
    """

    __test__ = False

    def __init__(self, tests: Iterable[Test] = ()) -> None:
        self._tests = tuple(tests)

    def add(self, test: Test) -> None:
        """Note a test; if it was run before, its newest numbers stay in the place of the old ones."""
        # One assignment: whoever reads on another thread sees all of it or nothing.
        kept = {_asked(one): one for one in self._tests}
        self._tests = tuple({**kept, _asked(test): test}.values())

    def __len__(self) -> int:
        return len(self._tests)

    @overload
    def __getitem__(self, place: int) -> Test: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Test, ...]: ...

    def __getitem__(self, place: int | slice) -> Test | tuple[Test, ...]:
        return self._tests[place]

    def __repr__(self) -> str:
        return "\n".join(map(str, self._tests)) or "no tests yet"


def asked_of(part: Any) -> tuple[Any, tuple[ListedStep, ...], Test | None]:
    """What is to be tested: parts, the steps of a route, and the test that it was, if it was one.

    Args:
        part: a part or several, a group, a listed route, a family of routes, or a test.

    >>> asked_of({"layer": 3, "head": 2})
    ({'layer': 3, 'head': 2}, (), None)
    """
    if isinstance(part, Test):
        return [asdict(one) for one in part.parts], part.steps, part
    if isinstance(part, (ListedRoute, Family)):
        if not part.steps:
            raise InputError(
                f"The paths of {part.label!r} take no step by attention, so no change is carried anywhere; "
                f"test the token itself, or a route of the list."
            )
        return [], part.steps, None
    if isinstance(part, Part):
        return asdict(part), (), None
    if isinstance(part, Group):
        return [asdict(one) for one in part.parts], (), None
    # A route of `semiring_widgets.top_routes`, which this floor knows by its legs alone.
    names = ("layer", "branch", "head", "source", "target")
    legs = tuple(ListedStep(*(getattr(leg, n) for n in names)) for leg in getattr(part, "legs", ()))
    return ([], legs, None) if legs else (part, (), None)


def _asked(test: Test) -> tuple[object, ...]:
    return test.parts, test.steps, test.by, test.label
