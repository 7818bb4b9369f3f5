"""The live computation behind an explanation: it answers what a picture asks after a click."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.core.anatomy import Selection, condition, cut_of, head_map, layer_flow
from semiring_widgets.core.semirings import Value
from semiring_widgets.core.tape import Node
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.flowing import FLOW, fill_layer, share, sizes_of
from semiring_widgets.explanation.rankings import Ranking
from semiring_widgets.explanation.routing import RouteTeller
from semiring_widgets.explanation.schema import KINDS, empty_dataset
from semiring_widgets.explanation.statistics import Asked

__all__ = ["LiveSession"]


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

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Neither pickled nor copied: nodes are known by the tensors of this process."""
        raise InputError(
            "A live explanation holds a recording of its model, which can be neither pickled nor copied. Use "
            "explanation.save(path); what sw.load(path) reads can be both."
        )

    def conditioned(self, selection: Mapping[str, Any]) -> tuple[xr.Dataset, float]:
        """See `semiring_widgets.explanation.results.Session`."""
        routes, graph, anatomy = self.routes, self.routes.graph, self.routes.anatomy
        with self.lock, torch.no_grad():
            cut = cut_of(graph, anatomy, _selection(selection))
            found = condition(graph, FLOW, cut, self.alpha, self.beta, keep=anatomy.nodes())
            total = float(found.total[0])
            tokens = max(len(stream.tokens) for stream in routes.streams)
            dataset = empty_dataset(*sizes_of(anatomy, tokens), maps=False)
            pairs = [(self.alpha, found.below), (found.above, self.beta)]
            for attention in anatomy.attentions:
                flow = layer_flow(graph, FLOW, attention, pairs, found.crossing)
                fill_layer(dataset, attention, flow, total)
            self._fill_tokens(dataset, found.below, total)
            if self.asked is not None:
                table = self.asked.table(*sizes_of(anatomy, tokens))
                self.asked.conditioned(table, cut)
                dataset = dataset.merge(table)
        names = [n for n in dataset.data_vars if str(n).startswith(("node", "branch", "head"))]
        names += [n for n in ("token_statistic",) if n in dataset]
        return dataset[[*names, "token_mass_share", "token_best_log_weight"]], total - routes.log_mass

    def ranking(
        self, by: str, selection: Mapping[str, Any], count: int, check: Callable[[], None] = lambda: None
    ) -> Ranking:
        """See `semiring_widgets.explanation.results.Session`; ``check`` is called often and may raise."""
        chosen = _selection(selection)
        with self.lock, torch.no_grad():
            everything = chosen == Selection(stream=chosen.stream)
            cut = None if everything else cut_of(self.routes.graph, self.routes.anatomy, chosen)
            return self.routes.ranking(by, count, cut, check)

    def head_map(self, layer: int, head: int) -> NDArray[np.float32]:
        """See `semiring_widgets.explanation.results.Session`."""
        attention = self.routes.anatomy.attentions[layer]
        with self.lock, torch.no_grad():
            maps = head_map(
                attention,
                head,
                {n: v[0] for n, v in self.alpha.items()},
                {n: v[0] for n, v in self.beta.items()},
            )
        return np.stack([share(maps[kind], self.routes.log_mass) for kind in KINDS]).astype(np.float32)

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


def _selection(given: Mapping[str, Any]) -> Selection:
    chosen = {key: given.get(key) for key in ("layer", "branch", "head", "token")}
    return Selection(**chosen, stream=int(given.get("stream") or 0))
