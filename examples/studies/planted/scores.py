"""Every method on one model: what it says of each edge, and how well that finds the circuit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import pandas as pd
import torch
from torch import Tensor

import semiring_widgets as sw
from examples.studies.planted.models import Edge, Pairs, Planted
from examples.studies.planted.patching import Runs
from examples.studies.ranks import auroc

__all__ = ["OURS", "RULES", "scored"]

RULES = ("gradient", "linear", "secant", "lrp", "gim")
OURS = "sw.edges"
STEPS = 5
THRESHOLDS = (1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3)
# Paths are weighed by these; those of the sum are the contributions.
SEMIRINGS = ("max", "entropy")
Values = dict[Edge, Tensor]
# Of paths what is looked at, and how it is taken over texts.
_FACTS: dict[str, Callable[[Tensor], Tensor]] = {
    "log_mass": torch.max,
    "log_weight": torch.max,
    "entropy": torch.mean,
}


def scored(
    planted: Planted, pairs: int, weighing: Sequence[str] = RULES, *, stepping: bool = False
) -> pd.DataFrame:
    """One row for each way of ranking the edges of a model.

    Args:
        planted: the model.
        pairs: how many texts, each with its reference, are averaged over. In other semirings than the sum it
            is the first of them.
        weighing: rules under which paths are weighed by other semirings than the sum.
        stepping: whether the package's own integrated gradients are among the methods, which are those of the
            textbook.

    Returns:
        Columns ``model``, ``method``, ``rule``, ``statistic``, ``pairs``, ``auroc``, ``found`` (share of the
        circuit's edges of which it says anything but zero), ``seconds``, ``edges``, ``true``.
    """
    asked = planted.pairs(pairs, seed=0)
    rows = []
    for method, rule, ask in _methods(planted, asked, weighing, stepping):
        start = time.perf_counter()
        tables = ask()
        seconds = time.perf_counter() - start
        for statistic, values in tables.items():
            folded = _folded(values, planted.split)
            true = [edge in planted.edges for edge in folded]
            # No path at all is a mass of zero, and no entropy.
            numbers = [-math.inf if math.isnan(n) else n for n in folded.values()]
            said = [n != 0 and n > -math.inf for n, own in zip(numbers, true, strict=True) if own]
            rows.append(
                {
                    "model": planted.name,
                    "method": method,
                    "rule": rule,
                    "statistic": statistic,
                    "pairs": len(asked),
                    "auroc": auroc(numbers, true),
                    "found": sum(said) / len(said),
                    "seconds": seconds,
                    "edges": len(true),
                    "true": sum(true),
                }
            )
    return pd.DataFrame(rows)


def _folded(values: Mapping[Edge, float], split: bool) -> dict[Edge, float]:
    """An edge to a head is as strong as its strongest branch, where branches are not told apart."""
    if split:
        return dict(values)
    found: dict[Edge, float] = {}
    for (source, target, _), number in values.items():
        edge = source, target, ""
        found[edge] = max(found.get(edge, -float("inf")), number)
    return found


Tables = dict[str, dict[Edge, float]]


def _methods(
    planted: Planted, pairs: Pairs, weighing: Sequence[str], stepping: bool
) -> Iterator[tuple[str, str, Callable[[], Tables]]]:
    """Name, rule, and how to get the tables of numbers, by statistic."""
    runs = Runs(planted.model, pairs)
    names = [runs.name(edge) for edge in runs.edges]
    middle = [(step + 0.5) / STEPS for step in range(STEPS)]

    def named(values: Tensor) -> Values:
        return dict(zip(names, values.double().T, strict=True))

    yield "EAP", "", lambda: _signed(named(runs.attributed()))
    yield "EAP-IG", "", lambda: _signed(named(runs.attributed(middle)))
    yield "edge patching", "", lambda: {"size": _over(named(runs.patched()), torch.mean)}
    yield "ACDC", "", lambda: {"threshold": _over(named(runs.pruned(THRESHOLDS)[None]), torch.mean)}
    for rule in RULES:
        yield OURS, rule, partial(_contributions, planted, pairs, rule)
    if stepping:
        yield f"{OURS}, {STEPS} steps", "gradient", partial(_contributions, planted, pairs, "gradient", STEPS)
    # What paths weigh has no reference to be averaged over, and takes a forward sweep more.
    first = next(pairs.each())
    for rule in weighing:
        for semiring in SEMIRINGS:
            yield OURS, rule, partial(_of_paths, planted, first, rule, semiring)


def _contributions(planted: Planted, pairs: Pairs, rule: str, steps: int | None = None) -> Tables:
    return _signed(_asked(planted, pairs, rule, steps=steps)["contribution"])


def _signed(values: Values) -> Tables:
    """Of contributions: as they are, and the size, of the mean over texts or before it."""
    return {
        "signed mean": _over(values, torch.mean),
        "size of mean": {edge: abs(number) for edge, number in _over(values, torch.mean).items()},
        "mean size": _over({edge: own.abs() for edge, own in values.items()}, torch.mean),
    }


def _of_paths(planted: Planted, pairs: Pairs, rule: str, semiring: str) -> Tables:
    """Of all paths by an edge: the mass, the weight of the best, the entropy; over all texts."""
    facts = _asked(planted, pairs, rule, semiring)
    return {name: _over(values, _FACTS[name]) for name, values in facts.items() if name in _FACTS}


def _over(values: Values, how: Callable[[Tensor], Tensor]) -> dict[Edge, float]:
    return {edge: float(how(own)) for edge, own in values.items()}


def _asked(
    planted: Planted, pairs: Pairs, rule: str, semiring: str = "sum", steps: int | None = None
) -> dict[str, Values]:
    """The facts of `semiring_widgets.edges`, of each edge one number for each pair."""
    tables = []
    for pair in pairs.each():
        inputs, reference = list(pair.inputs), list(pair.reference)
        with sw.record() as tape:
            score = (planted.outputs(pair.inputs) * pair.direction).sum()
        found = sw.edges(tape, score, inputs, reference, semiring=semiring, rules=rule, steps=steps)
        found["branch"] = found["branch"].fillna("")
        tables.append(found.set_index(["source", "target", "branch"]))
    facts = [name for name in tables[0].columns if name in ("contribution", *_FACTS)]
    return {
        name: {
            edge: torch.tensor([table[name][edge] for table in tables], dtype=torch.float64)
            for edge in tables[0].index
        }
        for name in facts
    }
