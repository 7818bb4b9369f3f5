"""Effects as tables: one row a part, measured beside estimated."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import pandas as pd
import xarray as xr

from semiring_widgets.results.frames import frame_of
from semiring_widgets.results.log_of_tests import Test
from semiring_widgets.results.parts import Layer, Part, Stream
from semiring_widgets.results.visible import token_label

__all__ = ["effects_frame", "tests_frame"]

_COLUMNS: Final = ("kind", "layer", "head", "token", "text", "effect", "contribution")
_WHOLE: Final = ("layer", "head", "token")


def effects_frame(
    dataset: xr.Dataset, streams: Sequence[Stream], layers: Sequence[Layer], tests: Sequence[Test]
) -> pd.DataFrame:
    """What is known of every token, head and feed-forward part, and of other parts that were tested.

    Args:
        dataset: with effects and contributions.
        streams: the tokens.
        layers: the attention layers.
        tests: those of single parts by the reference have a row of their own where there is none already.
    """
    rows = list(_known(dataset, streams, layers))
    there = {_place(part) for part, *_ in rows}
    single = [test for test in tests if len(test.parts) == 1 and test.by == "reference"]
    others = [test for test in single if _place(test.parts[0]) not in there]
    rows += [(test.parts[0], test.effect, test.predicted) for test in others]
    return _frame(rows, streams, layers)


def tests_frame(tests: Sequence[Test], streams: Sequence[Stream], layers: Sequence[Layer]) -> pd.DataFrame:
    """Tests of single parts, as a table of the same columns."""
    return _frame([(test.parts[0], test.effect, test.predicted) for test in tests], streams, layers)


def _known(
    dataset: xr.Dataset, streams: Sequence[Stream], layers: Sequence[Layer]
) -> Iterator[tuple[Part, float, float]]:
    def numbers(name: str, *place: int) -> tuple[float, float]:
        effect, contribution = (
            dataset[f"{name}_{what}"].values[place] for what in ("effect", "contribution")
        )
        return float(effect), float(contribution)

    for number, (stream, name) in enumerate(zip(streams, ("token", "decoder"), strict=False)):
        if f"{name}_effect" in dataset:
            for token in stream.tokens:
                yield Part(token=token.index, stream=number), *numbers(name, token.index)
    for layer in layers:
        for head in range(layer.heads):
            yield Part(layer=layer.index, head=head, stream=layer.stream), *numbers("head", layer.index, head)
    for layer in layers:
        effect, contribution = numbers("mlp", layer.index)
        # A layer without a feed-forward part of its own has none to tell of.
        if not (math.isnan(effect) and math.isnan(contribution)):
            yield Part(layer=layer.index, branch="mlp", stream=layer.stream), effect, contribution


def _frame(
    rows: Sequence[tuple[Part, float, float]], streams: Sequence[Stream], layers: Sequence[Layer]
) -> pd.DataFrame:
    told: list[dict[str, Any]] = [
        {
            "kind": _kind(part),
            "layer": part.layer,
            "head": part.head,
            "token": part.token,
            "text": _text(part, streams, layers),
            "effect": effect,
            "contribution": contribution,
            "stream": streams[min(part.stream, len(streams) - 1)].name,
        }
        for part, effect, contribution in rows
    ]
    # Which stream a token is of, where there are two.
    columns = [*_COLUMNS, *(["stream"] if len(streams) > 1 else [])]
    frame = frame_of(told, columns)
    # Missing in the same way whether some parts have a text or none has.
    frame["text"] = frame["text"].astype(object).where(frame["text"].notna(), math.nan)
    return frame.astype({**dict.fromkeys(_WHOLE, "Int64"), "effect": float, "contribution": float})


def _place(part: Part) -> Part:
    """A part without what is not needed to find it: a layer is of one stream."""
    return part if part.layer is None else replace(part, stream=0)


def _kind(part: Part) -> str:
    if part.layer is None:
        return "token"
    at = "" if part.token is None else "_at"
    if part.branch is not None:
        return f"{part.branch}{at}"
    if part.head is not None:
        return f"head{at}"
    return "attention" if part.token is None else "layer"


def _text(part: Part, streams: Sequence[Stream], layers: Sequence[Layer]) -> str | None:
    if part.token is None:
        return None
    stream = part.stream if part.layer is None else layers[part.layer].stream
    tokens = streams[min(stream, len(streams) - 1)].tokens
    return token_label(tokens[part.token]) if part.token < len(tokens) else None
