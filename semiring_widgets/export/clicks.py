"""What a reader may click on: every part by itself, and pairs, the likeliest first.

The eye goes where a picture is dark. So the likeliest pairs are those whose two parts have the largest tints:
the product of their effects, or contributions where nothing was tested, or shares of the mass where neither
is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, combinations, zip_longest
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.results.parts import Part

if TYPE_CHECKING:
    from semiring_widgets.results.explanation import Explanation

__all__ = ["heads_by_mass", "name_of", "pairs", "share_at", "singles"]

_BRANCHES: Final = {"skip": "s", "query": "q", "key": "k", "value": "v", "mlp": "m", "mlp_skip": "w"}
# Where branches have the feed-forward part.
_MLP: Final = 4


def singles(result: Explanation) -> Iterator[Part]:
    """Parts that one click selects: of each kind the ones with the most mass first, kinds in turn.

    Args:
        result: the explanation.
    """
    tokens = [
        Part(token=token.index, stream=number)
        for number, stream in enumerate(result.streams)
        for token in stream.tokens
    ]
    # Token variables are of the first stream.
    tokens.sort(key=lambda one: (one.stream, -share_at(result.dataset, one) * (one.stream == 0)))
    heads = [Part(layer=layer, head=head) for layer, head in heads_by_mass(result)]
    layers = [Part(layer=layer.index) for layer in reversed(result.layers)]
    cells = [
        Part(layer=layer.index, token=token.index)
        for layer in result.layers
        for token in result.streams[layer.stream].tokens
    ]
    cells.sort(key=lambda cell: -share_at(result.dataset, cell))
    mlps = [Part(layer=layer.index, branch="mlp") for layer in reversed(result.layers)]
    turns = chain.from_iterable(zip_longest(tokens, heads, layers, cells, mlps))
    return (part for part in turns if part is not None)


def pairs(result: Explanation, among: Callable[[Part], bool] = lambda part: True) -> list[tuple[Part, Part]]:
    """All pairs of such parts, the likeliest first; of each pair the one that paths pass first.

    Args:
        result: the explanation.
        among: which parts are meant.
    """
    tints = {part: _tint(result, part) for part in singles(result) if among(part)}
    likely = sorted(combinations(tints, 2), key=lambda pair: -tints[pair[0]] * tints[pair[1]])
    return [(one, other) if _depth(one) <= _depth(other) else (other, one) for one, other in likely]


def heads_by_mass(result: Explanation) -> list[tuple[int, int]]:
    """Layer and head of all heads, those with the largest share of the mass first.

    Args:
        result: the explanation.
    """
    shares: NDArray[Any] = np.nan_to_num(result.dataset["head_mass_share"].values).sum(axis=2)
    heads = [(layer.index, head) for layer in result.layers for head in range(layer.heads)]
    return sorted(heads, key=lambda place: -float(shares[place]))


def share_at(dataset: xr.Dataset, part: Part) -> float:
    """The share of the mass that passes a part, 0-1; 0 where it is not known.

    Args:
        dataset: of an explanation, or conditioned.
        part: a word, a cell, a head, a layer or a feed-forward part.
    """
    if part.layer is None:
        values = dataset["token_mass_share"].values[part.token]
    elif part.token is not None:
        values = dataset["node_mass_share"].values[part.layer, part.token]
    elif part.branch == "mlp":
        values = dataset["branch_mass_share"].values[part.layer, _MLP]
    elif part.head is not None:
        values = dataset["head_mass_share"].values[part.layer, part.head]
    else:
        values = dataset["head_mass_share"].values[part.layer]
    return float(np.nan_to_num(values).sum())


def name_of(part: Part) -> str:
    """A part as the address of a page names it.

    Args:
        part: any part.

    >>> name_of(Part(layer=3, head=1)), name_of(Part(token=2, stream=1)), name_of(Part(layer=0, branch="mlp"))
    ('l3h1', 't2i1', 'l0m')
    """
    return "".join(
        (
            "" if part.layer is None else f"l{part.layer}",
            "" if part.branch is None else _BRANCHES[part.branch],
            "" if part.head is None else f"h{part.head}",
            "" if part.token is None else f"t{part.token}",
            "" if part.stream == 0 else f"i{part.stream}",
        )
    )


def _depth(part: Part) -> int:
    return -1 if part.layer is None else part.layer


def _tint(result: Explanation, part: Part) -> float:
    """How dark a part is where reasons are shown; where none are known, where mass is shown."""
    if part.layer is None:
        place: Any = ("token" if part.stream == 0 else "decoder", part.token)
    elif part.token is not None:
        place = ("node", (part.layer, part.token))
    elif part.branch == "mlp":
        place = ("mlp", part.layer)
    else:
        place = ("head", (part.layer, slice(None) if part.head is None else part.head))
    kind, where = place
    found = [
        np.abs(result.dataset[f"{kind}_{name}"].values[where])
        for name in ("effect", "contribution")
        if f"{kind}_{name}" in result.dataset
    ]
    known = [float(np.nanmax(values)) for values in found if not np.isnan(values).all()]
    return known[0] if known else share_at(result.dataset, part)
