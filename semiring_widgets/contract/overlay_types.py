"""The message to the view of a picture or a sound: numbers laid over what a model was given.

One message holds all that the view shows; nothing is asked for later, with a kernel or without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from semiring_widgets.contract.fields import Column
from semiring_widgets.contract.message_kinds import MessageType, Spelled
from semiring_widgets.results.cells import CellLayer, CellRoute, Grid, ImageMethod
from semiring_widgets.results.parts import Score, Sentence

__all__ = ["CellMeasure", "OverlayHeader"]


@dataclass(frozen=True)
class CellMeasure:
    """A number that every cell has.

    Attributes:
        name: of its column by cell.
        label: in words.
        how: where it comes from, in a few words.
        scale: what its tints mean.
        peak: the largest of the numbers that it is compared with: the end of its scale.
        unit: of its numbers; empty where they have none.
    """

    name: str
    label: str
    how: str
    scale: Annotated[str, Spelled('"signed" | "share" | "log" | "plain"')]
    peak: float
    unit: str


@dataclass(frozen=True, kw_only=True)
class OverlayHeader(MessageType, type="overlay"):
    """A picture or a sound with all that is known of its cells.

    Attributes:
        revision: always 1, as nothing is told later.
        settings: how it was computed, in words.
        cells: what one cell is called.
        several: what more of them are called.
        rate: samples per second of a sound; null of a picture.
        measures: what can be laid over it; the first one is shown first.
        layers: where paths are told by place; `layer_mass_share` and `layer_contribution` by layer and its
            place, `head_mass_share` by layer and head, and `head_map` by all three are columns.
        methods: attribution methods that are compared; none of an explanation.
        columns: the measures, those of layers, and `picture` (rows, columns, red green blue; 0-255) or
            `waveform` (lowest and highest of several samples each).
    """

    version: int
    revision: int
    model: str
    score: Score
    answer: tuple[Sentence, ...]
    settings: str
    cells: str
    several: str
    rate: int | None
    grid: Grid
    measures: tuple[CellMeasure, ...]
    layers: tuple[CellLayer, ...]
    routes: tuple[CellRoute, ...]
    methods: tuple[ImageMethod, ...]
    columns: tuple[Column, ...]
