"""Routes as people read them: ranked three ways, written as sentences, with what a ranking leaves out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from semiring_widgets import core
from semiring_widgets.checks import choice, shown
from semiring_widgets.core.anatomy import Leg
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.names import Names, head_name
from semiring_widgets.explanation.route_words import in_words
from semiring_widgets.results.parts import Layer, Stream
from semiring_widgets.results.rankings import Family, ListedRoute, ListedStep, Ranking
from semiring_widgets.results.wording import number, percent, power, signed
from semiring_widgets.vocabulary import RANKINGS

__all__ = ["RouteTeller", "attention_legs", "check_rankings"]

_LETTER = {"query": "Q", "key": "K", "value": "V"}
_BY = {"query": "query of ", "key": "key of "}
_STAYS = ("skip", "mlp_skip")
_GLOSS = {"key": "(by being attended to)", "query": "(by what it attends to)"}
# A sentence with more turns than that does without glosses.
_EXPLAINED = 2


def check_rankings(rankings: str | Sequence[str]) -> tuple[str, ...]:
    """One ranking or several, as a tuple.

    Raises:
        InputError: an unknown one; names the choices.
    """
    if not isinstance(rankings, (str, Sequence)):
        raise InputError(f"rankings is {shown(rankings)}; give one or several of {', '.join(RANKINGS)}.")
    wanted = (rankings,) if isinstance(rankings, str) else rankings
    return tuple(choice(by, "rankings", RANKINGS) for by in wanted)


@dataclass(frozen=True)
class RouteTeller:
    """Words the routes of one recorded score.

    Attributes:
        streams: tokens, for the sentences.
        layers: the layers, for the sentences.
        log_mass: of all paths.
        best: log |weight| of the best path of all.
        blank: the token that is asked for, where that is a blank to be filled.
    """

    streams: tuple[Stream, ...]
    layers: tuple[Layer, ...]
    log_mass: float
    best: float
    blank: int | None = None

    def ranking(self, found: core.Routes, measure: Callable[[core.Route], float] | None = None) -> Ranking:
        """The routes of a ranking in words, with what it leaves out.

        Args:
            found: the routes.
            measure: what all paths contribute that take the same steps by attention as a route; None where
                routes are not to be put together.
        """
        routes = tuple(self._route(rank, route) for rank, route in enumerate(found))
        families = () if measure is None else self._families(found, measure)
        return Ranking(found.by, routes, found.missed, found.uncovered, found.rest, _remark(found), families)

    def _families(self, found: core.Routes, measure: Callable[[core.Route], float]) -> tuple[Family, ...]:
        """The routes of a list by their steps by attention, the family that contributes most first."""
        kinds: dict[object, list[int]] = {}
        for rank, route in enumerate(found):
            kinds.setdefault((route.input, route.token, attention_legs(route)), []).append(rank)
        whole = found.rest + math.fsum(route.contribution for route in found)
        families = []
        for ranks in kinds.values():
            route = found[ranks[0]]
            contribution = measure(route)
            steps = tuple(map(listed_step, attention_legs(route)))
            families.append(
                Family(
                    label=self._names.route(steps) if steps else self._names.token(route.input, route.token),
                    sentence=self._told(route, steps),
                    contribution=contribution,
                    share=contribution / whole if whole else math.nan,
                    routes=tuple(ranks),
                    steps=steps,
                )
            )
        return tuple(sorted(families, key=lambda family: -abs(family.contribution)))

    def _told(self, route: core.Route, steps: Sequence[ListedStep]) -> str:
        start = self._names.token(route.input, route.token)
        if not steps:
            return f"What {start} says itself stays there, and no head moves it."
        stream = self.layers[steps[-1].layer].stream
        blank = self.blank == steps[-1].target and stream == len(self.streams) - 1
        return in_words(self._names, steps, "the blank" if blank else None)

    def _route(self, rank: int, route: core.Route) -> ListedRoute:
        return ListedRoute(
            rank=rank,
            label=_label(route.legs),
            log_weight=route.log_weight,
            sign=route.sign,
            share_of_best=math.exp(min(0.0, route.log_weight - self.best)),
            probability=math.exp(min(0.0, route.log_weight - self.log_mass)),
            log_mass=route.log_mass,
            share=math.exp(min(0.0, route.log_mass - self.log_mass)),
            contribution=route.contribution,
            cancellation=route.cancellation,
            all_skip=not route.leaves_skip,
            steps=listed_steps(route.legs),
            sentence=" ".join(self._words(route)),
        )

    def _words(self, route: core.Route) -> Iterator[str]:
        names = self._names
        yield names.token(route.input, route.token)
        turns = [leg for leg in route.legs if leg.branch not in _STAYS]
        if not turns:
            yield f"stays on the skip connections of all {len(self.layers)} layers"
        long = len(turns) > _EXPLAINED
        for leg in turns:
            layer = self.layers[leg.layer]
            if leg.branch == "mlp":
                yield f"-MLP {leg.layer}->"
                continue
            by = f"{_BY.get(leg.branch, '')}{head_name(leg.layer, leg.head)}"
            yield f"-{by}-> {names.token(layer.stream, leg.target)}"
            if leg.branch in _GLOSS and not long:
                yield _GLOSS[leg.branch]
        yield "to the score" if not turns or turns[-1].branch != "mlp" else "the score"

    @cached_property
    def _names(self) -> Names:
        return Names(self.streams, self.layers)


def attention_legs(route: core.Route | core.Path) -> tuple[Leg, ...]:
    """The steps of a route by attention."""
    return tuple(leg for leg in route.legs if leg.branch not in (*_STAYS, "mlp"))


def listed_step(leg: Leg) -> ListedStep:
    """A step as results name it."""
    return ListedStep(leg.layer, leg.branch, leg.head, leg.source, leg.target)


def listed_steps(legs: Sequence[Leg]) -> tuple[ListedStep, ...]:
    """All steps of a route as results name them, but for skips beside feed-forward parts."""
    return tuple(listed_step(leg) for leg in legs if leg.branch != "mlp_skip")


def _label(legs: Sequence[Leg]) -> str:
    parts = []
    for leg in legs:
        if leg.branch not in _STAYS:
            head = "" if leg.head is None else f"·H{leg.head}"
            parts.append(f"{_LETTER.get(leg.branch, leg.branch.upper())}·L{leg.layer}{head}")
    return " → ".join(parts) or "skip"


def _remark(found: core.Routes) -> str:
    """What a ranking leaves out, in plain words."""
    listed = math.fsum(route.share for route in found)
    if found.uncovered == 0.0 and found.missed in (0.0, -math.inf):
        return "These are all routes there are."
    if found.by == "best":
        return (
            f"Exact order: the best path of any other route is at most {power(found.missed)}. Together "
            f"these routes hold {percent(listed)} of the mass."
        )
    if found.by == "mass":
        largest = math.exp(min(0.0, found.missed - found[0].log_mass)) * found[0].share if found else 1.0
        return (
            f"Together these routes hold {percent(listed)} of the mass; any other single route holds at most "
            f"{percent(largest)}."
        )
    whole = found.rest + math.fsum(route.contribution for route in found)
    return (
        f"Together these routes contribute {signed(whole - found.rest)} of {signed(whole)} (slope × (input − "
        f"reference)), all others together {signed(found.rest)}. Found by a search that may miss some: no "
        f"other single route can contribute more than {number(found.missed, 3)}, its mass."
    )
