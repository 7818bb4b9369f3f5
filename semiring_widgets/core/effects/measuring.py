"""`test`: what really happens to the score when parts of a recorded forward pass are replaced."""

# ruff: noqa: PT028 (no test of this package, but a function that users call)

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from semiring_widgets.checks import memory_limit, shown
from semiring_widgets.core.anatomy import Extent, Selection, checked, extent_of, find_anatomy
from semiring_widgets.core.effects.cut_points import Place, place_of
from semiring_widgets.core.effects.replacements import value_for
from semiring_widgets.core.graph import GradientGraph, find_nodes
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.replay import Patch, Program, Replaced, run_batched
from semiring_widgets.core.replay.references import inputs_of, values_under
from semiring_widgets.core.tape import Node, Tape
from semiring_widgets.errors import InputError, TapeError

__all__ = ["Effect", "Tests", "effects_of", "one_score", "test"]

Progress = Callable[[int, int], None]
Where = Tensor | Selection | Mapping[str, Any]
# One test: replacements by place, or pairs of them.
Tests = Mapping[Any, Any] | Sequence[Any]
# How far the score of the recording may be from that of its own numbers run again, relative to the numbers
# that it was computed from. What this lets pass is rounding; what it is there for is no rounding.
_AGREES = 1e-3
_AGREES_IN_HALF = 5e-2


@dataclass(frozen=True)
class Effect:
    """What one test found.

    Attributes:
        before: the score as it was recorded.
        after: the score with the part replaced.

    Example:
        >>> from semiring_widgets import Effect
        >>> Effect(before=2.5, after=-0.5).effect
        3.0
    """

    before: float
    after: float

    @property
    def effect(self) -> float:
        """``before - after``: positive where what was replaced spoke for the score."""
        return self.before - self.after


@torch.no_grad()
@in_full_precision
def test(
    tape: Tape,
    score: Tensor,
    tests: Tests,
    *,
    wrt: Tensor | Sequence[Tensor] | None = None,
    reference: Tensor | Sequence[Tensor] | str | None = None,
    max_memory: int | None = None,
    progress: Progress | None = None,
) -> Effect | list[Effect]:
    """Replace something in a recorded forward pass, and see what becomes of the score.

    Everything behind it is run again from the tape, exactly as the model ran it; the model itself is neither
    called nor changed, and the tape stays as it is. What was drawn at random stays as it was drawn.

    This is activation patching (Vig et al. 2020, arXiv 2004.12265; Meng et al. 2022, arXiv 2202.05262): the
    effect of a part on all paths behind it at once, with everything else as it then is.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,), computed in the recording.
        tests: a dict of what is replaced by what, all at once; or pairs of these, as a dict is no key of a
            dict; or a list of such tests, which are run together. What is replaced is

            - a tensor that was used inside the recording, or
            - a part: a `Selection` or a dict of its fields, as for `select_paths`. ``{"token": 5}`` is the
              row of an input, ``{"layer": 2, "token": 5}`` that of the residual stream which enters the
              layer; ``{"layer": 3, "head": 2}`` is the head's output: attention weights times values, before
              the output projection, at all tokens, or at the query ``"token"``; with ``"branch": "value"``
              (``"query"``, ``"key"``) it is the head's values at all tokens, or at one; ``{"layer": 3}`` is
              all heads and ``{"layer": 1, "branch": "mlp"}`` what the feed-forward part adds to the stream.

            and what comes in its place is a tensor (shaped as the part, (examples, tokens, units), or as all
            of the tensor that it is in; or broadcasting to one of these), a number, ``"zero"``, ``"mean"``
            (over the tokens of the same tensor) or ``"reference"``.
        wrt: the inputs, as in `backprop`: needed for parts, whose layers and tokens are counted from there.
        reference: what ``"reference"`` means: other inputs, shaped as ``wrt``, or ``"zero"`` or ``"mean"``
            for the inputs. A part's value under the reference is what it is when the tape is run with these
            inputs.
        max_memory: bytes that this may take beside the tape; None for no limit. It is then run in smaller
            batches, down to one test at a time.
        progress: called with (steps done, steps in all); may raise to cancel.

    Returns:
        An `Effect` with ``before``, ``after`` and ``effect = before - after``, in the unit of the score; for
        a list of tests, a list.

    Raises:
        InputError: a part that the model does not have, a replacement that does not fit, several scores.
        TapeError: as `backprop`; or the recorded numbers themselves do not give the recorded score.
        UnsupportedOpError: with these numbers the model would have gone another way (a mixture sends a token
            to another expert), or does what cannot be followed; the message names it.

    Example:
        >>> import torch, semiring_widgets as sw
        >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> with sw.record() as tape:
        ...     hidden = x * 2
        ...     score = (hidden * hidden).sum()
        >>> sw.test(tape, score, {hidden: 0.0})
        Effect(before=120.0, after=0.0)
        >>> both = sw.test(tape, score, [[({"token": 0}, "zero")], [({"token": 1}, "mean")]], wrt=x)
        >>> [one.effect for one in both]
        [20.0, 48.0]
    """
    node, starts = find_nodes(tape, score, () if wrt is None else wrt)
    one_score(score)
    limit = memory_limit(max_memory)
    several = _is_list_of_tests(tests)
    pairs = [_pairs(one) for one in (cast("Sequence[Any]", tests) if several else [tests])]
    program = Program(tape, node)
    find = _Finder(tape, node, starts)
    placed = [[(find(where), given) for where, given in one] for one in pairs]
    told = None
    if reference is not None:
        asked = {place.node for one in placed for place, given in one if isinstance(given, str)}
        told = values_under(program, inputs_of(starts, reference), asked)
    many = [_replaced(one, told) for one in placed]
    found = effects_of(tape, program, many, limit=limit, progress=progress)
    return found if several else found[0]


def effects_of(
    tape: Tape,
    program: Program,
    many: Sequence[Replaced],
    *,
    limit: int | None = None,
    progress: Progress | None = None,
) -> list[Effect]:
    """Run tests, and the recorded numbers themselves beside them.

    Args:
        tape: the tape.
        program: all that leads to the score.
        many: what is replaced, by test.
        limit: bytes, or None.
        progress: as in `test`.

    Raises:
        TapeError: the recorded numbers do not give the recorded score.
    """
    if not many:
        return []
    tape.check_unchanged({step.op for step in program.steps if step.op.func is not None})
    starts = {node: node.value for replaced in many for node in replaced}
    scores = run_batched(program, [*many, starts], limit=limit, progress=progress)
    *after, again = (float(number) for number in scores.flatten())
    before = float(program.score.value)
    _check_again(program, before, again, max(abs(number) for number in (before, *after)))
    return [Effect(before, number) for number in after]


def one_score(score: Tensor) -> None:
    """Refuse several scores.

    Raises:
        InputError: says how many there are.
    """
    if score.numel() != 1:
        raise InputError(
            f"score has shape {list(score.shape)}; a test is about one number, shape () or (1,). Sum over "
            f"the examples, or test one by one."
        )


def _check_again(program: Program, before: float, again: float, largest: float) -> None:
    node = program.score
    made_from = [float(n.value.abs().max()) for n in (node.op.inputs() if node.op else ()) if n.value.numel()]
    least = min((n.dtype for n in (node, *(node.op.inputs() if node.op else ()))), key=lambda d: d.itemsize)
    agrees = _AGREES_IN_HALF if least.itemsize < 4 else _AGREES
    if not abs(before - again) <= agrees * max([largest, *made_from, 1e-30]):
        raise TapeError(
            f"Run again with the recorded numbers, this tape gives the score {again:.6g} instead of "
            f"{before:.6g}, so something in the model does not repeat, and a test would be wrong. Is memory "
            f"written that overlaps with what is read, or does it hold NaN?"
        )


class _Finder:
    """Where things are that are to be replaced.

    Args:
        tape: the tape.
        score: its node.
        starts: the inputs; parts are only known where there are some.
    """

    def __init__(self, tape: Tape, score: Node, starts: Sequence[Node]) -> None:
        self._tape, self._score, self._starts = tape, score, starts
        self._ground: tuple[GradientGraph, Any, Extent] | None = None

    def __call__(self, where: Where) -> Place:
        """The place of a tensor or a part.

        Raises:
            InputError, TapeError: there is none.
        """
        if isinstance(where, Tensor):
            return Place(self._tape.node(where, "tensor to replace"))
        if not self._starts:
            raise InputError(
                f"{shown(where)} is to be replaced: layers and tokens are counted from the inputs, so give "
                f"wrt=, the inputs that were used inside the recording."
            )
        if self._ground is None:
            graph = GradientGraph(self._tape, self._score, self._starts)
            anatomy = find_anatomy(graph)
            self._ground = graph, anatomy, extent_of(graph, anatomy)
        graph, anatomy, extent = self._ground
        chosen = checked(where, extent)
        if len(chosen) != 1:
            raise InputError(
                f"{shown(where)} is to be replaced; give a tensor that was used inside the recording, or a "
                f"part, for example {{'layer': 3, 'head': 2}}."
            )
        return place_of(graph, anatomy, chosen[0])


def _replaced(placed: Sequence[tuple[Place, Any]], reference: Mapping[Node, Tensor] | None) -> Replaced:
    changes: dict[Node, Tensor | Patch] = {}
    for place, given in placed:
        value, former = value_for(place, given, reference), changes.get(place.node)
        if isinstance(former, Patch) and place.kept is not None:
            kept = former.kept | place.kept
            changes[place.node] = Patch(kept, torch.where(place.kept, value, former.value))
        elif isinstance(former, Tensor) and place.kept is not None:
            changes[place.node] = torch.where(place.kept, value, former)
        else:
            changes[place.node] = place.given(value)
    return changes


def _is_pair(thing: Any) -> bool:
    return isinstance(thing, tuple) and len(thing) == 2 and not isinstance(thing[0], tuple)


def _is_list_of_tests(tests: Any) -> bool:
    if isinstance(tests, Mapping) or not isinstance(tests, (list, tuple)):
        return False
    return not all(_is_pair(one) for one in tests) or not tests


def _pairs(one: Any) -> list[tuple[Where, Any]]:
    if isinstance(one, Mapping):
        pairs: list[Any] = list(one.items())
    else:
        pairs = list(one) if isinstance(one, (list, tuple)) else [None]
    if not pairs or not all(_is_pair(pair) for pair in pairs):
        raise InputError(
            f"A test is {shown(one)}; give a dict of what is replaced by what, such as {{hidden: 0.0}}, or a "
            f"list of such pairs: [({{'layer': 3, 'head': 2}}, 'zero')]."
        )
    return pairs
