"""Layers, heads, tokens and branches, found in the recorded graph itself, and the flow through them."""

from semiring_widgets.core.anatomy.conditioning import (
    Conditioned,
    Cut,
    Selection,
    condition,
    cut_of,
    seeds_of,
)
from semiring_widgets.core.anatomy.embeddings import find_embeddings
from semiring_widgets.core.anatomy.finding import find_anatomy
from semiring_widgets.core.anatomy.flow import (
    LayerFlow,
    branch_edges,
    by_token,
    edges_from,
    head_map,
    hop_edges,
    layer_flow,
    summed,
    sweep_layers,
)
from semiring_widgets.core.anatomy.parts import Anatomy, Attention, Operand, Places, Residual
from semiring_widgets.core.anatomy.reading import Leg, Place, legs_of, read

__all__ = [
    "Anatomy",
    "Attention",
    "Conditioned",
    "Cut",
    "LayerFlow",
    "Leg",
    "Operand",
    "Place",
    "Places",
    "Residual",
    "Selection",
    "branch_edges",
    "by_token",
    "condition",
    "cut_of",
    "edges_from",
    "find_anatomy",
    "find_embeddings",
    "head_map",
    "hop_edges",
    "layer_flow",
    "legs_of",
    "read",
    "seeds_of",
    "summed",
    "sweep_layers",
]
