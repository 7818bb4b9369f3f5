"""What an explanation is asked about parts taken together and taken apart: groups, units, scalar paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from semiring_widgets.errors import InputError
from semiring_widgets.results.drilled import ScalarPath
from semiring_widgets.results.groups import Group, GroupBook
from semiring_widgets.results.rankings import Family, ListedRoute, Ranking
from semiring_widgets.results.session import Session

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Inside"]


class Inside:
    """A part of `Explanation`, which has these fields; see there."""

    groups: GroupBook
    rankings: tuple[Ranking, ...]
    session: Session | None

    def group(self, name: str, parts: Any) -> Group:
        """Take some parts as one, under a name: the paths through at least one of them.

        A path through several of them counts once. The group is noted in ``groups``, is shown in the widget,
        and is saved; ``test`` replaces its parts all at once, and ``groups.remove(name)`` forgets it.

        Args:
            name: what it is called; a group of the same name is replaced.
            parts: a part or several, as in `semiring_widgets.select_paths`.

        Returns:
            A `Group` with ``parts``, and of these paths ``share`` of the mass, ``entropy`` and
            ``contribution``.

        Raises:
            InputError: the model has no such part, the name is none, or the recording is gone.

        Example:
            >>> movers = e.group("movers", [{"layer": 0, "head": 3}, {"layer": 3, "head": 3}])
            >>> len(e.groups["movers"].parts), 0 < movers.share < 1
            (2, True)
            >>> round(e.test(movers).effect, 1)
            6.5
        """
        found = self._session_for("group").group(name, parts)
        self.groups.add(found)
        return found

    def units(self, part: Any) -> pd.DataFrame:
        """The units of a head or a feed-forward part, the one that contributes most first.

        Of a head, the entries of its output; with ``"branch"``, of its query, key or value; of a feed-forward
        part, those of its hidden layer. Contributions and shares of mass add up to those of the part.

        Args:
            part: such as ``{"layer": 3, "head": 2}`` or ``{"layer": 1, "branch": "mlp"}``; with ``"token"``,
                at one token.

        Returns:
            ``unit``, ``value`` (its mean over the tokens of the part), ``contribution`` (all paths from it to
            the score times value minus reference, in the unit of the score) and ``mass_share``.

        Raises:
            InputError: the model has no such part, no hidden layer was found in it, or the recording is gone.

        Example:
            >>> units = e.units({"layer": 3, "head": 3})
            >>> len(units), float(round(units.contribution.sum(), 2))  # as e.test(...).predicted
            (32, 2.49)
            >>> len(e.units({"layer": 1, "branch": "mlp", "token": 6}))
            256
        """
        return self._session_for("units").units(part).to_pandas()

    def path(self, part: Any = (), avoiding: Any = ()) -> ScalarPath | None:
        """The strongest scalar path through parts or along a listed route, with the derivative at every step.

        Args:
            part: a part or several, which the path passes all; or a route of a ranking, or a family of them,
                whose first listed route is meant.
            avoiding: parts that the path does not touch.

        Returns:
            A `ScalarPath`; its ``to_pandas()`` has one row a step, with the running product. None where there
            is no such path.

        Raises:
            InputError: the model has no such part, or the recording is gone.

        Example:
            >>> path = e.path({"layer": 3, "head": 3})
            >>> steps = path.to_pandas()
            >>> float(round(steps.derivative.prod() / steps["product"].iloc[-1], 6))
            1.0
        """
        session = self._session_for("path")
        if isinstance(part, Family):
            # A family names steps by attention alone; its first listed route is followed.
            lists = [ranking.routes for ranking in self.rankings if part in ranking.families]
            part = lists[0][part.routes[0]] if lists and part.routes else part
        if isinstance(part, (ListedRoute, Family)):
            return session.path((), part.steps, avoiding=avoiding)
        return session.path(part, avoiding=avoiding)

    def _session_for(self, what: str) -> Session:
        if self.session is None:
            raise InputError(
                f"{what} needs the model, and this explanation came without it, from a file: call explain "
                f"again."
            )
        return self.session
