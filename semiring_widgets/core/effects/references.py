"""What every tensor is under the reference: a forward pass run with other inputs, or another recording."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.checks import choice
from semiring_widgets.core.effects.alignment import Aligned, alignment_of
from semiring_widgets.core.effects.counterparts import values_in_other
from semiring_widgets.core.graph import listed
from semiring_widgets.core.paths import Ground
from semiring_widgets.core.replay import Program, run
from semiring_widgets.core.tape import Node
from semiring_widgets.errors import InputError

__all__ = ["Reference", "inputs_of", "reference_values", "values_under"]

# One choice for the inputs: other ones of the same shape, or another text, or a word.
Reference = Tensor | Sequence[Tensor] | Aligned | str
_WORDS = ("zero", "mean")


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
    found = run(program, inputs, keep=nodes, progress=progress)
    return {node: found.get(node, node.value) for node in nodes}


def inputs_of(starts: Sequence[Node], given: Any, name: str = "reference") -> dict[Node, Tensor]:
    """The inputs of a reference, checked.

    Args:
        starts: the inputs.
        given: one tensor for each, another text, or ``"zero"`` or ``"mean"``.
        name: of the argument.

    Raises:
        InputError: other shapes than those of the inputs, or there are no inputs.
    """
    if not starts:
        raise InputError(f"{name}= is about the inputs, and there are none; give wrt=.")
    if isinstance(given, str):
        zero = choice(given, name, _WORDS) == "zero"
        return {node: torch.zeros_like(node.value) if zero else _mean(node) for node in starts}
    aligned = isinstance(given, Aligned)
    stands = alignment_of(starts, given, name) if aligned else ()
    many = listed(given.inputs if aligned else given, name)
    shapes, wanted = [list(one.shape) for one in many], [list(node.outer) for node in starts]
    if not aligned and shapes != wanted:
        raise InputError(
            f"{name} has the shapes {shapes}; wrt has {wanted}: give one reference of the same shape for "
            f"each. A text of another length has to be aligned first: sw.Aligned(inputs, tokens)."
        )
    found = {}
    for position, (node, one) in enumerate(zip(starts, many, strict=True)):
        real = torch.view_as_real(one.detach().to(torch.complex128)) if node.complex else one.detach()
        real = real.to(dtype=node.dtype, device=node.device)
        if aligned:
            dim = len(node.outer) - 2
            real = given.own_rows(node.value, dim, real, stands[position])
        found[node] = real
        if not bool(found[node].isfinite().all()):
            raise InputError(f"{name} holds NaN or infinity; give finite numbers.")
    return found


def _mean(node: Node) -> Tensor:
    value = node.value
    mean = value.mean(-2, keepdim=True) if value.dim() > 1 else value.mean()
    return mean.expand(value.shape)
