"""A picture or a sound as one message: all that its view shows."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.contract.messages import Message, message, pack
from semiring_widgets.contract.overlay_types import CellMeasure, OverlayHeader
from semiring_widgets.contract.summary import VERSION
from semiring_widgets.results.cells import CellExplanation, ImageComparison, SoundExplanation, several
from semiring_widgets.results.parts import Sentence
from semiring_widgets.results.wording import number

__all__ = ["OfCells", "overlay_summary"]

OfCells: TypeAlias = CellExplanation | ImageComparison

# A screen shows no more of a picture beside its maps, or of a waveform.
_SIDE: Final = 512
_BINS: Final = 1200
_BY_LAYER: Final = ("layer_mass_share", "layer_contribution", "head_mass_share", "head_map")


def overlay_summary(result: OfCells) -> Message:
    """The message of a result.

    Args:
        result: about a picture or a sound.
    """
    measures = _methods(result) if isinstance(result, ImageComparison) else _measures(result)
    columns, buffer = pack({**_by_cell(result, measures), **_by_layer(result), **_signal(result)})
    header = OverlayHeader(
        version=VERSION,
        revision=1,
        model=result.model,
        score=result.score,
        settings=_settings(result),
        rate=result.rate if isinstance(result, SoundExplanation) else None,
        grid=result.grid,
        measures=measures,
        columns=columns,
        **_own(result),
    )
    return message(header, buffer)


def _own(result: OfCells) -> dict[str, Any]:
    """The fields that the two kinds of results fill otherwise."""
    if isinstance(result, ImageComparison):
        named = {"cells": "cell", "several": "cells", "answer": _told(result), "methods": result.methods}
        return {**named, "layers": (), "routes": ()}
    named = {"cells": result.cells, "several": several(result.cells), "answer": result.sentences}
    return {**named, "methods": (), "layers": result.layers, "routes": result.routes}


def _told(result: ImageComparison) -> tuple[Sentence, ...]:
    return (Sentence("score", f"{result.score.label} = {number(result.score.value)}"),)


def _settings(result: OfCells) -> str:
    given = f"{result.model} · {result.score.label}"
    if isinstance(result, ImageComparison):
        return f"{given} · cells are given {result.reference}"
    whole = f"{number(result.score.value)}; with {result.reference} everywhere"
    return f"{given} = {whole} {number(result.reference_score)} · rules {result.rules} · {result.granularity}"


def _measures(result: CellExplanation) -> tuple[CellMeasure, ...]:
    data, unit = result.dataset, result.score.unit
    best = float(np.max(data["best_log_weight"].values))

    def peak(name: str) -> float:
        return _peak(data[name].values)

    return (
        CellMeasure("effect", "effect", "tested", "signed", peak("effect"), unit),
        CellMeasure(
            *("contribution", "contribution", f"by rule {result.rules}", "signed", peak("contribution"), unit)
        ),
        CellMeasure("mass_share", "path mass", "share of all paths", "share", peak("mass_share"), ""),
        CellMeasure("best_log_weight", "best path", "its weight", "log", best, ""),
        CellMeasure("entropy", "spread of its paths", "entropy", "plain", peak("entropy"), "nats"),
    )


def _methods(result: ImageComparison) -> tuple[CellMeasure, ...]:
    tested = result.dataset["effect"].values
    first = CellMeasure("effect", "effect", "tested", "signed", _peak(tested), result.score.unit)
    return (
        first,
        *(
            CellMeasure(_column(place), one.name, "on its own scale", "signed", _peak(scores), "")
            for place, (one, scores) in enumerate(
                zip(result.methods, result.dataset["scores"].values, strict=True)
            )
            if one.error is None and one.name != "effect"
        ),
    )


def _by_cell(result: OfCells, measures: tuple[CellMeasure, ...]) -> dict[str, NDArray[Any]]:
    if isinstance(result, CellExplanation):
        return {one.name: result.dataset[one.name].values for one in measures}
    scores = {_column(place): row for place, row in enumerate(result.dataset["scores"].values)}
    scores["effect"] = result.dataset["effect"].values
    return {one.name: scores[one.name] for one in measures}


def _by_layer(result: OfCells) -> dict[str, NDArray[Any]]:
    if isinstance(result, ImageComparison) or not result.layers:
        return {}
    return {name: result.dataset[name].values for name in _BY_LAYER}


def _signal(result: OfCells) -> dict[str, NDArray[Any]]:
    if isinstance(result, SoundExplanation):
        wave = result.waveform
        edges = _edges(len(wave), min(len(wave), _BINS))
        ends = (np.minimum.reduceat(wave, edges), np.maximum.reduceat(wave, edges))
        return {"waveform": np.stack(ends)}
    picture = result.dataset["picture"].values
    longest = max(picture.shape[:2])
    for axis in (0, 1):
        length = picture.shape[axis]
        edges = _edges(length, length if longest <= _SIDE else max(1, length * _SIDE // longest))
        sizes = np.diff([*edges, length]).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        picture = np.add.reduceat(picture, edges, axis=axis) / sizes
    return {"picture": np.rint(255 * np.clip(picture, 0.0, 1.0)).astype(np.uint8)}


def _column(place: int) -> str:
    return f"method_{place}"


def _edges(length: int, parts: int) -> NDArray[np.int64]:
    """Where parts begin that are as equal as whole numbers allow."""
    return np.arange(parts) * length // parts


def _peak(values: NDArray[Any]) -> float:
    known = np.abs(values[np.isfinite(values)])
    return float(known.max(initial=0.0))
