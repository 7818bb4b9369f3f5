"""Named groups of parts, taken as one: what passes at least one of them, and what they do together.

An explanation is frozen, and groups are made after it: so it holds a book of them, which all its copies
share. It is saved with it, and needs no model to be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError
from semiring_widgets.results.parts import Part
from semiring_widgets.results.wording import percent, signed

__all__ = ["Group", "GroupBook", "name_of_group"]

# A name is read on a chip.
_LONGEST = 60


@dataclass(frozen=True)
class Group:
    """Some parts under one name, and the paths through at least one of them.

    Attributes:
        name: what it is called.
        parts: its parts; a path that passes several of them counts once.
        share: of the mass of all paths explained, 0-1.
        entropy: over these paths, in nats; NaN where there are none.
        contribution: signed sum over them of weight times input minus reference, in the unit of the score.

    Example:
        >>> from semiring_widgets.results.parts import Part
        >>> parts = (Part(layer=0, head=3), Part(layer=3, head=3))
        >>> print(Group("movers", parts, 0.25, 140.0, 1.5))
        movers: 2 parts, 25 % of the mass, contribution +1.5
    """

    name: str
    parts: tuple[Part, ...]
    share: float
    entropy: float
    contribution: float

    def __str__(self) -> str:
        many = f"{len(self.parts)} part{'s' * (len(self.parts) != 1)}"
        worth = signed(self.contribution)
        return f"{self.name}: {many}, {percent(self.share)} of the mass, contribution {worth}"


class GroupBook(Mapping[str, Group]):
    """The groups of one explanation by name, in the order in which they were made.

    Args:
        groups: those that are known from the start.

    Example:
        >>> book = GroupBook()
        >>> book.add(Group("movers", (Part(layer=0, head=3),), 0.25, 140.0, 1.5))
        >>> book
        movers: 1 part, 25 % of the mass, contribution +1.5
        >>> book.remove("movers")
        >>> len(book)
        0
    """

    def __init__(self, groups: Iterable[Group] = ()) -> None:
        self._groups = {group.name: group for group in groups}

    def add(self, group: Group) -> None:
        """Note a group; one of the same name gives its place to it."""
        # One assignment: whoever reads on another thread sees all of it or nothing.
        self._groups = {**self._groups, group.name: group}

    def remove(self, name: str) -> None:
        """Forget a group.

        Raises:
            InputError: there is none of this name.
        """
        if name not in self._groups:
            known = ", ".join(self._groups) or "none"
            raise InputError(f"There is no group {shown(name)}; known are {known}.")
        self._groups = {key: group for key, group in self._groups.items() if key != name}

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __getitem__(self, name: str) -> Group:
        return self._groups[name]

    def __repr__(self) -> str:
        return "\n".join(map(str, self.values())) or "no groups yet"


def name_of_group(name: Any) -> str:
    """The name of a group, without white space around it.

    Raises:
        InputError: it is no text, empty, or too long for a chip.
    """
    found = " ".join(name.split()) if isinstance(name, str) else ""
    if not found or len(found) > _LONGEST:
        raise InputError(f"A group has a name of 1 to {_LONGEST} characters; got {shown(name)}.")
    return found
