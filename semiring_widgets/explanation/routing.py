"""Routes as people read them: ranked three ways, written as sentences, with what a ranking leaves out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from semiring_widgets import core
from semiring_widgets.checks import choice, shown
from semiring_widgets.core.anatomy import Leg
from semiring_widgets.errors import InputError
from semiring_widgets.results.parts import Layer, Stream
from semiring_widgets.results.rankings import ListedRoute, ListedStep, Ranking
from semiring_widgets.results.wording import number, percent, power, signed
from semiring_widgets.vocabulary import RANKINGS

__all__ = ["RouteTeller", "check_rankings"]

_LETTER = {"query": "Q", "key": "K", "value": "V"}
_BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
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
    """

    streams: tuple[Stream, ...]
    layers: tuple[Layer, ...]
    log_mass: float
    best: float

    def ranking(self, found: core.Routes) -> Ranking:
        """The routes of a ranking in words, with what it leaves out."""
        routes = tuple(self._route(rank, route) for rank, route in enumerate(found))
        return Ranking(found.by, routes, found.missed, found.uncovered, found.rest, _remark(found))

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
            steps=tuple(
                ListedStep(leg.layer, leg.branch, leg.head, leg.source, leg.target)
                for leg in route.legs
                if leg.branch != "mlp_skip"
            ),
            sentence=" ".join(self._words(route)),
        )

    def _words(self, route: core.Route) -> Iterator[str]:
        yield self._name(route.input, route.token)
        turns = [leg for leg in route.legs if leg.branch not in _STAYS]
        if not turns:
            yield f"stays on the skip connections of all {len(self.layers)} layers"
        long = len(turns) > _EXPLAINED
        for leg in turns:
            layer = self.layers[leg.layer]
            if leg.branch == "mlp":
                yield f"-MLP·L{leg.layer}->"
                continue
            head = f"{_LETTER.get(leg.branch, 'attention')}·L{leg.layer}"
            head += "" if leg.head is None else f"·H{leg.head}"
            yield f"-{head}-> {self._name(layer.stream, leg.target)}"
            if leg.branch in _GLOSS and not long:
                yield _GLOSS[leg.branch]
        yield "to the score" if not turns or turns[-1].branch != "mlp" else "the score"

    def _name(self, stream: int, token: int) -> str:
        """A token's text, with position and stream where others have the same."""
        stream = min(stream, len(self.streams) - 1)
        tokens = self.streams[stream].tokens
        if token >= len(tokens):
            return f"token {token}"
        text = tokens[token].text
        text += "" if self._counts[stream][text] == 1 else str(token).translate(_BELOW)
        shared = sum(counts[tokens[token].text] > 0 for counts in self._counts) > 1
        return f"{text} ({self.streams[stream].name})" if shared else text

    @cached_property
    def _counts(self) -> list[Counter[str]]:
        return [Counter(token.text for token in stream.tokens) for stream in self.streams]


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
        f"Together these routes contribute {signed(whole - found.rest)} of {signed(whole)} (gradient × "
        f"input), all others together {signed(found.rest)}. Found by a search that may miss some: no other "
        f"single route can contribute more than {number(found.missed, 3)}, its mass."
    )
