"""The parts of a model that the graph itself shows: attentions, their heads, the residual stream."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from semiring_widgets.core.tape import Node, Op

__all__ = ["Anatomy", "Attention", "Operand", "Places", "Residual"]


@dataclass(frozen=True, eq=False)
class Places:
    """Where the rows of an operand stand that was cut into windows.

    Attributes:
        heads: head of each group, int64 (groups,).
        tokens: token of the stream of each row, int64 (groups, rows); -1 for padding. A row that mixes
            several tokens has a place of its own after those.
        count: how many tokens and such places there are.
    """

    heads: Tensor
    tokens: Tensor
    count: int


@dataclass(frozen=True)
class Operand:
    """One operand of an attention's matrix products, shape (batch * heads, tokens, units) or transposed.

    Attributes:
        node: the tensor.
        heads: how many heads its first dimension holds, the fastest varying part where ``places`` is None.
        token_axis: 1 or 2: which dimension is the tokens.
        places: where its rows stand in the stream; None where they are its tokens as they come.
    """

    node: Node
    heads: int
    token_axis: int
    places: Places | None = field(default=None, compare=False)

    @property
    def tokens(self) -> int:
        """How many tokens."""
        return self.places.count if self.places is not None else self.node.shape[self.token_axis]

    @property
    def head_of(self) -> Tensor:
        """Head of each group, int64 (groups,)."""
        if self.places is not None:
            return self.places.heads
        return torch.arange(self.node.shape[0], device=self.node.device) % self.heads

    @property
    def token_of(self) -> Tensor:
        """Token of each row, int64 (groups, rows); -1 for padding."""
        if self.places is not None:
            return self.places.tokens
        rows = torch.arange(self.tokens, device=self.node.device)
        return rows.expand(self.node.shape[0], -1)

    def locate(self, element: int) -> tuple[int, int]:
        """Head and token of a flat element."""
        _, rows, columns = self.node.shape
        outer, inner = divmod(element, rows * columns)
        row = inner // columns if self.token_axis == 1 else inner % columns
        if self.places is not None:
            return int(self.places.heads[outer]), int(self.places.tokens[outer, row])
        return outer % self.heads, row


@dataclass(frozen=True)
class Residual:
    """An addition ``out = skip + branch`` on the residual stream, mostly of shape (..., tokens, units).

    An attention and a feed-forward part beside it may be added to each other before they join the stream:
    ``out = skip + (attention + mlp)``. Then both have the same skip and result, and meet in ``inner``.

    Attributes:
        op: the addition.
        skip: the operand that goes round.
        branch: the operand that was computed.
        out: the result.
        inner: the addition of attention and feed-forward part, or None.
        beside: of such a feed-forward part, the attention that it is added to.
        scaled: the skip as it is added, where it is multiplied by a factor before; else None.
        dims: the dimensions that count tokens, negative: the last but one, two of an image, or others.
    """

    op: Op
    skip: Node
    branch: Node
    out: Node
    inner: Op | None = None
    beside: Node | None = None
    scaled: Node | None = None
    dims: tuple[int, ...] = (-2,)

    @property
    def tokens(self) -> int:
        """How many tokens the stream has."""
        return math.prod(self.skip.shape[dim] for dim in self.dims)

    def token_of(self, element: int) -> int:
        """Token of a flat element."""
        token = 0
        place = self.skip.index_of(element)
        for dim in self.dims:
            token = token * self.skip.shape[dim] + place[dim]
        return token

    @property
    def around(self) -> tuple[tuple[Op, Node], ...]:
        """Where paths that do not take the branch join: additions, and the operands that they come by."""
        skip = self.scaled or self.skip
        if self.inner is not None and self.beside is not None:
            return (self.op, skip), (self.inner, self.beside)
        return ((self.op, skip),)

    @property
    def through(self) -> tuple[tuple[Op, Node], ...]:
        """As `around`, for the branch."""
        return ((self.inner or self.op, self.branch),)

    def nodes(self) -> set[Node]:
        """Every tensor at which its flow is measured."""
        made = self.inner.outputs[0] if self.inner is not None else None
        others = {node for node in (self.scaled, self.beside, made) if node is not None}
        return {self.skip, self.branch, self.out} | others


@dataclass(frozen=True)
class Attention:
    """One attention layer: ``context = softmax(query key) value``, added to the stream it reads.

    Attributes:
        index: number in order of execution.
        module: dotted path of the module that computes its softmax.
        heads: number of heads.
        query, key, value: the operands.
        weights: the attention weights, the operand beside the value; its rows are queries. None where the
            attention is one step whose inside is not seen.
        scores_op: the product of query and key, or that step.
        context_op: the product of attention weights and value, or that step.
        stream: position in ``wrt`` of the input that its queries come from.
        key_stream: the same of its keys; differs in cross-attention.
        residual: where it joins the stream, or None if no such addition was found.
        mlp: the addition after the feed-forward part that follows, or None.
        grid: rows and columns of the tokens, which are numbered row by row; None where they are a sequence.
        in_windows: whether the tokens of the operands are positions within windows, those of all windows
            together, because they could not be followed to the stream.
    """

    index: int
    module: str
    heads: int
    query: Operand
    key: Operand
    value: Operand
    weights: Operand | None
    scores_op: Op
    context_op: Op
    stream: int
    key_stream: int
    residual: Residual | None
    mlp: Residual | None
    grid: tuple[int, int] | None = None
    in_windows: bool = False

    @property
    def operands(self) -> dict[str, Operand]:
        """Query, key and value by name."""
        return {"query": self.query, "key": self.key, "value": self.value}


@dataclass(frozen=True)
class Anatomy:
    """What was found in a graph: attentions in order of execution. Empty where there is none."""

    attentions: tuple[Attention, ...] = ()

    def nodes(self) -> set[Node]:
        """Every tensor at which flow is measured."""
        found: set[Node] = set()
        for attention in self.attentions:
            found.update(operand.node for operand in attention.operands.values())
            found.update(
                node
                for op in (attention.scores_op, attention.context_op)
                for node in op.outputs
                if node is not None
            )
            for residual in (attention.residual, attention.mlp):
                if residual is not None:
                    found |= residual.nodes()
        return found
