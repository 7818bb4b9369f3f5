"""Which token of a stream the rows of an attention's operands belong to, by following where they come from.

Most attentions take the tokens of their stream as they stand. Some cut them into windows, shifted (Swin),
padded (SAM) or overlapping (Longformer, LongT5), hold channels before tokens (SqueezeBERT), or lay them out
in rows and columns. So every element of the stream gets the number of its place, and a sweep carries the
lowest and the highest number that reaches each row.
Where the two are equal, the row belongs to that place; where they differ, it mixes several.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.semirings import Product
from semiring_widgets.core.semirings.number_range import NumberRange
from semiring_widgets.core.sweeps import Span, sweep_forward
from semiring_widgets.core.tape import Node

__all__ = ["Layout", "find_layout", "heads_of", "named", "paired", "rows_through"]

_PADDING = -1


@dataclass(frozen=True)
class Layout:
    """How a stream holds its tokens.

    Attributes:
        dims: its dimensions that count tokens, negative, ascending; several for rows and columns.
        examples: its dimensions that count examples, negative.
        rows: place of every row of the queries, as numbered by `numbers`, shape (groups, rows).
    """

    dims: tuple[int, ...]
    examples: tuple[int, ...]
    rows: Tensor

    def numbers(self, stream: Node) -> Tensor:
        """For every element of the stream: example times tokens plus token."""
        return _numbers(stream, self.examples + self.dims)


def find_layout(graph: GradientGraph, stream: Node, query: Node, examples: int) -> Layout | None:
    """The layout of a stream, as the queries of an attention show it.

    Args:
        graph: the graph.
        stream: where the queries come from.
        query: the queries, shape (groups, rows, units).
        examples: how many examples there are.

    Returns:
        The layout; None where a row of the queries belongs to no one place along any dimension.
    """
    rank = len(stream.shape)
    every = [_numbers(stream, (dim,)) for dim in range(-rank, 0)]
    found = _carried(graph, stream, every, query)
    if found is None:
        return None
    found = [(low.amin(-1), high.amax(-1)) for low, high in found]
    reached = found[0][0] <= found[0][1]
    tokens, over = [], []
    for dim, (low, high) in zip(range(-rank, 0), found, strict=True):
        if stream.shape[dim] == 1 or bool(((low != high) & reached).any()):
            continue
        within = torch.where(reached, low, float("inf")).amin(1), torch.where(reached, high, -1.0).amax(1)
        if stream.shape[dim] == examples and not bool((within[0] < within[1]).any()):
            over.append(dim)
        else:
            tokens.append(dim)
    if not tokens:
        return None
    dims = tuple(over + tokens)
    rows = sum(low * _stride(stream, dims, dim) for dim, (low, _) in zip(range(-rank, 0), found, strict=True))
    return Layout(tuple(tokens), tuple(over), torch.where(reached, rows, _PADDING).long())


def rows_through(
    graph: GradientGraph, start: Node, numbers: Tensor, end: Node, units: int
) -> tuple[Tensor, Tensor] | None:
    """The numbers that reach each row of a tensor.

    Args:
        graph: the graph.
        start: where paths start.
        numbers: of its elements, of its shape; -1 where paths do not start.
        end: the tensor, of three dimensions.
        units: its dimension that does not count rows.

    Returns:
        The lowest and the highest, int64 (groups, rows), -1 for rows that nothing reaches; None where nothing
        reaches any.
    """
    found = _carried(graph, start, [numbers], end)
    if found is None:
        return None
    low, high = found[0][0].amin(units), found[0][1].amax(units)
    reached = low <= high
    return torch.where(reached, low, _PADDING).long(), torch.where(reached, high, _PADDING).long()


def named(rows: Sequence[tuple[Tensor, Tensor]], tokens: int) -> tuple[list[Tensor], int]:
    """The token of each row; rows that mix several have places after the last token.

    LongT5's global keys are averages of blocks of words (https://arxiv.org/abs/2112.07916).

    Args:
        rows: of some operands the lowest and the highest number that reach each row, see `rows_through`.
        tokens: how many tokens an example of the stream has.

    Returns:
        For each operand int64 (groups, rows), -1 for padding; and how many places there are.
    """
    spans = [(low % tokens) * tokens + high % tokens for low, high in rows]
    mixed = torch.cat([span[low != high] for span, (low, high) in zip(spans, rows, strict=True)]).unique()
    found = []
    for span, (low, high) in zip(spans, rows, strict=True):
        token = torch.where(low == high, low % tokens, tokens + torch.searchsorted(mixed, span))
        found.append(torch.where(low >= 0, token, _PADDING))
    return found, tokens + len(mixed)


def paired(
    graph: GradientGraph, made: Sequence[Node], joint: tuple[Node, Node], used: Sequence[Node]
) -> list[int] | None:
    """Which of several tensors is behind each of several others, where all are joined side by side between.

    For the scores of near and far keys in Longformer, LED and BigBird.

    Args:
        graph: the graph.
        made: tensors that are joined.
        joint: what they are joined to, and the result, of its shape, of a step on all of it.
        used: the parts that it is taken apart to.

    Returns:
        For each of the parts the position of its tensor; None where a part holds of several, or of none.
    """
    before, after = joint
    numbers = torch.full(before.shape, -1.0, device=before.device)
    for position, node in enumerate(made):
        found = _carried(graph, node, [torch.zeros(node.shape, device=numbers.device)], before)
        if found is not None:
            numbers[found[0][0] == 0] = position
    positions = []
    for node in used:
        found = _carried(graph, after, [numbers], node)
        low, high = (found[0][0].amin(), found[0][1].amax()) if found is not None else (-1, -1)
        if low != high or low < 0:
            return None
        positions.append(int(low))
    return positions


def heads_of(rows: Tensor) -> tuple[int, Tensor] | None:
    """How many heads there are, and which each group belongs to.

    Groups of the same rows are the heads of one window, in their order.

    Args:
        rows: place of every row, int64 (groups, rows).

    Returns:
        Heads, and the head of each group, int64 (groups,); None where windows differ in their heads.
    """
    _, window, counts = rows.unique(dim=0, return_inverse=True, return_counts=True)
    # Windows that are padding all over are the same window to us; they hold no paths.
    alive = (rows != _PADDING).any(1)
    heads = counts[window[alive]].unique()
    if len(heads) != 1:
        return None
    order = torch.argsort(window, stable=True)
    first = torch.cumsum(counts, 0) - counts
    turn = torch.empty_like(window)
    turn[order] = torch.arange(len(order), device=order.device) - first[window[order]]
    return int(heads), turn % int(heads)


def _carried(
    graph: GradientGraph, start: Node, numbers: Sequence[Tensor], end: Node
) -> list[tuple[Tensor, Tensor]] | None:
    """Lowest and highest of several numberings at each element of a tensor; None if nothing reaches it."""
    between = GradientGraph(graph.tape, end, [start])
    if start not in between.nodes or end not in between.nodes:
        return None
    extents = Product(*(NumberRange() for _ in numbers))
    seeds: list[Tensor] = []
    for number in numbers:
        given = number.to(between.dtype)
        seeds += [given.masked_fill(number < 0, float("inf")), given.masked_fill(number < 0, float("-inf"))]
    reached = sweep_forward(between, extents, Span({start: tuple(seeds)}, keep=(end,))).get(end)
    if reached is None:
        return None
    return [(low, high) for low, high in extents.split(reached)]


def _numbers(stream: Node, dims: Sequence[int]) -> Tensor:
    """Flat index over some dimensions, in their order, for every element of a stream."""
    number = torch.zeros(stream.shape, dtype=torch.int64, device=stream.device)
    for dim in dims:
        size = stream.shape[dim]
        along = torch.arange(size, device=number.device) * _stride(stream, dims, dim)
        number += along.reshape(size, *(1 for _ in range(-dim - 1)))
    return number


def _stride(stream: Node, dims: Sequence[int], dim: int) -> int:
    """What one step along a dimension adds to the flat index over some; 0 for the others."""
    if dim not in dims:
        return 0
    return math.prod(stream.shape[later] for later in dims[list(dims).index(dim) + 1 :])
