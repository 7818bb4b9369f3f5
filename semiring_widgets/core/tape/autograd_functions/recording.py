"""What a call of a `torch.autograd.Function` becomes on the tape.

Either the operators of its forward, or one step: a `CustomFunction`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from semiring_widgets.core.tape.arguments import is_tracked
from semiring_widgets.core.tape.autograd_functions.outcomes import Outcome
from semiring_widgets.core.tape.nodes import Node, Scope
from semiring_widgets.core.tape.tape import Tape

__all__ = ["CallRecorder"]


class CallRecorder:
    """Records calls: takes the outcome of one, gives the result that the model goes on with.

    Args:
        tape: where to.
        scope: tells where in the model a call happens.
    """

    def __init__(self, tape: Tape, scope: Callable[[], Scope]) -> None:
        self._tape, self._scope = tape, scope

    def __call__(self, outcome: Outcome) -> Any:
        """Record a call.

        Args:
            outcome: what the call gave.

        Returns:
            Its result, with tensors that the tape knows.
        """
        with _disable_current_modes():
            nodes = tuple(self._tape._bindings.node(tensor) for tensor in outcome.inputs)
            if outcome.plain is None:
                return self._as_one(outcome, nodes)
            first = len(self._tape.ops)
        result = outcome.plain()
        with _disable_current_modes():
            cut = self._close(outcome, nodes, first, result)
        if isinstance(result, tuple):
            return tuple(value.detach() if any(value is c for c in cut) else value for value in result)
        return result.detach() if cut else result

    def _as_one(self, outcome: Outcome, nodes: tuple[Node, ...]) -> Any:
        tape, function = self._tape, outcome.function
        results = outcome.result if isinstance(outcome.result, tuple) else (outcome.result,)
        tracked = [result for result in results if is_tracked(result)]
        op = tape._append(function, nodes, tracked, self._scope())
        tape.keeping.count(tracked, outcome.inputs, {}, op)
        for result, out, node in zip(tracked, function.outputs, op.outputs, strict=True):
            # Where it shares memory with its input, a write through it is no write into the input's paths.
            here = node if out is not None and node is not None else tape._leaf(result.detach())
            if node is not None and here is not node:
                tape._note_copy(len(tape.ops), node, here)
            tape._bindings.bind(result, here, cut=True)
        return outcome.result

    def _close(self, outcome: Outcome, nodes: tuple[Node, ...], first: int, result: Any) -> list[Tensor]:
        """Cut what is no path for autograd; gives the results that no path leads to."""
        tape = self._tape
        constants: dict[Node, Node] = {}

        def own(node: Node) -> bool:
            return node in nodes or (node.op is not None and node.op.index >= first)

        def known(node: Node) -> Node:
            # What a Function takes from elsewhere than its arguments is a constant.
            if own(node):
                return node
            if node not in constants:
                constants[node] = tape._constant(node)
                tape._note_copy(first, node, constants[node])
            return constants[node]

        for op in tape.ops[first:]:
            op.rewire(known)
        tracked = [
            value for value in (result if isinstance(result, tuple) else (result,)) if is_tracked(value)
        ]
        pairs = zip(tracked, outcome.function.outputs, strict=True)
        return [value for value, out in pairs if out is None or not own(tape._bindings.node(value))]
