"""Finding attentions and residual connections in a graph, for any model, without a list of models.

An attention is a softmax between two matrix products; its heads are their batch dimension; query, key and
value are the operands. Its residual connection is the first addition after it whose other operand is also
where its queries come from. The feed-forward part is what lies between an addition that is reached without
a matrix product and one that is reached through one. What is not found is None, not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch

from semiring_widgets.core.anatomy.parts import Anatomy, Attention, Operand, Residual
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.tape import Node, Op

__all__ = ["find_anatomy"]

aten = torch.ops.aten
_SOFTMAX = {aten._softmax, aten._safe_softmax}
_COMPOSITES = {"softmax", "safe_softmax"}
_PRODUCTS = {aten.bmm, aten.baddbmm}
_CONTRACTIONS = {aten.mm, aten.bmm, aten.addmm, aten.baddbmm, aten.mv, aten.addmv, aten.convolution}


def find_anatomy(graph: GradientGraph) -> Anatomy:
    """The attentions on the paths of a graph, with what surrounds them."""
    cores = [core for before, after in _softmaxes(graph) if (core := _core(graph, before, after)) is not None]
    joins = [_joined(graph, scores_op, context_op) for scores_op, context_op, _ in cores]
    taken = {residual.op for residual, _ in joins if residual is not None}
    found: list[Attention] = []
    for (scores_op, context_op, weights), (residual, mlp) in zip(cores, joins, strict=True):
        query, key = _operands(scores_op)
        heads = _heads(graph, weights, query, residual)
        if heads is None:
            continue
        value = _operands(context_op)[1]
        found.append(
            Attention(
                index=len(found),
                module=_module(context_op, scores_op),
                heads=heads,
                query=Operand(query, heads, 1),
                key=Operand(key, heads, 2),
                value=Operand(value, heads, 1),
                scores_op=scores_op,
                context_op=context_op,
                stream=_stream(graph, residual.skip if residual is not None else query),
                key_stream=_stream(graph, key),
                residual=residual,
                mlp=_mlp(graph, residual, taken) if residual is not None and mlp is None else mlp,
            )
        )
    return Anatomy(tuple(found))


def _softmaxes(graph: GradientGraph) -> Iterable[tuple[Node, Node]]:
    """Input and result of every softmax, expanded or not."""
    opened: dict[int, Node] = {}
    closed: dict[int, Node] = {}
    for op in graph.ops:
        if op.func.overloadpacket in _SOFTMAX:
            sources = [node for node in op.inputs() if node in graph.nodes]
            if sources and op.outputs[0] is not None:
                opened[-op.index] = sources[0]
                closed[-op.index] = op.outputs[0]
        elif op.scope.composite in _COMPOSITES:
            sources = [node for node in op.inputs() if node in graph.nodes]
            if op.scope.instance not in opened:
                opened[op.scope.instance] = sources[0]
            if op.outputs[0] is not None:
                closed[op.scope.instance] = op.outputs[0]
    return [(opened[instance], closed[instance]) for instance in opened if instance in closed]


def _core(graph: GradientGraph, before: Node, after: Node) -> tuple[Op, Op, Node] | None:
    """The two products around a softmax, and what goes into it."""
    scores_op = _product_behind(graph, before)
    context_op = _product_ahead(graph, after)
    if scores_op is None or context_op is None:
        return None
    return scores_op, context_op, before


def _heads(graph: GradientGraph, weights: Node, query: Node, residual: Residual | None) -> int | None:
    """How many heads; None where they cannot be told from windows that have the same dimension.

    Heads are the dimension before queries and keys. Where it is merged with examples and windows, the places
    of the stream say how many rows there are for one head.
    """
    if len(weights.shape) > 3:
        return weights.shape[-3]
    groups, rows = query.shape[:2]
    streams = [graph.wrt[_stream(graph, query)], *([residual.skip] if residual is not None else [])]
    examples = max(stream.shape[0] if len(stream.shape) > 2 else 1 for stream in streams)
    if residual is not None:
        places = residual.skip.shape[:-1].numel()
        if groups * rows % places == 0 and groups % (groups * rows // places) == 0:
            return groups * rows // places
        if rows * examples < places:
            return None
    return groups // examples if groups % examples == 0 else groups


def _operands(product: Op) -> tuple[Node, Node]:
    left, right = [arg for arg in product.args if isinstance(arg, Node)][-2:]
    return left, right


def _product_behind(graph: GradientGraph, node: Node) -> Op | None:
    """Back through scaling, masks, sinks and views to the product that made the scores."""
    waiting, seen = [node], {node}
    while waiting:
        op = waiting.pop().op
        if op is None or op not in graph:
            continue
        if op.func.overloadpacket in _PRODUCTS:
            out = op.outputs[0]
            if out is not None and _same_rows(out, node):
                return op
            continue
        if op.func.overloadpacket in _CONTRACTIONS:
            continue
        new = [n for n in dict.fromkeys(op.inputs()) if n in graph.nodes and n not in seen]
        waiting += reversed(new)
        seen.update(new)
    return None


def _product_ahead(graph: GradientGraph, node: Node) -> Op | None:
    """On through dropout and views to the product with the values."""
    waiting, seen = [node], {node}
    while waiting:
        at = waiting.pop(0)
        for op in graph.consumers(at):
            if op.func.overloadpacket in _PRODUCTS:
                if _operands(op)[0] is at and _same_rows(at, node):
                    return op
            elif op.func.overloadpacket not in _CONTRACTIONS and op.scope.composite not in _COMPOSITES:
                new = [n for n in op.outputs if n is not None and n in graph.nodes and n not in seen]
                waiting += new
                seen.update(new)
    return None


def _same_rows(part: Node, weights: Node) -> bool:
    """Whether a matrix has the queries of the softmax and its keys; a sink is one more column, not a key."""
    queries, keys = weights.shape[-2:]
    return part.shape[-2] == queries and part.shape[-1] in (keys, keys - 1)


def _attention_residual(graph: GradientGraph, scores_op: Op, context_op: Op) -> Residual | None:
    behind = _ancestors(graph, _operands(scores_op)[0])
    ahead = {node for node in context_op.outputs if node is not None}
    for op in graph.ops[graph.ops.index(context_op) + 1 :]:
        sources = [node for node in dict.fromkeys(op.inputs()) if node in graph.nodes]
        computed = [node for node in sources if node in ahead]
        if not computed:
            continue
        if op.func.overloadpacket is aten.add and len(sources) == 2 and len(computed) == 1:
            (skip,) = (node for node in sources if node is not computed[0])
            out = op.outputs[0]
            if out is not None and skip in behind and skip.shape == out.shape and len(out.shape) > 1:
                tokens = _operands(scores_op)[0].shape[1]
                if skip.shape[-1] == tokens != skip.shape[-2]:
                    return None  # channels before tokens: its rows are no tokens
                return Residual(op, skip, computed[0], out)
        ahead.update(node for node in op.outputs if node is not None)
    return None


def _joined(graph: GradientGraph, scores_op: Op, context_op: Op) -> tuple[Residual | None, Residual | None]:
    """Where an attention joins the stream, and the feed-forward part that is added to it before that."""
    residual = _attention_residual(graph, scores_op, context_op)
    inner = _addition_behind(graph, residual.branch) if residual is not None else None
    if residual is None or inner is None:
        return residual, None
    context = {node for node in context_op.outputs if node is not None}
    stream = _ancestors(graph, residual.skip)
    attention, others = None, []
    for node in dict.fromkeys(inner.inputs()):
        if node in graph.nodes:
            behind = _ancestors(graph, node)
            if context & behind:
                attention = node
            elif residual.skip in behind and _contracts(behind - stream):
                others.append(node)
    if attention is None or len(others) != 1 or others[0].shape != attention.shape:
        return residual, None
    mlp = replace(residual, branch=others[0], inner=inner, beside=attention)
    return replace(residual, branch=attention, inner=inner), mlp


def _addition_behind(graph: GradientGraph, node: Node) -> Op | None:
    """The addition of two tensors that made a tensor, up to scaling and dropout; else None."""
    while (op := node.op) is not None and op in graph:
        sources = [source for source in dict.fromkeys(op.inputs()) if source in graph.nodes]
        if op.func.overloadpacket is aten.add and len(sources) == 2:
            return op
        if len(sources) != 1 or op.func.overloadpacket in _CONTRACTIONS or sources[0].shape != node.shape:
            return None
        (node,) = sources
    return None


def _contracts(nodes: Iterable[Node]) -> bool:
    """Whether any of these was made by a matrix product."""
    return any(node.op is not None and node.op.func.overloadpacket in _CONTRACTIONS for node in nodes)


def _mlp(graph: GradientGraph, attention: Residual, taken: set[Op]) -> Residual | None:
    plain: set[Node] = {attention.out}
    # A feed-forward part beside the attention reads the stream before it.
    computed = _beside(graph, attention)
    for op in graph.ops[graph.ops.index(attention.op) + 1 :]:
        sources = [node for node in dict.fromkeys(op.inputs()) if node in plain or node in computed]
        if not sources:
            continue
        if op in taken:
            return None
        made = [node for node in op.outputs if node is not None and node in graph.nodes]
        if op.func.overloadpacket is aten.add and len(sources) == 2 and made:
            skip = [node for node in sources if node in plain]
            branch = [node for node in sources if node in computed]
            if (
                len(skip) == len(branch) == 1
                and skip[0].shape == branch[0].shape
                and _same_stream(skip[0], attention.out)
            ):
                return Residual(op, skip[0], branch[0], made[0])
        through = op.func.overloadpacket in _CONTRACTIONS or any(node in computed for node in sources)
        (computed if through else plain).update(made)
    return None


def _beside(graph: GradientGraph, attention: Residual) -> set[Node]:
    """What the stream before an attention feeds through a matrix product, and the attention does not use."""
    reached, computed = {attention.skip}, set[Node]()
    used = _ancestors(graph, attention.branch)
    for op in graph.ops:
        if op is attention.op or not any(node in reached for node in op.inputs()):
            continue
        made = [node for node in op.outputs if node is not None and node in graph.nodes and node not in used]
        through = op.func.overloadpacket in _CONTRACTIONS or any(node in computed for node in op.inputs())
        reached.update(node for node in op.outputs if node is not None)
        if through:
            computed.update(made)
    return computed


def _same_stream(one: Node, other: Node) -> bool:
    """Whether two tensors have the same tokens and units, as far as leading dimensions of 1 go."""
    same = one.shape[-2:] == other.shape[-2:]
    return same and one.shape[:-2].numel() == other.shape[:-2].numel()


def _ancestors(graph: GradientGraph, node: Node) -> set[Node]:
    found, waiting = {node}, [node]
    while waiting:
        op = waiting.pop().op
        if op is None or op not in graph:
            continue
        for source in op.inputs():
            if source in graph.nodes and source not in found:
                found.add(source)
                waiting.append(source)
    return found


def _stream(graph: GradientGraph, node: Node) -> int:
    behind = _ancestors(graph, node)
    return max((i for i, start in enumerate(graph.wrt) if start in behind), default=0)


def _module(*ops: Op) -> str:
    return next((op.scope.module for op in ops if op.scope.module), "")
