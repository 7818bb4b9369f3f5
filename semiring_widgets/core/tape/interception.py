"""Catching the calls of `torch.autograd.Function`s, which are no operators and so pass a dispatch mode by."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.autograd.function import FunctionCtx
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils.checkpoint import CheckpointFunction

from semiring_widgets.core.tape.arguments import is_tracked, tensors_in
from semiring_widgets.core.tape.functions import CustomFunction, agrees
from semiring_widgets.core.tape.operators import written_by
from semiring_widgets.errors import UnsupportedOpError

__all__ = ["Interception", "Outcome"]

# Where every Function looks up `apply`, also one that was taken as `step = MyFunction.apply` long before.
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


class Interception:
    """Context manager under which this thread's calls of Functions are handed over.

    Enter it while autograd is still at work: calls are run at the level where it was entered.

    Args:
        handle: takes the outcome of a call; what it returns is the result for the model.
    """

    def __init__(self, handle: Callable[[Outcome], Any]) -> None:
        self._handle = handle
        self._thread = threading.get_ident()
        self._busy = False

    def __enter__(self) -> Interception:
        self._excluded = torch._C._dispatch_tls_local_exclude_set()
        self._former = _BASE.__dict__.get("apply")

        def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
            return self._apply(cls, args, kwargs)

        _BASE.apply = classmethod(apply)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._former is None:
            del _BASE.apply
        else:
            _BASE.apply = self._former

    def _apply(self, cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        original = super(_BASE, cls).apply  # type: ignore[misc]
        if self._busy or threading.get_ident() != self._thread or not torch.is_grad_enabled():
            return original(*args, **kwargs)
        if cls is CheckpointFunction:
            # Its backward is the derivative of its forward by definition, only later and with less memory.
            run, _, *inputs = args
            return run(*inputs)
        with self._as_outside():
            outcome = _outcome(cls, original, args, kwargs)
        return self._handle(outcome)

    @contextmanager
    def _as_outside(self) -> Iterator[None]:
        """Autograd as it is outside of a recording."""
        self._busy = True
        try:
            with _disable_current_modes():
                included = torch._C._dispatch_tls_local_include_set()
                with torch._C._ForceDispatchKeyGuard(included, self._excluded), _own_saved_tensors():
                    yield
        finally:
            self._busy = False


def _own_saved_tensors() -> AbstractContextManager[Any]:
    """What a Function saves is saved, also inside of a checkpoint that would drop it and run again."""
    if torch._C._autograd._top_saved_tensors_default_hooks(True) is None:
        return nullcontext()
    return torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: tensor.detach().clone(), lambda saved: saved
    )


def _outcome(cls: Any, original: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Outcome:
    inputs = {id(a): a for a in args if is_tracked(a)}

    def forward(leaves: Sequence[Tensor]) -> Any:
        given = dict(zip(inputs, leaves, strict=True))
        return _forward(cls, [given.get(id(a), a) for a in args], kwargs)

    leaves = {key: _leaf(tensor) for key, tensor in inputs.items()}
    with _Watch(cls.__name__) as seen:
        result = original(*(leaves.get(id(a), a) for a in args), **kwargs)
    results = result if isinstance(result, tuple) else (result,)
    outputs = tuple(r if r.requires_grad else None for r in results if is_tracked(r))
    function = CustomFunction(cls.__name__, tuple(leaves.values()), outputs)
    bare = tuple(r.detach() if is_tracked(r) else r for r in results)
    repeatable = not seen.random and agrees(function, forward)
    return Outcome(
        inputs=tuple(inputs.values()),
        result=bare if isinstance(result, tuple) else bare[0],
        function=function,
        plain=(lambda: _forward(cls, args, kwargs)) if repeatable else None,
    )


def _leaf(tensor: Tensor) -> Tensor:
    # What was made under inference_mode is refused by autograd, its copies are not.
    return (tensor.clone() if tensor.is_inference() else tensor.detach()).requires_grad_()


def _forward(cls: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The forward as an ordinary function."""
    if cls.setup_context is not _BASE.setup_context:
        return cls.forward(*args, **kwargs)
    context: Any = FunctionCtx()
    context.needs_input_grad = tuple(is_tracked(a) for a in args)
    return cls.forward(context, *args, **kwargs)


class _Watch(TorchDispatchMode):
    """Looks out for random numbers, and refuses writes into tensors that a Function did not make.

    Raises:
        UnsupportedOpError: such a write; running the Function again would change the model.
    """

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
            if _storage(tensor) not in self._made:
                raise UnsupportedOpError(
                    f"torch.autograd.Function '{self._name}' writes in place into a tensor of shape "
                    f"{list(tensor.shape)} that it did not make, which cannot be recorded. Let it write into "
                    f"a clone, or use the model's plain PyTorch implementation of this step."
                )
        result = func(*args, **kwargs)
        given = {_storage(tensor) for tensor in tensors_in((args, tuple(kwargs.values())))}
        for tensor in tensors_in((result,)):
            if _storage(tensor) not in given:
                self._made[_storage(tensor)] = tensor
        return result


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata) if tensor.layout == torch.strided else id(tensor)
