"""The numbers of a text's tokens, and of all of them together, from the values at their units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
import xarray as xr
from torch import Tensor

from semiring_widgets.core.anatomy import by_token
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.semirings import Entropy, Product, Sum, Value
from semiring_widgets.core.tape import Node
from semiring_widgets.explanation.draft import Draft
from semiring_widgets.explanation.flow_cells import share
from semiring_widgets.results.parts import Totals

__all__ = ["SUMS", "Bests", "tell_best", "tell_sums"]

# Gradient, mass and entropy in one sweep.
SUMS = Product(Sum(), Entropy())
# Log |weight| and sign of the best path of each token; None where there is no path.
Bests = tuple[Tensor | None, Tensor | None]


def tell_sums(graph: GradientGraph, values: Mapping[Node, Value], draft: Draft) -> None:
    """Gradient, mass and entropy: of all inputs together, and by token of the first.

    Args:
        graph: the graph.
        values: in `SUMS`, at the inputs.
        draft: is told.
    """
    semiring = SUMS
    flat = [_units(values[node]) for node in graph.wrt if node in values]
    if not flat:
        return
    joined = tuple(torch.cat(parts) for parts in zip(*flat, strict=True))
    everything = tuple(part.reshape(()) for part in semiring.sum(joined, (0,)))
    facts = semiring.facts(everything)
    log_mass = float(facts["log_mass"])
    # Tokens join their units; the gradient does not cancel across tokens, so it is compared as a whole.
    signed = (semiring.part(values[n], Sum)[0] for n in graph.wrt if n in values)
    gradient = torch.cat([part.reshape(-1).abs() for part in signed]).sum()
    draft.totals = Totals(
        log_mass=log_mass,
        entropy=float(facts["entropy"]),
        log_cancellation=float(gradient.double().log()) - log_mass if log_mass > -math.inf else None,
    )
    first = graph.wrt[0]
    if first in values:
        _fill_tokens(draft.dataset, values[first], semiring, first, log_mass)


def _fill_tokens(dataset: xr.Dataset, value: Value, semiring: Product, node: Node, log_mass: float) -> None:
    tokens = node.shape[-2]
    facts = semiring.facts(by_token(semiring, value))
    (signed,) = semiring.part(value, Sum)
    gradient = signed.reshape(-1, *signed.shape[-2:]).double()
    inputs = node.value.double().reshape(gradient.shape)
    size = gradient.abs().sum((0, 2))
    _put(dataset, "token_log_mass", facts["log_mass"])
    _put(dataset, "token_entropy", facts["entropy"])
    _put(dataset, "token_gradient_norm", gradient.square().sum((0, 2)).sqrt())
    _put(dataset, "token_gradient_x_input", (gradient * inputs).sum((0, 2)))
    _put(dataset, "token_log_cancellation", size.log() - facts["log_mass"].double())
    dataset["token_mass_share"].values[:tokens] = share(facts["log_mass"], log_mass)


def tell_best(graph: GradientGraph, best: Mapping[Node, Bests], draft: Draft) -> None:
    """The best path of all inputs, and of every token of the first.

    Args:
        graph: the graph.
        best: of every input.
        draft: is told.
    """
    start = graph.wrt[0]
    tokens = start.shape[-2]
    tops: list[tuple[float, int]] = []
    for node, (weight, sign) in best.items():
        if weight is None or sign is None:
            continue
        place = int(weight.argmax())
        tops.append((float(weight[place]), int(sign[place])))
        if node is start:
            draft.dataset["token_best_log_weight"].values[:tokens] = weight.cpu().numpy()
            draft.dataset["token_best_sign"].values[:tokens] = sign.cpu().numpy()
    if tops:
        weight_of_best, sign_of_best = max(tops)
        draft.totals = replace(draft.totals, best_log_weight=weight_of_best, best_sign=sign_of_best)


def _units(value: Value) -> Value:
    return tuple(v.reshape(-1) for v in value)


def _put(dataset: xr.Dataset, name: str, values: Tensor) -> None:
    dataset[name].values[: len(values)] = values.cpu().numpy()
