"""What must hold among the facts of a result, so that whatever shows it can rely on it.

A result that was computed fulfils all of it; a file may hold anything. Saving asks, too: what could not be
read back is never written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.errors import InputError
from semiring_widgets.results.parts import Layer, Score, Statistic, Status, Stream
from semiring_widgets.results.rankings import ListedStep, Ranking
from semiring_widgets.results.schema import COORDINATES, OPTIONAL, PIECES, PIECES_OF_DECODER, variables_of
from semiring_widgets.vocabulary import BRANCHES, GRANULARITIES, LEVELS, RANKINGS, STATES

__all__ = [
    "check_counted",
    "check_layers",
    "check_numbers",
    "check_pieces",
    "check_rankings",
    "check_score",
    "check_statistics",
    "check_status",
    "check_steps",
    "check_streams",
    "dataset_of",
    "one_of",
    "require",
    "table",
]

# Where the map of an attention is not known, a route says only that it passes it.
_STEPS: Final = (*BRANCHES, "attention")
# Of a longer list of words that were expected, so many are named.
_LISTED: Final = 24


def dataset_of(arrays: Mapping[str, NDArray[np.float32]], axes: Mapping[str, Sequence[str]]) -> xr.Dataset:
    """The numbers of a file.

    Args:
        arrays: by name.
        axes: those of each variable that there has to be, by name.

    Raises:
        InputError: there are others, or their sizes do not fit each other.
    """
    if set(arrays) != set(axes):
        raise InputError(f"its numbers are {', '.join(sorted(arrays))}, not {', '.join(sorted(axes))}")
    try:
        return xr.Dataset({name: (axes[name], values) for name, values in arrays.items()})
    except ValueError as error:
        raise InputError(f"its numbers do not fit each other ({error})") from error


def check_counted(granularity: str, level: str) -> None:
    """Refuse an unknown granularity or level.

    Raises:
        InputError: the message is the end of a sentence that begins with the file's name, as everywhere here.
    """
    one_of("granularity", granularity, GRANULARITIES)
    one_of("level", level, LEVELS)


def check_layers(layers: Sequence[Layer], streams: Sequence[Stream]) -> None:
    """Refuse layers that are not numbered from 0, are of an unknown stream, or have no head."""
    for index, layer in enumerate(layers):
        require(layer.index == index, f"layer {index} has the index {layer.index}")
        for stream in (layer.stream, layer.key_stream):
            require(0 <= stream < len(streams), f"layer {index} is of an unknown stream {stream}")
        require(layer.heads >= 1, f"layer {index} has {layer.heads} heads")


def check_statistics(statistics: Sequence[Statistic]) -> None:
    """Refuse two of one name."""
    names = [statistic.name for statistic in statistics]
    require(len(set(names)) == len(names), "two statistics have one name")


def check_score(score: Score, streams: Sequence[Stream]) -> None:
    """Refuse a score at a token that is not there."""
    tokens, place = _longest(streams), score.position
    require(place is None or -tokens <= place < tokens, f"the score is at a token {place}")
    begins = score.continuation
    require(begins is None or 0 <= begins <= tokens, f"the continuation begins at a token {begins}")


def check_pieces(score: Score, streams: Sequence[Stream], dataset: xr.Dataset) -> None:
    """Refuse numbers of other pieces than those of the score.

    Args:
        score: the score.
        streams: the tokens.
        dataset: the numbers.
    """
    names = [*PIECES, *(PIECES_OF_DECODER if len(streams) > 1 else ())]
    if not any(name in dataset for name in names):
        return
    begins = score.continuation
    require(begins is not None, "there are numbers of pieces, and the score has none")
    for name in names:
        require(name in dataset, f"the variable {name} is missing")
    count = len(score.pieces) + len(score.contrast_pieces)
    require(dataset.sizes["piece"] == count, f"there are {count} pieces and other numbers of them")
    most = max(len(score.pieces), len(score.contrast_pieces))
    require(
        (begins or 0) + most <= len(streams[-1].tokens), f"there are {most} pieces and fewer tokens for them"
    )


def check_streams(streams: Sequence[Stream]) -> None:
    """Refuse no stream, an empty one, tokens that are not numbered from 0, segments out of their order."""
    require(bool(streams), "there is no stream of tokens")
    for stream in streams:
        require(bool(stream.tokens), f"the stream {stream.name!r} has no token")
        for index, token in enumerate(stream.tokens):
            require(token.index == index, f"token {index} of the stream {stream.name!r} has another index")
            require(0 <= token.start <= token.end, f"token {index} ends before it starts")
        begins = [0, *(segment.begins for segment in stream.segments)]
        for number, (before, begun) in enumerate(pairwise(begins)):
            require(before <= begun < len(stream.tokens), f"segment {number} begins at a token {begun}")


def check_status(status: Status) -> None:
    """Refuse an unknown state."""
    one_of("status.state", status.state, STATES)
    require(min(status.done, status.total) >= 0, "status counts below 0")


def table(
    arrays: Mapping[str, NDArray[np.float32]],
    known: Mapping[str, tuple[tuple[str, ...], str]],
    coordinates: Mapping[str, Sequence[str]],
) -> xr.Dataset:
    """Arrays as a dataset on known axes.

    Args:
        arrays: the numbers, by the name of the variable.
        known: axes and meaning of every variable that may be there.
        coordinates: labels of axes; those of an axis that no array has are left out.

    Raises:
        InputError: an unknown variable, or axes that do not fit together.
    """
    variables: dict[str, Any] = {}
    for name, values in arrays.items():
        one_of("a variable", name, known)
        dims, meaning = known[name]
        require(values.ndim == len(dims), f"{name} has {values.ndim} axes, not {len(dims)}")
        variables[name] = (dims, values, {"long_name": meaning} if meaning else {})
    used = {axis for name in arrays for axis in known[name][0]}
    try:
        return xr.Dataset(variables, {axis: list(c) for axis, c in coordinates.items() if axis in used})
    except ValueError as error:
        raise InputError(f"its axes do not fit together ({error})") from error


def check_numbers(
    dataset: xr.Dataset, streams: Sequence[Stream], layers: Sequence[Layer], statistics: Sequence[Statistic]
) -> None:
    """Refuse a table that lacks a variable, or whose axes are not those of streams and layers."""
    known = variables_of(bool(statistics))
    for name in known:
        require(name in dataset or name in OPTIONAL, f"the variable {name} is missing")
    for key, variable in dataset.data_vars.items():
        name = str(key)
        one_of("a variable", name, known)
        require(variable.dims == known[name][0], f"{name} has the axes {variable.dims}")
        require(variable.dtype == np.float32, f"{name} is {variable.dtype}, not float32")
        shares = variable.values if "share" in name else np.zeros(0)
        require(not (np.isinf(shares) | (shares < 0)).any(), f"{name} is negative or infinite")
    labels: dict[str, Sequence[str]] = {**COORDINATES, "statistic": [s.name for s in statistics]}
    for coordinate, names in dataset.coords.items():
        axis = str(coordinate)
        one_of("an axis", axis, labels)
        require(list(names.values) == list(labels[axis]), f"the axis {axis} has other labels")
    sizes = dataset.sizes
    tokens = _longest(streams)
    require(sizes["token"] >= tokens, f"there are {tokens} tokens and numbers for {sizes['token']}")
    require(sizes["layer"] == len(layers), f"there are numbers for {sizes['layer']} layers")
    heads = max((layer.heads for layer in layers), default=0)
    require(sizes["head"] == heads, f"there are {heads} heads and numbers for {sizes['head']}")
    for axis in ("query", "key"):
        require(sizes.get(axis, sizes["token"]) == sizes["token"], f"the axis {axis} has another length")


def check_rankings(rankings: Sequence[Ranking], layers: Sequence[Layer], tokens: int) -> None:
    """Refuse a ranking that is there twice, and routes by parts that are not there.

    Args:
        rankings: the rankings.
        layers: the layers that a route may pass.
        tokens: the length of the axis ``token``.
    """
    require(len({ranking.by for ranking in rankings}) == len(rankings), "a ranking is there twice")
    for ranking in rankings:
        _check_ranking(ranking, layers, tokens)


def _check_ranking(ranking: Ranking, layers: Sequence[Layer], tokens: int) -> None:
    one_of("a ranking", ranking.by, RANKINGS)
    for rank, route in enumerate(ranking.routes):
        place = f"route {rank} by {ranking.by}"
        require(route.rank == rank, f"{place} has the rank {route.rank}")
        one_of(f"the sign of {place}", route.sign, (-1, 0, 1))
        check_steps(route.steps, layers, tokens, place)
    for number, family in enumerate(ranking.families):
        place = f"family {number} by {ranking.by}"
        check_steps(family.steps, layers, tokens, place)
        known = all(0 <= rank < len(ranking.routes) for rank in family.routes)
        require(known, f"{place} has a route that is not listed")


def check_steps(steps: Sequence[ListedStep], layers: Sequence[Layer], tokens: int, place: str) -> None:
    """Refuse steps by parts that are not there.

    Args:
        steps: of a route.
        layers: the layers that there are.
        tokens: the length of the axis ``token``.
        place: what has these steps.
    """
    for step in steps:
        require(0 <= step.layer < len(layers), f"{place} passes a layer {step.layer}")
        one_of(f"a step of {place}", step.branch, _STEPS)
        heads = layers[step.layer].heads
        require(step.head is None or 0 <= step.head < heads, f"{place} passes a head {step.head}")
        for token in (step.source, step.target):
            require(0 <= token < tokens, f"{place} passes a token {token}")


def _longest(streams: Sequence[Stream]) -> int:
    return max(len(stream.tokens) for stream in streams)


def require(holds: bool, fault: str) -> None:
    """Refuse what does not hold.

    Args:
        holds: whether it does.
        fault: what is wrong, the end of a sentence.
    """
    if not holds:
        raise InputError(fault)


def one_of(what: str, given: object, known: Iterable[object]) -> None:
    """Refuse a word that is none of those known.

    Args:
        what: the word is.
        given: the word.
        known: the choice.
    """
    choices = list(known)
    listed = ", ".join(map(str, choices[:_LISTED]))
    more = f" and {len(choices) - _LISTED} more" if len(choices) > _LISTED else ""
    require(given in choices, f"{what} is {given!r}, none of {listed}{more}")
