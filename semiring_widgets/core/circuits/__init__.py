"""Edges between the components of a transformer, and circuits made of them.

Internal: use `semiring_widgets.edges`, `semiring_widgets.circuit` and `semiring_widgets.circuit_curve`.
"""

from semiring_widgets.core.circuits.all_edges import EdgeValues, edge_values
from semiring_widgets.core.circuits.circuits import FRACTIONS, circuit, circuit_curve, circuit_curves
from semiring_widgets.core.circuits.faithfulness import Circuit, Curve
from semiring_widgets.core.circuits.layout import Part

__all__ = [
    "FRACTIONS",
    "Circuit",
    "Curve",
    "EdgeValues",
    "Part",
    "circuit",
    "circuit_curve",
    "circuit_curves",
    "edge_values",
]
