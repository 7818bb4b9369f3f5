"""The arguments of an operator: which tensors are recorded, and their nodes in the tensors' place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from torch import Tensor

from semiring_widgets.core.tape.nodes import Node
from semiring_widgets.core.tape.storage import Aliases

__all__ = ["any_node", "is_tracked", "swapped", "swapped_dict", "tensors_in"]


def is_tracked(value: Any) -> bool:
    """Whether something is a tensor that paths can lead through."""
    return isinstance(value, Tensor) and (value.is_floating_point() or value.is_complex())


def tensors_in(args: Any) -> Iterator[Tensor]:
    """All tensors among arguments, also inside lists."""
    for arg in args:
        if isinstance(arg, Tensor):
            yield arg
        elif isinstance(arg, (list, tuple)):
            yield from tensors_in(arg)


def swapped(args: Any, aliases: Aliases) -> tuple[Any, ...]:
    """The arguments, with the node of every recorded tensor in its place."""
    return tuple([_swapped_one(arg, aliases) for arg in args])


def swapped_dict(kwargs: dict[str, Any], aliases: Aliases) -> dict[str, Any]:
    """As `swapped`, for keyword arguments."""
    return {name: _swapped_one(arg, aliases) for name, arg in kwargs.items()}


def any_node(args: Iterable[Any]) -> bool:
    """Whether there is a node among swapped arguments."""
    return any(isinstance(arg, Node) or (isinstance(arg, list) and any_node(arg)) for arg in args)


def _swapped_one(arg: Any, aliases: Aliases) -> Any:
    if isinstance(arg, Tensor):
        return aliases.node(arg) if arg.is_floating_point() or arg.is_complex() else arg
    if isinstance(arg, (list, tuple)):
        return [_swapped_one(a, aliases) for a in arg]
    return arg
