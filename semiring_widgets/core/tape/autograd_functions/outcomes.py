"""What a call of a `torch.autograd.Function` gives: it is run once outside of any recording to find out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.autograd.function import FunctionCtx
from torch.utils._python_dispatch import TorchDispatchMode

from semiring_widgets.core.tape.arguments import is_tracked, tensors_in
from semiring_widgets.core.tape.autograd_functions.custom import CustomFunction, agrees
from semiring_widgets.core.tape.op_facts import written_by
from semiring_widgets.errors import UnsupportedOpError

__all__ = ["Outcome", "outcome_of", "takes_context"]

# The part of a Function that is written in Python; what lies below it is in C++.
_BASE: Any = torch.autograd.function._SingleLevelFunction


@dataclass(frozen=True)
class Outcome:
    """What a call gave.

    Attributes:
        inputs: its floating-point arguments, each once.
        result: what it returned, without history.
        function: the call as one operator.
        plain: computes the same by the operators of the forward; None if their derivatives are others.
    """

    inputs: tuple[Tensor, ...]
    result: Any
    function: CustomFunction
    plain: Callable[[], Any] | None


def outcome_of(cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Outcome:
    """Call a Function; nothing may intercept or record that.

    Args:
        cls: the Function.
        args: what `apply` was given.
        kwargs: and that by name.

    Raises:
        UnsupportedOpError: it writes into its arguments.
    """
    inputs = {id(a): a for a in args if is_tracked(a)}

    def forward(leaves: Sequence[Tensor]) -> Any:
        given = dict(zip(inputs, leaves, strict=True))
        return _plain_forward(cls, [given.get(id(a), a) for a in args], kwargs)

    def again(others: Sequence[Tensor]) -> Any:
        given = dict(zip(inputs, others, strict=True))
        return apply(*(given.get(id(a), a) for a in args), **kwargs)

    leaves = {key: _leaf_of(tensor) for key, tensor in inputs.items()}
    # `apply` itself, also where a class has put its own in front of it.
    apply = super(_BASE, cls).apply
    with _Watch(cls.__name__) as seen:
        result = apply(*(leaves.get(id(a), a) for a in args), **kwargs)
    results = result if isinstance(result, tuple) else (result,)
    outputs = tuple(r if r.requires_grad else None for r in results if is_tracked(r))
    repeats = None if seen.random else again
    function = CustomFunction(cls.__name__, tuple(leaves.values()), outputs, repeats)
    bare = tuple(r.detach() if is_tracked(r) else r for r in results)
    repeatable = not seen.random and agrees(function, forward)
    return Outcome(
        inputs=tuple(inputs.values()),
        result=bare if isinstance(result, tuple) else bare[0],
        function=function,
        plain=(lambda: _plain_forward(cls, args, kwargs)) if repeatable else None,
    )


def _leaf_of(tensor: Tensor) -> Tensor:
    # What was made under inference_mode is refused by autograd, its copies are not.
    return (tensor.clone() if tensor.is_inference() else tensor.detach()).requires_grad_()


def takes_context(cls: Any) -> bool:
    """Whether the forward of a Function is of the older style: its first argument is the context."""
    return cls.setup_context is _BASE.setup_context


def _plain_forward(cls: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The forward as an ordinary function."""
    if not takes_context(cls):
        return cls.forward(*args, **kwargs)
    context: Any = FunctionCtx()
    context.needs_input_grad = tuple(is_tracked(a) for a in args)
    return cls.forward(context, *args, **kwargs)


class _Watch(TorchDispatchMode):
    """Looks out for random numbers, and refuses writes into tensors that a Function did not make.

    Raises:
        UnsupportedOpError: such a write; running the Function again would change the model.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing here is compiled, and the wrapper that says so imports the compiler: seconds."""
        return False

    def __init__(self, name: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.random = False
        self._name = name
        self._made: dict[int, Tensor] = {}

    def __torch_dispatch__(
        self, func: OpOverload, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        self.random |= torch.Tag.nondeterministic_seeded in func.tags
        for tensor in tensors_in(written_by(func, args, kwargs)):
            if _memory_key(tensor) not in self._made:
                raise UnsupportedOpError(
                    f"torch.autograd.Function '{self._name}' writes in place into a tensor of shape "
                    f"{list(tensor.shape)} that it did not make, which cannot be recorded. Let it write into "
                    f"a clone, or use the model's plain PyTorch implementation of this step."
                )
        result = func(*args, **kwargs)
        given = {_memory_key(tensor) for tensor in tensors_in((args, tuple(kwargs.values())))}
        for tensor in tensors_in((result,)):
            if _memory_key(tensor) not in given:
                self._made[_memory_key(tensor)] = tensor
        return result


def _memory_key(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata) if tensor.layout == torch.strided else id(tensor)
