"""Which factor of a product is a gate: an activation that says how much of the other factor passes.

Found from what the factors were made by, element by element: an activation that the model writes out, as
the gelu of GPT-2, ``0.5 * x * (1 + tanh(...))``, has a factor that is linear in x and one that is not; a
gated part, ``silu(gate) * up``, has one that went through an activation and one that did not.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from semiring_widgets.core.rules.kinds import factors_of
from semiring_widgets.core.tape import Node, Op

__all__ = ["Gates"]

aten = torch.ops.aten
# Activations that are not 0 where their input is: they open and close, and are no signal themselves.
_OPENING = {
    aten.sigmoid,
    aten.hardsigmoid,
    aten.exp,
    aten.exp2,
    aten.softplus,
    aten.cos,
    aten.log_sigmoid_forward,
}
_SIGNAL, _ACTIVATION, _GATE = 0, 1, 2


class Gates:
    """What is known of the nodes made so far; told of each operator in the order of execution."""

    def __init__(self) -> None:
        # How much of a gate a node is, and the tensor of which it is a function, element by element.
        self._degree: dict[Node, int] = {}
        self._variable: dict[Node, Node] = {}

    def see(self, op: Op, kind: str, live: Sequence[Node]) -> None:
        """Note what an operator makes.

        Args:
            op: the operator.
            kind: its kind.
            live: its inputs that are on paths.
        """
        by_element = kind in ("pointwise", "norm", "product", "quotient") or (
            kind == "linear" and (torch.Tag.pointwise in op.func.tags or op.func.is_view)
        )
        if not by_element or not live:
            return
        degree = max(self._degree.get(node, _SIGNAL) for node in live)
        if kind in ("product", "quotient"):
            degree = min(degree, _ACTIVATION)
        elif kind in ("pointwise", "norm"):
            degree = max(degree, _GATE if op.func.overloadpacket in _OPENING else _ACTIVATION)
        variables = {self._variable.get(node, node) for node in live}
        for out in op.outputs:
            if out is not None:
                self._degree[out] = degree
                if len(variables) == 1 and not op.func.is_view:
                    (self._variable[out],) = variables

    def of(self, op: Op) -> tuple[str, Node | None]:
        """What a product of two tensors on paths is.

        Returns:
            ``"activation"`` and its gate, ``"gate"`` and the factor that is one; ``""`` and None where the
            two factors are alike.
        """
        first, second = factors_of(op)
        degrees = [self._degree.get(node, _SIGNAL) for node in (first, second)]
        if degrees[0] == degrees[1]:
            return "", None
        gate = first if degrees[0] > degrees[1] else second
        one_variable = self._variable.get(first, first) is self._variable.get(second, second)
        return "activation" if one_variable else "gate", gate
