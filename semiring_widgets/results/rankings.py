"""Routes in order, as plain facts: what an explanation lists of the ways through a model."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Family", "ListedRoute", "ListedStep", "Ranking"]


@dataclass(frozen=True)
class ListedStep:
    """One step of a route: a branch of one layer, from a source token to a target token."""

    layer: int
    branch: str
    head: int | None
    source: int
    target: int


@dataclass(frozen=True)
class ListedRoute:
    """All paths that look alike at the level of people: the same branches, heads and tokens, layer by layer.

    Attributes:
        rank: place in its ranking, 0 is the first.
        label: short form, for example ``"V·L5·H3"``.
        log_weight: natural log of |weight| of its best path.
        sign: sign of that path.
        share_of_best: |weight| of its best path relative to the best path of all (0-1).
        probability: the same relative to the mass of all paths; often vanishingly small.
        log_mass: natural log of its mass, the sum of |weight| over its paths.
        share: its mass relative to that of all paths (0-1).
        contribution: signed sum over its paths of weight times input minus reference.
        cancellation: |contribution| relative to the sum of absolute values (0-1); 1 where nothing cancels.
        all_skip: True if it never leaves the skip connections.
        steps: its steps, from the input on.
        sentence: the same in words.
    """

    rank: int
    label: str
    log_weight: float
    sign: int
    share_of_best: float
    probability: float
    log_mass: float
    share: float
    contribution: float
    cancellation: float
    all_skip: bool
    steps: tuple[ListedStep, ...]
    sentence: str


@dataclass(frozen=True)
class Family:
    """Routes that differ only in whether they pass feed-forward parts or the skip beside them.

    Attributes:
        label: short form, for example ``"V·L0·H3 → V·L3·H3"``.
        sentence: the same in words.
        contribution: of all paths that share these steps, listed or not.
        share: that, relative to the contribution of all paths.
        routes: the ranks of those that are listed.
        steps: the steps by attention, from the input on; none where all paths stay on the skip connections.
    """

    label: str
    sentence: str
    contribution: float
    share: float
    routes: tuple[int, ...]
    steps: tuple[ListedStep, ...]


@dataclass(frozen=True)
class Ranking:
    """The first routes of a ranking, and what is known about all others.

    Attributes:
        by: ``"best"`` (best path), ``"mass"`` or ``"contribution"`` (its absolute value).
        routes: the routes, first ones first.
        missed: the most that any other single route can have: log |weight| of a best path, log mass, or the
            absolute contribution; -inf (0) where all are listed.
        uncovered: share of the mass that all other routes hold together (0-1).
        rest: contribution of all other routes together.
        remark: the same in plain words.
        families: the routes, those of a kind together; only of a ranking by contribution.
    """

    by: str
    routes: tuple[ListedRoute, ...]
    missed: float
    uncovered: float
    rest: float
    remark: str
    families: tuple[Family, ...] = ()
