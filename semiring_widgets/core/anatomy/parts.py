"""The parts of a model that the graph itself shows: attentions, their heads, the residual stream."""

from __future__ import annotations

from dataclasses import dataclass

from semiring_widgets.core.tape import Node, Op

__all__ = ["Anatomy", "Attention", "Operand", "Residual"]


@dataclass(frozen=True)
class Operand:
    """One operand of an attention's matrix products, shape (batch * heads, tokens, units) or transposed.

    Attributes:
        node: the tensor.
        heads: how many heads its first dimension holds, the fastest varying part.
        token_axis: 1 or 2: which dimension is the tokens.
    """

    node: Node
    heads: int
    token_axis: int

    @property
    def tokens(self) -> int:
        """How many tokens."""
        return self.node.shape[self.token_axis]

    def locate(self, element: int) -> tuple[int, int]:
        """Head and token of a flat element."""
        _, rows, columns = self.node.shape
        outer, inner = divmod(element, rows * columns)
        row, column = divmod(inner, columns)
        return outer % self.heads, row if self.token_axis == 1 else column


@dataclass(frozen=True)
class Residual:
    """An addition ``out = skip + branch`` on the residual stream, shape (..., tokens, units).

    An attention and a feed-forward part beside it may be added to each other before they join the stream:
    ``out = skip + (attention + mlp)``. Then both have the same skip and result, and meet in ``inner``.

    Attributes:
        op: the addition.
        skip: the operand that goes round.
        branch: the operand that was computed.
        out: the result.
        inner: the addition of attention and feed-forward part, or None.
        beside: of such a feed-forward part, the attention that it is added to.
    """

    op: Op
    skip: Node
    branch: Node
    out: Node
    inner: Op | None = None
    beside: Node | None = None

    @property
    def around(self) -> tuple[tuple[Op, Node], ...]:
        """Where paths that do not take the branch join: additions, and the operands that they come by."""
        if self.inner is not None and self.beside is not None:
            return (self.op, self.skip), (self.inner, self.beside)
        return ((self.op, self.skip),)

    @property
    def through(self) -> tuple[tuple[Op, Node], ...]:
        """As `around`, for the branch."""
        return ((self.inner or self.op, self.branch),)

    def nodes(self) -> set[Node]:
        """Every tensor at which its flow is measured."""
        made = self.inner.outputs[0] if self.inner is not None else None
        return {self.skip, self.branch, self.out} | {node for node in (self.beside, made) if node is not None}


@dataclass(frozen=True)
class Attention:
    """One attention layer: ``context = softmax(query key) value``, added to the stream it reads.

    Attributes:
        index: number in order of execution.
        module: dotted path of the module that computes its softmax.
        heads: number of heads.
        query, key, value: the operands.
        scores_op: the product of query and key.
        context_op: the product of attention weights and value.
        stream: position in ``wrt`` of the input that its queries come from.
        key_stream: the same of its keys; differs in cross-attention.
        residual: where it joins the stream, or None if no such addition was found.
        mlp: the addition after the feed-forward part that follows, or None.
    """

    index: int
    module: str
    heads: int
    query: Operand
    key: Operand
    value: Operand
    scores_op: Op
    context_op: Op
    stream: int
    key_stream: int
    residual: Residual | None
    mlp: Residual | None

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


def token_of(node: Node, element: int) -> int:
    """Token of a flat element of a residual stream, shape (..., tokens, units)."""
    return element // node.shape[-1] % node.shape[-2]
