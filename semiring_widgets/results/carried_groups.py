"""Groups of one question that go with the next: those whose parts are all there in its answer, too.

Heads and layers are the model's and stay; a part at a token stays where the same word stands in the same
place. The numbers are those of the new answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TypeAlias

from semiring_widgets.errors import CancelledError, SemiringWidgetsError
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.parts import Part

__all__ = ["carrying"]

_Check: TypeAlias = Callable[[], None]
_Report: TypeAlias = Callable[[Explanation], None]
_Run: TypeAlias = Callable[[_Report, _Check], Explanation]


def carrying(run: _Run, before: Explanation | None) -> _Run:
    """A run whose result has the groups of an earlier explanation.

    Args:
        run: gives the result.
        before: the earlier one; None for none.
    """
    if before is None or not before.groups:
        return run
    # Those of now: whoever removes one later removes it from what is shown.
    groups = tuple(before.groups.values())

    def run_and_carry(report: _Report, check: _Check) -> Explanation:
        result = run(report, check)
        for group in groups:
            if result.session is None or not all(_stays(part, before, result) for part in group.parts):
                continue
            check()
            parts = [asdict(part) for part in group.parts]
            try:
                result.groups.add(result.session.group(group.name, parts, check))
            except CancelledError:
                raise
            except SemiringWidgetsError:  # a group is no reason to lose the answer
                continue
        return result

    return run_and_carry


def _stays(part: Part, before: Explanation, now: Explanation) -> bool:
    """Whether a part stands for the same in another explanation of the same model."""
    if part.token is None:
        return True
    words = [_word(part, result) for result in (before, now)]
    return words[0] is not None and words[0] == words[1]


def _word(part: Part, result: Explanation) -> str | None:
    """The word at the token of a part; None where there is none."""
    stream = part.stream if part.layer is None else result.layers[part.layer].stream
    tokens = result.streams[stream].tokens if stream < len(result.streams) else ()
    return tokens[part.token].raw if part.token is not None and part.token < len(tokens) else None
