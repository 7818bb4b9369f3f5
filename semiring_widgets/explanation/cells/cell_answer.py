"""From a question about a picture or a sound to all numbers of its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from semiring_widgets.core import Paths, record
from semiring_widgets.core.paths import paths as paths_of
from semiring_widgets.core.rules import Rule, find_rule
from semiring_widgets.explanation.cells.cell_routes import cell_routes
from semiring_widgets.explanation.cells.feature_maps import noting_maps
from semiring_widgets.explanation.cells.layer_numbers import (
    LayerNumbers,
    attention_numbers,
    map_numbers,
    padded,
)
from semiring_widgets.explanation.cells.occlusion import curves_of, effects_of
from semiring_widgets.explanation.cells.path_numbers import PathNumbers, path_numbers
from semiring_widgets.explanation.cells.question import CellQuestion, scored
from semiring_widgets.explanation.cells.sentences import answer_of
from semiring_widgets.results.parts import Status

__all__ = ["CellOptions", "answered"]


@dataclass(frozen=True)
class CellOptions:
    """How it is computed.

    Attributes:
        rules: which number an edge of a path carries.
        granularity: which graph is counted.
        routes: how many are listed.
        max_memory: bytes that a sweep may take beside the recording, or None.
    """

    rules: str | Rule
    granularity: str
    routes: int
    max_memory: int | None


def answered(question: CellQuestion, options: CellOptions, best: str | None) -> dict[str, Any]:
    """The fields of a `CellExplanation`; its dataset lacks the signal itself.

    Args:
        question: what is asked.
        options: how it is computed.
        best: the class that the model says, where another one was asked for.
    """
    rule = find_rule(options.rules)
    paths, layers = _recorded(question, options)
    numbers = path_numbers(paths, question)
    effects = effects_of(question)
    deletion, insertion = curves_of(question, effects.argsort(descending=True).tolist())
    return {
        "model": type(question.model).__name__,
        "score": question.score,
        "grid": question.grid,
        "layers": tuple(one.layer for one in layers),
        "routes": cell_routes(paths, question, options.routes),
        "best": numbers.best,
        "sentences": answer_of(question, effects, deletion, best),
        "reference": question.reference_label,
        "reference_score": float(scored(question, question.reference)[0]),
        "rules": rule.name,
        "granularity": options.granularity,
        "log_mass": numbers.log_mass,
        "entropy": numbers.total_entropy,
        "cells": question.cells,
        "dataset": _table(numbers, layers, effects, deletion, insertion),
        "status": Status("done", 1, 1, ""),
    }


def _recorded(question: CellQuestion, options: CellOptions) -> tuple[Paths, list[LayerNumbers]]:
    x = question.inputs
    with (
        torch.no_grad(),
        noting_maps(question.model) as maps,
        record(options.granularity, reference=question.reference, rules=options.rules) as tape,
    ):
        score = question.forward(x).reshape(())
    paths = paths_of(tape, score, x, max_memory=options.max_memory)
    layers = attention_numbers(paths, question)
    if not layers and x.dim() == 4:
        with torch.no_grad(), noting_maps(question.model) as under:
            question.forward(question.reference)
        layers = map_numbers(paths, tape, score, maps, under, options.rules)
    return paths, layers


def _table(
    numbers: PathNumbers, layers: list[LayerNumbers], effects: Tensor, deletion: Tensor, insertion: Tensor
) -> xr.Dataset:
    places = max((one.layer.rows * one.layer.columns for one in layers), default=0)
    heads = max((one.layer.heads for one in layers), default=0)
    by_layer = ("layer", "place")
    found = {
        "effect": (("cell",), effects),
        "contribution": (("cell",), numbers.contribution),
        "mass_share": (("cell",), numbers.mass_share),
        "entropy": (("cell",), numbers.entropy),
        "best_log_weight": (("cell",), numbers.best_log_weight),
        "best_share": (("cell",), numbers.best_share),
        "deletion": (("step",), deletion),
        "insertion": (("step",), insertion),
        "layer_mass_share": (by_layer, padded([one.mass_share for one in layers], places)),
        "layer_contribution": (by_layer, padded([one.contribution for one in layers], places)),
        "head_mass_share": (("layer", "head"), padded([one.head_share for one in layers], heads)),
        "head_map": (
            ("layer", "head", "place"),
            padded([one.head_map for one in layers], heads, places),
        ),
    }
    return xr.Dataset(
        {name: (axes, values.detach().cpu().float().numpy()) for name, (axes, values) in found.items()}
    )
