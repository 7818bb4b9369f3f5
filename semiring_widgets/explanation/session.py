"""The live computation behind an explanation: it answers what a picture asks after a click."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
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
from semiring_widgets.core.paths import (
    Flow,
    Known,
    ManySets,
    Paths,
    RouteSearch,
    can_be_together,
    family_contribution,
)
from semiring_widgets.core.tape.free_memory import free_memory
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.drilling import told_path, unit_numbers
from semiring_widgets.explanation.effect_numbers import Recording
from semiring_widgets.explanation.flow_cells import FLOW, fill_layer, fill_tokens, share, sizes_of, totals_of
from semiring_widgets.explanation.joined_routes import joined_routes
from semiring_widgets.explanation.made import Made
from semiring_widgets.explanation.names import Names
from semiring_widgets.explanation.routing import RouteTeller, attention_legs, listed_steps
from semiring_widgets.explanation.statistics import Asked
from semiring_widgets.explanation.testing import Tester
from semiring_widgets.explanation.unions import Sums, each_sums, joined_flows, pieces_of, sums_of
from semiring_widgets.results.drilled import ScalarPath, UnitNumbers
from semiring_widgets.results.groups import Group, name_of_group
from semiring_widgets.results.log_of_tests import Test
from semiring_widgets.results.parts import Part
from semiring_widgets.results.rankings import ListedStep, Ranking
from semiring_widgets.results.schema import EFFECTS, empty_dataset
from semiring_widgets.vocabulary import KINDS, RANKINGS

__all__ = ["LiveSession"]

Check = Callable[[], None]
Chosen = tuple[Selection, ...]
# What is passed, and what is avoided.
Asking = tuple[Chosen, Chosen]
# Of the beams that look for routes by mass and contribution; by best path the answer is exact anyway.
_WIDTH = 24
# Routes of a ranking among which one is looked up.
_SEARCHED = 10


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

    _routes: tuple[Asking, dict[tuple[ListedStep, ...], Route]] = field(
        default_factory=lambda: (((), ()), {}), init=False, repr=False
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
        self, selection: Parts, check: Check = _never, *, avoiding: Parts = (), among: Parts = ()
    ) -> tuple[xr.Dataset, float]:
        """See `semiring_widgets.results.session.Session`."""
        chosen, around = checked(selection, self._extent), checked(avoiding, self._extent)
        several = checked(among, self._extent)
        with self.lock, torch.no_grad():
            few = self._among(chosen, around)
            pieces = pieces_of(few, several)
            tables = [
                self._table(piece, self._flow(piece, check), check, chosen if piece is few else (), around)
                for piece in pieces
            ]
            dataset = joined_flows(tables, [table.attrs["log_mass"] for table in tables])
            return self._told(dataset, sums_of(pieces, self._directions, check))

    def conditioned_each(
        self, selections: Sequence[Parts], check: Check = _never
    ) -> list[tuple[xr.Dataset, float]]:
        """See `semiring_widgets.results.session.Session`."""
        together = self.asked is None and can_be_together(self.paths, FLOW)
        chosen = [checked(one, self._extent) for one in selections]
        if not together or not all(chosen):
            return [self.conditioned(one, check) for one in chosen]
        if not chosen:
            return []
        with self.lock, torch.no_grad():
            sets = [self.paths.through(one) for one in chosen]
            many = ManySets(sets, lambda *_: check(), self.memory)
            sums = each_sums(sets, many, self._directions)
            tables = [
                self._table(few, found, check) for few, found in zip(sets, many.flows(FLOW), strict=True)
            ]
            return [self._told(*one) for one in zip(tables, sums, strict=True)]

    def _told(self, dataset: xr.Dataset, sums: Sums) -> tuple[xr.Dataset, float]:
        """The flow of some paths with what they have together, and their share of the mass."""
        total = dataset.attrs["log_mass"]
        dataset.attrs.update(entropy=sums.entropy, contribution=sums.contribution)
        return dataset, total - self.teller.log_mass if total > -math.inf else -math.inf

    def group(self, name: str, parts: Parts, check: Check = _never) -> Group:
        """See `semiring_widgets.results.session.Session`."""
        several = checked(parts, self._extent)
        if not several:
            raise InputError("A group has at least one part, such as {'layer': 3, 'head': 2}.")
        with self.lock, torch.no_grad():
            sums = sums_of(pieces_of(self.paths, several), self._directions, check)
        share = math.exp(min(0.0, sums.log_mass - self.teller.log_mass))
        told = tuple(Part(**asdict(part)) for part in several)
        return Group(name_of_group(name), told, share, sums.entropy, sums.contribution)

    def _routes_of(self, chosen: Chosen, around: Chosen) -> dict[tuple[ListedStep, ...], Route]:
        """The routes of some paths that were found already, to be followed in steps; of the newest set."""
        if self._routes[0] != (chosen, around):
            self._routes = (chosen, around), {}
        return self._routes[1]

    def _table(
        self, few: Paths, found: Flow, check: Check, chosen: Chosen = (), around: Chosen = ()
    ) -> xr.Dataset:
        """The flow of some paths, and the maps of the selected heads."""
        anatomy = self.paths.anatomy
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
        return dataset

    def units(self, part: Parts, check: Check = _never) -> UnitNumbers:
        """See `semiring_widgets.results.session.Session`."""
        parts = checked(part, self._extent)
        if len(parts) != 1:
            raise InputError("Units are asked for of one part at a time, such as {'layer': 3, 'head': 2}.")
        with self.lock, torch.no_grad():
            return unit_numbers(self.paths, self.recording, parts[0], self.teller.log_mass, check)

    def path(
        self,
        selection: Parts = (),
        steps: Sequence[ListedStep] = (),
        check: Check = _never,
        *,
        avoiding: Parts = (),
    ) -> ScalarPath | None:
        """See `semiring_widgets.results.session.Session`."""
        chosen, around = checked(selection, self._extent), checked(avoiding, self._extent)
        with self.lock, torch.no_grad():
            if not steps:
                found = self._among(chosen, around).best(1)
                return told_path(found[0]) if found else None
            known = self._routes_of(chosen, around)
            for by in RANKINGS:
                if tuple(steps) in known:
                    return told_path(known[tuple(steps)].path)
                found_routes = self._search(chosen, around, check).ranked(by, _SEARCHED, width=_WIDTH)
                known.update((listed_steps(route.legs), route) for route in found_routes)
            if tuple(steps) in known:
                return told_path(known[tuple(steps)].path)
        raise InputError(
            "This route is not among the first of any ranking, so it is not followed step by step; select "
            "its parts and ask for their strongest path."
        )

    def ranking(
        self,
        by: str,
        selection: Parts,
        count: int,
        check: Check = _never,
        *,
        avoiding: Parts = (),
        among: Parts = (),
    ) -> Ranking:
        """See `semiring_widgets.results.session.Session`."""
        chosen, around = checked(selection, self._extent), checked(avoiding, self._extent)
        several = checked(among, self._extent)
        with self.lock, torch.no_grad():
            sets = [(chosen, around)]
            if several:
                # As `pieces_of` takes them apart.
                sets = [((*chosen, part), (*around, *several[:n])) for n, part in enumerate(several)]
            searches = [self._search(*one, check) for one in sets]

            def whole(route: Route) -> float:
                start, legs = (route.input, route.token), attention_legs(route)
                return math.fsum(family_contribution(search, start, legs) for search in searches)

            rankings = [search.ranked(by, count, width=_WIDTH) for search in searches]
            log_masses = [self._among(*one).log_mass for one in sets] if several else [0.0]
            found = joined_routes(rankings, log_masses, count)
            self._routes_of(chosen, around).update((listed_steps(route.legs), route) for route in found)
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

    def test_each(
        self, asked: Sequence[tuple[Parts, Sequence[ListedStep]]], check: Check = _never
    ) -> list[Test | None]:
        """See `semiring_widgets.results.session.Session`."""
        with self.lock, torch.no_grad():
            return self._tester.test_each(asked, check)

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
