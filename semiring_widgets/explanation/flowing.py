"""`flow`: how much passes through every layer, token, head and branch, as a labelled table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from semiring_widgets.core import Tape
from semiring_widgets.core.anatomy import Anatomy, Attention, LayerFlow, find_anatomy, layer_flow
from semiring_widgets.core.graph import GradientGraph, find_nodes
from semiring_widgets.core.semirings import Abs, Max, Product, Value
from semiring_widgets.core.sweeps import sweep_backward, sweep_forward
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.schema import BRANCHES, KINDS, empty_dataset

__all__ = ["FLOW", "fill_layer", "flow", "share", "sizes_of"]

# Mass and best path together: the two often disagree, so they are never computed apart.
FLOW = Product(Abs(), Max())


def flow(tape: Tape, score: Tensor, wrt: Tensor | Sequence[Tensor]) -> xr.Dataset:
    """Share of the mass, and best path, through every part of the model: alpha times beta.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,).
        wrt: the token embeddings (..., tokens, units) used inside the recording, or a list of streams.

    Returns:
        Dataset with the variables ``node_``, ``branch_`` and ``head_`` of
        `semiring_widgets.explanation.schema`: shares 0-1, best paths as log |weight| in nats, by layer,
        token, head and branch. Layers are the attentions found, in order of execution, named by
        ``layer_name``; NaN where a layer has no such part.

    Raises:
        InputError: the score has several numbers, or the graph holds no attention.
        TapeError, UnsupportedOpError, NonFiniteError: as `semiring_widgets.backprop`.
    """
    node, starts = find_nodes(tape, score, [wrt] if isinstance(wrt, Tensor) else list(wrt))
    if node.value.numel() != 1:
        raise InputError(f"score has shape {list(score.shape)}; flow is measured for one number at a time.")
    graph = GradientGraph(tape, node, starts)
    anatomy = find_anatomy(graph)
    if not anatomy.attentions:
        raise InputError(
            "There is no attention between these inputs and the score, so there are no layers to measure the "
            "flow of. Use sw.backprop, sw.top_paths or sw.sample_paths, which need none."
        )
    nodes = anatomy.nodes()
    beta = sweep_backward(graph, FLOW, keep=nodes)
    alpha = sweep_forward(graph, FLOW, keep=nodes | {graph.score})
    log_mass = float(alpha[graph.score][0].reshape(())) if graph.score in alpha else float("-inf")
    dataset = empty_dataset(*sizes_of(anatomy), maps=False)
    for attention in anatomy.attentions:
        fill_layer(dataset, attention, layer_flow(graph, FLOW, attention, [(alpha, beta)]), log_mass)
    names = [attention.module for attention in anatomy.attentions]
    dataset = dataset.assign_coords(layer_name=("layer", names))
    dataset.attrs.update(granularity=tape.granularity, level="unit", log_mass=log_mass)
    chosen = [name for name in dataset.data_vars if str(name).startswith(("node", "branch", "head"))]
    return dataset[chosen]


def sizes_of(anatomy: Anatomy, tokens: int = 0) -> tuple[int, int, int]:
    """Layers, most heads, longest stream."""
    attentions = anatomy.attentions
    longest = max([tokens, *(o.tokens for a in attentions for o in a.operands.values())])
    # A stream is longer than its attentions where these look at windows.
    streams = [r.skip for a in attentions for r in (a.residual, a.mlp) if r is not None]
    longest = max([longest, *(node.shape[-2] * node.shape[:-2].numel() for node in streams)])
    return len(attentions), max((a.heads for a in attentions), default=0), longest


def fill_layer(dataset: xr.Dataset, attention: Attention, found: LayerFlow, log_mass: float) -> None:
    """Write one layer's flow into its cells.

    Args:
        dataset: from `empty_dataset`; changed.
        attention: the layer.
        found: its flow in the `FLOW` semiring.
        log_mass: of all paths, which shares are relative to.
    """
    layer = attention.index
    if found.stream is not None:
        _write(dataset, "node", (layer,), found.stream, log_mass)
    for name, value in found.branches.items():
        _write(dataset, "branch", (layer, BRANCHES.index(name)), value, log_mass)
    for kind, name in enumerate(KINDS):
        by_head = tuple(v.squeeze(1) for v in FLOW.sum(found.heads[name], (1,)))
        mass, best = by_head
        heads = len(mass)
        dataset["head_mass_share"].values[layer, :heads, kind] = share(mass, log_mass)
        dataset["head_best_log_weight"].values[layer, :heads, kind] = best.cpu().numpy()


def share(log_mass: Tensor, of: float) -> NDArray[np.float64]:
    """Log masses as shares 0-1 of all mass."""
    if of == float("-inf"):
        return np.zeros(tuple(log_mass.shape))
    shares: NDArray[np.float64] = torch.exp(log_mass.double() - of).cpu().numpy()
    return shares


def _write(dataset: xr.Dataset, what: str, place: tuple[int, ...], value: Value, log_mass: float) -> None:
    mass, best = value
    dataset[f"{what}_mass_share"].values[place][: len(mass)] = share(mass, log_mass)
    dataset[f"{what}_best_log_weight"].values[place][: len(mass)] = best.cpu().numpy()
