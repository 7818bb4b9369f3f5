"""Which of many cases of one kind the fast lane takes; `make test-slow` takes the others."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def slow_but(cases: Iterable[Any], keep: Callable[[Any], bool]) -> list[Any]:
    """Cases for `pytest.mark.parametrize`, marked slow where they only repeat.

    Args:
        cases: all of them; a tuple is several parameters.
        keep: whether a case stays in the fast lane.
    """

    def marked(case: Any) -> Any:
        parameters = case if isinstance(case, tuple) else (case,)
        return pytest.param(*parameters, marks=pytest.mark.slow)

    return [case if keep(case) else marked(case) for case in cases]


def every(step: int) -> Callable[[Any], bool]:
    """Keeps the first of as many cases, and so on."""
    seen = iter(range(10**9))
    return lambda case: next(seen) % step == 0
