"""Every estimate and statistic of heads and feed-forward parts (MLPs), and their tested effects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor

import semiring_widgets as sw
from examples.studies.importance.activations import captum_parts, head_statistics
from examples.studies.importance.measures import Numbers, agreement, fixed_ranking
from examples.studies.importance.texts import Asked

RULES = ("gradient", "linear", "secant", "lrp", "gim")
REFERENCES = ("zero", "mean", "reference", "resample")
STEPS = 8
# Statistic, rule, and what the text is compared with ("" where it is compared with nothing).
Key = tuple[str, str, str]
Kinds = dict[str, dict[Key, Numbers]]
# So many texts are asked what takes long: Captum's methods, and sets of heads.
SOME = 20
# Of the parts ranked first, this share is replaced at once.
SHARE = 0.25


def part_rows(texts: Sequence[Asked], judged: Sequence[Asked] | None = None) -> pd.DataFrame:
    """All statistics of all texts against the tested effects of the same texts.

    Args:
        texts: what the statistics are of.
        judged: what the effects are of, where that is another model.

    Returns:
        Columns kind, text, statistic, rule, against, truth, measure, value.
    """
    every = [part_statistics(asked, captum=text < SOME) for text, asked in enumerate(texts)]
    truths = every if judged is None else [tested(asked) for asked in judged]
    rows: list[dict[str, Any]] = []
    for kind in ("heads", "mlps"):
        own = [found[kind] for found in every]
        effects = {by: [found[kind]["tested effect", "", by] for found in truths] for by in REFERENCES}
        for by, controls in _controls(effects).items():
            for found, control in zip(own, controls, strict=True):
                found.update({(name, "", by): numbers for name, numbers in control.items()})
        for text, found in enumerate(own):
            judge = texts[text] if judged is None and text < SOME else None
            rows += [
                {"kind": kind, "text": text, **row} for row in _judged(kind, found, effects, text, judge)
            ]
    return pd.DataFrame(rows)


def part_statistics(asked: Asked, *, captum: bool = True) -> Kinds:
    """Numbers of every head and MLP of one text, by kind.

    Args:
        asked: the text.
        captum: whether to ask Captum's methods, which take long.
    """
    found = tested(asked)
    for rule in RULES:
        _under_rule(asked, rule, found)
    tape, score = asked.recorded()
    for by in ("reference", "resample"):
        averaged = sw.contributions(
            tape, score, asked.x, asked.reference, kind=["heads", "mlps"], by=by,
            resample=asked.counterfactual, steps=STEPS,
        )  # fmt: skip
        _fill(found, ("contribution, 8 steps", "gradient", by), averaged, "contribution")
    _spread(asked, tape, score, found)
    for kind, more in (*head_statistics(asked).items(), *(captum_parts(asked).items() if captum else ())):
        found[kind].update(more)
    for numbers in found.values():
        drawing = np.random.default_rng(len(asked.tokens) + asked.ids[0][asked.subject])
        numbers["random order", "", ""] = drawing.random(len(next(iter(numbers.values()))))
    layers = _layers(tape, score, asked)
    for kind, own in layers.items():
        found[kind]["layer", "", ""] = own
    return found


def tested(asked: Asked) -> Kinds:
    """The effects of every head and MLP, under every reference."""
    tape, score = asked.recorded()
    found: Kinds = {"heads": {}, "mlps": {}}
    for by in REFERENCES:
        effects = sw.effects(
            tape,
            score,
            asked.x,
            asked.reference,
            kind=["heads", "mlps"],
            by=by,
            resample=asked.counterfactual,
        )
        _fill(found, ("tested effect", "", by), effects, "effect")
    return found


def _fill(found: Kinds, key: Key, table: pd.DataFrame, column: str) -> None:
    for kind in found:
        found[kind][key] = table.loc[table.kind == kind.removesuffix("s"), column].to_numpy(float)


def _layers(tape: sw.Tape, score: Tensor, asked: Asked) -> dict[str, Numbers]:
    table = sw.contributions(tape, score, asked.x, kind=["heads", "mlps"], by="zero")
    return {
        kind: table.loc[table.kind == kind.removesuffix("s"), "layer"].to_numpy(float)
        for kind in ("heads", "mlps")
    }


def _under_rule(asked: Asked, rule: str, found: Kinds) -> None:
    """Contributions at the part and of the paths from the inputs, mass and best path."""
    tape, score = asked.recorded(rule)
    for by in REFERENCES:
        own, value = tape, score
        if rule == "secant" and by == "resample":
            own, value = asked.recorded(rule, asked.counterfactual)
        table = sw.contributions(
            own, value, asked.x, asked.reference, kind=["heads", "mlps"], by=by, resample=asked.counterfactual
        )
        _fill(found, ("contribution at the part", rule, by), table, "contribution")
    changes = {"reference": asked.x - asked.reference}
    if rule == "gradient":
        changes |= {"zero": asked.x, "resample": asked.x - asked.counterfactual}
    for by, change in changes.items():
        flow = sw.flow(tape, score, asked.x, maps=False, direction=change)
        key = ("contribution of the paths from the input", rule, by)
        found["heads"][key] = flow.head_contribution.sum("kind").to_numpy().ravel()
        mlp = flow.sel(branch="mlp") if "branch" in flow.coords else flow
        found["mlps"][key] = mlp.branch_contribution.sum("token").to_numpy().ravel()
    found["heads"]["mass", rule, ""] = flow.head_mass_share.sum("kind").to_numpy().ravel()
    found["heads"]["best path", rule, ""] = _above(flow.head_best_log_weight.max("kind").to_numpy().ravel())
    found["mlps"]["mass", rule, ""] = mlp.branch_mass_share.sum("token").to_numpy().ravel()
    found["mlps"]["best path", rule, ""] = _above(mlp.branch_best_log_weight.max("token").to_numpy().ravel())


def _spread(asked: Asked, tape: sw.Tape, score: Tensor, found: Kinds) -> None:
    """Entropy of the paths through each part, and what is left where their number is taken out."""
    paths = sw.paths(tape, score, asked.x)
    layers = len(paths.anatomy.attentions)
    heads = [{"layer": i, "head": h} for i in range(layers) for h in range(paths.anatomy.attentions[i].heads)]
    mlps = [{"layer": i, "branch": "mlp"} for i in range(layers)]
    for kind, parts in (("heads", heads), ("mlps", mlps)):
        sets = [paths.through(part) for part in parts]
        count = np.array([math.log(some.total("count").count) for some in sets])
        mass, entropy = np.array([some.log_mass for some in sets]), np.array([some.entropy for some in sets])
        found[kind]["entropy", "gradient", ""] = entropy
        found[kind]["entropy less log of the number of paths", "gradient", ""] = _above(entropy - count)
        found[kind]["mass a path", "gradient", ""] = _above(mass - count)


def _above(logs: Numbers) -> Numbers:
    """Logarithms as sizes: ranked by size, the smallest must come last."""
    return np.asarray(logs - logs.min())


def _controls(effects: dict[str, list[Numbers]]) -> dict[str, list[dict[str, Numbers]]]:
    """What is known without the text: other texts' effects."""
    return {
        by: [
            {"one fixed ranking": mean, "another sentence": other}
            for mean, other in zip(fixed_ranking(own), [*own[1:], own[0]], strict=True)
        ]
        for by, own in effects.items()
    }


def _judged(
    kind: str, found: dict[Key, Numbers], effects: dict[str, list[Numbers]], text: int, asked: Asked | None
) -> list[dict[str, Any]]:
    rows = []
    for (statistic, rule, against), numbers in found.items():
        for truth in REFERENCES:
            if statistic in ("one fixed ranking", "another sentence") and against != truth:
                continue
            measured = agreement(numbers, effects[truth][text])
            key = {"statistic": statistic, "rule": rule, "against": against, "truth": truth}
            rows += [{**key, "measure": measure, "value": value} for measure, value in measured.items()]
    if asked is not None and kind == "heads":
        rows += _kept_and_lost(found, "zero", asked)
    return rows


def _kept_and_lost(found: dict[Key, Numbers], by: str, asked: Asked) -> list[dict[str, Any]]:
    """Comprehensiveness and sufficiency of the heads ranked first, as shares of the score."""
    tape, score = asked.recorded()
    paths = sw.paths(tape, score, asked.x)
    parts = [
        {"layer": layer.index, "head": head}
        for layer in paths.anatomy.attentions
        for head in range(layer.heads)
    ]
    keys = [key for key in found if key[2] in ("", by)]
    tests: list[Any] = []
    for key in keys:
        numbers = found[key] if key[2] else np.abs(found[key])
        order = np.argsort(-numbers, kind="stable").tolist()
        first = max(1, round(SHARE * len(order)))
        tests += [[([parts[i] for i in chosen], by)] for chosen in (order[:first], order[first:])]
    with torch.no_grad():
        lost = cast(
            "list[sw.Effect]",
            sw.test(
                tape, score, tests, wrt=asked.x, reference=asked.reference, resample=asked.counterfactual
            ),
        )
    whole = abs(asked.score)
    return [
        {"statistic": key[0], "rule": key[1], "against": key[2], "truth": by, "measure": measure,
         "value": one.effect / whole}
        for position, key in enumerate(keys)
        for measure, one in zip(
            ("comprehensiveness", "sufficiency"), lost[2 * position : 2 * position + 2], strict=True
        )
    ]  # fmt: skip
