"""`select_paths`: all paths through some parts of the model and around others, exactly.

Parts to avoid are masks on the sweep. Parts to pass are cuts: the sweep is restarted at each of them, from
the one nearest to the score down, so that what arrives at the inputs went through all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.anatomy import (
    Anatomy,
    Cut,
    Selection,
    branch_edges,
    cut_of,
    find_anatomy,
    seeds_of,
)
from semiring_widgets.core.backprop import Result
from semiring_widgets.core.graph import GradientGraph
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.paths.directions import cancellation, directions_of
from semiring_widgets.core.paths.finding import described, graph_of, ranked
from semiring_widgets.core.paths.path import Path
from semiring_widgets.core.paths.searching import Stage, best_first
from semiring_widgets.core.semirings import (
    Abs,
    Entropy,
    Leaving,
    Max,
    Product,
    Semiring,
    Sum,
    Value,
    Weight,
    find_semiring,
)
from semiring_widgets.core.sweeps import Mask, sweep_backward, zeros
from semiring_widgets.core.tape import Node, Tape
from semiring_widgets.errors import InputError

__all__ = ["PathSet", "select_paths"]

_BRANCHES = ("skip", "query", "key", "value", "mlp", "mlp_skip")
Parts = Selection | Mapping[str, Any] | Iterable[Selection | Mapping[str, Any]]


def select_paths(
    tape: Tape,
    score: Tensor,
    wrt: Tensor | Sequence[Tensor],
    through: Parts = (),
    avoiding: Parts = (),
    *,
    leaving_skip: bool = False,
) -> PathSet:
    """All paths that pass every part of ``through`` and no part of ``avoiding``.

    A part is a `Selection` or a dict of its fields: ``{"layer": 3, "head": 2, "branch": "value"}``,
    ``{"layer": 4, "branch": "skip"}``, ``{"layer": 2, "token": 5}`` (the residual stream there) or
    ``{"token": 5}`` (the input). ``{"layer": 3}`` is the layer's attention.

    Args:
        tape: the finished tape.
        score: a single number, shape () or (1,).
        wrt: a tensor used inside the recording, or a list of them.
        through: parts that every path must pass.
        avoiding: parts that no path may pass.
        leaving_skip: only paths that go through some attention or feed-forward part, at least once: all but
            those that stay on the skip connections from end to end.

    Returns:
        A `PathSet`; empty (log mass -inf) where no path is like that.

    Raises:
        InputError: the model has no such part (for ``leaving_skip``: no residual stream was found), or the
            score has several numbers.
        TapeError, UnsupportedOpError, NonFiniteError: as `backprop`.
    """
    graph = graph_of(tape, score, wrt)
    anatomy = find_anatomy(graph)
    cuts = [_cut(graph, anatomy, part) for part in _listed(through)]
    around = [_cut(graph, anatomy, part) for part in _listed(avoiding)]
    marked = branch_edges(graph, anatomy) if leaving_skip else frozenset[Edge]()
    if leaving_skip and not marked:
        raise InputError(
            "No residual stream was found between these inputs and the score, so no skip to leave."
        )
    return PathSet(graph, anatomy, cuts, around, marked)


class PathSet:
    """A set of paths, and exact statements about it.

    Args:
        graph: the graph.
        anatomy: its parts.
        through: cuts that paths must pass; their order does not matter.
        avoiding: cuts that paths may not touch.
        marked: edges of which paths must use at least one, if any are given.
    """

    def __init__(
        self,
        graph: GradientGraph,
        anatomy: Anatomy,
        through: Sequence[Cut],
        avoiding: Sequence[Cut],
        marked: frozenset[Edge] = frozenset(),
    ) -> None:
        self._graph, self._anatomy, self._marked = graph, anatomy, marked
        self._cuts = sorted(through, key=_depth)
        self._mask = _mask_of(avoiding)

    def backprop(self, semiring: str | Semiring = "sum") -> list[Result]:
        """As `semiring_widgets.backprop`, over these paths only: one `Result` per tensor of ``wrt``."""
        algebra = find_semiring(semiring)
        values = self._arriving(algebra)
        graph = self._graph
        return [
            Result(algebra, self._at(algebra, values, node), graph.tape.granularity, "unit", node.dtype)
            for node in graph.wrt
        ]

    @cached_property
    def log_mass(self) -> float:
        """Log of the sum of |weight|; -inf where the set is empty."""
        return float(self._whole(Entropy())[0])

    @property
    def entropy(self) -> float:
        """Entropy in nats of p(path) ~ |weight| within the set."""
        return float(Entropy().facts(self._whole(Entropy()))["entropy"])

    @property
    def log_weight(self) -> float:
        """Log |weight| of the best path of the set."""
        return float(self._whole(Max())[0])

    @property
    def log_share(self) -> float:
        """Log of the set's share of the mass of all paths, 0 or less."""
        everything = PathSet(self._graph, self._anatomy, (), ())
        return min(0.0, self.log_mass - everything.log_mass)

    def contribution(self, direction: Tensor | Sequence[Tensor] | None = None) -> float:
        """Signed sum over the paths of weight times the direction's entry where the path begins.

        Args:
            direction: shaped as ``wrt``; None for the inputs themselves (gradient times input).
        """
        return float(self._signed(direction)[0])

    def cancellation(self, direction: Tensor | Sequence[Tensor] | None = None) -> float:
        """|contribution| relative to the sum of the absolute values, 0-1."""
        return float(cancellation(*self._signed(direction)))

    def _signed(self, direction: Tensor | Sequence[Tensor] | None) -> Value:
        directions = directions_of(self._graph, direction)
        both = Product(Sum(), Abs())
        parts = [
            both.scale(result.parts, Weight(directions[node]))
            for node, result in zip(self._graph.wrt, self.backprop(both), strict=True)
        ]
        return both.total(parts)

    def top_paths(self, k: int = 5) -> list[Path]:
        """The k best paths of the set, best first; probabilities are within the set.

        Raises:
            InputError: k is not positive.
        """
        if k < 1:
            raise InputError(f"k is {k}; ask for at least one path.")
        gates = [*self._cuts, None]
        stages = []
        algebra = Leaving(Max()) if self._marked else Max()
        for values, gate in zip(self._sweeps(algebra, everywhere=True), gates, strict=True):
            ahead = {node: value[-1] for node, value in values.items()}
            left = None
            if self._marked:
                left = {node: torch.maximum(*value) for node, value in values.items()}
            stages.append(Stage(ahead, gate, left=left))
        found = list(best_first(self._graph, stages, k, self._mask.edges, self._marked))
        return ranked(described(self._graph, found, self.log_mass))

    def _sweeps(self, semiring: Semiring, *, everywhere: bool) -> list[Mapping[Node, Value]]:
        """Cotangents by stage, the first at the inputs."""
        graph, mask = self._graph, self._mask
        needed = {node for cut in self._cuts for node in (*cut.nodes, *(e.target for e in cut.edges))}
        keep = None if everywhere else needed
        marked = self._marked
        first = sweep_backward(graph, semiring, keep=keep, mask=mask, marked=marked)
        found: list[Mapping[Node, Value]] = [first]
        for cut in reversed(self._cuts):
            seeds = seeds_of(semiring, cut, found[-1], mask, marked)
            found.append(sweep_backward(graph, semiring, seeds=seeds, keep=keep, mask=mask, marked=marked))
        return found[::-1]

    def _arriving(self, semiring: Semiring) -> Mapping[Node, Value]:
        """Cotangents at the inputs, of the paths of the set."""
        if not self._marked:
            return self._sweeps(semiring, everywhere=False)[0]
        algebra = Leaving(semiring)
        values = self._sweeps(algebra, everywhere=False)[0]
        return {node: algebra.split(values[node])[1] for node in self._graph.wrt if node in values}

    def _whole(self, semiring: Semiring) -> Value:
        """The value of all paths of the set, parts of shape ()."""
        values = self._arriving(semiring)
        return semiring.total(self._at(semiring, values, node) for node in self._graph.wrt)

    def _at(self, semiring: Semiring, values: Mapping[Node, Value], node: Node) -> Value:
        return values[node] if node in values else zeros(self._graph, semiring, node)

    def __repr__(self) -> str:
        return f"PathSet(log_mass={self.log_mass:.4g}, through {len(self._cuts)} cuts)"


def _listed(parts: Parts) -> list[Selection]:
    many = [parts] if isinstance(parts, (Selection, Mapping)) else list(parts)
    return [part if isinstance(part, Selection) else _selection(part) for part in many]


def _selection(part: Mapping[str, Any]) -> Selection:
    try:
        return Selection(**part)
    except TypeError as error:
        raise InputError(
            f"{part!r} is no part of a model; give a dict with some of layer, branch, head, token and stream."
        ) from error


def _cut(graph: GradientGraph, anatomy: Anatomy, part: Selection) -> Cut:
    layers = anatomy.attentions
    if part.layer is None:
        if part.head is not None or part.branch is not None:
            raise InputError(f"{part} names a head or a branch but no layer; add layer=.")
        if not 0 <= part.stream < len(graph.wrt):
            raise InputError(f"stream is {part.stream}; there are {len(graph.wrt)} inputs in wrt.")
        tokens = graph.wrt[part.stream].shape[-2] if len(graph.wrt[part.stream].shape) > 1 else 0
        _within("token", part.token, tokens)
        return cut_of(graph, anatomy, part)
    _within("layer", part.layer, len(layers))
    if part.branch is not None and part.branch not in _BRANCHES:
        raise InputError(f"branch is {part.branch!r}; choose one of {', '.join(_BRANCHES)}.")
    attention = layers[part.layer]
    _within("head", part.head, attention.heads)
    operand = attention.operands.get(part.branch or "query", attention.query)
    _within("token", part.token, operand.tokens)
    if part.head is not None and part.branch in ("skip", "mlp", "mlp_skip"):
        raise InputError(f"The {part.branch} of a layer has no heads; leave head= out.")
    return cut_of(graph, anatomy, part)


def _within(name: str, number: int | None, count: int) -> None:
    if number is not None and not 0 <= number < count:
        raise InputError(f"{name} is {number}; there are {count}, counted from 0.")


def _depth(cut: Cut) -> int:
    """Where a cut lies: node numbers are a topological order."""
    return max([node.index for node in cut.nodes] + [edge.source.index for edge in cut.edges], default=0)


def _mask_of(cuts: Iterable[Cut]) -> Mask:
    nodes: dict[Node, Tensor] = {}
    edges: dict[Any, Tensor] = {}
    for cut in cuts:
        for node, kept in cut.nodes.items():
            nodes[node] = nodes[node] & ~kept if node in nodes else ~kept
        for edge, kept in cut.edges.items():
            edges[edge] = edges[edge] & ~kept if edge in edges else ~kept
    return Mask(nodes, edges)
