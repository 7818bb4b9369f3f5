"""What a route is, and what a ranking of routes says about itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from torch import Tensor

from semiring_widgets.checks import whole_number
from semiring_widgets.core.anatomy import Leg
from semiring_widgets.core.paths.path import Path

__all__ = ["Route", "Routes"]


@dataclass(frozen=True)
class Route:
    """All scalar paths that take the same branches, heads and tokens.

    Attributes:
        input: position in ``wrt`` of the tensor where it begins.
        token: where in it.
        legs: layer by layer: ``skip``, ``query``, ``key``, ``value`` (with a head), ``mlp``, ``mlp_skip``, or
            ``attention`` where a path goes through an attention by none of its operands.
        log_mass: log of the sum of |path weight| over its paths (nats).
        share: of the mass of all paths, 0-1.
        entropy: of p(path) ~ |weight| within it (nats).
        log_weight: log |weight| of its best path.
        sign: of that path, -1 or 1.
        contribution: signed sum over its paths of weight times the direction's entry where the path begins.
        cancellation: |contribution| relative to the sum of the absolute values, 0-1; 1 where nothing
            cancels, 0 where there is nothing to cancel.
        gradient: the gradient through this route alone, shape (units,) (leading dimensions first).

    Example:
        >>> route = whole.routes(k=2)[1]
        >>> route.token, route.leaves_skip, f"{route.contribution:.3f}", f"{route.share:.0e}"
        (1, True, '-0.025', '2e-13')
    """

    input: int
    token: int
    legs: tuple[Leg, ...]
    log_mass: float
    share: float
    entropy: float
    log_weight: float
    sign: int
    contribution: float
    cancellation: float
    gradient: Tensor = field(repr=False, compare=False)
    _search: Callable[[int], list[Path]] = field(repr=False, compare=False)

    @property
    def leaves_skip(self) -> bool:
        """Whether it goes through an attention or a feed-forward part at all."""
        return any(leg.branch not in ("skip", "mlp_skip") for leg in self.legs)

    @property
    def path(self) -> Path:
        """Its best single path; the probability is within the route."""
        return self.top_paths(1)[0]

    def top_paths(self, k: int = 5) -> list[Path]:
        """Its k best paths, best first; probabilities are within the route.

        Args:
            k: how many; fewer are returned where there are fewer.

        Raises:
            InputError: k is not positive.

        Example:
            >>> route = whole.routes(k=1)[0]
            >>> route.top_paths(1)[0].log_weight == route.path.log_weight
            True
        """
        return self._search(whole_number(k, "k"))


@dataclass(frozen=True)
class Routes(Sequence[Route]):
    """Routes in order, and what is known about all others.

    Attributes:
        by: the ranking.
        missed: the most that any route not listed can have: of ``best`` its log |weight|, of ``mass`` its log
            mass, of ``contribution`` the absolute contribution. A bound; -inf (0) where all are listed.
        uncovered: share of the mass of all routes not listed together, 0-1.
        rest: signed contribution of all routes not listed together: their sum with the listed ones is the
            gradient along the direction.

    Example:
        >>> routes = whole.routes("mass", k=3)
        >>> routes.by, len(routes), routes[0].log_mass >= routes[2].log_mass, routes.uncovered < 1
        ('mass', 3, True, True)
    """

    routes: tuple[Route, ...]
    by: str
    missed: float
    uncovered: float
    rest: float

    @overload
    def __getitem__(self, index: int) -> Route: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Route, ...]: ...
    def __getitem__(self, index: int | slice) -> Route | tuple[Route, ...]:
        return self.routes[index]

    def __len__(self) -> int:
        return len(self.routes)

    def __iter__(self) -> Iterator[Route]:
        return iter(self.routes)
