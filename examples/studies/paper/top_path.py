"""The synthetic top path: how a one-layer BERT sees that the first token is repeated.

Beside what the paper measured at a layer's input, the same places are tested: a consumer of one token is
given what it would read if that token were another one, all else stays, and the change of the score is its
effect.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor

import semiring_widgets as sw
from examples.studies.paper.classifiers import classifier, losses_and_hits, train
from examples.studies.paper.consumers import BRANCHES, chosen, path_grads, recorded
from examples.studies.paper.means import means
from semiring_widgets.tasks import Examples

VOCABULARY, LENGTH, EPOCHS, UNTIL = 20, 10, 15, 1e-3
GROUPS = ("first", "repeated", "others", "all")


def measure(seed: int, train_size: int = 20_000, explained: int = 400, tested: int = 60) -> pd.DataFrame:
    """One model.

    Returns:
        One row for each ``level``, ``granularity``, ``statistic``, ``group`` of tokens and ``branch``: the
        ``mean`` over the examples of class 1 that are predicted right, with its interval.
    """
    split = sw.tasks.task("FirstTokenRepeatedOnce", length=LENGTH, vocabulary=VOCABULARY).split(
        train_size, 1000, 2000, seed
    )
    model = classifier(VOCABULARY, LENGTH, layers=1, labels=2, seed=seed)
    train(model, split.train, epochs=EPOCHS, until=UNTIL, seed=seed)
    hits = losses_and_hits(model, split.test)[1]
    asked = _repeating(split.test, hits)
    found = [
        _row("", "", "accuracy", "all", "", (float(hits.mean()),) * 3, len(hits)),
        *_path_grads(model, asked[:explained]),
        *_shares(model, asked[:tested]),
        *_effects(model, asked[:tested], seed),
    ]
    return pd.DataFrame(found).assign(experiment="top path", setting="FirstTokenRepeatedOnce", seed=seed)


def _repeating(examples: Examples, hits: np.ndarray) -> Tensor:
    return torch.from_numpy(examples.inputs[(examples.labels == 1) & hits])


def _gold(logits: Tensor) -> Tensor:
    """The published score: the logit of the right class, here always 1."""
    return logits[:, 1]


def _path_grads(model: Any, inputs: Tensor) -> list[dict[str, Any]]:
    found = []
    for level, granularity in (("branch", "paper"), ("branch", "primitive"), ("unit", "paper")):
        grads = torch.cat(
            [path_grads(recorded(model, some, _gold, granularity), level) for some in inputs.split(100)]
        )[:, 0]
        best = chosen(grads[:, None])[:, 0]
        for statistic, values in (("path grad", grads), ("chosen branch", best), ("oplus", grads * best)):
            found += _by_group(inputs, values, level, granularity, statistic)
    return found


def _shares(model: Any, inputs: Tensor) -> list[dict[str, Any]]:
    """What `sw.flow` says of the same branches: shares of mass, and the best path through each."""
    with sw.record() as tape:
        embeddings = model.get_input_embeddings()(inputs)
        score = _gold(model(inputs_embeds=embeddings).logits)
    flow = sw.flow(tape, score, wrt=embeddings, maps=False)
    found = []
    for fact in ("mass_share", "best_share"):
        cells = flow[f"branch_{fact}"].isel(layer=0).sel(branch=list(BRANCHES))
        values = torch.from_numpy(cells.transpose("example", "branch", "token").values)
        found += _by_group(inputs, values.float(), "unit", "primitive", fact.replace("_", " "))
    return found


def _effects(model: Any, inputs: Tensor, seed: int) -> list[dict[str, Any]]:
    """The first and the repeated token replaced, for one consumer at a time: tested, and estimated."""
    draw = torch.Generator().manual_seed(seed)
    effects = torch.full((len(inputs), len(BRANCHES), LENGTH), torch.nan)
    contributions = effects.clone()
    for number, one in enumerate(inputs):
        absent = sorted(set(range(1, VOCABULARY)) - set(one.tolist()))
        other = absent[int(torch.randint(len(absent), (), generator=draw))]
        recording = recorded(model, one[None], _gold)
        copies = [recording.copies[0, branch] for branch in BRANCHES]
        slopes = sw.backprop(recording.tape, recording.score, copies, "sum")
        for token in (0, _repeat(one)):
            changed = one.clone()
            changed[token] = other
            instead = _layer_input(model, changed[None])
            tests = []
            for place, (copy, slope) in enumerate(zip(copies, slopes, strict=True)):
                there = copy.clone()
                there[:, token] = instead[:, token]
                tests.append([(copy, there)])
                contributions[number, place, token] = (slope.value * (copy - there)).sum()
            many = cast("list[sw.Effect]", sw.test(recording.tape, recording.score, tests))
            effects[number, :, token] = torch.tensor([one.effect for one in many])
    found = _by_group(inputs, effects, "", "", "effect")
    return [*found, *_by_group(inputs, contributions, "", "", "contribution")]


def _layer_input(model: Any, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        found: Tensor = model.bert.embeddings(inputs)
    return found


def _repeat(one: Tensor) -> int:
    return int((one[1:] == one[0]).nonzero().item()) + 1


def _by_group(
    inputs: Tensor, values: Tensor, level: str, granularity: str, statistic: str
) -> list[dict[str, Any]]:
    """Means over the tokens of a group, then over examples; of values (B, branch, T)."""
    first = torch.zeros_like(inputs, dtype=torch.bool)
    first[:, 0] = True
    again = (inputs == inputs[:, :1]) & ~first
    groups = {"first": first, "repeated": again, "others": ~first & ~again, "all": torch.ones_like(first)}
    found = []
    for name, some in groups.items():
        weights = some[:, None].float()
        numbers = (
            ((torch.where(some[:, None], values, 0) * weights).sum(-1) / weights.sum(-1)).double().numpy()
        )
        if np.isnan(numbers).all():
            continue
        for branch, told in zip(BRANCHES, zip(*means(numbers), strict=True), strict=True):
            found.append(_row(level, granularity, statistic, name, branch, told, len(numbers)))
    return found


def _row(
    level: str,
    granularity: str,
    statistic: str,
    group: str,
    branch: str,
    told: tuple[float, float, float],
    n: int,
) -> dict[str, Any]:
    mean, low, high = told
    place = {"level": level, "granularity": granularity, "statistic": statistic, "group": group}
    return {**place, "branch": branch, "n": n, "mean": mean, "low": low, "high": high}
