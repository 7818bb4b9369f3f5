"""Local Jacobians as blocks: from recorded operators to the edges of the gradient graph.

Public for rules of your own: `semiring_widgets.core.jacobian.register`. Otherwise use
`semiring_widgets.backprop`.
"""

from semiring_widgets.core.jacobian.blocks.block import Block
from semiring_widgets.core.jacobian.blocks.chain import Chain
from semiring_widgets.core.jacobian.blocks.contraction import Contraction
from semiring_widgets.core.jacobian.blocks.dense import Dense
from semiring_widgets.core.jacobian.blocks.elementwise import Elementwise
from semiring_widgets.core.jacobian.blocks.gather import Gather
from semiring_widgets.core.jacobian.blocks.strided import Strided
from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.jacobian.rules.call import Call
from semiring_widgets.core.jacobian.rules.rule_table import Rule, edges_of, register, rule_of

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
    "rule_of",
]
