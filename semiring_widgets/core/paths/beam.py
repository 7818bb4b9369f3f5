"""Beam search for the highest-rated routes, backwards from the score, with a bound on what was dropped.

Trails are rated with the tangents at their first stop, so a rating knows everything that lies before. Of the
trails that stand at one rank only the best ``width`` go on; what is dropped leaves its bound behind. For the
best path the rating *is* the highest value of any whole route, and a beam as wide as the answer is exact.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from semiring_widgets.core.paths.stations import Origin, Stop
from semiring_widgets.core.paths.trails import Arrival, Tracer, Trail

__all__ = ["Found", "MassRating", "Rating", "SignedRating", "search"]

_NONE = float("-inf")
_LAST = -1e30


class Rating(ABC):
    """How promising a trail is, and the most that any route that ends with it can reach; both logarithms."""

    @abstractmethod
    def rate(self, arrival: Arrival) -> tuple[Tensor, Tensor]:
        """Rating and bound by trail and group, each (trails, groups); equal, and exact, at an input."""


class MassRating(Rating):
    """For `Max` and `Abs`: the best path, or the mass, of all routes with this end; that bounds each of them.

    Args:
        tracer: of the trails.
        best: True for the best path, False for the mass.
    """

    def __init__(self, tracer: Tracer, *, best: bool) -> None:
        self._tracer, self._tangents, self._best = tracer, tracer.tangents(), best

    def rate(self, arrival: Arrival) -> tuple[Tensor, Tensor]:
        """See `Rating.rate`."""
        (log,) = self._tracer.joined(arrival, self._tangents)
        rated = log.amax(-1) if self._best else log.logsumexp(-1)
        return rated, rated


class SignedRating(Rating):
    """For `Sum`: the absolute contributions of the single elements; bounded by the mass, as |sum| <= sum |.|.

    Args:
        tracer: of the trails, in `Sum`.
        masses: the same in `Abs`.
    """

    def __init__(self, tracer: Tracer, masses: Tracer) -> None:
        self._tracer, self._tangents = tracer, tracer.tangents()
        self._masses, self._log_tangents = masses, masses.tangents()

    def rate(self, arrival: Arrival) -> tuple[Tensor, Tensor]:
        """See `Rating.rate`."""
        (value,) = self._tracer.joined(arrival, self._tangents)
        if arrival.whole:
            exact = _floored(value.sum(-1).abs().log(), exists=(value != 0).any(-1))
            return exact, exact
        # Not |sum|: routes of opposite sign would hide each other.
        rated = value.abs().sum(-1).log()
        sizes = tuple(part.abs().log() for part in arrival.value)
        (log,) = self._masses.joined(arrival, self._log_tangents, sizes)
        bound = log.logsumexp(-1)
        return _floored(rated, exists=bound > _NONE), bound


def _floored(rated: Tensor, *, exists: Tensor) -> Tensor:
    """The last of all, but not absent: what sums to nothing along a direction still has a gradient."""
    return torch.where(exists, rated.clamp(min=_LAST), _NONE)


@dataclass(frozen=True)
class Found:
    """The result of a search.

    Attributes:
        routes: best first, with their ratings.
        missed: no other route is rated higher; a logarithm, -inf where there is no other.
    """

    routes: list[tuple[float, Origin, tuple[Stop, ...]]]
    missed: float


@dataclass(frozen=True, eq=False)
class _Candidate:
    rating: float
    bound: float
    trail: Trail


def search(tracer: Tracer, rating: Rating, k: int, width: int) -> Found:
    """The k highest-rated routes that a beam finds.

    Args:
        tracer: carries trails on.
        rating: of its trails.
        k: how many routes.
        width: how many trails go on from each rank, at least k for an exact best path.
    """
    waiting = [_Candidate(0.0, 0.0, tracer.start())]
    complete: list[tuple[float, Origin, tuple[Stop, ...]]] = []
    missed = _NONE
    while waiting:
        top = max(tracer.rank(candidate.trail) for candidate in waiting)
        level = [c for c in waiting if tracer.rank(c.trail) == top]
        waiting = [c for c in waiting if tracer.rank(c.trail) != top]
        level.sort(key=lambda c: -c.rating)
        missed = max([missed, *(c.bound for c in level[width:])])
        for begin in range(0, min(width, len(level)), tracer.most):
            trails = [c.trail for c in level[begin : min(width, begin + tracer.most)]]
            for arrival in tracer.onward(trails):
                ratings, bounds = rating.rate(arrival)
                chosen, left = _best(ratings, bounds, k if arrival.whole else width)
                missed = max(missed, left)
                for row, group in chosen:
                    rated, bound = float(ratings[row, group]), float(bounds[row, group])
                    stops = trails[row].stops
                    if arrival.whole:
                        complete.append((rated, Origin(arrival.at, group), stops))
                        continue
                    trail = Trail((Stop(arrival.at, group), *stops), arrival.of(row, group))
                    waiting.append(_Candidate(rated, bound, trail))
    complete.sort(key=lambda route: -route[0])
    return Found(complete[:k], max([missed, *(route[0] for route in complete[k:])]))


def _best(ratings: Tensor, bounds: Tensor, count: int) -> tuple[list[tuple[int, int]], float]:
    """Places of the best ratings, and the highest bound of all others."""
    flat, limits = ratings.reshape(-1), bounds.reshape(-1).clone()
    order = flat.topk(min(count, len(flat))).indices
    order = order[flat[order] > _NONE]
    limits[order] = _NONE
    groups = ratings.shape[1]
    left = float(limits.amax()) if len(limits) else _NONE
    return [divmod(place, groups) for place in order.tolist()], left
