"""Where the paths to the score pass inside of the model: by patch of each attention, or by cell of a map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from semiring_widgets.core import Paths, Tape, backprop
from semiring_widgets.core.anatomy import Attention, Residual
from semiring_widgets.core.rules import Rule
from semiring_widgets.core.tape import Node
from semiring_widgets.explanation.cells.feature_maps import Noted, as_wide
from semiring_widgets.explanation.cells.question import CellQuestion
from semiring_widgets.results.cells import CellLayer

__all__ = ["LayerNumbers", "attention_numbers", "map_numbers", "padded", "patches_of"]

# How many maps of one size are looked at, and the share of paths that is all of them but for rounding.
_TRIED, _EVERY = 4, 0.999
# Fewer tokens than these may come before the patches, such as a class token and registers.
_BEFORE = 17


@dataclass(frozen=True, eq=False)
class LayerNumbers:
    """Of one layer; shares are of the mass of all paths.

    Attributes:
        layer: what it is.
        mass_share: of the paths through each place, shape (places,).
        contribution: sum over the paths through each place of weight times (value - value under the
            reference), shape (places,); NaN where it was not asked for.
        head_share: of the paths that enter each head, shape (heads,).
        head_map: of the paths that enter each head by its values, shape (heads, places).
    """

    layer: CellLayer
    mass_share: Tensor
    contribution: Tensor
    head_share: Tensor
    head_map: Tensor


def patches_of(attention: Attention, question: CellQuestion) -> tuple[int, int, int] | None:
    """Rows and columns of the patches among its tokens, and how many others come before them.

    Args:
        attention: the layer; its tokens are patches row by row, mostly after a class token.
        question: whose model may say how large a patch is, and of how many tokens after them.

    Returns:
        None where the patches are unknown, or spread over several sequences, and where no number of up to 16
        tokens in front leaves a grid of the picture's proportions.
    """
    if attention.residual is not None and _is_spread(attention.residual):
        return None
    tokens = attention.query.tokens if attention.residual is None else attention.residual.tokens
    height, width = question.grid.rows[-1], question.grid.columns[-1]
    if height == 1:
        return 1, tokens, 0
    if attention.grid is not None:
        return (*attention.grid, 0)
    config = getattr(question.model, "config", None)
    config = getattr(config, "vision_config", config)
    patch = getattr(config, "patch_size", None)
    if isinstance(patch, int) and patch > 0:
        rows, columns = height // patch, width // patch
        before = tokens - rows * columns - (getattr(config, "num_detection_tokens", None) or 0)
        if rows * columns and 0 <= before < _BEFORE:
            return rows, columns, before
    for before in range(min(_BEFORE, tokens)):
        rows = round(math.sqrt((tokens - before) * height / width))
        if rows and (tokens - before) % rows == 0 and (tokens - before) // rows * height == rows * width:
            return rows, (tokens - before) // rows, before
    return None


def _is_spread(residual: Residual) -> bool:
    """Whether patches lie in several sequences, as in MobileViT: one for each pixel of a patch."""
    shape, dims = residual.skip.shape, residual.dims
    others = [size for axis, size in enumerate(shape[:-1], -len(shape)) if axis not in dims]
    return (len(dims) == 2 and len(shape) == 3) or math.prod(others) > 1


def attention_numbers(paths: Paths, question: CellQuestion) -> list[LayerNumbers]:
    """Mass through each patch and head of every attention whose patches are known.

    Args:
        paths: from the inputs to the score.
        question: whose grid and model, see `patches_of`.
    """
    attentions = paths.anatomy.attentions
    flow = paths.flow("abs")
    whole = flow.total[0].double()
    found = []
    for attention in attentions:
        grid = patches_of(attention, question)
        if grid is None or attention.residual is None or attention.in_windows:
            continue
        rows, columns, before = grid
        layer = CellLayer(attention.module, "attention", rows, columns, attention.heads)
        numbers = flow.layer(attention)
        stream = torch.full((rows * columns,), torch.nan)
        if numbers.stream is not None:
            stream = (numbers.stream[0].double() - whole).exp()[before : before + rows * columns]
        by_kind = torch.stack([(value[0].double() - whole).exp().sum(-1) for value in numbers.heads.values()])
        values = (numbers.heads["value"][0].double() - whole).exp()
        keys = values[:, before : before + rows * columns]
        if keys.shape[1] < rows * columns:  # keys of several patches each
            keys = torch.full((len(values), rows * columns), torch.nan)
        none = torch.full_like(stream, torch.nan)
        found.append(LayerNumbers(layer, stream, none, by_kind.sum(0), keys))
    return found


def map_numbers(
    paths: Paths, tape: Tape, score: Tensor, maps: Noted, under: Noted, rules: str | Rule
) -> list[LayerNumbers]:
    """Mass and contribution by place, of the last feature map of each size that all paths cross.

    A map inside of a branch is crossed by some paths only, and one whose channels come last is no map.

    Args:
        paths: from the inputs to the score.
        tape: of the recording in which the maps were noted.
        score: the recorded score.
        maps: as they were recorded.
        under: the same under the reference.
        rules: which number an edge carries.
    """
    height, width = paths.graph.wrt[0].shape[-2:]
    sizes = [size for size in maps if as_wide(size, height, width) and size in under]
    last = {size: _latest(paths, tape, maps[size], under[size]) for size in sizes}
    nodes = {node for several in last.values() for node, *_ in several}
    if not nodes:
        return []
    flow = paths.flow("abs", beside=nodes)
    whole = flow.total[0].double()
    found = []
    for rows, columns in sorted(last, key=lambda size: -size[0] * size[1]):
        for node, name, value, other in last[rows, columns]:
            through = _by_place((flow.at(node)[0].double() - whole).exp())
            if float(through.sum()) < _EVERY:
                continue
            slopes = backprop(tape, score, value, rules=rules, reference=other).value
            changed = slopes.double() * (value - other).double()
            layer, none = CellLayer(name, "feature map", rows, columns), through.new_zeros(0)
            heads = none.reshape(0, rows * columns)
            found.append(LayerNumbers(layer, through, _by_place(changed), none, heads))
            break
    return found


def _latest(
    paths: Paths, tape: Tape, maps: list[tuple[str, Tensor]], under: list[tuple[str, Tensor]]
) -> list[tuple[Node, str, Tensor, Tensor]]:
    """Of the maps of one size that lie on paths the last few, last first."""
    known = [
        (tape.node(value), name, value, other) for (name, value), (_, other) in zip(maps, under, strict=False)
    ]
    return [one for one in reversed(known) if one[0] in paths.graph.nodes][:_TRIED]


def _by_place(values: Tensor) -> Tensor:
    return values.sum(1).flatten()


def padded(values: Sequence[Tensor], *shape: int) -> Tensor:
    """Tensors of one rank in one, NaN where one has no such place."""
    found = torch.full((len(values), *shape), torch.nan)
    for row, value in zip(found, values, strict=True):
        row[tuple(slice(size) for size in value.shape)] = value.float()
    return found
