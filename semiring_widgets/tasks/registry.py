"""The tasks by name."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError
from semiring_widgets.tasks.contents import (
    AdjacentDuplicate,
    BinCountOnes,
    Contains1,
    Contains1FirstToken,
    ContainsTokenSet,
    ContainsTokenSetOOD,
)
from semiring_widgets.tasks.features import FFOOM
from semiring_widgets.tasks.first_token import (
    FirstTokenRepeatedImmediately,
    FirstTokenRepeatedLast,
    FirstTokenRepeatedOnce,
    FirstTokenRepeatedOnceImmediately,
)
from semiring_widgets.tasks.sequences import Examples, Task

__all__ = ["generate", "names", "task"]

_TASKS: dict[str, type[Task]] = {
    kind.name: kind
    for kind in (
        FirstTokenRepeatedOnce,
        FirstTokenRepeatedImmediately,
        FirstTokenRepeatedOnceImmediately,
        FirstTokenRepeatedLast,
        AdjacentDuplicate,
        Contains1,
        Contains1FirstToken,
        ContainsTokenSet,
        ContainsTokenSetOOD,
        BinCountOnes,
        FFOOM,
    )
}


def names() -> tuple[str, ...]:
    """The names of all synthetic tasks, as in the paper; `task` tells their definition and difficulty.

    >>> names()[:2]
    ('FirstTokenRepeatedOnce', 'FirstTokenRepeatedImmediately')
    """
    return tuple(_TASKS)


def task(name: str, **settings: Any) -> Task:
    """A task with its settings, to generate examples, split them, label inputs and read its definition.

    Args:
        name: one of `names`; ``"FirstTokenRepeatedOnce"`` may also be written as the function is,
            ``"first_token_repeated_once"``.
        **settings: ``length`` and ``vocabulary``; ``size`` and ``classes`` where a task has them. What is
            left out is as in the function of that name.

    Raises:
        InputError: there is no such task or setting, or a setting cannot be used.

    >>> task("BinCountOnes", classes=4, length=12).definition
    'The bin, of some equal ones, into which the number of 1s (at least one) falls.'
    >>> task("Contains1").label([[3, 1, 2], [3, 2, 2]])
    array([1, 0])
    """
    by_letters = {_letters(known): kind for known, kind in _TASKS.items()}
    if _letters(name) not in by_letters:
        raise InputError(f"There is no task {shown(name)}; choose one of {', '.join(_TASKS)}.")
    kind = by_letters[_letters(name)]
    known = [field.name for field in fields(kind)]
    unknown = [setting for setting in settings if setting not in known]
    if unknown:
        has = f"its settings are {', '.join(known)}" if known else "it has none"
        raise InputError(f"{kind.name} has no setting {unknown[0]!r}; {has}.")
    return kind(**settings)


def generate(name: str, n: int = 1000, seed: int = 0, **settings: Any) -> Examples:
    """Examples of the task of that name: ``task(name, **settings).generate(n, seed)``.

    Args:
        name: one of `names`.
        n: how many examples.
        seed: a whole number.
        **settings: as for `task`.

    Raises:
        InputError: there is no such task or setting, or an argument cannot be used.

    >>> generate("Contains1", n=4, length=5).inputs.shape
    (4, 5)
    """
    return task(name, **settings).generate(n, seed)


def _letters(name: Any) -> str:
    return name.replace("_", "").lower() if isinstance(name, str) else ""
