"""Synthetic answers about a picture and a sound, and a comparison; no model is needed."""

import numpy as np
import xarray as xr

from semiring_widgets.results.cells import (
    BestPath,
    CellLayer,
    CellRoute,
    Grid,
    ImageComparison,
    ImageExplanation,
    ImageMethod,
    SoundExplanation,
)
from semiring_widgets.results.parts import Score, Sentence, Status

ROWS, COLUMNS = 3, 4
CELLS = ROWS * COLUMNS
HEADS = 2


def _facts(layers, dataset, **more):
    return {
        "model": "ViTForImageClassification",
        "score": Score("logit(<i>ring</i>)", 2.5, "<i>ring</i>", None, None),
        "layers": layers,
        "routes": (
            CellRoute("Head 0·1 carries patch (2, 3) to the class token.", 0.25, 1.5, (1, -1), ((0, 1),)),
        ),
        "best": BestPath(5, (0, 3, 4), -2.0, 1),
        "sentences": (
            Sentence("score", "The score of *<i>ring</i>* is +2.5 (logit)."),
            Sentence("words", "Most of it is lost without row 2, column 2 (+2)."),
        ),
        "reference": "the mean colour",
        "reference_score": -0.5,
        "rules": "secant",
        "granularity": "primitive",
        "log_mass": 3.0,
        "entropy": 5.0,
        "dataset": dataset,
        "status": Status("done", 1, 1, ""),
        **more,
    }


def _by_cell(count):
    places = np.arange(count)
    effect = np.where(places == 5, 2.0, 0.01 * (places - 3))
    effect[0] = -1.0
    share = (1.0 + places) / (1.0 + places).sum()
    return {
        "effect": ("cell", effect),
        "contribution": ("cell", 0.5 * effect),
        "mass_share": ("cell", share),
        "entropy": ("cell", 4.0 + 0.1 * places),
        "best_log_weight": ("cell", -2.0 - 0.5 * places),
        "best_share": ("cell", np.exp(-0.5 * places)),
        "deletion": ("step", np.linspace(2.5, -0.5, count + 1)),
        "insertion": ("step", np.linspace(-0.5, 2.5, count + 1)),
    }


def _by_layer(layers):
    """Of each head twice as much as of the one before, evenly over its places; NaN where a layer has none."""
    places = max(one.rows * one.columns for one in layers)
    whole = np.full((len(layers), places), np.nan)
    contribution = whole.copy()
    heads, maps = np.full((len(layers), HEADS), np.nan), np.full((len(layers), HEADS, places), np.nan)
    for row, one in enumerate(layers):
        count = one.rows * one.columns
        whole[row, :count] = 1 / count
        if one.heads == 0:
            contribution[row, :count] = np.linspace(-1, 2, count)
        for head in range(one.heads):
            heads[row, head] = 0.2 * (1 + head)
            maps[row, head, :count] = 0.1 * (1 + head) / count
    return {
        "layer_mass_share": (("layer", "place"), whole),
        "layer_contribution": (("layer", "place"), contribution),
        "head_mass_share": (("layer", "head"), heads),
        "head_map": (("layer", "head", "place"), maps),
    }


def _dataset(variables):
    return xr.Dataset(
        {name: (axes, np.asarray(values, np.float32)) for name, (axes, values) in variables.items()}
    )


def picture(height=12, width=16):
    """Shape (height, width, 3): redder to the right, bluer downwards."""
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    return np.stack([across, 0.5 * np.ones_like(across), down], -1)


def build_image(height=12, width=16):
    """An attention whose places are the cells, and one whose places are two by two of them wide."""
    layers = (
        CellLayer("vit.layer.0", "attention", ROWS, COLUMNS, HEADS),
        CellLayer("vit.layer.1", "attention", ROWS, COLUMNS // 2, HEADS - 1),
        CellLayer("map", "feature map", 1, 2),
    )
    variables = {
        **_by_cell(CELLS),
        **_by_layer(layers),
        "picture": (("y", "x", "channel"), picture(height, width)),
    }
    rows = tuple(height * row // ROWS for row in range(ROWS + 1))
    columns = tuple(width * column // COLUMNS for column in range(COLUMNS + 1))
    return ImageExplanation(**_facts(layers, _dataset(variables), cells="patch", grid=Grid(rows, columns)))


def build_sound(samples=4000, frames=5):
    layers = (CellLayer("wav.layer.0", "attention", 1, frames, HEADS),)
    wave = np.sin(np.arange(samples) / 20) * np.linspace(0, 1, samples)
    variables = {**_by_cell(frames + 1), **_by_layer(layers), "waveform": ("sample", wave)}
    grid = Grid((0, 1), tuple(samples * frame // (frames + 1) for frame in range(frames + 2)))
    facts = _facts(layers, _dataset(variables), cells="frame", grid=grid, routes=(), reference="silence")
    return SoundExplanation(**facts, rate=16_000)


def build_methods():
    effect = _by_cell(CELLS)["effect"][1]
    methods = (
        ImageMethod("effect", 0.1, None, 1.0, 0.5, 2.0),
        ImageMethod("GradCAM", 0.2, None, 0.8, 0.75, 1.5),
        ImageMethod("mine", 0.3, "mine failed: <b>no maps</b>."),
    )
    scores = np.stack([effect, 10 * np.arange(CELLS), np.full(CELLS, np.nan)])
    steps = np.zeros((len(methods), CELLS + 1))
    variables = {
        "scores": (("method", "cell"), scores),
        "effect": ("cell", effect),
        "deletion": (("method", "step"), steps),
        "insertion": (("method", "step"), steps),
        "picture": (("y", "x", "channel"), picture()),
    }
    grid = Grid(tuple(range(0, 13, 4)), tuple(range(0, 17, 4)))
    score = Score("logit(ring)", 2.5, "ring", None, None)
    return ImageComparison("CNN", score, grid, methods, "the mean colour", _dataset(variables))
