"""The live computation behind an explanation: it answers what a picture asks after a click."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.core import Route
from semiring_widgets.core.anatomy import (
    Attention,
    Extent,
    LayerExtent,
    Leg,
    Parts,
    Selection,
    checked,
)
from semiring_widgets.core.circuits import Circuit, circuit
from semiring_widgets.core.paths import Flow, Known, Paths, RouteSearch, family_contribution
from semiring_widgets.core.tape.free_memory import free_memory
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.effect_numbers import Recording
from semiring_widgets.explanation.flow_cells import FLOW, fill_layer, fill_tokens, share, sizes_of, totals_of
from semiring_widgets.explanation.made import Made
from semiring_widgets.explanation.names import Names
from semiring_widgets.explanation.routing import RouteTeller, attention_legs
from semiring_widgets.explanation.statistics import Asked
from semiring_widgets.explanation.testing import Tester
from semiring_widgets.results.log_of_tests import Test
from semiring_widgets.results.rankings import ListedStep, Ranking
from semiring_widgets.results.schema import EFFECTS, empty_dataset
from semiring_widgets.vocabulary import KINDS

__all__ = ["LiveSession"]

Check = Callable[[], None]
Chosen = tuple[Selection, ...]
# What is passed, and what is avoided.
Asking = tuple[Chosen, Chosen]
# Of the beams that look for routes by mass and contribution; by best path the answer is exact anyway.
_WIDTH = 24


def _never() -> None:
    """Nothing stops the computation."""


@dataclass(eq=False)
class LiveSession:
    """Answers questions about the paths of one score and parts of them; safe to ask from several threads.

    Attributes:
        paths: all of them, or those that the explanation is about. If these only pass some parts, and avoid
            none, their ground knows both sides of all paths in the `FLOW` semiring.
        recording: of the score, with its reference, which contributions and tests compare with.
        teller: words routes; knows the tokens and what all paths have together.
        asked: the semiring that was asked for besides.
        memory: bytes that a search for routes may take; None for no limit.
        lock: of the recording, which sessions of several questions may share.
        made: what the explanation was made of, for the next question.
    """

    paths: Paths
    recording: Recording
    teller: RouteTeller
    asked: Asked | None = None
    memory: float | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: Made | None = field(default=None, repr=False)
    # The newest selection, with the maps of its heads: their numbers are asked for together.
    _newest: tuple[Asking, Paths, Known] | None = field(default=None, init=False, repr=False)
    _known: Known = field(default_factory=Known, init=False, repr=False)
    _maps: tuple[Asking, dict[tuple[int, int], NDArray[np.float32]]] = field(
        default=(((), ()), {}), init=False, repr=False
    )

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Neither pickled nor copied: nodes are known by the tensors of this process."""
        raise InputError(
            "A live explanation holds a recording of its model, which can be neither pickled nor copied. Use "
            "explanation.save(path); what sw.load(path) reads can be both."
        )

    @property
    def nbytes(self) -> int:
        """What the recording takes."""
        return self.recording.tape.nbytes

    @property
    def free(self) -> int:
        """Bytes that are free where the recording is."""
        return free_memory(self.recording.score.device)

    def conditioned(
        self, selection: Parts, check: Check = _never, *, avoiding: Parts = ()
    ) -> tuple[xr.Dataset, float]:
        """See `semiring_widgets.results.session.Session`."""
        anatomy = self.paths.anatomy
        chosen, around = checked(selection, self._extent), checked(avoiding, self._extent)
        with self.lock, torch.no_grad():
            few = self._among(chosen, around)
            found = self._flow(few, check)
            total, best = totals_of(found)
            tokens = max(len(stream.tokens) for stream in self.teller.streams)
            dataset = empty_dataset(*sizes_of(anatomy, tokens), maps=False)
            for attention in anatomy.attentions:
                fill_layer(dataset, attention, found.layer(attention), total)
            fill_tokens(dataset, found.start(self.paths.graph.wrt[0]), total)
            if self.asked is not None:
                table = self.asked.table(*sizes_of(anatomy, tokens))
                self.asked.narrowed(table, few, lambda *_: check())
                dataset = dataset.merge(table)
            heads = [(p.layer, p.head) for p in chosen if p.layer is not None and p.head is not None]
            self._maps = (chosen, around), {place: self._map(found, *place) for place in heads}
        # Effects are of the whole model, whatever is selected.
        kept = [n for n in dataset.data_vars if n not in EFFECTS]
        names = [n for n in kept if str(n).startswith(("node", "branch", "head"))]
        names += [n for n in ("token_statistic",) if n in dataset]
        dataset = dataset[[*names, "token_mass_share", "token_best_log_weight"]]
        dataset.attrs.update(log_mass=total, best_log_weight=best)
        return dataset, total - self.teller.log_mass if total > -math.inf else -math.inf

    def ranking(
        self, by: str, selection: Parts, count: int, check: Check = _never, *, avoiding: Parts = ()
    ) -> Ranking:
        """See `semiring_widgets.results.session.Session`."""
        chosen, around = checked(selection, self._extent), checked(avoiding, self._extent)
        with self.lock, torch.no_grad():
            search = self._search(chosen, around, check)

            def whole(route: Route) -> float:
                return family_contribution(search, (route.input, route.token), attention_legs(route))

            found = search.ranked(by, count, width=_WIDTH)
            return self.teller.ranking(found, whole if by == "contribution" else None)

    def test(
        self,
        selection: Parts,
        steps: Sequence[ListedStep] = (),
        by: str = "reference",
        check: Check = _never,
    ) -> Test:
        """See `semiring_widgets.results.session.Session`."""
        with self.lock, torch.no_grad():
            return self._tester.test(selection, steps, by, check)

    def test_all(self, kind: str, by: str = "reference", check: Check = _never) -> tuple[Test, ...]:
        """See `semiring_widgets.results.session.Session`."""
        with self.lock, torch.no_grad():
            return self._tester.test_all(kind, by, check)

    def circuit(
        self, k: float, of: str = "parts", by: Any = "contribution", check: Check = _never
    ) -> Circuit:
        """See `semiring_widgets.results.session.Session`."""
        recording = self.recording
        with self.lock, torch.no_grad():
            return circuit(
                recording.tape,
                recording.score,
                list(recording.inputs),
                list(recording.reference.inputs),
                k=k,
                of=of,
                by=by,
                max_memory=recording.max_memory,
                progress=lambda *_: check(),
            )

    def head_map(
        self, layer: int, head: int, selection: Parts = (), check: Check = _never, *, avoiding: Parts = ()
    ) -> NDArray[np.float32]:
        """See `semiring_widgets.results.session.Session`."""
        checked({"layer": layer, "head": head}, self._extent)
        chosen, around = checked(selection, self._extent), checked(avoiding, self._extent)
        with self.lock, torch.no_grad():
            known, maps = self._maps
            if chosen and (chosen, around) == known and (layer, head) in maps:
                return maps[layer, head]
            return self._map(self._flow(self._among(chosen, around), check), layer, head)

    @cached_property
    def _extent(self) -> Extent:
        """What there is to select; the padding of a stream is no token of the text."""
        whole = self.paths.ground.extent
        tokens = [len(stream.tokens) for stream in self.teller.streams]

        def shown(attention: Attention, own: LayerExtent) -> LayerExtent:
            if attention.in_windows:
                return own
            queries, keys = (
                tokens[min(s, len(tokens) - 1)] for s in (attention.stream, attention.key_stream)
            )
            return LayerExtent(own.heads, min(own.queries, queries), min(own.keys, keys))

        layers = map(shown, self.paths.anatomy.attentions, whole.layers)
        return Extent(tuple(layers), tuple(map(min, whole.inputs, tokens)))

    def _among(self, chosen: Chosen, around: Chosen) -> Paths:
        """The paths through and around some parts."""
        return self._measured(chosen, around)[0]

    def _measured(self, chosen: Chosen, around: Chosen) -> tuple[Paths, Known]:
        """The same, with what was measured of their routes; of the newest selection that is remembered."""
        if not chosen and not around:
            return self.paths, self._known
        if self._newest is None or self._newest[0] != (chosen, around):
            self._newest = (chosen, around), self.paths.through(chosen).avoiding(around), Known()
        return self._newest[1:]

    @cached_property
    def _directions(self) -> list[torch.Tensor]:
        """What contributions are along, by input."""
        return self.recording.directions(self.paths.graph.dtype)

    @cached_property
    def _tester(self) -> Tester:
        teller = self.teller

        def predict(start: tuple[int, int], steps: Sequence[Leg], check: Check) -> float:
            return family_contribution(self._search((), (), check), start, steps)

        return Tester(self.recording, self._extent, Names(teller.streams, teller.layers), predict)

    def _search(self, chosen: Chosen, around: Chosen, check: Check) -> RouteSearch:
        """Of the routes of these paths, with contributions along the reference."""
        few, known = self._measured(chosen, around)
        return replace(few.route_search(self._directions, self.memory, check), known=known)

    def _flow(self, few: Paths, check: Check) -> Flow:
        return few.flow(FLOW, progress=lambda *_: check())

    def _map(self, found: Flow, layer: int, head: int) -> NDArray[np.float32]:
        total, _ = totals_of(found)
        maps = found.head_map(self.paths.anatomy.attentions[layer], head)
        return np.stack([share(maps[kind], total) for kind in KINDS]).astype(np.float32)
