"""The one family of exceptions of this package.

Every message is a sentence that says what was given, what was expected, and what to do next. Catch
`SemiringWidgetsError` to catch them all; the subclasses also derive from the built-in exception that
fits, so that ordinary handlers work.
"""

from __future__ import annotations

__all__ = [
    "CancelledError",
    "InputError",
    "MemoryLimitError",
    "MissingBundleError",
    "ModelError",
    "NonFiniteError",
    "PerformanceWarning",
    "SemiringWidgetsError",
    "TapeError",
    "UnsupportedOpError",
    "sentence_of",
]


class SemiringWidgetsError(Exception):
    """Base of all errors raised by semiring_widgets.

    Example:
        >>> import semiring_widgets as sw
        >>> try:
        ...     with sw.record("scalar"):
        ...         ...
        ... except sw.SemiringWidgetsError as error:
        ...     print(type(error).__name__, error)
        InputError granularity is 'scalar'; choose one of primitive, operator, paper.
    """


class InputError(SemiringWidgetsError, ValueError):
    """An argument, text, target or position that cannot be used as given."""


class ModelError(SemiringWidgetsError, RuntimeError):
    """The model's own code failed; the original error is its ``__cause__``."""


class TapeError(SemiringWidgetsError, RuntimeError):
    """A tensor is not on the tape, or the tape cannot be used in this way."""


class UnsupportedOpError(SemiringWidgetsError, NotImplementedError):
    """An operator on a path has no rule; the message names the operator and its module."""


class NonFiniteError(SemiringWidgetsError, ArithmeticError):
    """NaN or infinity among weights, activations or local derivatives."""


class MemoryLimitError(SemiringWidgetsError, MemoryError):
    """The work would take more memory than ``max_memory`` allows."""


class CancelledError(SemiringWidgetsError):
    """The caller asked a running computation to stop."""


class PerformanceWarning(UserWarning):
    """The answers are the same, but take longer than they need to; said once in a process."""


class MissingBundleError(SemiringWidgetsError, RuntimeError):
    """The JavaScript bundle of the widgets is not installed."""


def sentence_of(error: BaseException, what: str = "The computation") -> str:
    """An error as one sentence for people: our own speak for themselves, others are named.

    Args:
        error: what was raised.
        what: failed, where the error is not one of ours.
    """
    if isinstance(error, SemiringWidgetsError):
        return str(error)
    lines = str(error).strip().splitlines()
    said = lines[0] if lines else "it gave no reason"
    return f"{what} failed with {type(error).__name__}: {said}"
