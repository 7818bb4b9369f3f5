"""What every tensor is under the reference: a forward pass run with other inputs, or another recording."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from torch import Tensor

from semiring_widgets.core.effects.counterparts import values_in_other
from semiring_widgets.core.paths import Ground
from semiring_widgets.core.replay import Program, run
from semiring_widgets.core.replay.alignment import Aligned, alignment_of
from semiring_widgets.core.replay.inputs import Reference, inputs_of
from semiring_widgets.core.tape import Node

__all__ = ["Reference", "inputs_of", "reference_values", "values_under"]


def reference_values(
    ground: Ground | None,
    program: Program,
    given: Reference,
    nodes: Collection[Node],
    name: str = "reference",
) -> Mapping[Node, Tensor]:
    """Numbers of nodes under a reference.

    Args:
        ground: of this text; None where no inputs were named.
        program: all that leads to the score.
        given: the reference.
        nodes: whose numbers are wanted.
        name: of the argument, for messages.

    Raises:
        InputError: it does not fit.
    """
    starts = () if ground is None else ground.graph.wrt
    inputs = inputs_of(starts, given, name)
    if ground is not None and isinstance(given, Aligned) and given.tape is not None:
        return values_in_other(ground, given, alignment_of(starts, given, name), nodes, name)
    return values_under(program, inputs, nodes) if nodes else {}


def values_under(
    program: Program,
    inputs: dict[Node, Tensor],
    nodes: Collection[Node],
    progress: Callable[[], None] | None = None,
) -> dict[Node, Tensor]:
    """Numbers of nodes with other inputs.

    Args:
        program: all that leads to the score.
        inputs: the inputs, shaped and typed as they are.
        nodes: whose numbers are wanted.
        progress: called before every step; may raise to cancel.
    """
    found = run(program, inputs, keep=nodes, score=False, progress=progress)
    return {node: found.get(node, node.value) for node in nodes}
