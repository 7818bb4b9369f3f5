"""Reading a scalar path at the level of people: through which layer, branch, head and token it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from semiring_widgets.core.anatomy.parts import Anatomy, Attention, Residual
from semiring_widgets.core.tape import Node, Op

__all__ = ["Leg", "Place", "legs_with_steps", "read"]


@dataclass(frozen=True)
class Place:
    """Where one step of a path is; None where unknown."""

    layer: int | None = None
    head: int | None = None
    token: int | None = None
    route: str | None = None


@dataclass(frozen=True)
class Leg:
    """One part of a route: through one layer by one branch, from a source token to a target token."""

    layer: int
    branch: str
    head: int | None
    source: int
    target: int


# source node, source element, target node, target element
Passage = tuple[Node, int, Node, int]


@dataclass
class _Open:
    """A leg whose end is not reached yet, and the first step that belongs to it."""

    leg: Leg
    since: int


def read(anatomy: Anatomy, passages: Sequence[Passage]) -> list[Place]:
    """A place for every step of a path."""
    if not anatomy.attentions:
        return [Place() for _ in passages]
    places: list[Place] = [Place(route="embedding") for _ in passages]
    last = 0
    for begin, end, leg in legs_with_steps(anatomy, passages):
        for step in range(begin, end):
            places[step] = Place(leg.layer, leg.head, leg.source, leg.branch)
        places[end - 1] = replace(places[end - 1], token=leg.target)
        for step in range(last, begin):
            # Between two legs lies a norm at most: it belongs to the leg before.
            if last:
                places[step] = replace(places[last - 1], head=None)
        last = end
    for step in range(last, len(passages)):
        places[step] = Place(route="output" if last else "embedding")
    return places


def legs_with_steps(anatomy: Anatomy, passages: Sequence[Passage]) -> list[tuple[int, int, Leg]]:
    """The legs of a path in order, each with its first step and the step after its last."""
    entries: dict[Node, list[Attention]] = {}
    exits: dict[Node, list[tuple[Attention, Residual]]] = {}
    operands: dict[Node, list[tuple[Attention, str]]] = {}
    blocks: dict[Node, Attention] = {}
    beside: dict[Op, Attention] = {}
    for attention in anatomy.attentions:
        for name, operand in attention.operands.items():
            operands.setdefault(operand.node, []).append((attention, name))
        if attention.residual is not None:
            entries.setdefault(attention.residual.skip, []).append(attention)
            exits.setdefault(attention.residual.out, []).append((attention, attention.residual))
        if attention.mlp is not None and attention.mlp.inner is not None:
            beside[attention.mlp.inner] = attention
        elif attention.mlp is not None:
            blocks.setdefault(attention.mlp.out, attention)
    found: list[tuple[int, int, Leg]] = []
    open_legs: dict[int, _Open] = {}
    for step, (source, element, target, reached) in enumerate(passages):
        for attention in entries.get(source, ()):
            token = attention.residual.token_of(element) if attention.residual is not None else 0
            open_legs[attention.index] = _Open(Leg(attention.index, "skip", None, token, token), step)
        for attention, branch in operands.get(target, ()):
            head, token = attention.operands[branch].locate(reached)
            since = open_legs[attention.index].since if attention.index in open_legs else step
            open_legs[attention.index] = _Open(Leg(attention.index, branch, head, token, token), since)
        both = beside.get(target.op) if target.op is not None else None
        if both is not None and both.mlp is not None and source is both.mlp.branch:
            token = both.mlp.token_of(element)
            since = open_legs[both.index].since if both.index in open_legs else step
            open_legs[both.index] = _Open(Leg(both.index, "mlp", None, token, token), since)
        closing = [(open_legs.pop(a.index), r) for a, r in exits.get(target, ()) if a.index in open_legs]
        # Of several attentions that join at once, a path takes one, or goes round all.
        taken = [(opened, residual) for opened, residual in closing if opened.leg.branch != "skip"]
        for opened, residual in taken or closing[:1]:
            leg = replace(opened.leg, target=residual.token_of(reached))
            if leg.branch == "skip" and source is residual.branch:
                # By none of the operands: a position bias or a gate that the attention computes.
                leg = replace(leg, branch="attention", source=leg.target)
            found.append((opened.since, step + 1, leg))
        if (block := blocks.get(target)) is not None and block.mlp is not None:
            token = block.mlp.token_of(reached)
            branch = "mlp" if source is block.mlp.branch else "mlp_skip"
            within = open_legs.pop(block.index, None)
            if within is not None and within.leg.branch != "skip":
                found.append((within.since, step, replace(within.leg, target=token)))
            since = found[-1][1] if found else step
            found.append((min(since, step), step + 1, Leg(block.index, branch, None, token, token)))
    return found
