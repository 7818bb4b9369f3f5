"""Flow: the value of all paths through a part of the model, alpha times beta."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from semiring_widgets.core.anatomy.parts import Anatomy, Attention, Operand, Residual
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.restriction import EVERY_PATH, Restriction
from semiring_widgets.core.semirings import Abs, Max, Semiring, Value
from semiring_widgets.core.sweeps import Progress, Span, sweep_forward, zeros
from semiring_widgets.core.tape import Node, Op
from semiring_widgets.errors import InputError

__all__ = [
    "Along",
    "LayerFlow",
    "branch_edges",
    "by_place",
    "by_token",
    "edges_along",
    "head_map",
    "hop_edges",
    "layer_flow",
    "summed",
    "sweep_layers",
]

Values = Mapping[Node, Value]
Along = dict[Edge, Value]
# Tangents and cotangents that belong together: their product is a flow.
Pairs = Sequence[tuple[Values, Values]]


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


@in_full_precision
def layer_flow(
    graph: GradientGraph,
    semiring: Semiring,
    attention: Attention,
    pairs: Pairs,
    crossing: Along | None = None,
    paths: Restriction = EVERY_PATH,
) -> LayerFlow:
    """Flow through one layer.

    Args:
        graph: the graph.
        semiring: the algebra of alpha and beta.
        attention: the layer.
        pairs: (tangents, cotangents), at least at the anatomy's nodes. Several where paths are restricted
            to a cut; a part takes the first pair that knows it.
        crossing: values along edges that no pair knows.
        paths: which paths count.
    """
    along = partial(_along, graph, semiring, pairs=pairs, crossing=crossing or {}, paths=paths)
    heads = {
        name: _by_head(semiring, operand, _through(graph, semiring, operand.node, pairs))
        for name, operand in attention.operands.items()
    }
    branches = {name: summed(semiring, value, 0) for name, value in heads.items()}
    stream = None
    if attention.residual is not None:
        through = _through(graph, semiring, attention.residual.skip, pairs)
        stream = by_place(semiring, through, attention.residual.dims)
        branches["skip"] = along(attention.residual, "skip")
    if attention.mlp is not None:
        branches["mlp"] = along(attention.mlp, "branch")
        branches["mlp_skip"] = along(attention.mlp, "skip")
    return LayerFlow(stream, branches, heads)


@in_full_precision
def sweep_layers(
    graph: GradientGraph,
    semiring: Semiring,
    anatomy: Anatomy,
    found: Callable[[Attention, Values], None],
    *,
    seeds: Values | None = None,
    keep: Collection[Node] | None = (),
    paths: Restriction = EVERY_PATH,
    progress: Progress | None = None,
) -> dict[Node, Value]:
    """A forward sweep that hands out the tangents of each layer as soon as they are known, and drops them.

    Args:
        graph: the graph.
        semiring: the algebra.
        anatomy: the layers.
        found: called once for every layer, with the tangents at its parts, as far as paths reach them.
        seeds: as in `Span`.
        keep: as in `Span`.
        paths: which paths count.
        progress: as in `sweep_backward`.
    """
    parts = {layer: Anatomy((layer,)).nodes() & graph.nodes for layer in anatomy.attentions}
    missing = {layer: set(nodes) for layer, nodes in parts.items()}
    wanted = set().union(*parts.values())
    alpha: dict[Node, Value] = {}

    def visit(node: Node, value: Value) -> None:
        if node not in wanted:
            return
        alpha[node] = value
        for layer in [layer for layer, nodes in missing.items() if node in nodes]:
            missing[layer].discard(node)
            if not missing[layer]:
                hand_out(layer)

    def hand_out(layer: Attention) -> None:
        found(layer, alpha)
        del missing[layer]
        later = set().union(*(parts[other] for other in missing))
        for node in parts[layer] - later:
            alpha.pop(node, None)

    values = sweep_forward(graph, semiring, Span(seeds, keep, visit=visit, seen=wanted), paths, progress)
    for layer in list(missing):
        hand_out(layer)
    return values


@in_full_precision
def head_map(
    graph: GradientGraph,
    attention: Attention,
    head: int,
    alpha: Mapping[Node, Tensor],
    beta: Mapping[Node, Tensor],
    *,
    best: bool = False,
    examples: int = 1,
) -> dict[str, Tensor]:
    """Log mass of one head between tokens, by query, key and value, each of shape (Tq, Tk).

    Of several examples it is (examples, Tq, Tk): no path leads from one to another. What a token gives to the
    padding of its window is in no column.

    Args:
        graph: the graph.
        attention: the layer.
        head: the head.
        alpha: log-mass tangents at the operands.
        beta: log-mass cotangents at the results of the two products.
        best: instead, log |weight| of the best path between them; ``alpha`` and ``beta`` are those of `Max`.
        examples: how many `examples.count_examples` found.

    Raises:
        InputError: the attention is one step whose inside is not seen.
    """
    scores = attention.scores_op.outputs[0]
    context = attention.context_op.outputs[0]
    product = _best_product if best else _log_product

    def own(values: Mapping[Node, Tensor], operand: Operand, node: Node | None) -> Tensor | None:
        if node is None or node not in values:
            return None
        return values[node][operand.head_of == head].double()

    def number(operand: Operand, product: Op, other: Operand) -> Tensor:
        """Log |weight| of the edges that the other operand has in a product: this operand, by most rules."""
        return _factor(graph, operand, product, other.node)[operand.head_of == head].double().abs().log()

    def joined(windows: Tensor, rows: Operand, columns: Operand) -> Tensor:
        """(windows and examples, queries, keys) -> (Tq, Tk)."""
        if examples > 1:
            return windows  # such attentions have no windows
        if rows.places is None and columns.places is None:
            return windows.amax(0) if best else windows.logsumexp(0)
        above, below = rows.token_of[rows.head_of == head], columns.token_of[columns.head_of == head]
        cells = above[:, :, None] * columns.tokens + below[:, None, :]
        known = (above >= 0)[:, :, None] & (below >= 0)[:, None, :]
        algebra = Max() if best else Abs()
        (found,) = algebra.scatter((windows[known],), cells[known], rows.tokens * columns.tokens)
        return found.reshape(rows.tokens, columns.tokens)

    query, key, value, weights = attention.query, attention.key, attention.value, attention.weights
    if weights is None:
        raise InputError(
            f"The attention of layer {attention.index} ({attention.module}) is one step with a backward of "
            f"its own; its flow is known by head and token, but not from token to token."
        )
    shape: tuple[int, ...] = (query.tokens, key.tokens)
    if examples > 1:
        shape = (examples, query.tokens // examples, key.tokens // examples)
    none = torch.full(shape, float("-inf"), dtype=torch.float64, device=query.node.device)
    found = {"query": none, "key": none, "value": none}
    scores_factor, context_factor = _log_factor(attention.scores_op), _log_factor(attention.context_op)
    ahead = own(beta, query, scores)
    if ahead is not None:
        if (a := own(alpha, query, query.node)) is not None:
            factor = number(key, attention.scores_op, query)
            found["query"] = joined(product(a, factor) + ahead + scores_factor, query, key)
        if (a := own(alpha, key, key.node)) is not None:
            factor = number(query, attention.scores_op, key)
            found["key"] = joined(product(factor, a) + ahead + scores_factor, query, key)
    ahead = own(beta, weights, context)
    if ahead is not None and (a := own(alpha, value, value.node)) is not None:
        factor = number(weights, attention.context_op, value)
        found["value"] = joined(factor + product(ahead, a.mT) + context_factor, weights, value)
    return found


def _factor(graph: GradientGraph, operand: Operand, product: Op, other: Node) -> Tensor:
    """What the edges from the other operand of a product carry, up to the product's own factor.

    By the gradient, and wherever a rule holds one operand constant, that is this operand itself.
    """
    alpha = float(product.kwargs.get("alpha", 1))
    if graph.with_gradient() is graph or not alpha:
        return operand.node.value
    for edge in graph.edges(product):
        if edge.source is other and edge.block.weight is not None:
            carried = edge.block.weight.value / alpha
            # The right operand of a product has the left one transposed for a weight.
            return carried.mT if product.inputs()[-1] is other else carried
    return operand.node.value


def _through(graph: GradientGraph, semiring: Semiring, node: Node, pairs: Pairs) -> Value:
    for alpha, beta in pairs:
        if node in alpha and node in beta:
            return semiring.times(alpha[node], beta[node])
    return zeros(graph, semiring, node)


def _along(
    graph: GradientGraph,
    semiring: Semiring,
    residual: Residual,
    which: str,
    pairs: Pairs,
    crossing: Along,
    paths: Restriction,
) -> Value:
    """Flow along one operand's edge into an addition, by token."""
    total = by_place(semiring, zeros(graph, semiring, residual.skip), residual.dims)
    for edge in edges_along(graph, residual.around if which == "skip" else residual.through):
        if edge in crossing:
            total = semiring.plus(total, by_place(semiring, crossing[edge], residual.dims))
            continue
        for alpha, beta in pairs:
            if edge.source in alpha and edge.target in beta:
                pulled = paths.along(semiring, edge, edge.pull(semiring, beta[edge.target]))
                joined = semiring.times(alpha[edge.source], pulled)
                total = semiring.plus(total, by_place(semiring, joined, residual.dims))
                break
    return total


def edges_along(graph: GradientGraph, ways: Iterable[tuple[Op, Node]]) -> list[Edge]:
    """The edges that some operators make, each from one of its inputs."""
    return [edge for op, source in ways if op in graph for edge in graph.edges(op) if edge.source is source]


def branch_edges(graph: GradientGraph, anatomy: Anatomy) -> frozenset[Edge]:
    """The edges by which attentions and feed-forward parts join the stream: a path that uses none never left.

    An attention without a known residual connection counts from its operands on.
    """
    ways: list[tuple[Op, Node]] = []
    for attention in anatomy.attentions:
        if attention.residual is None:
            products, operands = (attention.scores_op, attention.context_op), attention.operands.values()
            ways += [(op, operand.node) for op in products for operand in operands]
        for residual in (attention.residual, attention.mlp):
            ways += [] if residual is None else residual.through
    return frozenset(edges_along(graph, ways))


def hop_edges(graph: GradientGraph, anatomy: Anatomy, of: str) -> tuple[frozenset[Edge], int]:
    """The edges that are one hop each, and at how many places of a path they can be.

    Args:
        graph: the graph.
        anatomy: its parts.
        of: ``"attention"`` or ``"mlp"`` (where its result joins the stream), or ``"skip"`` (around both).
    """
    found: set[Edge] = set()
    places = 0
    for attention in anatomy.attentions:
        for kind, residual in (("attention", attention.residual), ("mlp", attention.mlp)):
            if residual is None or of not in (kind, "skip"):
                continue
            new = set(edges_along(graph, residual.around[:1] if of == "skip" else residual.through))
            places += not new <= found
            found |= new
    return frozenset(found), places


def by_token(semiring: Semiring, value: Value) -> Value:
    """(..., tokens, units) -> (tokens,)."""
    flat = tuple(v.reshape(-1, *v.shape[-2:]) for v in value)
    return tuple(v.reshape(-1) for v in semiring.sum(flat, (0, 2)))


def by_place(semiring: Semiring, value: Value, dims: Sequence[int]) -> Value:
    """Summed over all dimensions but some, which count tokens together: -> (tokens,)."""
    others = [dim for dim in range(-value[0].dim(), 0) if dim not in dims]
    return tuple(v.reshape(-1) for v in semiring.sum(value, others))


def summed(semiring: Semiring, value: Value, dim: int) -> Value:
    """The semiring sum over one dimension, which goes."""
    return tuple(v.squeeze(dim) for v in semiring.sum(value, (dim,)))


def _by_head(semiring: Semiring, operand: Operand, value: Value) -> Value:
    """(batch * heads, tokens, units) -> (heads, tokens)."""
    rows = summed(semiring, value, 3 - operand.token_axis)
    if operand.places is None:
        return summed(semiring, tuple(v.reshape(-1, operand.heads, operand.tokens) for v in rows), 0)
    # A row of padding holds no path.
    known = operand.token_of >= 0
    cells = operand.head_of[:, None] * operand.tokens + operand.token_of
    size = operand.heads * operand.tokens
    found = semiring.scatter(tuple(v[known] for v in rows), cells[known], size)
    return tuple(v.reshape(operand.heads, operand.tokens) for v in found)


def _log_factor(product: Op) -> float:
    """Log of the factor that a product is multiplied by."""
    factor = abs(float(product.kwargs.get("alpha", 1)))
    return math.log(factor) if factor else float("-inf")


def _log_product(a: Tensor, b: Tensor) -> Tensor:
    """``log(exp(a) @ exp(b))`` for log masses."""
    low = torch.finfo(a.dtype).min
    left = a.amax(-1, keepdim=True).clamp(min=low)
    right = b.amax(-2, keepdim=True).clamp(min=low)
    return (torch.exp(a - left) @ torch.exp(b - right)).log() + left + right


def _best_product(a: Tensor, b: Tensor) -> Tensor:
    """``max over k of a[.., k] + b[k, ..]``: `_log_product` with a maximum for the sum, row by row."""
    turned = b.mT
    return torch.stack([(row[:, None] + turned).amax(-1) for row in a.unbind(1)], 1)
