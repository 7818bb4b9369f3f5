"""Batches: one score for each example, and which elements of the parts belong to which example.

Told apart where examples come first: an input is (examples, tokens, units), a stream too, and the rows of an
attention's operands are those of the first example's heads, then those of the second's. Windows and streams
that hold tokens before examples are not.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from semiring_widgets.core.anatomy.layer_flows import LayerFlow
from semiring_widgets.core.anatomy.parts import Anatomy, Attention, Operand, Places, Residual
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.semirings import Value
from semiring_widgets.errors import InputError

__all__ = ["count_examples", "end_to_end", "texts_of", "tokens_of_texts"]


def count_examples(graph: GradientGraph, anatomy: Anatomy) -> int:
    """How many examples there are, one a score; more than one only where all parts tell them apart.

    Args:
        graph: the graph.
        anatomy: its parts.

    Raises:
        InputError: there are several scores, and not as many examples in every input, or a layer holds them
            in another way.
    """
    count = graph.score.shape.numel()
    if count == 1:
        return 1
    for node in graph.wrt:
        if node.outer[:1] != (count,) or len(node.outer) < 3:
            raise InputError(
                f"score has {count} numbers, one an example, and wrt the shape {list(node.outer)}; give "
                f"inputs of shape ({count}, tokens, units), or one score for a single text."
            )
    for attention in anatomy.attentions:
        if not _examples_first(attention, count):
            raise InputError(
                f"score has {count} numbers, and the layer {attention.module!r} does not hold its examples "
                f"one after the other (it has windows, or tokens come first); ask about one at a time."
            )
        if attention.mlp is None and _flattened(graph, attention, count):
            raise InputError(
                f"score has {count} numbers, and behind the layer {attention.module!r} the tokens of all "
                f"examples are one list, where its feed-forward part is not found; ask about one at a time."
            )
    return count


def end_to_end(anatomy: Anatomy, examples: int) -> Anatomy:
    """The anatomy of a batch as that of one long text: token t of example e is ``e * tokens + t``.

    Args:
        anatomy: of a graph in which `count_examples` found as many.
        examples: how many.
    """
    if examples == 1:
        return anatomy
    return Anatomy(tuple(_laid_out(attention, examples) for attention in anatomy.attentions))


def texts_of(flow: LayerFlow, examples: int) -> list[LayerFlow]:
    """The flow through a layer, told of `end_to_end`, by example.

    Args:
        flow: tokens of all examples one after the other.
        examples: how many.
    """
    streams = [None] * examples if flow.stream is None else tokens_of_texts(flow.stream, examples)
    branches = {name: tokens_of_texts(value, examples) for name, value in flow.branches.items()}
    heads = {name: tokens_of_texts(value, examples) for name, value in flow.heads.items()}
    return [
        LayerFlow(
            streams[number],
            {name: each[number] for name, each in branches.items()},
            {name: each[number] for name, each in heads.items()},
        )
        for number in range(examples)
    ]


def tokens_of_texts(value: Value, examples: int) -> list[Value]:
    """A value whose last dimension counts the tokens of all examples, by example."""
    return list(zip(*(part.chunk(examples, -1) for part in value), strict=True))


def _examples_first(attention: Attention, count: int) -> bool:
    operands = [*attention.operands.values(), *([attention.weights] if attention.weights else [])]
    streams = [each for each in (attention.residual, attention.mlp) if each is not None]
    return (
        not attention.in_windows
        and all(each.places is None and each.node.shape[0] == count * each.heads for each in operands)
        and all(
            each.skip.shape[0] == count and each.dims == (-2,) and len(each.skip.shape) == 3
            for each in streams
        )
    )


def _flattened(graph: GradientGraph, attention: Attention, count: int) -> bool:
    """Whether something is added to the tokens of all examples as one list.

    So does OPT (https://arxiv.org/abs/2205.01068) with its feed-forward part, which is found of one example.
    """
    residual = attention.residual
    if residual is None or len(residual.skip.shape) != 3:
        return False
    one_list = torch.Size((count * residual.tokens, residual.skip.shape[-1]))
    return any(
        op.func.overloadpacket is torch.ops.aten.add
        and op.outputs[0] is not None
        and op.outputs[0].shape == one_list
        and len([node for node in op.inputs() if node in graph.nodes and node.shape == one_list]) > 1
        for op in graph.ops
    )


def _laid_out(attention: Attention, examples: int) -> Attention:
    weights = None if attention.weights is None else _numbered(attention.weights, examples)
    return replace(
        attention,
        query=_numbered(attention.query, examples),
        key=_numbered(attention.key, examples),
        value=_numbered(attention.value, examples),
        weights=weights,
        residual=_both(attention.residual),
        mlp=_both(attention.mlp),
        grid=None,
    )


def _numbered(operand: Operand, examples: int) -> Operand:
    groups, tokens = operand.node.shape[0], operand.tokens
    group = torch.arange(groups, device=operand.node.device)
    first = torch.div(group, operand.heads, rounding_mode="floor") * tokens
    rows = first[:, None] + torch.arange(tokens, device=operand.node.device)
    return replace(operand, places=Places(group % operand.heads, rows, examples * tokens))


def _both(residual: Residual | None) -> Residual | None:
    """Examples counted beside the tokens."""
    return None if residual is None else replace(residual, dims=(-3, -2))
