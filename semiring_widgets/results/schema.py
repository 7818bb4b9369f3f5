"""The table of numbers behind an explanation: names, axes and meaning of every variable.

An explanation holds one `xarray.Dataset`. Its variables are listed here once; the widgets, the files
and the documentation all read this table. Shares lie in 0-1, logarithms are natural (nats). NaN means
*not known yet* or *does not exist* (a head that a layer does not have): numbers arrive layer by layer.

Axes: ``token`` (T, the longest stream), ``layer`` (L, one per attention found, in order of execution),
``head`` (H, the most heads of any layer), ``branch``, ``kind``, ``query`` and ``key`` (tokens again).

Effects and contributions are in the unit of the score, and signed.

Statistics in a semiring of the reader's have variables of their own, with an axis ``statistic`` in front.

The shares of one layer add up: skip + query + key + value over all tokens is 1, and mlp + mlp_skip is 1.
Where the feed-forward part is beside the attention, the first four are mlp_skip, and with mlp they make 1.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr

from semiring_widgets.vocabulary import BRANCHES, KINDS, OPERANDS

__all__ = [
    "COORDINATES",
    "DECODER",
    "EFFECTS",
    "OPTIONAL",
    "PIECES",
    "PIECES_OF_DECODER",
    "STATISTICS",
    "VARIABLES",
    "empty_dataset",
    "empty_pieces",
    "empty_statistics",
    "variables_of",
    "with_effects",
]

# The axes whose labels are always the same.
COORDINATES: Final[dict[str, tuple[str, ...]]] = {"branch": BRANCHES, "kind": KINDS, "operand": OPERANDS}

_TOKEN = ("token",)
_NODE = ("layer", "token")
_BRANCH = ("layer", "branch", "token")
_HEAD = ("layer", "head", "kind")
_UNIT = "(in the unit of the score)"

# What becomes of the score when a part is given its value under the reference: measured, and estimated.
EFFECTS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "token_effect": (_TOKEN, f"change of the score without this token, measured {_UNIT}"),
    "token_contribution": (_TOKEN, f"the same, estimated by the paths from this token {_UNIT}"),
    "head_effect": (("layer", "head"), f"change of the score without this head, measured {_UNIT}"),
    "head_contribution": (
        ("layer", "head"),
        f"the same, estimated by the paths from this head's output {_UNIT}",
    ),
    "mlp_effect": (("layer",), f"change of the score without this feed-forward part, measured {_UNIT}"),
    "mlp_contribution": (
        ("layer",),
        f"the same, estimated by the paths from this part's output {_UNIT}",
    ),
    "node_effect": (
        _NODE,
        f"change of the score without what is at this token at the input of this layer, measured {_UNIT}",
    ),
    "node_contribution": (
        _NODE,
        f"the same, estimated by the paths from there {_UNIT}",
    ),
}

# Numbers per token belong to the first stream; these are of the second, where there is one.
DECODER: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "decoder_effect": (_TOKEN, f"change of the score without this token of the decoder, measured {_UNIT}"),
    "decoder_contribution": (_TOKEN, f"the same, estimated by the paths from this token {_UNIT}"),
}

# Of a target of several pieces (and then of its contrast): what each token does to each of them. Nats.
_PIECE = ("piece", "token")
PIECES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "piece_log_probability": (("piece",), "log-probability of this piece given all before it (nats)"),
    "piece_effect": (_PIECE, "change of the piece's log-probability without this token, measured (nats)"),
    "piece_contribution": (_PIECE, "the same, estimated by the paths from this token (nats)"),
}
PIECES_OF_DECODER: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "piece_decoder_effect": (_PIECE, "the same of a token of the decoder, measured (nats)"),
    "piece_decoder_contribution": (_PIECE, "the same, estimated by the paths from this token (nats)"),
}

VARIABLES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "token_mass_share": (
        _TOKEN,
        "share of all |path weight| that starts at this token (0-1)",
    ),
    "token_log_mass": (
        _TOKEN,
        "log of the sum of |path weight| from this token (nats)",
    ),
    "token_entropy": (_TOKEN, "entropy of the paths from this token (nats)"),
    "token_best_log_weight": (
        _TOKEN,
        "log |weight| of the best path from this token (nats)",
    ),
    "token_best_sign": (_TOKEN, "sign of the best path from this token (-1, 0, 1)"),
    "token_gradient_norm": (
        _TOKEN,
        "Euclidean norm of the ordinary gradient at this token",
    ),
    "token_gradient_x_input": (
        _TOKEN,
        "ordinary gradient times input, summed over units",
    ),
    "token_log_cancellation": (
        _TOKEN,
        "log of |gradient| / mass: how much cancels (nats)",
    ),
    "node_mass_share": (
        _NODE,
        "share of mass through this token at the input of this layer",
    ),
    "node_best_log_weight": (
        _NODE,
        "log |weight| of the best path through this cell (nats)",
    ),
    "branch_mass_share": (
        _BRANCH,
        "share of mass that leaves this token by this branch",
    ),
    "branch_best_log_weight": (
        _BRANCH,
        "log |weight| of the best path by this branch (nats)",
    ),
    "head_mass_share": (
        _HEAD,
        "share of mass through this head by query, key or value",
    ),
    "head_best_log_weight": (
        _HEAD,
        "log |weight| of the best path through this head (nats)",
    ),
    "map_mass_share": (
        ("layer", "head", "kind", "query", "key"),
        "share of mass that uses this head between these tokens",
    ),
    **EFFECTS,
}
# What an explanation may lack: the one large variable, and what only two streams have.
OPTIONAL: Final = ("map_mass_share", *DECODER, *PIECES, *PIECES_OF_DECODER)

STATISTICS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "token_statistic": (("statistic", "token"), "of all paths from this token"),
    "node_statistic": (
        ("statistic", "layer", "token"),
        "of all paths through this token at the input of this layer",
    ),
    "branch_statistic": (("statistic", "layer", "branch"), "of all paths by this branch of this layer"),
    "head_statistic": (
        ("statistic", "layer", "head", "operand"),
        "of all paths through this head, and of those that enter it by one operand",
    ),
}


def variables_of(statistics: bool) -> dict[str, tuple[tuple[str, ...], str]]:
    """Axes and meaning of every variable that an explanation may have.

    Args:
        statistics: whether a semiring was asked for beside the usual ones.
    """
    more = STATISTICS if statistics else {}
    return {**VARIABLES, **DECODER, **PIECES, **PIECES_OF_DECODER, **more}


def with_effects(dataset: xr.Dataset) -> xr.Dataset:
    """The table with all effects, not known where it has none: files from before they were told lack them.

    Args:
        dataset: a table with the axes layer, head and token.
    """
    axes = {axis for dims, _ in EFFECTS.values() for axis in dims}
    if not axes <= set(dataset.sizes):
        return dataset
    return dataset.assign(
        {
            name: (
                dims,
                np.full([dataset.sizes[axis] for axis in dims], np.nan, np.float32),
                {"long_name": meaning},
            )
            for name, (dims, meaning) in EFFECTS.items()
            if name not in dataset
        }
    )


def empty_dataset(
    layers: int, heads: int, tokens: int, *, maps: bool = True, decoder: bool = False
) -> xr.Dataset:
    """All variables of an explanation, filled with NaN (nothing known yet).

    Args:
        layers: L, the number of attention layers.
        heads: H, the most heads of any layer.
        tokens: T, the length of the longest stream.
        maps: whether to include ``map_mass_share``, the one large variable (L·H·3·T·T values).
        decoder: whether there is a second stream, whose tokens have effects, too.

    Returns:
        A dataset of float32 variables with the coordinates ``branch`` and ``kind``.
    """
    sizes = {
        "layer": layers,
        "head": heads,
        "token": tokens,
        "query": tokens,
        "key": tokens,
        "branch": len(BRANCHES),
        "kind": len(KINDS),
    }
    variables = {
        name: (
            dims,
            np.full([sizes[d] for d in dims], np.nan, np.float32),
            {"long_name": meaning},
        )
        for name, (dims, meaning) in {**VARIABLES, **(DECODER if decoder else {})}.items()
        if maps or name != "map_mass_share"
    }
    return xr.Dataset(variables, coords={"branch": list(BRANCHES), "kind": list(KINDS)})


def empty_pieces(pieces: int, tokens: int, *, decoder: bool = False) -> xr.Dataset:
    """The variables of the pieces of a continuation, filled with NaN.

    Args:
        pieces: how many, those of a contrast included.
        tokens: T, the length of the longest stream.
        decoder: whether there is a second stream.
    """
    sizes = {"piece": pieces, "token": tokens}
    known = {**PIECES, **(PIECES_OF_DECODER if decoder else {})}
    return xr.Dataset(
        {
            name: (dims, np.full([sizes[d] for d in dims], np.nan, np.float32), {"long_name": meaning})
            for name, (dims, meaning) in known.items()
        }
    )


def empty_statistics(names: list[str], layers: int, heads: int, tokens: int) -> xr.Dataset:
    """The variables of the statistics that were asked for beside the usual ones, filled with NaN.

    Args:
        names: of the statistics, the labels of the axis ``statistic``.
        layers: L, the number of attention layers.
        heads: H, the most heads of any layer.
        tokens: T, the length of the longest stream.

    Returns:
        A dataset of float32 variables with the coordinates ``statistic`` and ``operand``.
    """
    sizes = {
        "statistic": len(names),
        "layer": layers,
        "head": heads,
        "token": tokens,
        "branch": len(BRANCHES),
        "operand": len(OPERANDS),
    }
    variables = {
        name: (dims, np.full([sizes[d] for d in dims], np.nan, np.float32), {"long_name": meaning})
        for name, (dims, meaning) in STATISTICS.items()
    }
    return xr.Dataset(
        variables, coords={"statistic": names, "operand": list(OPERANDS), "branch": list(BRANCHES)}
    )
