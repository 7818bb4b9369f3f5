"""The numbers of two explanations on common axes, and as one row per part and statistic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.checks import choice
from semiring_widgets.results.frames import frame_of
from semiring_widgets.results.parts import Layer, Stream

if TYPE_CHECKING:
    from semiring_widgets.results.explanation import Explanation

__all__ = ["SIDES", "aligned_dataset", "parts_frame", "reasons"]

SIDES: Final = ("A", "B", "A - B")
# The one large variable: tokens by tokens for each head.
_LARGE: Final = "map_mass_share"
_WAYS: Final = ("branch", "kind", "operand")
_PLACES: Final = ("token", "decoder", "node", "branch", "head", "mlp")
_WHOLE: Final = ("layer", "head", "token")
_COLUMNS: Final = (
    *("kind", "layer", "head", "token", "branch", "text_a", "text_b"),
    *("statistic", "a", "b", "difference"),
)

_Rows = Sequence[Sequence[tuple[int, int]]]


def aligned_dataset(first: Explanation, second: Explanation, places: _Rows) -> xr.Dataset:
    """Everything that both know, but the maps of heads, on an axis ``side`` (A, B, A - B).

    Args:
        first: A.
        second: B, of as many layers, heads and streams.
        places: for each stream the tokens of both at each place.
    """
    return on_places((first.dataset, second.dataset), first.layers, places)


def on_places(datasets: Sequence[xr.Dataset], layers: Sequence[Layer], places: _Rows) -> xr.Dataset:
    """The same of any two tables of such explanations.

    Args:
        datasets: of A and of B.
        layers: of both.
        places: for each stream the tokens of both at each place.
    """
    a, b = datasets
    common = [name for name in _asked(a) if name in _asked(b)]
    variables: dict[str, Any] = {}
    for key, variable in a.data_vars.items():
        name = str(key)
        if name not in b or name == _LARGE or ("statistic" in variable.dims and not common):
            continue
        sides = [
            _on_places(_of(dataset[name], common), name, side, layers, places)
            for side, dataset in enumerate(datasets)
        ]
        # No path on either side is no difference that has a number.
        with np.errstate(invalid="ignore"):
            values = np.stack([*sides, sides[0] - sides[1]]).astype(np.float32)
        variables[name] = (("side", *variable.dims), values, dict(variable.attrs))
    used = {dim for dims, *_ in variables.values() for dim in dims}
    labels = {dim: values for dim, values in a.coords.items() if dim in used and dim != "statistic"}
    statistics = {"statistic": common} if common else {}
    return xr.Dataset(variables, {"side": list(SIDES), **labels, **statistics})


def _of(variable: xr.DataArray, statistics: Sequence[str]) -> xr.DataArray:
    return variable.sel(statistic=list(statistics)) if "statistic" in variable.dims else variable


def _on_places(
    variable: xr.DataArray, name: str, side: int, layers: Sequence[Layer], places: _Rows
) -> NDArray[np.float32]:
    """Numbers by token as numbers by place."""
    values: NDArray[np.float32] = variable.values
    if "token" not in variable.dims:
        return values
    axis = variable.dims.index("token")
    width = max(len(row) for row in places)
    shape = list(values.shape)
    shape[axis] = width
    found = np.full(shape, np.nan, np.float32)
    for stream, row in enumerate(places):
        there = [place for place, tokens in enumerate(row) if tokens[side] >= 0]
        taken = [row[place][side] for place in there]
        index: list[Any] = [slice(None)] * values.ndim
        if "layer" in variable.dims:
            own = [layer.index for layer in layers if layer.stream == stream]
            for layer in own:
                index[variable.dims.index("layer")] = layer
                rows = np.moveaxis(values[tuple(index)], -1, 0)
                np.moveaxis(found[tuple(index)], -1, 0)[there] = rows[taken]
        elif stream == (1 if name.startswith("decoder") else 0):
            np.moveaxis(found, axis, 0)[there] = np.moveaxis(values, axis, 0)[taken]
    return found


def reasons(dataset: xr.Dataset, kind: str) -> tuple[NDArray[np.float32], bool]:
    """What is compared of one kind of parts, and whether it was measured.

    Args:
        dataset: from `aligned_dataset`.
        kind: ``"token"``, ``"decoder"``, ``"node"``, ``"head"`` or ``"mlp"``.

    Returns:
        Numbers of A, B and A - B: the effects where both were tested, else both contributions.
    """
    effect = dataset[f"{kind}_effect"].values
    contribution = dataset[f"{kind}_contribution"].values
    # What only one side has is compared with nothing, and keeps its effect.
    alone = np.isnan(contribution[0]) != np.isnan(contribution[1])
    tested = np.isfinite(effect[2]) | (alone & np.isfinite(effect[:2]).any(axis=0))
    return np.where(tested, effect, contribution), bool(np.isfinite(effect[2]).any())


def parts_frame(
    dataset: xr.Dataset,
    streams: Sequence[Stream],
    layers: Sequence[Layer],
    texts: Sequence[Sequence[tuple[str, str]]],
    statistic: str | None,
) -> pd.DataFrame:
    """See `SideBySide.to_pandas`.

    Args:
        dataset: from `aligned_dataset`.
        streams: the places as tokens.
        layers: of both sides.
        texts: for each stream the texts of both sides at each place.
        statistic: one alone, or None.
    """
    named = [(str(name), *_split(str(name))) for name in dataset.data_vars]
    if statistic is not None:
        known = sorted({*(what for _, _, what in named if what != "statistic"), *_asked(dataset)})
        choice(statistic, "statistic", known)
    rows = [
        row
        for name, kind, what in named
        for row in _rows(dataset[name], kind, what, streams, layers, texts)
        if statistic is None or row["statistic"] == statistic
    ]
    frame = frame_of(rows, list(_COLUMNS))
    return frame.astype({**dict.fromkeys(_WHOLE, "Int64"), **dict.fromkeys(("a", "b", "difference"), float)})


def _asked(dataset: xr.Dataset) -> list[str]:
    return [str(name) for name in dataset.coords["statistic"].values] if "statistic" in dataset.coords else []


def _split(name: str) -> tuple[str, str]:
    """What a variable is of, and what it says: ``head_mass_share`` is of heads."""
    kind = next(kind for kind in _PLACES if name.startswith(f"{kind}_"))
    return kind, name.removeprefix(f"{kind}_")


def _rows(
    variable: xr.DataArray,
    kind: str,
    what: str,
    streams: Sequence[Stream],
    layers: Sequence[Layer],
    texts: Sequence[Sequence[tuple[str, str]]],
) -> Iterator[dict[str, Any]]:
    dims = [str(dim) for dim in variable.dims[1:]]
    values = variable.values
    for index in np.ndindex(values.shape[1:]):
        at: dict[str, Any] = dict(zip(dims, index, strict=True))
        layer = None if "layer" not in at else layers[at["layer"]]
        if layer is not None and at.get("head", 0) >= layer.heads:
            continue
        token, words = at.get("token"), ("", "")
        if token is not None:
            stream = layer.stream if layer is not None else 1 if kind == "decoder" else 0
            if token >= len(streams[stream].tokens):
                continue
            words = texts[stream][token]
        ways = [str(variable[dim].values[at[dim]]) for dim in _WAYS if dim in at]
        asked = [str(variable["statistic"].values[at["statistic"]])] if "statistic" in at else [what]
        a, b, difference = (float(values[(side, *index)]) for side in range(len(SIDES)))
        yield {
            "kind": kind,
            "layer": at.get("layer"),
            "head": at.get("head"),
            "token": token,
            "branch": ways[0] if ways else None,
            "text_a": words[0],
            "text_b": words[1],
            "statistic": asked[0],
            "a": a,
            "b": b,
            "difference": difference,
        }
