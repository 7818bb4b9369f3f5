"""`torch.autograd.Function`s: steps of a model that bring a backward of their own.

Autograd believes that backward, not the operators of the forward; so do we. Where its backward gives, for
random cotangents, what the operators of its forward give, these operators are recorded and paths go through
each of them. If not, the call is one operator, `CustomFunction`, whose local derivatives are asked of that
backward: a straight-through estimator (https://arxiv.org/abs/1308.3432), a reversed gradient
(https://arxiv.org/abs/1505.07818), a kernel that autograd cannot see into.

Two linear maps that agree on a random direction are equal with probability 1, so a few directions are enough
(https://en.wikipedia.org/wiki/Freivalds%27_algorithm); several lengths of them tell a backward that is not
linear, such as one that clips.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.tape.arguments import is_tracked
from semiring_widgets.errors import UnsupportedOpError

__all__ = ["CustomFunction", "agrees", "is_close", "probes"]

_DIRECTIONS = 3
# Gradients that differ by no more than this part of the largest are the same: backwards are often written
# with constants of 8 digits. In half precision it is a few roundings.
_SAME = 1e-5
_ROUNDINGS = 8


@dataclass(eq=False)
class CustomFunction:
    """One call of a Function as an operator of the tape; stands where others have their ATen overload.

    Attributes:
        name: of its class.
        inputs: its floating-point arguments, each once, as the leaves that it was called with.
        outputs: its floating-point results with their history; None where one is not differentiable.
        again: calls it with other inputs and gives all that it returns; None if it draws random numbers.
    """

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor | None, ...]
    again: Callable[[Sequence[Tensor]], Any] | None = None
    is_view = False
    tags: tuple[torch.Tag, ...] = ()

    @property
    def overloadpacket(self) -> type[CustomFunction]:
        """What a rule for it is registered for."""
        return CustomFunction

    def pull(self, cotangents: Sequence[Tensor | None]) -> list[Tensor]:
        """Its backward: one cotangent per output (None is 0), one gradient per input."""
        known = [(out, v) for out, v in zip(self.outputs, cotangents, strict=True) if out is not None]
        with torch.inference_mode(False), _without_accumulation(self.name):
            found = torch.autograd.grad(
                [out for out, _ in known],
                self.inputs,
                [torch.zeros_like(out) if v is None else v.to(out.dtype) for out, v in known],
                retain_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )
        return list(found)

    def __str__(self) -> str:
        return f"torch.autograd.Function '{self.name}'"


def agrees(function: CustomFunction, forward: Callable[[Sequence[Tensor]], Any]) -> bool:
    """Whether the backward of a call is the derivative of its forward's operators.

    Args:
        function: the call.
        forward: runs the forward as an ordinary function of other inputs.
    """
    leaves = [leaf.detach().requires_grad_() for leaf in function.inputs]
    try:
        results = forward(leaves)
        again = [r for r in (results if isinstance(results, tuple) else (results,)) if is_tracked(r)]
        pairs = [(a, out) for a, out in zip(again, function.outputs, strict=True) if out is not None]
        if not all(a.shape == out.shape and is_close(a, out, out.dtype) for a, out in pairs):
            return False
        depending = [a for a, _ in pairs if a.requires_grad]
        if not depending:
            return False
        coarsest = max((out.dtype for _, out in pairs), key=lambda dtype: torch.finfo(dtype).eps)
        for cotangents in probes(function.outputs):
            expected = function.pull(cotangents)
            given = zip(again, cotangents, strict=True)
            found = torch.autograd.grad(
                depending,
                leaves,
                [v for a, v in given if v is not None and a.requires_grad],
                retain_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )
            if not all(is_close(a, b, coarsest) for a, b in zip(found, expected, strict=True)):
                return False
    # Both are somebody's code. If its operators cannot be differentiated, they are not used; if its backward
    # fails, it will fail again, with a message, once its derivatives are wanted.
    except Exception:  # noqa: BLE001
        return False
    return True


def probes(outputs: Sequence[Tensor | None]) -> Iterator[list[Tensor | None]]:
    """Random cotangents for every output, of length about 1, very long and very short."""
    half = any(out is not None and torch.finfo(out.dtype).bits < 32 for out in outputs)
    for number in range(_DIRECTIONS):
        # The same numbers every time, and none of the model's own random numbers.
        generator = torch.Generator().manual_seed(number)
        length = 2.0 ** ((4 if half else 30) * (0, 1, -1)[number])
        yield [None if out is None else _random(out, generator) * length for out in outputs]


def is_close(one: Tensor, other: Tensor, dtype: torch.dtype) -> bool:
    """Whether two tensors differ by no more than roundings of a dtype, relative to the largest number."""
    if not other.numel():
        return True
    tolerance = max(_SAME, _ROUNDINGS * torch.finfo(dtype).eps)
    return bool((one - other).detach().abs().max() <= tolerance * other.detach().abs().max())


def _random(like: Tensor, generator: torch.Generator) -> Tensor:
    dtype = torch.complex128 if like.is_complex() else torch.float64
    return torch.randn(like.shape, generator=generator, dtype=dtype).to(like)


@contextmanager
def _without_accumulation(name: str) -> Iterator[None]:
    """Refuses a backward that calls `backward`: it would add to the .grad of the model's parameters."""

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise UnsupportedOpError(
            f"torch.autograd.Function '{name}' calls backward() in its backward, as reversible layers do; "
            f"that would change the .grad of the model's parameters. Use the model's plain PyTorch "
            f"implementation of this step."
        )

    former, torch.autograd.backward = torch.autograd.backward, refuse
    try:
        yield
    finally:
        torch.autograd.backward = former
