"""The hidden layer of a feed-forward part: what its last matrix product reads.

In ``down(gelu(up(x)))`` it is the output of the GELU, in a gated part ``down(silu(gate(x)) * up(x))`` the
product. Everything that the part adds to the stream is a linear function of it.
"""

from __future__ import annotations

from semiring_widgets.core.anatomy.ancestry import CONTRACTIONS, ancestors, contracts, sources_of
from semiring_widgets.core.anatomy.parts import Residual
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.tape import Node

__all__ = ["hidden_of"]


def hidden_of(graph: GradientGraph, mlp: Residual) -> Node | None:
    """The hidden layer, shape (..., tokens, units) up to flattened tokens.

    Args:
        graph: the graph.
        mlp: where the feed-forward part joins the stream.

    Returns:
        None where what is added to the stream is no linear function of one tensor (a norm behind the last
        product, several experts), or that tensor is not the result of another product, token by token.
    """
    node = mlp.branch
    while (op := node.op) is not None and op in graph:
        sources = sources_of(graph, op)
        if len(sources) != 1:
            return None
        (source,) = sources
        if op.func.overloadpacket in CONTRACTIONS:
            by_token = len(source.shape) > 1 and source.shape[:-1].numel() == mlp.tokens
            made = contracts(ancestors(source) - ancestors(mlp.skip))
            return source if by_token and made else None
        # Views, and the bias that is added; a factor behind the product would be another unit's value.
        if source.shape.numel() != node.shape.numel() or any(
            e.block.weight is not None for e in graph.edges(op)
        ):
            return None
        node = source
    return None
