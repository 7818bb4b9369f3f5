"""Where a part of a model can be replaced: elements of one tensor that all paths through it pass once.

- ``{"token": 5}``: a row of the input.
- ``{"layer": 2, "token": 5}``: a row of the residual stream that enters the layer.
- ``{"layer": 3, "head": 2}``: the head's *output*, its rows of the context (attention weights times values),
  as they are before the output projection; with ``"token"``, the row of that query alone. Without ``"head"``,
  all heads: ``{"layer": 3}``.
- with ``"branch": "query"``, ``"key"`` or ``"value"``: the head's rows of that operand, at all tokens or one.
- ``{"layer": 1, "branch": "mlp"}``: what the feed-forward part adds to the stream.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import Anatomy, Attention, Operand, Residual, Selection
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.replay import Patch
from semiring_widgets.core.tape import Node
from semiring_widgets.errors import InputError

__all__ = ["Place", "context_of", "place_of"]


@dataclass(frozen=True, eq=False)
class Place:
    """Some elements of a node.

    Attributes:
        node: the tensor.
        kept: boolean, broadcasts to the node's shape: True for what belongs to the part; None for all.
        token_dims: the dimensions that count tokens, which a mean is taken over.
    """

    node: Node
    kept: Tensor | None = None
    token_dims: tuple[int, ...] = ()

    def mask(self) -> Tensor:
        """`kept` in the node's shape."""
        if self.kept is None:
            return torch.ones(self.node.shape, dtype=torch.bool, device=self.node.device)
        return self.kept.expand(self.node.shape)

    def given(self, value: Tensor) -> Tensor | Patch:
        """What to put in the place of the node.

        Args:
            value: shaped as the node; what lies elsewhere is not looked at.
        """
        return value if self.kept is None else Patch(self.kept, value)

    def totals(self, values: Tensor, examples: int) -> Tensor:
        """The sum over these elements of a tensor that is shaped as the node, by example.

        Args:
            values: the tensor.
            examples: how many examples it holds, one after the other.
        """
        own = values if self.kept is None else torch.where(self.kept, values, 0.0)
        return own.reshape(examples, -1).sum(1)


def place_of(graph: GradientGraph, anatomy: Anatomy, chosen: Selection) -> Place:
    """Where a part is replaced.

    Args:
        graph: from the inputs to the score.
        anatomy: of the graph.
        chosen: a selection that has been checked.

    Raises:
        InputError: the part has no tensor of its own, or was not found in this model.
    """
    if chosen.layer is None:
        return _rows_of_input(graph.wrt[chosen.stream], chosen.token)
    attention = anatomy.attentions[chosen.layer]
    if chosen.branch in ("skip", "mlp_skip"):
        raise InputError(
            f"The {chosen.branch} of a layer is an edge, and no part with an output of its own that could be "
            f"replaced. Replace the stream, {{'layer': {chosen.layer}, 'token': ...}}, or what is added to "
            f"it."
        )
    if chosen.branch == "mlp":
        return _rows_of_stream(_found(attention.mlp, chosen, "feed-forward part"), chosen.token, branch=True)
    if chosen.branch is None and chosen.head is None and chosen.token is not None:
        return _rows_of_stream(_found(attention.residual, chosen, "residual stream"), chosen.token)
    operand = context_of(attention) if chosen.branch is None else attention.operands[chosen.branch]
    return _rows_of_heads(operand, chosen.head, chosen.token)


def context_of(attention: Attention) -> Operand:
    """The heads' outputs: attention weights times values, a row per query.

    Raises:
        InputError: the attention gives no such tensor.
    """
    made = attention.context_op.outputs[0]
    rows = attention.weights or attention.query
    if made is None:
        raise InputError(f"Layer {attention.index} has no heads whose output could be replaced.")
    return Operand(made, rows.heads, 1, rows.places)


def _found(residual: Residual | None, chosen: Selection, what: str) -> Residual:
    if residual is None:
        raise InputError(f"Layer {chosen.layer} has no {what} that was found in this model.")
    return residual


def _rows_of_input(node: Node, token: int | None) -> Place:
    dims = (-2,) if len(node.shape) > 1 else ()
    if token is None or not dims:
        return Place(node, None, dims)
    return Place(node, _among(node.shape[-2], token, node).unsqueeze(-1), dims)


def _rows_of_stream(residual: Residual, token: int | None, *, branch: bool = False) -> Place:
    node = residual.branch if branch else residual.skip
    if token is None:
        return Place(node, None, residual.dims)
    sizes = [residual.skip.shape[d] if d in residual.dims else 1 for d in range(-len(residual.skip.shape), 0)]
    kept = _among(residual.tokens, token, node).reshape(sizes)
    # What is added to the stream may be laid out otherwise, as long as it has as many elements.
    if node.shape != residual.skip.shape:
        kept = kept.expand(residual.skip.shape).reshape(node.shape)
    return Place(node, kept, residual.dims)


def _rows_of_heads(operand: Operand, head: int | None, token: int | None) -> Place:
    kept: Tensor | None = None
    if head is not None:
        kept = (operand.head_of == head)[:, None, None]
    if token is not None:
        rows = (operand.token_of == token).unsqueeze(3 - operand.token_axis)
        kept = rows if kept is None else kept & rows
    return Place(operand.node, kept, (operand.token_axis - 3,))


def _among(count: int, token: int, node: Node) -> Tensor:
    return torch.arange(count, device=node.device) == token
