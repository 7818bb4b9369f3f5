"""The core of an attention: a softmax between two matrix products, that of the scores and that of the values.

The attention weights between the two have the queries of the scores as rows and their keys as columns. Where
they do not, the products were made window by window and their results put together in between, as in
Longformer and LED (https://arxiv.org/abs/2004.05150).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from semiring_widgets.core.anatomy.ancestry import CONTRACTIONS, sources_of
from semiring_widgets.core.anatomy.fused_attentions import operands_of_step
from semiring_widgets.core.anatomy.token_layout import paired
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.tape import CustomFunction, Node, Op

__all__ = ["Core", "find_cores"]

aten = torch.ops.aten
_SOFTMAX = {aten._softmax, aten._safe_softmax}
_COMPOSITES = {"softmax", "safe_softmax"}
_PRODUCTS = {aten.bmm, aten.baddbmm}


@dataclass(frozen=True)
class Core:
    """The two products around a softmax, or the one step that is all of it.

    Attributes:
        scores_op: the product of query and key.
        context_op: the product of attention weights and value; the same where all is one step.
        query: shape (groups, queries, units).
        key: shape (groups, units, keys); (groups, keys, units) in one step.
        value: shape (groups, keys, units).
        weights: left operand of the context, shape (groups, queries, keys); None in one step.
        logits: what goes into the softmax; None in one step.
        windowed: whether the rows of the scores are not those of the softmax.
    """

    scores_op: Op
    context_op: Op
    query: Node
    key: Node
    value: Node
    weights: Node | None = None
    logits: Node | None = None
    windowed: bool = False


def find_cores(graph: GradientGraph) -> list[Core]:
    """All of a graph, in order of execution."""
    found = [core for before, after in _softmaxes(graph) for core in _cores(graph, before, after)]
    for op in graph.ops:
        operands = operands_of_step(graph, op)
        if operands is not None:
            found.append(Core(op, op, *operands))
    return sorted(found, key=lambda core: core.context_op.index)


def _softmaxes(graph: GradientGraph) -> Iterable[tuple[Node, Node]]:
    """Input and result of every softmax, expanded or not."""
    opened: dict[int, Node] = {}
    closed: dict[int, Node] = {}
    for op in graph.ops:
        if op.func.overloadpacket in _SOFTMAX or _is_own_softmax(graph, op):
            sources = sources_of(graph, op)
            if sources and op.outputs[0] is not None:
                opened[-op.index] = sources[0]
                closed[-op.index] = op.outputs[0]
        elif op.scope.composite in _COMPOSITES:
            if op.scope.instance not in opened:
                opened[op.scope.instance] = sources_of(graph, op)[0]
            if op.outputs[0] is not None:
                closed[op.scope.instance] = op.outputs[0]
    return [(opened[instance], closed[instance]) for instance in opened if instance in closed]


def _is_own_softmax(graph: GradientGraph, op: Op) -> bool:
    """Whether a step with a backward of its own gives distributions: rows that sum to 1, or 0 if masked.

    SEW-D (https://arxiv.org/abs/2109.06870) has the masked softmax that DeBERTa once had, a
    `torch.autograd.Function` called XSoftmax, of which no operator is seen.
    """
    if not isinstance(op.func, CustomFunction):
        return False
    sources, out = sources_of(graph, op), op.outputs[0]
    if len(sources) != 1 or out is None or out.shape != sources[0].shape or not out.shape:
        return False
    total = out.value.double().sum(-1)
    whole = torch.isclose(total, torch.ones_like(total), atol=1e-2) | (total == 0)
    return bool((out.value >= 0).all()) and bool(whole.all()) and bool((total != 0).any())


def _cores(graph: GradientGraph, before: Node, after: Node) -> list[Core]:
    """What a softmax is between: two products, or several pairs side by side.

    Longformer and LED join the scores of near keys (chunk by chunk) to those of keys that all see, take one
    softmax, and cut its result again; BigBird (https://arxiv.org/abs/2007.14062) does so with near, far and
    random blocks. Which product belongs to which is followed through the graph, see `paired`.
    """
    behind, ahead = _products_behind(graph, before), _products_ahead(graph, after)
    scores = [op for op in behind if (out := op.outputs[0]) is not None and _same_rows(out, before)]
    contexts = [op for op in ahead if _same_rows(_operands(op)[0], after)]
    if scores and contexts:
        return [_between(scores[0], contexts[0], before, windowed=False)]
    made = [out for op in behind if (out := op.outputs[0]) is not None]
    used = [_operands(op)[0] for op in ahead]
    if len(made) != len(used) or after.shape != before.shape:
        return []
    pairs = paired(graph, made, (before, after), used)
    if pairs is None or sorted(pairs) != list(range(len(made))):
        return []
    return [
        _between(behind[i], op, before, windowed=True)
        for i, op in sorted(zip(pairs, ahead, strict=True), key=lambda pair: pair[0])
    ]


def _between(scores_op: Op, context_op: Op, logits: Node, *, windowed: bool) -> Core:
    query, key = _operands(scores_op)
    weights, value = _operands(context_op)
    return Core(scores_op, context_op, query, key, value, weights, logits, windowed)


def _operands(product: Op) -> tuple[Node, Node]:
    left, right = [arg for arg in product.args if isinstance(arg, Node)][-2:]
    return left, right


def _products_behind(graph: GradientGraph, node: Node) -> list[Op]:
    """Back through scaling, masks, sinks and views to the products that made the scores, nearest first."""
    waiting, seen, found = [node], {node}, list[Op]()
    while waiting:
        op = waiting.pop().op
        if op is None or op not in graph:
            continue
        if op.func.overloadpacket in _PRODUCTS:
            found.append(op)
        elif op.func.overloadpacket not in CONTRACTIONS:
            new = [n for n in sources_of(graph, op) if n not in seen]
            waiting += reversed(new)
            seen.update(new)
    return found


def _products_ahead(graph: GradientGraph, node: Node) -> list[Op]:
    """On through dropout and views to the products with the values, nearest first."""
    waiting, seen, found = [node], {node}, list[Op]()
    while waiting:
        at = waiting.pop(0)
        for op in graph.consumers(at):
            if op.func.overloadpacket in _PRODUCTS:
                if _operands(op)[0] is at:
                    found.append(op)
            elif op.func.overloadpacket not in CONTRACTIONS and op.scope.composite not in _COMPOSITES:
                new = [n for n in op.outputs if n is not None and n in graph.nodes and n not in seen]
                waiting += new
                seen.update(new)
    return found


def _same_rows(part: Node, weights: Node) -> bool:
    """Whether a matrix has the queries of the softmax and its keys; a sink is one more column, not a key.

    gpt-oss (https://arxiv.org/abs/2508.10925) and MiMo-V2-Flash join a learned score to those of the keys and
    drop its weight after the softmax.
    """
    queries, keys = weights.shape[-2:]
    return part.shape[-2] == queries and part.shape[-1] in (keys, keys - 1)
