"""One recorded operator on other numbers, exactly as the model would call it.

Between what the tape holds and what the model had there are small differences, which are made up for here. A
copy that changes no number is no node: a node may be laid out in memory otherwise than what the operator got,
or have fewer digits (a half-precision tensor that was widened before a norm). Complex nodes are held as pairs
of real numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.replay.linear_layers import linear_layer
from semiring_widgets.core.tape import CustomFunction, Node, Op, units
from semiring_widgets.errors import UnsupportedOpError

__all__ = ["call", "is_random", "stabiliser"]

aten = torch.ops.aten


def call(
    op: Op,
    given: Callable[[Node], Tensor],
    constant: Callable[[Tensor], Tensor],
    shape: Sequence[int] | None = None,
) -> tuple[Any, ...]:
    """Run an operator again; always gives a tuple, with nodes as they are held.

    Args:
        op: the operator.
        given: what to take for a node.
        constant: what to take for a tensor that is no node, such as a mask.
        shape: that of its only result, where it is not the node's.

    Raises:
        UnsupportedOpError: its call cannot be repeated, or gives another shape.
    """
    wide = _dtype(op)

    def number(node: Node) -> Tensor:
        real = given(node)
        if wide is not None and torch.promote_types(real.dtype, wide) == wide:
            real = real.to(wide)
        return torch.view_as_complex(real.contiguous()) if node.complex else real

    args = _filled(op.args, number, constant)
    kwargs = {name: _filled(arg, number, constant) for name, arg in op.kwargs.items()}
    result = _run(op, args, kwargs)
    results = result if isinstance(result, (tuple, list)) else (result,)
    return tuple(
        _as_held(op, node, result, node.shape if shape is None else shape) if node is not None else result
        for node, result in zip(op.outputs, results, strict=True)
    )


def is_random(op: Op) -> bool:
    """Whether an operator draws its results; they stay as they were drawn."""
    return torch.Tag.nondeterministic_seeded in getattr(op.func, "tags", ())


def stabiliser(x: Tensor, dims: list[int]) -> Tensor:
    """What a softmax subtracts before it exponentiates: the maximum, 0 where all is masked by -inf."""
    top = torch.amax(x, dims, keepdim=True)
    return torch.where(top.isneginf(), torch.zeros_like(top), top)


def _run(op: Op, args: Any, kwargs: dict[str, Any]) -> Any:
    func = op.func
    if isinstance(func, CustomFunction):
        if _batched():
            # PyTorch's own check of that ends in an internal error.
            raise RuntimeError("a torch.autograd.Function is not called on many rows at once")
        if func.again is None:
            raise UnsupportedOpError(
                f"{op.where} draws random numbers inside, so it cannot be run again with other numbers. Test "
                f"a part behind it, or record the model in evaluation mode."
            )
        found = func.again(args)
        values = found if isinstance(found, (tuple, list)) else (found,)
        return tuple(v for v in values if isinstance(v, Tensor) and (v.is_floating_point() or v.is_complex()))
    special = _SPECIAL.get(getattr(func, "overloadpacket", None))
    if special is not None:
        return special(op, *args, **kwargs)
    if getattr(func, "_schema", None) is not None and func._schema.is_mutable:
        # A write that has no form that only returns its result: the tape keeps its own numbers.
        args = _filled(tuple(args), lambda node: node, Tensor.clone)
    return func(*args, **kwargs)


def _dtype(op: Op) -> torch.dtype | None:
    """The dtype that an operator's numbers have to be widened to before it, if they are narrower."""
    if op.kwargs.get("dtype") is not None or getattr(op.func, "overloadpacket", None) in _CASTING:
        return None
    made = next((node for node in op.outputs if node is not None), None)
    return made.dtype if made is not None else None


def _as_held(op: Op, node: Node, result: Tensor, shape: Sequence[int]) -> Tensor:
    real = units(result)
    if list(real.shape) != list(shape):
        raise UnsupportedOpError(
            f"With other numbers, {op.where} gives the shape {list(real.shape)} where the recording has "
            f"{list(shape)}: how many elements there are depends on them. Record the model again with "
            f"these numbers instead."
        )
    # A write in place rounds to what it writes into.
    return real if real.dtype == node.dtype else real.to(node.dtype)


def _filled(given: Any, number: Callable[[Node], Any], constant: Callable[[Tensor], Any]) -> Any:
    if isinstance(given, Node):
        return number(given)
    if isinstance(given, Tensor):
        return constant(given)
    if isinstance(given, (list, tuple)):
        return type(given)([_filled(each, number, constant) for each in given])
    return given


def _reshape(op: Op, x: Tensor, shape: Any) -> Tensor:
    return x.reshape(shape) if not isinstance(shape, torch.dtype) else x.view(shape)


def _places(op: Op, size: Any, stride: Any, offset: Any) -> tuple[Tensor, bool]:
    """For each element of a window on memory, which element of the tensor it shows; and if all are inside."""
    held = op.args[0]
    if isinstance(held, Node):
        held = torch.view_as_complex(held.value) if held.complex else held.value
    storage = torch.full((held.untyped_storage().nbytes() // held.element_size(),), -1, device=held.device)
    window = storage.as_strided(held.shape, held.stride(), held.storage_offset())
    window.copy_(torch.arange(held.numel(), device=held.device).reshape(held.shape))
    shown = storage.as_strided(size, stride, held.storage_offset() if offset is None else offset)
    return shown, bool((shown >= 0).all())


def _window(op: Op, x: Tensor, size: Any, stride: Any, offset: Any = None) -> Tensor:
    places, inside = _places(op, size, stride, offset)
    if not inside:
        raise UnsupportedOpError(
            f"{op.where} looks at memory outside of its input, so it cannot be run again."
        )
    return x.reshape(-1)[places]


def _into_window(op: Op, x: Tensor, written: Tensor, size: Any, stride: Any, offset: Any = None) -> Tensor:
    places, inside = _places(op, size, stride, offset)
    if not inside:
        raise UnsupportedOpError(f"{op.where} writes memory outside of its input, so it cannot be run again.")
    filled = x.reshape(-1).index_put([places.reshape(-1)], written.reshape(-1).to(x.dtype))
    return filled.reshape(x.shape)


def _copy(op: Op, x: Tensor, source: Tensor, non_blocking: bool = False) -> Tensor:
    return source.to(x.dtype).expand(x.shape)


def _fill(op: Op, x: Tensor, value: Any) -> Tensor:
    return _copy(op, x, value) if isinstance(value, Tensor) else torch.full_like(x, value)


def _masked_fill(op: Op, x: Tensor, mask: Tensor, value: Any) -> Tensor:
    return (
        torch.where(mask, value.to(x.dtype), x) if isinstance(value, Tensor) else x.masked_fill(mask, value)
    )


def _masked_scatter(op: Op, x: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    shape = torch.broadcast_shapes(x.shape, mask.shape)
    places = mask.expand(shape).reshape(-1).nonzero().squeeze(-1)
    filled = x.expand(shape).reshape(-1).index_put([places], source.reshape(-1)[: len(places)])
    return filled.reshape(shape)


def _linear(op: Op, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
    return linear_layer(x, weight, bias) if _batched() else op.func(x, weight, bias)


def _addmm(op: Op, bias: Tensor, x: Tensor, weight: Tensor, **factors: Any) -> Any:
    if factors or not _batched():
        return op.func(bias, x, weight, **factors)
    return linear_layer(x, weight.t(), bias)


def _batched() -> bool:
    """Whether this is run under `torch.vmap`; elsewhere operators are run just as they were recorded."""
    return torch._C._functorch.peek_interpreter_stack() is not None


# The last four have no batching rule in PyTorch.
_SPECIAL: dict[Any, Callable[..., Any]] = {
    aten.linear: _linear,
    aten.addmm: _addmm,
    aten.view: _reshape,
    aten._unsafe_view: _reshape,
    aten.as_strided: _window,
    aten.as_strided_scatter: _into_window,
    aten.copy: _copy,
    aten.fill: _fill,
    aten.masked_fill: _masked_fill,
    aten.masked_scatter: _masked_scatter,
}
# They say themselves what they compute in.
_CASTING = {
    aten._to_copy,
    aten._softmax,
    aten._log_softmax,
    aten._safe_softmax,
    aten.view,
    aten.alias,
    aten.detach,
}
