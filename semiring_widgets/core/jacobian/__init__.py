"""Local Jacobians as blocks: from recorded operators to the edges of the gradient graph."""

from semiring_widgets.core.jacobian.blocks import Block, Contraction, Dense, Elementwise
from semiring_widgets.core.jacobian.chains import Chain
from semiring_widgets.core.jacobian.context import Call, Edge
from semiring_widgets.core.jacobian.rules import Rule, edges_of, register
from semiring_widgets.core.jacobian.selection import Gather, Strided

__all__ = [
    "Block",
    "Call",
    "Chain",
    "Contraction",
    "Dense",
    "Edge",
    "Elementwise",
    "Gather",
    "Rule",
    "Strided",
    "edges_of",
    "register",
]
