"""One ranking of the routes of several sets of paths that have none in common, as of the parts of a group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from semiring_widgets.core import Route, Routes

__all__ = ["joined_routes"]


def joined_routes(found: Sequence[Routes], log_masses: Sequence[float], count: int) -> Routes:
    """The first routes of all sets together.

    A part of the model is passed by all paths of a route or by none, so each route is in one of the sets.

    Args:
        found: a ranking of each set, all by the same.
        log_masses: of the sets, natural logs.
        count: how many routes to keep.

    Returns:
        As if the sets had been one: shares are of the mass of all of them.
    """
    if len(found) == 1:
        return found[0]
    by = found[0].by
    whole = float(np.logaddexp.reduce(log_masses))
    shares = [math.exp(one - whole) if one > -math.inf else 0.0 for one in log_masses]
    routes = [
        replace(route, share=share * route.share)
        for ranking, share in zip(found, shares, strict=True)
        for route in ranking
    ]
    routes.sort(key=lambda route: -_size(by, route))
    kept, left = routes[:count], routes[count:]
    return Routes(
        routes=tuple(kept),
        by=by,
        missed=max([ranking.missed for ranking in found] + [_size(by, route) for route in left]),
        uncovered=max(0.0, 1.0 - math.fsum(route.share for route in kept)),
        rest=math.fsum([ranking.rest for ranking in found] + [route.contribution for route in left]),
    )


def _size(by: str, route: Route) -> float:
    sizes = {"best": route.log_weight, "mass": route.log_mass, "contribution": abs(route.contribution)}
    return sizes[by]
