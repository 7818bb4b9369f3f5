"""What every tensor is when a recorded forward pass is run with other inputs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.checks import choice
from semiring_widgets.core.graph import listed
from semiring_widgets.core.replay.program import Program
from semiring_widgets.core.replay.running import run
from semiring_widgets.core.tape import Node
from semiring_widgets.errors import InputError

__all__ = ["inputs_of", "values_under"]

_WORDS = ("zero", "mean")


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
        given: one tensor for each, or ``"zero"`` or ``"mean"``.
        name: of the argument.

    Raises:
        InputError: other shapes than those of the inputs, or there are no inputs.
    """
    if not starts:
        raise InputError(f"{name}= is about the inputs, and there are none; give wrt=.")
    if isinstance(given, str):
        zero = choice(given, name, _WORDS) == "zero"
        return {node: torch.zeros_like(node.value) if zero else _mean(node) for node in starts}
    many = listed(given, name)
    shapes, wanted = [list(one.shape) for one in many], [list(node.outer) for node in starts]
    if shapes != wanted:
        raise InputError(
            f"{name} has the shapes {shapes}; wrt has {wanted}: give one reference of the same shape for "
            f"each. A text of another length has to be aligned first."
        )
    found = {}
    for node, one in zip(starts, many, strict=True):
        real = torch.view_as_real(one.detach().to(torch.complex128)) if node.complex else one.detach()
        found[node] = real.to(dtype=node.dtype, device=node.device)
        if not bool(found[node].isfinite().all()):
            raise InputError(f"{name} holds NaN or infinity; give finite numbers.")
    return found


def _mean(node: Node) -> Tensor:
    value = node.value
    mean = value.mean(-2, keepdim=True) if value.dim() > 1 else value.mean()
    return mean.expand(value.shape)
