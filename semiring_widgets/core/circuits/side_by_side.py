"""Values of several parts carried along edges, side by side.

The heads of an attention lie next to each other in one tensor. As long as every element belongs to one head,
as under views, changes of order and rotary positions, one value serves all heads, with the number of its head
at every element. At the first step that mixes them, which is the projection from or to the stream, they part:
each head's few columns are multiplied by their own rows of the weight, all in one batched product. From there
on every head has a tensor of its own, and they are stacked.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from semiring_widgets.core.circuits.layout import Group
from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.jacobian.blocks.contraction import Contraction
from semiring_widgets.core.semirings import Semiring, Value
from semiring_widgets.core.semirings.number_range import NumberRange

__all__ = ["Carried", "added", "begun", "taken_along"]

_NUMBERS = NumberRange()


@dataclass(frozen=True, eq=False)
class Carried:
    """Values of the parts of a group at one node.

    Attributes:
        value: of all parts, (parts, *shape) each; or, with ``numbers``, of shape ``shape``.
        numbers: lowest and highest number of the parts that an element belongs to, which are equal.
    """

    value: Value
    numbers: Value | None = None

    def apart(self, semiring: Semiring, count: int) -> Value:
        """(parts, *shape) each."""
        if self.numbers is None:
            return self.value
        number = self.numbers[0]
        each = torch.arange(count, device=number.device).reshape(-1, *[1] * number.dim())
        kept = number == each
        return tuple(
            torch.where(kept, part, none) for part, none in zip(self.value, semiring.zero, strict=True)
        )


def begun(group: Group, value: Value) -> Carried:
    """The parts of a group at its own node.

    Args:
        group: the group.
        value: at its node, of all parts.
    """
    if group.masks is None:
        return Carried(tuple(part[None] for part in value))
    number = group.masks.to(value[0].dtype).argmax(0).to(value[0].dtype).expand(group.node.shape)
    return Carried(value, (number, number))


def taken_along(semiring: Semiring, edge: Edge, count: int, given: Carried, *, up: bool) -> Carried:
    """Along an edge, from its source to its target (up) or back.

    Args:
        semiring: the algebra.
        edge: the edge.
        count: how many parts.
        given: what is carried.
        up: the direction.
    """
    if given.numbers is not None:
        block = edge.block
        if isinstance(block, Contraction) and block.shared:
            terms = _columns(given.numbers, count)
            if terms is not None:
                return Carried(block.apart(semiring, given.value, terms, up=up))
        else:
            numbers = block.push(_NUMBERS, given.numbers) if up else block.pull(_NUMBERS, given.numbers)
            if not _mixed(numbers):
                along = edge.push if up else edge.pull
                return Carried(along(semiring, given.value), numbers)
    many = edge.repeated(count)
    along = many.push if up else many.pull
    return Carried(along(semiring, given.apart(semiring, count)))


def added(semiring: Semiring, count: int, one: Carried | None, other: Carried) -> Carried:
    """What two ways bring together."""
    if one is None:
        return other
    if one.numbers is not None and other.numbers is not None:
        numbers = _NUMBERS.plus(one.numbers, other.numbers)
        if not _mixed(numbers):
            return Carried(semiring.plus(one.value, other.value), numbers)
    return Carried(semiring.plus(one.apart(semiring, count), other.apart(semiring, count)))


def _mixed(numbers: Value) -> bool:
    low, high = numbers
    return bool((low < high).any())


def _columns(numbers: Value, count: int) -> Tensor | None:
    """The columns of each part, (parts, columns); None where they are not the same in all rows."""
    low, high = (part.reshape(-1, part.shape[-1]) for part in numbers)
    number = low.amin(0)
    if bool((high.amax(0) > number).any()):
        return None
    columns = [(number == part).nonzero().squeeze(1) for part in range(count)]
    return torch.stack(columns) if len({len(own) for own in columns}) == 1 else None
