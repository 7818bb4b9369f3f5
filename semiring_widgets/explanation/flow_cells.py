"""Where flow stands in the table of an explanation: layers, heads, tokens and branches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from semiring_widgets.core.anatomy import Anatomy, Attention, LayerFlow, summed
from semiring_widgets.core.paths import Flow
from semiring_widgets.core.semirings import Abs, Max, Product, Semiring, Value
from semiring_widgets.vocabulary import BRANCHES, KINDS

__all__ = ["FLOW", "cells", "fill_layer", "fill_tokens", "mass_and_best", "share", "sizes_of", "totals_of"]

# Mass and best path together: the two often disagree, so they are never computed apart.
FLOW = Product(Abs(), Max())


def sizes_of(anatomy: Anatomy, tokens: int = 0) -> tuple[int, int, int]:
    """Layers, most heads, longest stream."""
    attentions = anatomy.attentions
    longest = max([tokens, *(o.tokens for a in attentions for o in a.operands.values())])
    streams = [r.tokens for a in attentions for r in (a.residual, a.mlp) if r is not None]
    longest = max([longest, *streams])
    return len(attentions), max((a.heads for a in attentions), default=0), longest


def fill_layer(dataset: xr.Dataset, attention: Attention, found: LayerFlow, log_mass: float) -> None:
    """Write one layer's flow into its cells.

    Args:
        dataset: from `empty_dataset`; changed.
        attention: the layer.
        found: its flow in the `FLOW` semiring.
        log_mass: of all paths, which shares are relative to.
    """
    for part, place, (mass, best) in cells(FLOW, attention, found):
        dataset.variables[f"{part}_mass_share"].values[place] = share(mass, log_mass)
        dataset.variables[f"{part}_best_log_weight"].values[place] = best.cpu().numpy()


def totals_of(flow: Flow) -> tuple[float, float]:
    """Log mass of all paths of a flow in `FLOW`, and log |weight| of the best."""
    return mass_and_best(flow.total)


def mass_and_best(value: Value) -> tuple[float, float]:
    """The same of a value in `FLOW`, of shape ()."""
    (mass,), (best,) = (FLOW.part(value, factor) for factor in (Abs, Max))
    return float(mass), float(best)


def fill_tokens(dataset: xr.Dataset, started: Value, log_mass: float) -> None:
    """Write what starts at each token into its cell.

    Args:
        dataset: from `empty_dataset`; changed.
        started: values in the `FLOW` semiring, by token.
        log_mass: of all paths, which shares are relative to.
    """
    mass, best = started
    dataset.variables["token_mass_share"].values[: len(mass)] = share(mass, log_mass)
    dataset.variables["token_best_log_weight"].values[: len(best)] = best.cpu().numpy()


def share(log_mass: Tensor, of: float) -> NDArray[np.float64]:
    """Log masses as shares 0-1 of all mass."""
    if of == float("-inf"):
        return np.zeros(tuple(log_mass.shape))
    shares: NDArray[np.float64] = torch.exp(log_mass.double() - of).cpu().numpy()
    return shares


def cells(
    semiring: Semiring, attention: Attention, found: LayerFlow
) -> Iterator[tuple[str, tuple[int | slice, ...], Value]]:
    """Where each part of a layer stands in the dataset: variable's prefix, place, value."""
    layer = attention.index
    if found.stream is not None:
        yield "node", (layer, slice(len(found.stream[0]))), found.stream
    for name, value in found.branches.items():
        yield "branch", (layer, BRANCHES.index(name), slice(len(value[0]))), value
    for kind, name in enumerate(KINDS):
        by_head = summed(semiring, found.heads[name], 1)
        yield "head", (layer, slice(len(by_head[0])), kind), by_head
