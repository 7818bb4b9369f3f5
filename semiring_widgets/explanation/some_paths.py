"""What an explanation tells of some of the paths alone: the same numbers, each of the set.

Sums and best paths per unit are one question to the set; the flow is another, as after a click.
"""

from __future__ import annotations

import math

from semiring_widgets.core.paths import Paths
from semiring_widgets.core.restriction import EVERY_PATH
from semiring_widgets.core.semirings import Product, SignedMax, Value
from semiring_widgets.core.sweeps import Span, sweep_backward, sweep_forward
from semiring_widgets.core.tape import Node
from semiring_widgets.explanation.draft import Draft
from semiring_widgets.explanation.flow_cells import FLOW, fill_layer
from semiring_widgets.explanation.token_numbers import SUMS, Bests, tell_best, tell_sums

__all__ = ["tell_some"]

_ALL = Product(*SUMS.factors, SignedMax())


def tell_some(few: Paths, draft: Draft) -> float:
    """Numbers of tokens and layers; gives log |weight| of the best path.

    Args:
        few: the paths.
        draft: is told, and asked whether to go on: between two sweeps, and in those of the flow.
    """
    draft.publish("mass, entropy and best paths")
    draft.progress(0)
    sums, best = _at_inputs(few)
    draft.progress(2 * len(few.graph.ops))
    tell_sums(few.graph, sums, draft)
    tell_best(few.graph, best, draft)
    draft.publish("flow")
    top, log_mass = draft.totals.best_log_weight, draft.totals.log_mass
    _flows(few, draft, -math.inf if log_mass is None else log_mass)
    return -math.inf if top is None else top


def _at_inputs(few: Paths) -> tuple[dict[Node, Value], dict[Node, Bests]]:
    """Sums per unit in `SUMS`, and best paths per token."""
    sums: dict[Node, Value] = {}
    best: dict[Node, Bests] = {}
    for node, result in zip(few.graph.wrt, few.at_inputs(_ALL), strict=True):
        value = {type(factor): _ALL.part(result.parts, type(factor)) for factor in _ALL.factors}
        sums[node] = SUMS.join({type(factor): value[type(factor)] for factor in SUMS.factors})
        facts = SignedMax().facts(value[SignedMax])
        weight, sign = (
            facts[name].reshape(node.token_shape).transpose(0, 1).flatten(1)
            for name in ("log_weight", "sign")
        )
        top, place = weight.max(-1, keepdim=True)
        best[node] = top[:, 0], sign.gather(-1, place)[:, 0]
    return sums, best


def _flows(few: Paths, draft: Draft, log_mass: float) -> None:
    """The flow through each layer; shares are relative to the mass of the set."""
    offset = 2 * len(few.graph.ops)

    def progress(done: int, _: int) -> None:
        draft.progress(max(draft.done, offset + done))

    if few.restriction == EVERY_PATH:
        # Both sides of all paths: a click within the set then takes no longer than one within all of them.
        span = Span(keep=few.anatomy.nodes() | set(few.graph.wrt))
        above = sweep_backward(few.graph, FLOW, span, progress=progress)
        few.ground.learn(FLOW, sweep_forward(few.graph, FLOW, span, progress=progress), above)
    found = few.flow(FLOW, progress=progress)
    for attention in few.anatomy.attentions:
        fill_layer(draft.dataset, attention, found.layer(attention), log_mass)
