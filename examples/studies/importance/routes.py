"""Rankings of routes, and what routes really carry (path patching)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
import torch

import semiring_widgets as sw
from examples.studies.importance.activations import attentions
from examples.studies.importance.measures import agreement
from examples.studies.importance.parts import RULES
from examples.studies.importance.texts import Asked

RANKINGS = ("contribution", "best", "mass")
NAMES = {"contribution": "contribution", "best": "best path", "mass": "mass"}
# Rules under which best path and mass rank routes too, which takes most of the time.
PATHS_TOO = ("gradient",)
# Routes taken from each ranking into the pool in which the largest effects are looked for.
LISTED = 30
# Paths drawn to find the routes with the most mass.
DRAWN = 50
TEN = 10


def route_rows(texts: Sequence[Asked]) -> pd.DataFrame:
    """Of every ranking: which share of the ten largest effects its ten routes hold.

    The pool in which the ten largest are found are the first routes of all rankings, so the share is that of
    the largest *found*. Within the pool, rank correlations of what the gradient graph says of a route.

    Args:
        texts: what is asked.

    Returns:
        Columns kind, text, statistic, rule, against, truth, measure, value.
    """
    rows: list[dict[str, Any]] = []
    for text, asked in enumerate(texts):
        for against in ("reference", "resample"):
            found = _of_text(asked, against)
            rows += [{"text": text, "against": against, "truth": against, **row} for row in found]
    return pd.DataFrame(rows).assign(kind="routes")


def _of_text(asked: Asked, against: str) -> list[dict[str, Any]]:
    other = asked.reference if against == "reference" else asked.counterfactual
    change = asked.x - other
    listed: dict[tuple[str, str], list[sw.Route]] = {}
    for rule in RULES:
        tape, score = asked.recorded(rule, other)
        every = sw.paths(tape, score, asked.x)
        for by in RANKINGS if rule in PATHS_TOO else RANKINGS[:1]:
            routes = every.routes(by, k=LISTED, direction=change, samples=DRAWN)
            listed[NAMES[by], rule] = list(routes)
    pool = {_key(route): route for routes in listed.values() for route in routes}
    # What the gradient graph says replaces what another rule says of the same route.
    pool |= {_key(route): route for (_, rule), own in listed.items() if rule == "gradient" for route in own}
    tape, score = asked.recorded()
    steps = [sw.RouteSteps.of(route) for route in pool.values()]
    tests = [{each: "reference"} for each in steps]
    tested = cast("list[sw.Effect]", sw.test(tape, score, tests, wrt=asked.x, reference=other))
    sizes = {key: abs(one.effect) for key, one in zip(pool, tested, strict=True)}
    largest = sorted(sizes, key=lambda key: -sizes[key])[:TEN]
    whole = sum(sizes[key] for key in largest)

    def captured(keys: Sequence[Any]) -> float:
        return sum(sizes[key] for key in largest if key in set(keys)) / whole

    rows = [
        {
            "statistic": name,
            "rule": rule,
            "measure": "captured",
            "value": captured([_key(r) for r in routes[:TEN]]),
        }
        for (name, rule), routes in listed.items()
    ]
    order = np.random.default_rng(len(pool)).permutation(len(pool))[:TEN]
    drawn = [list(pool)[i] for i in order]
    rows.append({"statistic": "random order", "rule": "", "measure": "captured", "value": captured(drawn)})
    attended = _attended(asked, list(pool.values()))
    keys = list(pool)
    first = [keys[i] for i in np.argsort(-attended, kind="stable")[:TEN]]
    rows.append(
        {
            "statistic": "product of attention weights",
            "rule": "",
            "measure": "captured",
            "value": captured(first),
        }
    )
    known = {_key(r) for (_, rule), own in listed.items() if rule == "gradient" for r in own}
    rows += _within(pool, sizes, known, attended)
    change_of_score = abs(asked.score - float(asked.scored(other).detach()))
    rows.append(
        {"statistic": "tested effect", "rule": "", "measure": "ten largest, share of the change",
         "value": whole / change_of_score}
    )  # fmt: skip
    return rows


def _within(
    pool: dict[Any, sw.Route], sizes: dict[Any, float], known: set[Any], attended: np.ndarray
) -> list[dict[str, Any]]:
    """Rank correlations over the routes of the pool that the gradient graph has listed."""
    some = [i for i, key in enumerate(pool) if key in known]
    routes = [route for key, route in pool.items() if key in known]
    effects = np.array([sizes[_key(route)] for route in routes])
    best = np.array([route.log_weight for route in routes])
    mass = np.array([route.log_mass for route in routes])
    numbers = {
        ("contribution", "gradient"): np.array([route.contribution for route in routes]),
        ("best path", "gradient"): best - best.min(),
        ("mass", "gradient"): mass - mass.min(),
        ("product of attention weights", ""): attended[some],
    }
    return [
        {"statistic": name, "rule": rule, "measure": "spearman in the pool", "value": found["spearman"]}
        for (name, rule), own in numbers.items()
        if (found := agreement(own, effects))
    ]


def _attended(asked: Asked, routes: Sequence[sw.Route]) -> np.ndarray:
    """The attention weights along each route, multiplied; a skip or a feed-forward part counts as 1."""
    weights, _ = attentions(asked)
    found = []
    for route in routes:
        product = torch.ones(())
        for leg in route.legs:
            if leg.head is not None:
                product = product * weights[leg.layer][leg.head, leg.target, leg.source]
        found.append(float(product))
    return np.array(found)


def _key(route: sw.Route) -> tuple[int, Any]:
    return route.token, route.legs
