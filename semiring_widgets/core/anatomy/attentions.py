"""Finding attentions and residual connections in a graph, for any model, without a list of models.

An attention is a softmax between two matrix products, or one step that does the same; its heads are their
batch dimension; query, key and value are the operands. Where its queries are not the tokens of the stream as
they stand, what is in which window is followed through the graph. What is not found is None, not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from semiring_widgets.core.anatomy.ancestry import ancestors
from semiring_widgets.core.anatomy.parts import Anatomy, Attention, Operand, Places, Residual
from semiring_widgets.core.anatomy.residuals import find_feed_forward, find_joined, find_stacked
from semiring_widgets.core.anatomy.softmax_cores import Core, find_cores
from semiring_widgets.core.anatomy.token_layout import Layout, find_layout, heads_of, named, rows_through
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.tape import Node, Op

__all__ = ["find_anatomy"]


def find_anatomy(graph: GradientGraph) -> Anatomy:
    """The attentions on the paths of a graph, with what surrounds them.

    What a model is made of does not depend on how its edges are weighed: where a rule holds attention weights
    constant, the attention is there all the same.
    """
    graph = graph.with_gradient()
    cores = find_cores(graph)
    joins = [find_joined(graph, core.query, core.context_op) for core in cores]
    taken = {residual.op for residual, _ in joins if residual is not None}
    found: list[Attention] = []
    for core, (residual, mlp) in zip(cores, joins, strict=True):
        laid = _laid_out(graph, core, residual)
        if laid is None:
            continue
        residual, query = laid.residual, laid.query
        if residual is not None and mlp is None:
            mlp = find_stacked(graph, residual, core.context_op, taken)
            mlp = mlp or find_feed_forward(graph, residual, taken)
        if residual is not None and mlp is not None:
            mlp = replace(mlp, dims=residual.dims)
        found.append(
            Attention(
                index=len(found),
                module=_module(core.context_op, core.scores_op),
                heads=query.heads,
                query=query,
                key=laid.key,
                value=laid.value,
                weights=laid.weights,
                scores_op=core.scores_op,
                context_op=core.context_op,
                stream=_stream(graph, residual.skip if residual is not None else query.node),
                key_stream=_stream(graph, laid.key.node),
                residual=residual,
                mlp=mlp,
                grid=laid.grid,
                in_windows=laid.in_windows,
            )
        )
    return Anatomy(tuple(found))


@dataclass(frozen=True)
class _Laid:
    """The operands of an attention with their heads and tokens, and its residual with its layout."""

    query: Operand
    key: Operand
    value: Operand
    weights: Operand | None
    residual: Residual | None
    grid: tuple[int, int] | None = None
    in_windows: bool = False


def _laid_out(graph: GradientGraph, core: Core, residual: Residual | None) -> _Laid | None:
    """Heads and tokens of the operands; None where they cannot be told from windows.

    Streams that are no plain (examples, tokens, units) or queries in another order: channels first in
    SqueezeBERT (https://arxiv.org/abs/2006.11316), tokens first in XLNet and FSMT, images in windows in Swin
    (https://arxiv.org/abs/2103.14030), SAM, ViTDet and Hiera, sequences in blocks in Longformer and LongT5,
    several streams in one tensor in ProphetNet (https://arxiv.org/abs/2001.04063).
    """
    in_windows = False
    if residual is not None and (core.windowed or not _is_plain(residual.skip, core.query.shape[1])):
        layout = find_layout(graph, residual.skip, core.query, _examples(graph, core, residual))
        if layout is not None:
            residual = replace(residual, dims=layout.dims)
            in_windows = core.windowed or not _in_order(layout.rows, residual.tokens)
            if in_windows and (followed := _followed(graph, core, residual, layout)) is not None:
                return followed
        else:
            in_windows = residual.skip.shape[-2] != core.query.shape[1]
    heads = None if core.windowed else _heads(graph, core, residual)
    if heads is None:
        return None
    places = None if in_windows or residual is None else _among_constants(graph, core, residual, heads)
    return _Laid(
        Operand(core.query, heads, 1),
        Operand(core.key, heads, 1 if core.weights is None else 2, places),
        Operand(core.value, heads, 1, places),
        None if core.weights is None else Operand(core.weights, heads, 1),
        residual,
        None if in_windows else _grid(graph, core, residual),
        in_windows,
    )


def _followed(graph: GradientGraph, core: Core, residual: Residual, layout: Layout) -> _Laid | None:
    """Operands that hold the stream in windows, each row at its token; None where that is not to be seen."""
    stream, scores = residual.skip, core.scores_op.outputs[0]
    numbers = layout.numbers(stream)
    key = rows_through(graph, stream, numbers, core.key, 1)
    value = rows_through(graph, stream, numbers, core.value, 2)
    if key is None or value is None or scores is None or core.weights is None:
        return None
    queries = layout.rows[:, :, None].expand(scores.shape)
    weights = rows_through(graph, scores, queries, core.weights, 2)
    if weights is None or not torch.equal(*weights):
        return None
    before, after = heads_of(torch.cat([layout.rows, *key], 1)), heads_of(torch.cat([weights[0], *value], 1))
    if before is None or after is None or before[0] != after[0]:
        return None
    tokens = residual.tokens
    asking, _ = named([(layout.rows, layout.rows), weights], tokens)
    asked, count = named([key, value], tokens)
    return _Laid(
        Operand(core.query, before[0], 1, Places(before[1], asking[0], tokens)),
        Operand(core.key, before[0], 2, Places(before[1], asked[0], count)),
        Operand(core.value, after[0], 1, Places(after[1], asked[1], count)),
        Operand(core.weights, after[0], 1, Places(after[1], asking[1], tokens)),
        residual,
        _grid(graph, core, residual),
    )


def _among_constants(graph: GradientGraph, core: Core, residual: Residual, heads: int) -> Places | None:
    """Where keys stand of which some are constants: a prefix, or a cache (any decoder's `past_key_values`).

    The tokens of the stream have their own places; constants, as they are no tokens of it, places after the
    last. None where the keys are the tokens as they come, or come from elsewhere.
    """
    tokens, keys = core.query.shape[1], core.value.shape[1]
    if core.weights is None or keys <= tokens or residual.tokens != tokens or residual.dims != (-2,):
        return None
    start = graph.wrt[_stream(graph, core.key)]
    numbers = torch.arange(tokens, device=residual.skip.device)[:, None].expand(residual.skip.shape)
    own = rows_through(graph, residual.skip, numbers, core.key, 1)
    any_path = rows_through(graph, start, torch.zeros(start.shape, dtype=torch.int64), core.key, 1)
    if own is None or any_path is None or not torch.equal(*own):
        return None
    rows = own[0]
    constant = rows < 0
    if bool((any_path[0][constant] >= 0).any()) or bool((constant != constant[:1]).any()):
        return None
    rows = rows.clone()
    rows[:, constant[0]] = torch.arange(tokens, tokens + int(constant[0].sum()), device=rows.device)
    return Places(torch.arange(len(rows), device=rows.device) % heads, rows, keys)


def _is_plain(stream: Node, rows: int) -> bool:
    """Whether the rows of the queries can only be the tokens of the stream as they stand."""
    return len(stream.shape) <= 3 and stream.shape[-2] == rows and stream.shape.count(rows) == 1


def _in_order(rows: Tensor, tokens: int) -> bool:
    return rows.shape[1] == tokens and bool((rows % tokens == torch.arange(tokens, device=rows.device)).all())


def _examples(graph: GradientGraph, core: Core, residual: Residual | None) -> int:
    """How many examples the inputs hold; where they have two dimensions, the stream says."""
    streams = [graph.wrt[_stream(graph, core.query)], *([residual.skip] if residual is not None else [])]
    return next((stream.shape[0] for stream in streams if len(stream.shape) > 2), 1)


def _heads(graph: GradientGraph, core: Core, residual: Residual | None) -> int | None:
    """How many heads; None where they cannot be told from windows that have the same dimension.

    Heads are the dimension before queries and keys. Where it is merged with examples and windows, the places
    of the stream say how many rows there are for one head.
    """
    if core.logits is not None and len(core.logits.shape) > 3:
        return core.logits.shape[-3]
    groups, rows = core.query.shape[:2]
    examples = _examples(graph, core, residual)
    if residual is not None:
        places = residual.skip.shape[:-1].numel()
        if groups * rows % places == 0 and groups % (groups * rows // places) == 0:
            return groups * rows // places
        if rows * examples < places:
            return None
    return groups // examples if groups % examples == 0 else groups


def _grid(graph: GradientGraph, core: Core, residual: Residual | None) -> tuple[int, int] | None:
    """Rows and columns of an image, where the stream holds it so or is opened to one for its windows.

    SAM, ViTDet and GOT-OCR hold it so; the Swin models open a sequence of patches.
    """
    if residual is None:
        return None
    skip = residual.skip
    if len(residual.dims) == 2:
        return skip.shape[residual.dims[0]], skip.shape[residual.dims[1]]
    if residual.dims != (-2,):
        return None
    opened = [
        node.shape[-3:-1]
        for node in ancestors(core.query)
        if len(node.shape) == len(skip.shape) + 1
        and (*node.shape[:-3], node.shape[-3] * node.shape[-2], node.shape[-1]) == tuple(skip.shape)
        and 1 not in node.shape[-3:-1]
        and skip in ancestors(node)
    ]
    return (opened[0][0], opened[0][1]) if len(set(opened)) == 1 else None


def _stream(graph: GradientGraph, node: Node) -> int:
    behind = ancestors(node)
    return max((i for i, start in enumerate(graph.wrt) if start in behind), default=0)


def _module(*ops: Op) -> str:
    return next((op.scope.module for op in ops if op.scope.module), "")
