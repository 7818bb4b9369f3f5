"""How hard a task is to learn, and the entropy of the model that learned it."""

from __future__ import annotations

import itertools
from math import nan
from typing import Any

import numpy as np
import pandas as pd
import torch

import semiring_widgets as sw
from examples.studies.paper.classifiers import classifier, losses_and_hits, parts, train
from examples.studies.paper.consumers import entropies, recorded
from semiring_widgets.tasks import Examples

VOCABULARY, LENGTH, OUTPUTS, LAYERS = 60, 36, 36, 2
# Half of the published 3600, in the same 14 shares: these runs are most of the study's time.
TRAIN, TEST = 1800, 360
# The published runs take 50 epochs each. Here the model that is explained may take 30, those of the blocks
# 20, and all stop early once an epoch's mean loss is so small.
EPOCHS, BLOCK_EPOCHS, UNTIL = 30, 20, 5e-3
# Entropies are measured on so many test examples, the first ones.
EXPLAINED = 90


def measure(
    task: str, settings: dict[str, Any], seed: int, train_size: int = TRAIN, epochs: int = EPOCHS
) -> pd.DataFrame:
    """One run: the code length of the labels, then the entropies of the model that saw all of them.

    The data are the same for all seeds, as in the paper; the seed changes the model and the order.

    Returns:
        One row a statistic: ``setting`` (the task), ``seed``, ``granularity``, ``statistic``, ``group``,
        ``n``, ``mean``, and ``spread``, the standard deviation over examples.
    """
    made = sw.tasks.task(task, length=LENGTH, vocabulary=VOCABULARY, **settings)
    split = made.split(train_size, TEST, TEST, overlap=True)
    sizes = sw.tasks.block_sizes(train_size)
    ends = np.cumsum(sizes)
    losses = []
    for known, end in itertools.pairwise(ends):
        model = _trained(_first(split.train, known), seed, min(epochs, BLOCK_EPOCHS))
        block = Examples(split.train.inputs[known:end], split.train.labels[known:end])
        losses.append(losses_and_hits(model, block)[0])
    model = _trained(split.train, seed, epochs)
    hits = losses_and_hits(model, split.test)[1]
    found = [
        ("mdl as published", "", "", 1, sw.tasks.mdl_as_published(losses, sizes[0], OUTPUTS), nan),
        (
            "code length",
            "",
            "",
            1,
            sw.tasks.prequential_code_length(losses, sizes[0], made.number_of_classes),
            nan,
        ),
        ("accuracy", "", "", TEST, float(hits.mean()), nan),
    ]
    for granularity in ("paper", "primitive"):
        found += _entropies(model, _first(split.test, EXPLAINED), granularity)
    name = task + "".join(f"({value})" for value in settings.values())
    frame = pd.DataFrame(found, columns=["statistic", "granularity", "group", "n", "mean", "spread"])
    return frame.assign(experiment="difficulty", setting=name, seed=seed)


def _trained(examples: Examples, seed: int, epochs: int) -> Any:
    model = classifier(VOCABULARY, LENGTH, layers=LAYERS, labels=OUTPUTS, seed=seed)
    train(model, examples, epochs=epochs, until=UNTIL, seed=seed)
    return model


def _entropies(
    model: Any, examples: Examples, granularity: str
) -> list[tuple[str, str, str, int, float, float]]:
    """Of a token, on average: over all examples, over those predicted right and those predicted wrong."""
    by_example = []
    for inputs, labels in parts(examples, 45):

        def loss(logits: torch.Tensor, labels: torch.Tensor = labels) -> torch.Tensor:
            return torch.nn.functional.cross_entropy(logits, labels, reduction="none")

        by_example.append(entropies(recorded(model, inputs, loss, granularity))[0].mean(1))
    values = torch.cat(by_example).double().numpy()
    hits = losses_and_hits(model, examples)[1]
    groups = {"all": np.full(len(hits), fill_value=True), "right": hits, "wrong": ~hits}
    return [
        ("entropy", granularity, name, int(some.sum()), float(values[some].mean()), float(values[some].std()))
        for name, some in groups.items()
        if some.any()
    ]


def _first(examples: Examples, n: int) -> Examples:
    return Examples(examples.inputs[:n], examples.labels[:n])
