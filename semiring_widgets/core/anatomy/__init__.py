"""Layers, heads, tokens and branches, found in the recorded graph itself, and the flow through them.

Internal: use `semiring_widgets.flow`, and `semiring_widgets.Selection` for parts of a model.
"""

from semiring_widgets.core.anatomy.attentions import find_anatomy
from semiring_widgets.core.anatomy.cuts import (
    Conditioned,
    Cut,
    around,
    as_met,
    condition,
    cut_of,
    gate_through,
    seeds_of,
)
from semiring_widgets.core.anatomy.embeddings import find_embeddings
from semiring_widgets.core.anatomy.examples import count_examples, end_to_end, texts_of, tokens_of_texts
from semiring_widgets.core.anatomy.layer_flows import (
    LayerFlow,
    branch_edges,
    by_token,
    edges_along,
    head_map,
    hop_edges,
    layer_flow,
    summed,
    sweep_layers,
)
from semiring_widgets.core.anatomy.many_cuts import ManyCuts
from semiring_widgets.core.anatomy.parts import Anatomy, Attention, Operand, Residual
from semiring_widgets.core.anatomy.selections import Extent, LayerExtent, Parts, Selection, checked, extent_of
from semiring_widgets.core.anatomy.step_places import Leg, Place, legs_with_steps, read

__all__ = [
    "Anatomy",
    "Attention",
    "Conditioned",
    "Cut",
    "Extent",
    "LayerExtent",
    "LayerFlow",
    "Leg",
    "ManyCuts",
    "Operand",
    "Parts",
    "Place",
    "Residual",
    "Selection",
    "around",
    "as_met",
    "branch_edges",
    "by_token",
    "checked",
    "condition",
    "count_examples",
    "cut_of",
    "edges_along",
    "end_to_end",
    "extent_of",
    "find_anatomy",
    "find_embeddings",
    "gate_through",
    "head_map",
    "hop_edges",
    "layer_flow",
    "legs_with_steps",
    "read",
    "seeds_of",
    "summed",
    "sweep_layers",
    "texts_of",
    "tokens_of_texts",
]
