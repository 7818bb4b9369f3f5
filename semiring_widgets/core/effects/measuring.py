"""`test`: what really happens to the score when parts of a recorded forward pass are replaced."""

# ruff: noqa: PT028 (no test of this package, but a function that users call)

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.checks import memory_limit
from semiring_widgets.core.effects.asked import Finder, Tests, listed_tests
from semiring_widgets.core.effects.cut_points import Place
from semiring_widgets.core.effects.reference_values import Reference, reference_values
from semiring_widgets.core.effects.replacements import Told, value_for
from semiring_widgets.core.effects.routes import Changed, Way
from semiring_widgets.core.graph import find_nodes
from semiring_widgets.core.paths import Ground, ground_of
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.replay import Patch, Program, Replaced, run_batched
from semiring_widgets.core.tape import Node, Tape
from semiring_widgets.errors import InputError, TapeError

__all__ = ["Effect", "effects_of", "one_score", "replaced_by", "scores_of", "test", "told_of"]

Progress = Callable[[int, int], None]
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
    reference: Reference | None = None,
    resample: Reference | None = None,
    max_memory: int | None = None,
    progress: Progress | None = None,
) -> Effect | list[Effect]:
    """Replace something in a recorded forward pass, and see what becomes of the score.

    Everything behind it is run again from the tape, exactly as the model ran it; the model itself is neither
    called nor changed, and the tape stays as it is. What was drawn at random stays as it was drawn.

    This is activation patching (Vig et al. 2020, arXiv 2004.12265; Meng et al. 2022, arXiv 2202.05262): the
    effect of a part on all paths behind it at once, with everything else as it then is. Of a route it is path
    patching (Wang et al. 2022, arXiv 2211.00593): the change of its word is carried along its steps alone,
    with everything else as it was recorded.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,), computed in the recording.
        tests: a dict of what is replaced by what, all at once; or a pair or several of these, as a dict is no
            key of a dict; or a list of such tests, which are run together. What is replaced is

            - a tensor that was used inside the recording, or
            - a part: a `Selection` or a dict of its fields, as for `select_paths`. ``{"token": 5}`` is the
              row of an input, ``{"layer": 2, "token": 5}`` that of the residual stream which enters the
              layer; ``{"layer": 3, "head": 2}`` is the head's output: attention weights times values, before
              the output projection, at all tokens, or at the query ``"token"``; with ``"branch": "value"``
              (``"query"``, ``"key"``) it is the head's values at all tokens, or at one: what it reads there.
              ``{"layer": 3}`` is all heads and ``{"layer": 1, "branch": "mlp"}`` what the feed-forward part
              adds to the stream, at all tokens or one; or
            - several parts, a tuple or list, each of which is given what is said; or
            - a route, a `Route` or `RouteSteps`, alone in its test: the word where it begins is replaced.

            and what comes in its place is a tensor (shaped as the part, (examples, tokens, units), or as all
            of the tensor that it is in; or broadcasting to one of these), a number, ``"zero"``, ``"mean"``
            (over the tokens of the same tensor), ``"reference"`` or ``"resample"``.
        wrt: the inputs, as in `backprop`: needed for parts, whose layers and tokens are counted from there.
        reference: what ``"reference"`` means: other inputs, shaped as ``wrt``, or another text of any length
            (`Aligned`), or ``"zero"`` or ``"mean"`` for the inputs; None for that of the tape. A part's value
            under the reference is what it is when the tape is run with these inputs.
        resample: the same for ``"resample"``: a text to draw values from that is not the reference.
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
    asked, several = listed_tests(tests)
    program = Program(tape, node)
    ground = ground_of(tape, score, wrt, "gradient") if wrt is not None and starts else None
    find = Finder(tape, ground)
    placed = [[(find(where), given) for where, given in one] for one in asked]
    every = [(place, given) for one in placed for found, given in one for place in found.places]
    if reference is None and ground is not None:
        reference = tape.reference
    told = told_of(ground, program, every, {"reference": reference, "resample": resample})
    many: list[Replaced | Changed] = []
    for one in placed:
        routes = [(found, given) for found, given in one if isinstance(found, Way)]
        if routes and len(one) > 1:
            raise InputError(
                "A route is tested together with something else; its change is carried through a model that "
                "is otherwise as it was recorded, so give it a test of its own."
            )
        if routes:
            (way, given), *_ = routes
            many.append(Changed(way, value_for(way.start, given, told)))
        else:
            parts = [(place, given) for found, given in one for place in found.places]
            many.append(replaced_by(parts, told))
    found = effects_of(tape, program, many, limit=limit, progress=progress)
    return found if several else found[0]


def effects_of(
    tape: Tape,
    program: Program,
    many: Sequence[Replaced | Changed],
    *,
    limit: int | None = None,
    progress: Progress | None = None,
) -> list[Effect]:
    """Run tests, and the recorded numbers themselves beside them.

    Args:
        tape: the tape.
        program: all that leads to the score.
        many: what is replaced, by test; or what is changed along a route.
        limit: bytes, or None.
        progress: as in `test`.

    Raises:
        TapeError: the recorded numbers do not give the recorded score.
    """
    before = float(program.score.value)
    after = scores_of(tape, program, many, limit=limit, progress=progress)
    return [Effect(before, number) for number in after.flatten().tolist()]


def scores_of(
    tape: Tape,
    program: Program,
    many: Sequence[Replaced | Changed],
    *,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Tensor:
    """As `effects_of`, of one example or several: the scores with something replaced.

    Args:
        tape: the tape.
        program: all that leads to the score.
        many: what is replaced, in all examples at once, by test; or what is changed along a route.
        limit: bytes, or None.
        progress: as in `test`.

    Returns:
        Shape (tests, examples), float64, on the CPU.

    Raises:
        TapeError: the recorded numbers do not give the recorded score.
    """
    count = program.score.shape.numel()
    if not many:
        return torch.empty((0, count), dtype=torch.float64)
    tape.check_unchanged({step.op for step in program.steps if step.op.func is not None})
    parts = [one for one in many if not isinstance(one, Changed)]
    starts = {node: node.value for one in parts for node in one}
    starts |= {one.way.start.node: one.way.start.node.value for one in many if isinstance(one, Changed)}
    scores = run_batched(program, [*parts, starts], limit=limit, progress=progress)
    *others, again = scores.reshape(-1, count).double().cpu()
    measured = iter(others)
    after: list[Tensor] = []
    for one in many:
        if isinstance(one, Changed):
            score = one.score(program, _counted(progress, len(after), len(many)))
            after.append(score.reshape(count).double().cpu())
        else:
            after.append(next(measured))
    found = torch.stack(after)
    _check_again(program, again, found)
    return found


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


def _check_again(program: Program, again: Tensor, after: Tensor) -> None:
    node = program.score
    before = node.value.reshape(-1).double().cpu()
    made_from = [float(n.value.abs().max()) for n in (node.op.inputs() if node.op else ()) if n.value.numel()]
    least = min((n.dtype for n in (node, *(node.op.inputs() if node.op else ()))), key=lambda d: d.itemsize)
    agrees = _AGREES_IN_HALF if least.itemsize < 4 else _AGREES
    largest = torch.cat([before, after.flatten()]).abs().max().item()
    parted = (before - again).abs()
    # NaN is never near.
    if not bool((parted <= agrees * max([largest, *made_from, 1e-30])).all()):
        worst = int(parted.nan_to_num(math.inf).argmax())
        raise TapeError(
            f"Run again with the recorded numbers, this tape gives the score {again[worst]:.6g} instead of "
            f"{before[worst]:.6g}, so something in the model does not repeat, and a test would be wrong. Is "
            f"memory written that overlaps with what is read, or does it hold NaN?"
        )


def told_of(
    ground: Ground | None,
    program: Program,
    every: Iterable[tuple[Place, Any]],
    given: Mapping[str, Reference | None],
) -> Told:
    """What nodes are under the reference, and under a text to draw values from.

    Args:
        ground: from the inputs to the score; None where no inputs were named.
        program: all that leads to the score.
        every: places, with what is to be put there.
        given: by word, other inputs; None where there are none.

    Raises:
        InputError: other inputs that do not fit.
    """
    wanted = [(place.node, what) for place, what in every if isinstance(what, str)]
    told = {}
    for word, other in given.items():
        if other is not None:
            nodes = {node for node, what in wanted if what == word}
            told[word] = reference_values(ground, program, other, nodes, word)
    return told


def replaced_by(every: Iterable[tuple[Place, Any]], told: Told) -> Replaced:
    """What is put in the place of which nodes, where some parts are replaced together.

    Args:
        every: places, with what is put there.
        told: what nodes are under other inputs.
    """
    changes: dict[Node, Tensor | Patch] = {}
    for place, given in every:
        value, former = value_for(place, given, told), changes.get(place.node)
        if isinstance(former, Patch) and place.kept is not None:
            kept = former.kept | place.kept
            changes[place.node] = Patch(kept, torch.where(place.kept, value, former.value))
        elif isinstance(former, Tensor) and place.kept is not None:
            changes[place.node] = torch.where(place.kept, value, former)
        else:
            changes[place.node] = place.given(value)
    return changes


def _counted(progress: Progress | None, done: int, total: int) -> Callable[[], None] | None:
    return None if progress is None else lambda: progress(done, total)
