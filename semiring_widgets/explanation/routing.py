"""Routes: scalar paths read at the level of people, distinct, ranked, and written as sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import Anatomy, Cut, Leg, legs_of
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.paths import Hop, walk_back, walk_on
from semiring_widgets.core.semirings import Max
from semiring_widgets.core.tape import Node
from semiring_widgets.explanation.results import Layer, Route, Step, Stream

__all__ = ["RouteFinder"]

_NONE = float("-inf")
_LETTER = {"query": "Q", "key": "K", "value": "V"}


@dataclass(frozen=True)
class RouteFinder:
    """Finds and words the best routes of one graph.

    Attributes:
        graph: the graph.
        anatomy: its parts.
        streams: tokens, for the sentences.
        layers: the layers, for the sentences.
        alpha: log |weight| of the best path to every element (tangents of `Max`).
        beta: the same to the score (cotangents of `Max`).
        log_mass: of all paths, for probabilities.
    """

    graph: GradientGraph
    anatomy: Anatomy
    streams: tuple[Stream, ...]
    layers: tuple[Layer, ...]
    alpha: Mapping[Node, Tensor]
    beta: Mapping[Node, Tensor]
    log_mass: float

    def best(self, count: int) -> tuple[Route, ...]:
        """The best route of all, then the best ones that leave the skip, each through another part.

        Every route listed is the best path through some query, key or value of some head and token, so the
        best path of all that uses attention is among them.
        """
        starts = [(node, int(self.beta[node].argmax())) for node in self.graph.wrt if node in self.beta]
        starts.sort(key=lambda at: -float(self.beta[at[0]].reshape(-1)[at[1]]))
        cells = self._cells(
            {o.node: None for a in self.anatomy.attentions for o in a.operands.values()}, 4 * count
        )
        return self._routes(self._walks([*starts[:1], *cells]), count, "leaves_skip")

    def through(self, cut: Cut, count: int) -> tuple[Route, ...]:
        """The best routes through a cut."""
        routes = self._walks(self._cells(dict(cut.nodes), 4 * count))
        for edge, kept in cut.edges.items():
            if edge.source not in self.alpha or edge.target not in self.beta:
                continue
            pulled = edge.pull(Max(), (self.beta[edge.target],))[0]
            joint = (self.alpha[edge.source] + pulled).masked_fill(~kept, _NONE)
            for element in _best_of_rows(joint, count):
                targets, derivatives = edge.block.out_edges(torch.tensor([element], device=joint.device))
                hop = Hop(edge, element, int(targets[0, 0]), float(derivatives[0, 0]))
                (head,) = walk_back(self.graph, self.alpha, [(edge.source, element)])
                (tail,) = walk_on(self.graph, self.beta, [(edge.target, hop.target)])
                routes.append([*head, hop, *tail])
        return self._routes(routes, count, "through")

    def _cells(self, nodes: Mapping[Node, Tensor | None], count: int) -> list[tuple[Node, int]]:
        """The best element of each (head, token) of some nodes, best first."""
        ranked: list[tuple[float, Node, int]] = []
        operands = {o.node: o for a in self.anatomy.attentions for o in a.operands.values()}
        for node, kept in nodes.items():
            if node not in self.alpha or node not in self.beta:
                continue
            joint = self.alpha[node] + self.beta[node]
            if kept is not None:
                joint = joint.masked_fill(~kept, _NONE)
            numbers = torch.arange(joint.numel(), device=joint.device).reshape(joint.shape)
            operand = operands.get(node)
            axis = -2 if operand is not None and operand.token_axis == 2 else -1
            top, unit = joint.max(axis)
            element = numbers.gather(axis, unit.unsqueeze(axis)).squeeze(axis).reshape(-1)
            top = top.reshape(-1)
            chosen = top.topk(min(count, len(top))).indices.tolist()
            ranked += [(float(top[i]), node, int(element[i])) for i in chosen if float(top[i]) > _NONE]
        ranked.sort(key=lambda item: -item[0])
        return [(node, element) for _, node, element in ranked[:count]]

    def _walks(self, places: Sequence[tuple[Node, int]]) -> list[list[Hop]]:
        """The best path through each element."""
        before = walk_back(self.graph, self.alpha, places)
        after = walk_on(self.graph, self.beta, places)
        return [[*head, *tail] for head, tail in zip(before, after, strict=True)]

    def _routes(self, walks: Sequence[list[Hop]], count: int, kind: str) -> tuple[Route, ...]:
        found: dict[tuple[Leg, ...], list[Hop]] = {}
        for hops in sorted(filter(None, walks), key=_log_weight, reverse=True):
            found.setdefault(tuple(legs_of(self.anatomy, [_passage(hop) for hop in hops])), hops)
        best = max(
            (float(self.beta[node].max()) for node in self.graph.wrt if node in self.beta), default=0.0
        )
        ranked = list(found.items())[:count]
        return tuple(self._route(rank, legs, hops, best, kind) for rank, (legs, hops) in enumerate(ranked))

    def _route(self, rank: int, legs: tuple[Leg, ...], hops: list[Hop], best: float, kind: str) -> Route:
        log_weight = _log_weight(hops)
        sign = math.prod((hop.derivative > 0) - (hop.derivative < 0) for hop in hops)
        all_skip = all(leg.branch in ("skip", "mlp_skip") for leg in legs)
        first = kind == "leaves_skip" and rank == 0
        return Route(
            rank=rank,
            label=_label(legs),
            log_weight=log_weight,
            sign=sign,
            share_of_best=math.exp(min(0.0, log_weight - best)),
            probability=math.exp(min(0.0, log_weight - self.log_mass)),
            all_skip=all_skip,
            kind="best" if first else kind,
            steps=tuple(
                Step(leg.layer, leg.branch, leg.head, leg.source, leg.target)
                for leg in legs
                if leg.branch != "mlp_skip"
            ),
            sentence=" ".join(self._words(legs, hops)),
        )

    def _words(self, legs: tuple[Leg, ...], hops: list[Hop]) -> Iterator[str]:
        start = hops[0].edge.source
        stream = self.graph.wrt.index(start) if start in self.graph.wrt else 0
        token = hops[0].source // start.shape[-1] % start.shape[-2] if len(start.shape) > 1 else 0
        yield f"{self._name(stream, token)}"
        turns = [leg for leg in legs if leg.branch not in ("skip", "mlp_skip")]
        if not turns:
            yield f"stays on the skip connections of all {len(self.layers)} layers"
        for leg in turns:
            layer = self.layers[leg.layer]
            head = f"{_LETTER.get(leg.branch, '')}·L{leg.layer}·H{leg.head}"
            if leg.branch == "value":
                yield f"-{head}-> {self._name(layer.stream, leg.target)}"
            elif leg.branch == "key":
                yield f"-{head}-> {self._name(layer.stream, leg.target)} (by being attended to)"
            elif leg.branch == "query":
                yield f"-{head}-> {self._name(layer.stream, leg.target)} (by what it attends to)"
            else:
                yield f"-MLP·L{leg.layer}->"
        yield "to the score" if not turns or turns[-1].branch != "mlp" else "the score"

    def _name(self, stream: int, token: int) -> str:
        tokens = self.streams[min(stream, len(self.streams) - 1)].tokens
        return tokens[token].text if token < len(tokens) else f"token {token}"


def _best_of_rows(joint: Tensor, count: int) -> list[int]:
    """The best element of each of the best tokens, for a stream (..., tokens, units)."""
    units = joint.reshape(-1, joint.shape[-1])
    top, unit = units.max(-1)
    rows = top.topk(min(count, len(top))).indices.tolist()
    return [row * joint.shape[-1] + int(unit[row]) for row in rows if float(top[row]) > _NONE]


def _passage(hop: Hop) -> tuple[Node, int, Node, int]:
    return hop.edge.source, hop.source, hop.edge.target, hop.target


def _log_weight(hops: Sequence[Hop]) -> float:
    return sum(math.log(abs(hop.derivative)) if hop.derivative else _NONE for hop in hops)


def _label(legs: Sequence[Leg]) -> str:
    parts = [
        f"MLP·L{leg.layer}" if leg.branch == "mlp" else f"{_LETTER[leg.branch]}·L{leg.layer}·H{leg.head}"
        for leg in legs
        if leg.branch not in ("skip", "mlp_skip")
    ]
    return " → ".join(parts) or "skip"
