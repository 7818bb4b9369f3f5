"""The routes of the picture: those of a kind together, each with the one number that its ranking goes by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from semiring_widgets.pictures.glyphs import drawable
from semiring_widgets.results.visible import token_label
from semiring_widgets.results.wording import brief, power, signed

if TYPE_CHECKING:
    from semiring_widgets.results.explanation import Explanation
    from semiring_widgets.results.rankings import ListedRoute, ListedStep, Ranking

__all__ = ["Way", "by_contribution", "ways_of"]


@dataclass(frozen=True)
class Way:
    """A family of routes, or where there are no families a route.

    Attributes:
        name: the words that it leads over.
        how: its steps in words.
        number: its number, written.
        negative: whether it speaks against the score.
        steps: what is drawn of it, MLPs left out.
    """

    name: str
    how: str
    number: str
    negative: bool
    steps: tuple[ListedStep, ...]


def by_contribution(result: Explanation) -> Ranking | None:
    """The ranking by contribution, if it is known."""
    return next((ranking for ranking in result.rankings if ranking.by == "contribution"), None)


def ways_of(result: Explanation) -> list[Way]:
    """Those to be shown, first ones first: by contribution where that is known, else by their best path.

    Args:
        result: an explanation.
    """
    ranking = by_contribution(result)
    if ranking is None or not ranking.families:
        return [_alone(result, route) for route in result.routes]
    own = {route.rank: route for route in ranking.routes}
    found = []
    for family in ranking.families:
        listed = next((own[rank] for rank in family.routes if rank in own), None)
        steps = family.steps if listed is None else _without_mlps(listed)
        how = family.sentence.replace("*", "") if family.steps else "stays on the skip connections"
        number = brief(family.contribution)
        number = signed(family.contribution) if number == "0" else number
        found.append(Way(_named(result, steps), how, number, family.contribution < 0, steps))
    return found


def _alone(result: Explanation, route: ListedRoute) -> Way:
    steps = _without_mlps(route)
    number = ("−" if route.sign < 0 else "") + power(route.log_weight)
    return Way(_named(result, steps), route.sentence, number, route.sign < 0, steps)


def _without_mlps(route: ListedRoute) -> tuple[ListedStep, ...]:
    return tuple(step for step in route.steps if step.branch not in ("mlp", "mlp_skip"))


def _named(result: Explanation, steps: Sequence[ListedStep]) -> str:
    """`keys → The → [MASK]`."""
    names: list[str] = []
    for step in steps:
        layer = result.layers[step.layer]
        reads = step.branch in ("key", "value", "attention")
        if not names:
            names.append(_name(result, layer.key_stream if reads else layer.stream, step.source))
        to = _name(result, layer.stream, step.target)
        if to != names[-1]:
            names.append(to)
    return f"{names[0]} by itself" if len(names) == 1 else " → ".join(names)


def _name(result: Explanation, stream: int, token: int) -> str:
    tokens = result.streams[stream].tokens
    return drawable(token_label(tokens[token])) if token < len(tokens) else str(token)
