"""The live computation behind an explanation: it answers what a picture asks after a click."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NoReturn

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from semiring_widgets.core.anatomy import (
    Attention,
    Conditioned,
    Cut,
    Extent,
    LayerExtent,
    Parts,
    Selection,
    checked,
    condition,
    cut_of,
    extent_of,
    head_map,
    layer_flow,
)
from semiring_widgets.core.semirings import Value
from semiring_widgets.core.tape import Node
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.flowing import FLOW, fill_layer, share, sizes_of
from semiring_widgets.explanation.routing import RouteTeller
from semiring_widgets.explanation.statistics import Asked
from semiring_widgets.results.rankings import Ranking
from semiring_widgets.results.schema import empty_dataset
from semiring_widgets.vocabulary import KINDS

__all__ = ["LiveSession"]

Check = Callable[[], None]
Chosen = tuple[Selection, ...]
Pair = tuple[Mapping[Node, Value], Mapping[Node, Value]]


def _never() -> None:
    """Nothing stops the computation."""


@dataclass(eq=False)
class LiveSession:
    """Holds one graph with its tangents and cotangents; safe to ask from several threads.

    Attributes:
        routes: ranks routes; holds graph, anatomy and streams.
        alpha: tangents in the `FLOW` semiring at the anatomy's nodes and the inputs.
        beta: cotangents there.
        asked: the semiring that was asked for besides.
    """

    routes: RouteTeller
    alpha: Mapping[Node, Value]
    beta: Mapping[Node, Value]
    asked: Asked | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    # Maps of the heads of the newest selection, whose numbers are asked for together.
    _maps: tuple[Chosen, dict[tuple[int, int], NDArray[np.float32]]] = field(
        default=((), {}), init=False, repr=False
    )

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Neither pickled nor copied: nodes are known by the tensors of this process."""
        raise InputError(
            "A live explanation holds a recording of its model, which can be neither pickled nor copied. Use "
            "explanation.save(path); what sw.load(path) reads can be both."
        )

    def conditioned(self, selection: Parts, check: Check = _never) -> tuple[xr.Dataset, float]:
        """See `semiring_widgets.results.session.Session`."""
        routes, anatomy = self.routes, self.routes.anatomy
        chosen = checked(selection, self._extent)
        with self.lock, torch.no_grad():
            found = self._condition(chosen, check)
            total = float(found.total[0])
            tokens = max(len(stream.tokens) for stream in routes.streams)
            dataset = empty_dataset(*sizes_of(anatomy, tokens), maps=False)
            for attention in anatomy.attentions:
                flow = layer_flow(routes.graph, FLOW, attention, found.pairs, found.crossing)
                fill_layer(dataset, attention, flow, total)
            self._fill_tokens(dataset, found.below, total)
            if self.asked is not None:
                table = self.asked.table(*sizes_of(anatomy, tokens))
                self.asked.conditioned(table, self._cuts(chosen), lambda *_: check())
                dataset = dataset.merge(table)
            heads = [(p.layer, p.head) for p in chosen if p.layer is not None and p.head is not None]
            self._maps = chosen, {place: self._map(found.pairs, total, *place) for place in heads}
        names = [n for n in dataset.data_vars if str(n).startswith(("node", "branch", "head"))]
        names += [n for n in ("token_statistic",) if n in dataset]
        dataset = dataset[[*names, "token_mass_share", "token_best_log_weight"]]
        dataset.attrs.update(log_mass=total, best_log_weight=float(found.total[1]))
        return dataset, total - routes.log_mass

    def ranking(self, by: str, selection: Parts, count: int, check: Check = _never) -> Ranking:
        """See `semiring_widgets.results.session.Session`."""
        chosen = checked(selection, self._extent)
        with self.lock, torch.no_grad():
            return self.routes.ranking(by, count, self._cuts(chosen), check)

    def head_map(
        self, layer: int, head: int, selection: Parts = (), check: Check = _never
    ) -> NDArray[np.float32]:
        """See `semiring_widgets.results.session.Session`."""
        checked({"layer": layer, "head": head}, self._extent)
        chosen = checked(selection, self._extent)
        with self.lock, torch.no_grad():
            known, maps = self._maps
            if chosen and chosen == known and (layer, head) in maps:
                return maps[layer, head]
            if not chosen:
                return self._map([(self.alpha, self.beta)], self.routes.log_mass, layer, head)
            found = self._condition(chosen, check)
            return self._map(found.pairs, float(found.total[0]), layer, head)

    @cached_property
    def _extent(self) -> Extent:
        """What there is to select; the padding of a stream is no token of the text."""
        whole = extent_of(self.routes.graph, self.routes.anatomy)
        tokens = [len(stream.tokens) for stream in self.routes.streams]

        def shown(attention: Attention, own: LayerExtent) -> LayerExtent:
            if attention.in_windows:
                return own
            queries, keys = (
                tokens[min(s, len(tokens) - 1)] for s in (attention.stream, attention.key_stream)
            )
            return LayerExtent(own.heads, min(own.queries, queries), min(own.keys, keys))

        layers = map(shown, self.routes.anatomy.attentions, whole.layers)
        return Extent(tuple(layers), tuple(map(min, whole.inputs, tokens)))

    def _cuts(self, chosen: Chosen) -> list[Cut]:
        return [cut_of(self.routes.graph, self.routes.anatomy, part) for part in chosen]

    def _condition(self, chosen: Chosen, check: Check) -> Conditioned:
        graph, anatomy = self.routes.graph, self.routes.anatomy
        return condition(
            graph,
            FLOW,
            self._cuts(chosen or (Selection(),)),
            self.alpha,
            self.beta,
            keep=anatomy.nodes(),
            progress=lambda *_: check(),
        )

    def _map(self, pairs: Sequence[Pair], total: float, layer: int, head: int) -> NDArray[np.float32]:
        attention = self.routes.anatomy.attentions[layer]
        scores, context = (op.outputs[0] for op in (attention.scores_op, attention.context_op))
        alpha: dict[Node, Tensor] = {}
        beta: dict[Node, Tensor] = {}
        products = ((attention.query, scores), (attention.key, scores), (attention.value, context))
        for operand, product in products:
            # The uppermost pair, whose paths have also passed what lies at the operand itself.
            for tangents, cotangents in reversed(pairs):
                if operand.node in tangents and product is not None and product in cotangents:
                    alpha[operand.node] = tangents[operand.node][0]
                    beta[product] = cotangents[product][0]
                    break
        maps = head_map(attention, head, alpha, beta)
        return np.stack([share(maps[kind], total) for kind in KINDS]).astype(np.float32)

    def _fill_tokens(self, dataset: xr.Dataset, below: Mapping[Node, Value], total: float) -> None:
        start = self.routes.graph.wrt[0]
        count = start.shape[-2]
        shares, best = np.zeros(count), np.full(count, -np.inf)
        if start in below:
            mass, weight = (v.reshape(-1, *v.shape[-2:]) for v in below[start])
            shares = share(mass.logsumexp((0, 2)), total)
            best = weight.amax((0, 2)).cpu().numpy()
        dataset["token_mass_share"].values[:count] = shares
        dataset["token_best_log_weight"].values[:count] = best
