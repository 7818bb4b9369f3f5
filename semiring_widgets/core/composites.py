"""Which operators of a graph form a softmax or a norm, so that a sweep may take them as one step.

Found by their arithmetic, whoever wrote it: the expansion of a composite operator, or a model of its own. All
that lies inside must lead nowhere else. Values inside are then not known, so `steps_of` leaves a composite
apart where somebody asks for one of them, or about one of its edges.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.softmax_norms import Normalization, Passage, Softmax
from semiring_widgets.core.semirings import Semiring, Value
from semiring_widgets.core.tape import Node, Op

__all__ = ["Composite", "Shortcut", "Step", "find_composites", "steps_of"]

aten = torch.ops.aten


@dataclass(frozen=True)
class Shortcut:
    """All paths through a composite, as a sweep takes them.

    Attributes:
        op: the last of its operators.
        source, target: its two ends.
        block: what carries values from one to the other.
    """

    op: Op
    source: Node
    target: Node
    block: Passage

    def pull(self, semiring: Semiring, value: Value) -> Value:
        """Cotangent: from the target's shape to the source's."""
        return self.block.pull(semiring, value)

    def push(self, semiring: Semiring, value: Value) -> Value:
        """Tangent: from the source's shape to the target's."""
        return self.block.push(semiring, value)


@dataclass(frozen=True, eq=False)
class Composite:
    """Operators that lead from one tensor to another, and inside of which nothing else begins or ends.

    Attributes:
        ops: the operators on a path, in order.
        source, target: the two tensors.
        make: gives what carries values through all of them, computed in some dtype.
    """

    ops: tuple[Op, ...]
    source: Node
    target: Node
    make: Callable[[torch.dtype], Passage]

    @property
    def outputs(self) -> tuple[Node]:
        """The result, as `Op.outputs`."""
        return (self.target,)

    def inputs(self) -> tuple[Node]:
        """The source, as `Op.inputs`."""
        return (self.source,)

    def edges(self, dtype: torch.dtype) -> list[Shortcut]:
        """The one edge that it amounts to."""
        return [Shortcut(self.ops[-1], self.source, self.target, self.make(dtype))]

    def inside(self) -> Iterator[Node]:
        """The tensors between its operators."""
        return (out for op in self.ops[:-1] for out in op.outputs if out is not None)


Step = Op | Composite


class _Graph(Protocol):
    """What is asked of a `GradientGraph`, which uses this file."""

    ops: list[Op]
    nodes: set[Node]

    def consumers(self, node: Node) -> list[Op]: ...


def find_composites(graph: _Graph) -> list[Composite]:
    """The composites of a graph, in order of execution; no two of them share an operator."""
    found: list[Composite] = []
    for op in graph.ops:
        finder = _FINDERS.get(getattr(op.func, "overloadpacket", None))
        composite = None if finder is None else finder(graph, op)
        if composite is not None and _is_closed(graph, composite):
            found.append(composite)
    return found


def steps_of(
    composites: Sequence[Composite],
    ops: Sequence[Op],
    nodes: Collection[Node],
    touched: Collection[Op],
    *,
    whole: bool,
) -> Sequence[Step]:
    """Operators with composites in their place.

    Args:
        composites: those of the graph.
        ops: some operators in a row.
        nodes: whose values are asked for, given or confined.
        touched: operators whose edges are.
        whole: whether ``ops`` are all of the graph.
    """
    known = None if whole else set(ops)
    last: dict[Op, Composite | None] = {}
    for composite in composites:
        if known is not None and not known.issuperset(composite.ops):
            continue
        if any(node in nodes for node in composite.inside()) or any(op in touched for op in composite.ops):
            continue
        last.update(dict.fromkeys(composite.ops))
        last[composite.ops[-1]] = composite
    if not last:
        return ops
    return [step for op in ops if (step := last.get(op) if op in last else op) is not None]


def _is_closed(graph: _Graph, composite: Composite) -> bool:
    """Whether all operators are the graph's, and what they make leads to none but them."""
    own = set(composite.ops)
    real = not any(node.complex for node in (composite.source, composite.target))
    return real and all(
        node in graph.nodes and own.issuperset(graph.consumers(node)) for node in composite.inside()
    )


def _softmax(graph: _Graph, quotient: Op) -> Composite | None:
    """``e / sum(e)`` with ``e = exp(x - c)`` and a constant c, or ``exp(x)``."""
    if quotient.kwargs or len(quotient.args) != 2:
        return None
    e, total = quotient.args
    exponential, summed = _made(e, aten.exp), _made(total, aten.sum)
    if exponential is None or summed is None or summed.args[0] is not e:
        return None
    dims = _row_dims(summed)
    if dims is None or e.shape != quotient.outputs[0].shape:  # type: ignore[union-attr]
        return None
    (source,) = exponential.args
    ops: tuple[Op, ...] = (exponential, summed, quotient)
    shifted = _made(source, aten.sub)
    if shifted is not None and source in graph.nodes and not shifted.kwargs:
        x, shift = shifted.args
        if isinstance(shift, Node) and shift not in graph.nodes and x.shape == source.shape:
            source, ops = x, (shifted, *ops)
    target = quotient.outputs[0]
    if target is None or source not in graph.nodes or target not in graph.nodes:
        return None
    return Composite(ops, source, target, lambda dtype: Softmax(target.value.to(dtype), dims))


def _norm(graph: _Graph, root: Op) -> Composite | None:
    """``d * rsqrt(mean(d ** 2) + eps)``, with ``d = x - mean(x)`` or d = x."""
    scale = root.outputs[0]
    users = graph.consumers(scale) if scale is not None else []
    if scale is None or len(users) != 1 or users[0].func.overloadpacket is not aten.mul:
        return None
    (product,) = users
    added = _made(root.args[0], aten.add)
    averaged = None if added is None or added.kwargs else _made(added.args[0], aten.mean)
    squared = None if averaged is None else _made(averaged.args[0], aten.pow)
    if added is None or averaged is None or squared is None or isinstance(added.args[1], (Node, Tensor)):
        return None
    deviation, exponent = squared.args
    dims, target = _row_dims(averaged), product.outputs[0]
    others = [node for node in product.args if node is not scale]
    if exponent != 2 or dims is None or others != [deviation] or target is None:
        return None
    if deviation.shape != target.shape or deviation not in graph.nodes or target not in graph.nodes:
        return None
    ops: tuple[Op, ...] = (squared, averaged, added, root, product)
    source, centred = deviation, False
    subtracted = _made(deviation, aten.sub)
    if subtracted is not None and not subtracted.kwargs:
        x, mean = subtracted.args
        middle = _made(mean, aten.mean)
        if middle is not None and middle.args[0] is x and _row_dims(middle) == dims and x in graph.nodes:
            source, centred, ops = x, True, (middle, subtracted, *ops)

    def make(dtype: torch.dtype) -> Passage:
        d, r, y = (node.value.to(dtype) for node in (deviation, scale, target))
        return Normalization(d, r, y, dims, centred=centred)

    return Composite(ops, source, target, make)


_FINDERS: dict[Any, Callable[[_Graph, Op], Composite | None]] = {aten.div: _softmax, aten.rsqrt: _norm}


def _made(node: object, packet: Any) -> Op | None:
    """The operator that made a node, if it is of this kind."""
    op = node.op if isinstance(node, Node) else None
    return op if op is not None and getattr(op.func, "overloadpacket", None) is packet else None


def _row_dims(reduction: Op) -> list[int] | None:
    """The dimensions that a sum or a mean is over, if it keeps them and changes nothing else."""
    source, *rest = reduction.args
    if len(rest) != 2 or rest[1] is not True or not isinstance(rest[0], (list, tuple)) or not rest[0]:
        return None
    (result,) = reduction.outputs
    if result is None or not source.dtype == result.dtype == reduction.kwargs.get("dtype", result.dtype):
        return None
    rank = len(source.shape)
    return sorted(dim % rank for dim in rest[0]) if rank else None
