"""What stands for the inputs under a reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.checks import choice
from semiring_widgets.core.graph import listed
from semiring_widgets.core.replay.alignment import Aligned, alignment_of
from semiring_widgets.core.tape import Node
from semiring_widgets.errors import InputError

__all__ = ["Reference", "inputs_of"]

# One choice for the inputs: other ones of the same shape, or another text, or a word.
Reference = Tensor | Sequence[Tensor] | Aligned | str
_WORDS = ("zero", "mean")


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
