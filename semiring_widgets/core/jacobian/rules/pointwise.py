"""Pointwise operators: each output element depends on one element of each input.

The inputs are expanded to the output's shape, so that autograd of the operator itself gives one derivative
per place; broadcasting is then the block's affair. An input that is used twice is one leaf, so its parallel
edges become one edge with the total derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.jacobian.rules.call import Call
from semiring_widgets.core.looks import any_true
from semiring_widgets.core.tape import Node

__all__ = ["fill_rule", "rule"]

aten = torch.ops.aten


def rule(call: Call) -> Iterator[Edge]:
    """Any operator tagged pointwise, whatever the broadcasting."""
    known = _READ_OFF.get(call.op.func.overloadpacket)
    if known is not None and (not call.complex or known in (_where, _masked_fill)):
        found = known(call)
        if found is not None:
            for source, target, derivative in found:
                yield _edge(call, source, target, derivative)
            return
    full = call.targets[0].outer
    for source, target, gradient in call.gradients(lambda node: _expand(call, node, full)):
        if gradient is not None:
            if call.op.func.overloadpacket in _CHOOSING and not any_true((gradient != 0) & (gradient != 1)):
                gradient = gradient != 0
            yield call.elementwise(source, target, full, full, gradient)


def fill_rule(call: Call) -> Iterator[Edge]:
    """What is filled in may be a number or an element; the old content leads nowhere."""
    value = call.op.args[1]
    if value in call.sources:
        yield _edge(call, value, call.targets[0], 1.0)


def _edge(call: Call, source: Node, target: Node, derivative: float | Tensor) -> Edge:
    return call.elementwise(source, target, target.outer, target.outer, derivative)


def _expand(call: Call, node: Node, full: torch.Size) -> Tensor:
    shape = (*full, 2) if node.complex else full
    value = call.value(node)
    return value if value.shape == shape else value.expand(shape)


_Derivatives = list[tuple[Node, Node, "float | Tensor"]]


def _add(call: Call) -> _Derivatives | None:
    a, b = call.op.args
    alpha = float(call.op.kwargs.get("alpha", 1))
    if call.op.func.overloadpacket is aten.sub:
        alpha = -alpha
    weights: list[tuple[object, float | Tensor]] = [(a, 1.0), (b, alpha)]
    return _total_derivatives(call, weights)


def _mul(call: Call) -> _Derivatives | None:
    a, b = call.op.args
    if a is b:
        return None
    return _total_derivatives(call, [(a, _as_number(call, b)), (b, _as_number(call, a))])


def _div(call: Call) -> _Derivatives | None:
    a, b = call.op.args
    # By the number 0: autograd knows what that gives, and the sweep refuses it.
    if a is b or "rounding_mode" in call.op.kwargs or (isinstance(b, (int, float)) and b == 0):
        return None
    divisor = _as_number(call, b)
    if not isinstance(b, Node):
        return _total_derivatives(call, [(a, 1.0 / divisor)])
    weights: list[tuple[object, float | Tensor]] = [(a, 1.0 / divisor)]
    if b in call.sources:
        (result,) = call.targets
        at_result = result.dtype == call.dtype and not call.at
        quotient = result.value if at_result else _as_number(call, a) / divisor
        weights.append((b, -quotient / divisor))
    return _total_derivatives(call, weights)


def _neg(call: Call) -> _Derivatives | None:
    return _total_derivatives(call, [(call.op.args[0], -1.0)])


def _gelu(call: Call) -> _Derivatives | None:
    x = call.value(call.sources[0])
    return [(call.sources[0], call.targets[0], aten.gelu_backward(torch.ones_like(x), x, **call.op.kwargs))]


def _silu(call: Call) -> _Derivatives | None:
    x = call.value(call.sources[0])
    return [(call.sources[0], call.targets[0], aten.silu_backward(torch.ones_like(x), x))]


# Derivatives as functions of the result.
_OF_RESULT: dict[object, Callable[[Tensor], Tensor]] = {
    aten.exp: lambda result: result,
    aten.tanh: lambda result: 1 - result * result,
    aten.rsqrt: lambda result: result**3 * -0.5,
}


def _of_result(call: Call) -> _Derivatives | None:
    """A derivative of `_OF_RESULT`, unless half precision has rounded the result, or it is another one."""
    (target,) = call.targets
    if target.dtype != call.dtype or call.at:
        return None
    return [(call.sources[0], target, _OF_RESULT[call.op.func.overloadpacket](target.value))]


def _pow(call: Call) -> _Derivatives | None:
    base, exponent = call.op.args
    if not isinstance(base, Node) or not isinstance(exponent, (int, float)) or exponent != 2:
        return None
    return [(base, call.targets[0], call.value(base) * 2)]


def _where(call: Call) -> _Derivatives | None:
    condition, a, b = call.op.args
    return _taken_over(call, [(a, condition), (b, ~condition)])


def _masked_fill(call: Call) -> _Derivatives | None:
    kept, mask, written = call.op.args
    return _taken_over(call, [(kept, ~mask), (written, mask)])


def _relu(call: Call) -> _Derivatives | None:
    # As autograd has it: of NaN, the derivative is 1.
    return [(call.sources[0], call.targets[0], ~(call.targets[0].value <= 0))]


def _taken_over(call: Call, chosen: list[tuple[object, Tensor]]) -> _Derivatives | None:
    """Where each of two different tensors is taken over."""
    if chosen[0][0] is chosen[1][0] or chosen[0][1].dtype != torch.bool:
        return None
    (target,) = call.targets
    return [
        (node, target, _in_parts(mask, node, target))
        for node, mask in chosen
        if isinstance(node, Node) and node in call.sources
    ]


def _in_parts(mask: Tensor, source: Node, target: Node) -> Tensor:
    """Of complex numbers, the real part goes to the real part and the imaginary one to the other."""
    if not target.complex:
        return mask
    parts = torch.eye(2, dtype=torch.bool, device=mask.device)
    return mask[..., None, None] & parts if source.complex else mask[..., None] & parts[0]


def _total_derivatives(call: Call, weights: list[tuple[object, float | Tensor]]) -> _Derivatives | None:
    total: dict[Node, float | Tensor] = {}
    for node, weight in weights:
        if isinstance(node, Node) and node in call.sources:
            total[node] = total[node] + weight if node in total else weight
    return [(node, call.targets[0], weight) for node, weight in total.items()]


def _as_number(call: Call, arg: object) -> float | Tensor:
    if isinstance(arg, Node):
        return call.value(arg)
    if isinstance(arg, Tensor):
        return arg.to(call.dtype)
    return float(arg)  # type: ignore[arg-type]


# The most frequent operators of a model, whose derivatives are written down: running autograd a hundred times
# takes a tenth of a small model's forward pass.
_READ_OFF: dict[object, Callable[[Call], _Derivatives | None]] = {
    aten.add: _add,
    aten.sub: _add,
    aten.mul: _mul,
    aten.div: _div,
    aten.neg: _neg,
    **dict.fromkeys(_OF_RESULT, _of_result),
    aten.pow: _pow,
    aten.gelu: _gelu,
    aten.silu: _silu,
    aten.where: _where,
    aten.masked_fill: _masked_fill,
    aten.relu: _relu,
}
# Operators that take elements over or leave them: where they leave one there is no edge at all, so that NaN
# behind it does not come through. Autograd selects there, too; elsewhere 0 times NaN is NaN in both.
_CHOOSING = {
    *(aten.clamp, aten.clamp_min, aten.clamp_max, aten.hardtanh, aten.threshold),
    *(aten.maximum, aten.minimum, aten.fmax, aten.fmin),
}
