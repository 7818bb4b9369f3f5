"""Flow: the value of all paths through a part, alpha times beta, and the paths through a selection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from semiring_widgets.core.anatomy.parts import Anatomy, Attention, Operand, Residual
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.semirings import Semiring, Value
from semiring_widgets.core.sweeps import Mask
from semiring_widgets.core.tape import Node, Op

__all__ = ["LayerFlow", "Selection", "head_map", "layer_flow", "mask_for"]

Values = Mapping[Node, Value]


@dataclass(frozen=True)
class LayerFlow:
    """Values of all paths through the parts of one layer.

    Attributes:
        stream: at the input of the layer, by token, shape (Tq,); None where no residual was found.
        branches: by branch (``skip``, ``query``, ``key``, ``value``, ``mlp``, ``mlp_skip``) and token.
        heads: by query, key and value, shape (heads, tokens).
    """

    stream: Value | None
    branches: dict[str, Value]
    heads: dict[str, Value]


@dataclass(frozen=True)
class Selection:
    """What paths must pass through; None means any.

    Attributes:
        layer: attention layer.
        branch: ``skip``, ``query``, ``key``, ``value``, ``mlp`` or ``mlp_skip`` of that layer.
        head: head of that layer.
        token: token of the stream at the input of the layer; without a layer, of the input.
        stream: which input the token belongs to.
    """

    layer: int | None = None
    branch: str | None = None
    head: int | None = None
    token: int | None = None
    stream: int = 0


def layer_flow(
    graph: GradientGraph, semiring: Semiring, attention: Attention, alpha: Values, beta: Values
) -> LayerFlow:
    """Flow through one layer.

    Args:
        graph: the graph.
        semiring: the algebra of alpha and beta.
        attention: the layer.
        alpha: tangents at least at the anatomy's nodes.
        beta: cotangents there.
    """
    heads = {
        name: _by_head(semiring, operand, _through(graph, semiring, operand.node, alpha, beta))
        for name, operand in attention.operands.items()
    }
    branches = {name: _squeezed(semiring, value, 0) for name, value in heads.items()}
    stream = None
    if attention.residual is not None:
        stream = _by_token(semiring, _through(graph, semiring, attention.residual.skip, alpha, beta))
        branches["skip"] = _along(graph, semiring, attention.residual, "skip", alpha, beta)
    if attention.mlp is not None:
        branches["mlp"] = _along(graph, semiring, attention.mlp, "branch", alpha, beta)
        branches["mlp_skip"] = _along(graph, semiring, attention.mlp, "skip", alpha, beta)
    return LayerFlow(stream, branches, heads)


def head_map(
    attention: Attention, head: int, alpha: Mapping[Node, Tensor], beta: Mapping[Node, Tensor]
) -> dict[str, Tensor]:
    """Log mass of one head between tokens, by query, key and value, each of shape (Tq, Tk).

    Args:
        attention: the layer.
        head: the head.
        alpha: log-mass tangents at the operands.
        beta: log-mass cotangents at the results of the two products.
    """
    scores = attention.scores_op.outputs[0]
    context = attention.context_op.outputs[0]
    weights, _ = (arg for arg in attention.context_op.args if isinstance(arg, Node))
    rows = attention.query.tokens, attention.key.tokens
    like = attention.query.node.value

    def own(values: Mapping[Node, Tensor], node: Node | None) -> Tensor | None:
        if node is None or node not in values:
            return None
        batch = values[node].reshape(-1, attention.heads, *node.shape[1:])
        return batch[:, head]

    def number(node: Node) -> Tensor:
        return node.value.double().abs().reshape(-1, attention.heads, *node.shape[1:])[:, head].log()

    none = torch.full(rows, float("-inf"), dtype=torch.float64, device=like.device)
    found = {"query": none, "key": none, "value": none}
    ahead = own(beta, scores)
    if ahead is not None:
        if (a := own(alpha, attention.query.node)) is not None:
            found["query"] = (_log_product(a, number(attention.key.node)) + ahead).logsumexp(0)
        if (a := own(alpha, attention.key.node)) is not None:
            found["key"] = (_log_product(number(attention.query.node), a) + ahead).logsumexp(0)
    ahead = own(beta, context)
    if ahead is not None and (a := own(alpha, attention.value.node)) is not None:
        found["value"] = (number(weights) + _log_product(ahead, a.mT)).logsumexp(0)
    return found


def mask_for(graph: GradientGraph, anatomy: Anatomy, chosen: Selection) -> Mask:
    """The mask that leaves exactly the paths through a selection.

    A layer alone means its attention: the paths that leave the skip there. A head alone means its query,
    key and value together, which no path passes twice.
    """
    nodes: dict[Node, Tensor] = {}
    without: set[Edge] = set()
    if chosen.layer is None:
        if chosen.token is not None:
            start = graph.wrt[chosen.stream]
            nodes[start] = _only_token(start, chosen.token)
        return Mask(nodes)
    attention = anatomy.attentions[chosen.layer]
    if chosen.branch in ("mlp", "mlp_skip"):
        if attention.mlp is None:
            return Mask({graph.score: torch.zeros_like(graph.score.value, dtype=torch.bool)})
        blocked = attention.mlp.skip if chosen.branch == "mlp" else attention.mlp.branch
        without.update(_edges(graph, attention.mlp.op, blocked))
        if chosen.token is not None:
            nodes[attention.mlp.out] = _only_token(attention.mlp.out, chosen.token)
        return Mask(nodes, frozenset(without))
    whole_cell = chosen.branch is None and chosen.head is None and chosen.token is not None
    for name, operand in attention.operands.items():
        if whole_cell:
            break
        kept = torch.ones(operand.node.shape, dtype=torch.bool, device=operand.node.value.device)
        if chosen.branch not in (None, name):
            kept[:] = False
        if chosen.head is not None:
            kept &= _only_head(operand, chosen.head)
        if chosen.token is not None:
            kept &= _operand_token(operand, chosen.token)
        nodes[operand.node] = kept
    if attention.residual is not None:
        skip = attention.residual.skip
        if whole_cell or (chosen.branch == "skip" and chosen.token is not None):
            nodes[skip] = _only_token(skip, chosen.token or 0)
        if not whole_cell and chosen.branch != "skip":
            without.update(_edges(graph, attention.residual.op, skip))
        # What reaches the stream beside this layer (another branch of a parallel block) is no part of it.
    return Mask(nodes, frozenset(without))


def _through(graph: GradientGraph, semiring: Semiring, node: Node, alpha: Values, beta: Values) -> Value:
    if node in alpha and node in beta:
        return semiring.times(alpha[node], beta[node])
    return _nothing(graph, semiring, node)


def _along(
    graph: GradientGraph, semiring: Semiring, residual: Residual, which: str, alpha: Values, beta: Values
) -> Value:
    """Flow along one operand's edge into an addition."""
    source = residual.skip if which == "skip" else residual.branch
    total: Value | None = None
    if source in alpha and residual.out in beta:
        for edge in _edges(graph, residual.op, source):
            joined = semiring.times(alpha[source], edge.block.pull(semiring, beta[residual.out]))
            total = joined if total is None else semiring.plus(total, joined)
    return _by_token(semiring, total if total is not None else _nothing(graph, semiring, source))


def _edges(graph: GradientGraph, op: Op, source: Node) -> list[Edge]:
    return [edge for edge in graph.edges(op) if edge.source is source] if op in graph else []


def _nothing(graph: GradientGraph, semiring: Semiring, node: Node) -> Value:
    return semiring.full(semiring.zero, node.shape, node.value.new_empty((), dtype=graph.dtype))


def _by_token(semiring: Semiring, value: Value) -> Value:
    """(..., tokens, units) -> (tokens,)."""
    flat = tuple(v.reshape(-1, *v.shape[-2:]) for v in value)
    return tuple(v.reshape(-1) for v in semiring.sum(flat, (0, 2)))


def _by_head(semiring: Semiring, operand: Operand, value: Value) -> Value:
    """(batch * heads, tokens, units) -> (heads, tokens)."""
    split = tuple(v.reshape(-1, operand.heads, *v.shape[1:]) for v in value)
    units = 3 if operand.token_axis == 1 else 2
    return tuple(v.reshape(operand.heads, operand.tokens) for v in semiring.sum(split, (0, units)))


def _squeezed(semiring: Semiring, value: Value, dim: int) -> Value:
    return tuple(v.squeeze(dim) for v in semiring.sum(value, (dim,)))


def _log_product(a: Tensor, b: Tensor) -> Tensor:
    """``log(exp(a) @ exp(b))`` for log masses, in float64."""
    a, b = a.double(), b.double()
    low = torch.finfo(torch.float64).min
    left = a.amax(-1, keepdim=True).clamp(min=low)
    right = b.amax(-2, keepdim=True).clamp(min=low)
    return (torch.exp(a - left) @ torch.exp(b - right)).log() + left + right


def _only_token(node: Node, token: int) -> Tensor:
    kept = torch.zeros(node.shape, dtype=torch.bool, device=node.value.device)
    kept[..., token, :] = True
    return kept


def _only_head(operand: Operand, head: int) -> Tensor:
    groups = torch.arange(operand.node.shape[0], device=operand.node.value.device) % operand.heads
    return (groups == head)[:, None, None]


def _operand_token(operand: Operand, token: int) -> Tensor:
    chosen = torch.arange(operand.tokens, device=operand.node.value.device) == token
    return chosen[:, None] if operand.token_axis == 1 else chosen[None, :]
