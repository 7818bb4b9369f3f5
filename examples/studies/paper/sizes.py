"""Entropy against the size of the model: width (FFOOM, as published), and depth."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

import semiring_widgets as sw
from examples.studies.paper.classifiers import classifier, losses_and_hits, parts, train
from examples.studies.paper.consumers import entropies, recorded
from semiring_widgets.tasks import Examples

WIDTHS, DEPTHS, LAYERS = (4, 8, 16, 32, 64, 128), (1, 2, 3, 4), (1, 2, 3, 4)
EXPLAINED = 200


def perceptrons(seed: int, points: int = 20_000, epochs: int = 6) -> pd.DataFrame:
    """FFOOM by perceptrons: one hidden layer of several widths, then several layers of width 16.

    Returns:
        One row for each ``setting`` (width or layers), ``granularity`` and ``group`` (the feature that
        matters, and the others): the ``mean`` entropy in nats.
    """
    split = sw.tasks.task("FFOOM").split(points, 1000, 1000, seed=0)
    found = []
    for width, depth in [*((width, 1) for width in WIDTHS), *((16, depth) for depth in DEPTHS[1:])]:
        torch.manual_seed(seed)
        model = _perceptron(width, depth)
        train(model, split.train, epochs=epochs, until=1e-3, seed=seed)
        place = {"setting": f"{depth} hidden, width {width}", "seed": seed}
        found.append({**place, "statistic": "accuracy", "mean": losses_and_hits(model, split.test)[1].mean()})
        for granularity in ("paper", "primitive"):
            by_feature = _feature_entropies(model, _first(split.test), granularity)
            for group, value in (("relevant", by_feature[0]), ("irrelevant", by_feature[1:].mean())):
                told = {"statistic": "entropy", "granularity": granularity, "group": group, "n": EXPLAINED}
                found.append({**place, **told, "mean": float(value)})
    return pd.DataFrame(found).assign(experiment="width")


def transformers(seed: int, train_size: int = 3000, epochs: int = 12) -> pd.DataFrame:
    """A task that every depth learns (does token 1 come first?), by BERTs of several layers.

    Returns:
        One row for each ``layer`` (how many) and ``granularity``: the ``mean`` entropy of a token in nats.
    """
    split = sw.tasks.task("Contains1FirstToken", length=10, vocabulary=20).split(
        train_size, 100, 1000, overlap=True
    )
    found = []
    for layers in LAYERS:
        model = classifier(20, 10, layers=layers, labels=2, seed=seed)
        train(model, split.train, epochs=epochs, until=5e-3, seed=seed)
        place = {"setting": "Contains1FirstToken", "layer": layers, "seed": seed}
        found.append({**place, "statistic": "accuracy", "mean": losses_and_hits(model, split.test)[1].mean()})
        for granularity in ("paper", "primitive"):
            values = []
            for inputs, labels in parts(_first(split.test), 50):
                values.append(entropies(recorded(model, inputs, _Loss(labels), granularity))[0].mean(1))
            told = {"statistic": "entropy", "granularity": granularity, "group": "all", "n": EXPLAINED}
            found.append({**place, **told, "mean": float(torch.cat(values).mean())})
    return pd.DataFrame(found).assign(experiment="depth")


class _Loss:
    """The cross-entropy of each example, the published score of these tasks."""

    def __init__(self, labels: Tensor) -> None:
        self.labels = labels

    def __call__(self, logits: Tensor) -> Tensor:
        return nn.functional.cross_entropy(logits, self.labels, reduction="none")


def _perceptron(width: int, depth: int) -> Any:
    hidden = [nn.Linear(4, width), nn.ReLU()]
    for _ in range(depth - 1):
        hidden += [nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(*hidden, nn.Linear(width, 2)).eval()


def _feature_entropies(model: Any, examples: Examples, granularity: str) -> Tensor:
    """Mean over the examples, shape (4,); those where no path leaves a feature are left out."""
    ((inputs, labels),) = parts(examples, len(examples.labels))
    with sw.record(granularity=granularity) as tape:
        score = _Loss(labels)(model(inputs))
    found = sw.backprop(tape, score, inputs, "entropy")
    return torch.where(found.log_mass.isfinite(), found.entropy, torch.nan).nanmean(0)


def _first(examples: Examples) -> Examples:
    return Examples(examples.inputs[:EXPLAINED], examples.labels[:EXPLAINED])
