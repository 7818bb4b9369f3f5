"""Which paths are asked about: all of a recorded score, or those through and around some parts.

Parts to avoid are masks on the sweep. Parts to pass are cuts: the sweep is restarted at each of them, from
the one nearest to the score down, so that what arrives at the inputs went through all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TypeVar

from semiring_widgets.core.anatomy import (
    Anatomy,
    Cut,
    Parts,
    Selection,
    around,
    as_met,
    checked,
    cut_of,
)
from semiring_widgets.core.graph import GradientGraph, told_cut
from semiring_widgets.core.paths.shared_sweeps import Ground
from semiring_widgets.core.precision import in_full_precision
from semiring_widgets.core.restriction import EVERY_PATH, Restriction
from semiring_widgets.core.semirings import Semiring, find_semiring
from semiring_widgets.errors import InputError

__all__ = ["Chosen"]

_Set = TypeVar("_Set", bound="Chosen")


@dataclass(frozen=True, eq=False, repr=False)
class Chosen:
    """Some or all of the paths of a recorded score.

    Attributes:
        ground: the graph, and what is known of all its paths.
        listed: whether the inputs were given as a list.
        limit: bytes that a question may take beside the tape; None for no limit.
        asked_by: who is named where that is not enough.
        passed: parts that every path passes.
        avoided: parts that no path touches.
        leaves: whether every path leaves the skip connections.
    """

    ground: Ground
    listed: bool = True
    limit: int | None = None
    asked_by: str = "paths"
    passed: tuple[Selection, ...] = ()
    avoided: tuple[Selection, ...] = ()
    leaves: bool = False

    @in_full_precision
    def through(self: _Set, *parts: Parts) -> _Set:
        """Those that pass every one of these parts.

        A part is a `Selection` or a dict of its fields: ``{"layer": 3, "head": 2, "branch": "value"}``,
        ``{"layer": 4, "branch": "skip"}``, ``{"layer": 2, "token": 5}`` (the residual stream there) or
        ``{"token": 5}`` (the input). ``{"layer": 3}`` is the layer's attention: its query, key and value.

        Args:
            parts: parts, or lists of them; an empty one changes nothing.

        Raises:
            InputError: the model has no such part.

        Example:
            >>> few = whole.through({"layer": 3, "head": 3}, {"token": 2})
            >>> few, {path.start[1] for path in few.best(3)}
            (Paths(through 2 parts), {2})
        """
        return replace(self, passed=self._with(self.passed, parts))

    @in_full_precision
    def avoiding(self: _Set, *parts: Parts) -> _Set:
        """Those that touch none of these parts.

        Args:
            parts: as for `through`.

        Raises:
            InputError: the model has no such part.

        Example:
            >>> round(whole.avoiding({"layer": 3}).log_share, 3)
            -5.674
        """
        return replace(self, avoided=self._with(self.avoided, parts))

    @in_full_precision
    def leaving_skip(self: _Set) -> _Set:
        """Those that go through an attention or a feed-forward part, at least once.

        All but those that stay on the skip connections from end to end.

        Raises:
            InputError: no residual stream was found.

        Example:
            >>> whole.log_weight > whole.leaving_skip().log_weight  # the best path of all stays on the skip
            True
        """
        if not self.ground.leaving.edges:
            raise InputError(
                f"{told_cut(self.graph)}No residual stream was found between these inputs and the score, so "
                "no skip to leave."
            )
        return replace(self, leaves=True)

    def algebra(self, semiring: str | Semiring, level: str = "unit") -> Semiring:
        """The semiring that these paths are asked in.

        Args:
            semiring: a name, or an object of `semiring_widgets.semirings`.
            level: of the maxima.

        Raises:
            InputError: an unknown semiring or level, or ``"branch"`` of a part.

        Example:
            >>> whole.algebra("abs").name
            'abs'
        """
        found = find_semiring(semiring, level)
        if self.narrowed and not found.distributive:
            raise InputError(
                'level="branch" joins paths before it compares them, so it knows nothing of some of them '
                'alone: ask for all paths, or use level="unit".'
            )
        return found

    def _with(self, before: tuple[Selection, ...], parts: Sequence[Parts]) -> tuple[Selection, ...]:
        given = [part for part in parts if not (isinstance(part, (tuple, list)) and len(part) == 0)]
        new = [checked(part, self.ground.extent) for part in given]
        return tuple(dict.fromkeys(chain(before, *new)))

    @property
    def graph(self) -> GradientGraph:
        """The graph that the paths are in."""
        return self.ground.graph

    @property
    def anatomy(self) -> Anatomy:
        """Its layers, heads and tokens."""
        return self.ground.anatomy

    @cached_property
    def cuts(self) -> tuple[Cut, ...]:
        """What the paths must pass, in the order in which they meet it."""
        return as_met(cut_of(self.graph, self.anatomy, part) for part in self.passed)

    @cached_property
    def restriction(self) -> Restriction:
        """Where the paths may pass, and what they must use at least once."""
        if not self.avoided and not self.leaves:
            return EVERY_PATH
        masks = around(cut_of(self.graph, self.anatomy, part) for part in self.avoided)
        return replace(masks, gates=(self.ground.leaving,) if self.leaves else ())

    @property
    def narrowed(self) -> bool:
        """Whether these are not all paths."""
        return self.leaves or bool(self.passed or self.avoided)

    def __repr__(self) -> str:
        told = [
            f"{how} {len(parts)} part{'s' * (len(parts) > 1)}"
            for how, parts in (("through", self.passed), ("avoiding", self.avoided))
            if parts
        ]
        told += ["leaving the skip"] * self.leaves or ([] if told else ["all"])
        rule = self.graph.rule.name
        return f"Paths({', '.join(told if rule == 'gradient' else [*told, f'rules {rule}'])})"
