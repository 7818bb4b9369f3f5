"""What an explanation can still be asked while the computation behind it lives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from semiring_widgets.results.drilled import ScalarPath, UnitNumbers
from semiring_widgets.results.groups import Group
from semiring_widgets.results.log_of_tests import Test
from semiring_widgets.results.rankings import ListedStep, Ranking

__all__ = ["Session"]


class Session(Protocol):
    """The live computation behind an explanation; answers questions that need the model's tape."""

    def conditioned(
        self, selection: Any, check: Callable[[], None] = ..., *, avoiding: Any = ..., among: Any = ...
    ) -> tuple[xr.Dataset, float]:
        """Flow restricted to the paths through all parts of ``selection``, of those explained.

        Args:
            selection: a part or several, as in `semiring_widgets.select_paths`.
            check: called often; may raise to stop.
            avoiding: parts that the paths do not touch.
            among: parts of which the paths pass at least one; none for no such condition.

        Returns:
            The same variables conditioned, with ``log_mass``, ``best_log_weight``, ``entropy`` (nats) and
            ``contribution`` (along the reference, in the unit of the score) of all these paths among its
            attributes, and the natural log of their share of the mass of those explained.

        Raises:
            InputError: the model has no such part.
        """
        ...

    def conditioned_each(
        self, selections: Sequence[Any], check: Callable[[], None] = ...
    ) -> list[tuple[xr.Dataset, float]]:
        """`conditioned` of many selections, in less time than one after the other.

        Args:
            selections: of each, what ``conditioned`` takes.
            check: called often; may raise to stop.

        Raises:
            InputError: the model has no such part.
        """
        ...

    def group(self, name: str, parts: Any, check: Callable[[], None] = ...) -> Group:
        """Some parts under one name, with the numbers of the paths through at least one of them.

        Raises:
            InputError: the model has no such part, there is none, or the name is none.
        """
        ...

    def units(self, part: Any, check: Callable[[], None] = ...) -> UnitNumbers:
        """The units of a head, of its query, key or value, or of a feed-forward part's hidden layer.

        Raises:
            InputError: the model has no such part, or no such units were found.
        """
        ...

    def path(
        self,
        selection: Any = (),
        steps: Sequence[ListedStep] = (),
        check: Callable[[], None] = ...,
        *,
        avoiding: Any = ...,
    ) -> ScalarPath | None:
        """The strongest scalar path through all parts of ``selection``, or of a listed route.

        Args:
            selection: a part or several.
            steps: those of a listed route; none for all paths of the selection.
            check: called often; may raise to stop.
            avoiding: parts that the path does not touch.

        Returns:
            None where there is no such path.

        Raises:
            InputError: the model has no such part, or the route is not known.
        """
        ...

    def ranking(
        self,
        by: str,
        selection: Any,
        count: int,
        check: Callable[[], None] = ...,
        *,
        avoiding: Any = ...,
        among: Any = ...,
    ) -> Ranking:
        """The first routes of a ranking, of the paths through ``selection`` (nothing selected: all paths).

        Args:
            by: the ranking.
            selection: parts that all these paths pass.
            count: how many routes are listed.
            check: called often; may raise to stop.
            avoiding: parts that none of them pass.
            among: parts of which they pass at least one; none for no such condition.
        """
        ...

    def test(
        self,
        selection: Any,
        steps: Sequence[ListedStep] = (),
        by: str = "reference",
        check: Callable[[], None] = ...,
    ) -> Test:
        """What really becomes of the score when parts are given another value, all at once.

        Args:
            selection: a part or several.
            steps: a route instead: what it carries is taken away, and nothing else.
            by: what is given: ``"reference"``, ``"zero"``, ``"mean"``, or the text whose values are meant.
            check: called often; may raise to stop.

        Raises:
            InputError: the model has no such part, or it has no output of its own that could be replaced.
            UnsupportedOpError, TapeError: this model cannot be run again with other numbers.
        """
        ...

    def test_each(
        self, asked: Sequence[tuple[Any, Sequence[ListedStep]]], check: Callable[[], None] = ...
    ) -> list[Test | None]:
        """`test` of many parts and routes, run together, with what they are under the reference.

        Args:
            asked: of each, a selection and the steps of a route.
            check: called often; may raise to stop.

        Returns:
            None where a part has no output of its own, or this model cannot be run again so.
        """
        ...

    def test_all(self, kind: str, by: str = "reference", check: Callable[[], None] = ...) -> tuple[Test, ...]:
        """A test of every part of a kind, together.

        Args:
            kind: as in `semiring_widgets.effects`.
            by: as in `test`.
            check: called often; may raise to stop.

        Raises:
            InputError, UnsupportedOpError, TapeError: as `test`.
        """
        ...

    def circuit(
        self, k: float, of: str = "parts", by: Any = "contribution", check: Callable[[], None] = ...
    ) -> Any:
        """The first parts or edges of a ranking kept, all else as under the reference; see `circuit`.

        Args:
            k: which fraction is kept.
            of: ``"parts"`` or ``"edges"``.
            by: the ranking.
            check: called often; may raise to stop.

        Raises:
            InputError, UnsupportedOpError, TapeError: as `test`.
        """
        ...

    def head_map(
        self,
        layer: int,
        head: int,
        selection: Any = (),
        check: Callable[[], None] = ...,
        *,
        avoiding: Any = ...,
    ) -> NDArray[np.float32]:
        """Shares through one head of the mass of the selected paths, (3: query, key, value; Tq, Tk)."""
        ...
