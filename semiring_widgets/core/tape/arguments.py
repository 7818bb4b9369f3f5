"""The arguments of an operator: which tensors are recorded, and their nodes in the tensors' place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from torch import Tensor

from semiring_widgets.core.tape.aliasing.bindings import Bindings
from semiring_widgets.core.tape.nodes import Layout, Node

__all__ = ["NodeArguments", "any_of", "is_tracked", "layouts_of", "tensors_in"]


def is_tracked(value: Any) -> bool:
    """Whether something is a tensor that paths can lead through."""
    return isinstance(value, Tensor) and (value.is_floating_point() or value.is_complex())


def tensors_in(args: Any) -> Iterator[Tensor]:
    """All tensors among arguments, also inside lists and by name."""
    for arg in args:
        if isinstance(arg, Tensor):
            yield arg
        elif isinstance(arg, (list, tuple)):
            yield from tensors_in(arg)
        elif isinstance(arg, dict):
            yield from tensors_in(arg.values())


def any_of(args: Iterable[Any], wanted: Collection[int]) -> bool:
    """Whether any of some objects, known by identity, is among arguments or in lists of them."""
    for arg in args:  # noqa: SIM110  # a generator takes three times as long, at every operator
        if id(arg) in wanted or (isinstance(arg, (list, tuple)) and any_of(arg, wanted)):
            return True
    return False


def layouts_of(
    given: Iterable[Tensor], nodes: Sequence[Node]
) -> tuple[bool, tuple[Layout | None, ...] | None]:
    """Whether a call can be repeated with what its nodes hold, and how that has to be laid out for it.

    Args:
        given: the tensors of the call.
        nodes: those of them that are tracked, as nodes.
    """
    found: list[Layout | None] = []
    for tensor, node in zip(filter(is_tracked, given), nodes, strict=True):
        stride = tensor.stride()
        if any(step == 0 and size > 1 for step, size in zip(stride, tensor.shape, strict=True)):
            # Memory that is shown twice cannot be made by a copy.
            if node.held is None or node.held.stride() != stride or node.dtype != tensor.dtype:
                return False, None
            found.append(None)
        else:
            found.append((tensor.dtype, stride))
    return True, tuple(found)


class NodeArguments:
    """The arguments of a call, with the node of every recorded tensor in its place.

    Args:
        args, kwargs: the arguments.
        bindings: who knows the nodes.

    Attributes:
        args, kwargs: the same with nodes.
        nodes: those, in order; repeated where an argument is used twice.
        constants: the other tensors.
    """

    __slots__ = ("args", "constants", "kwargs", "nodes")

    def __init__(self, args: Sequence[Any], kwargs: dict[str, Any], bindings: Bindings) -> None:
        self.nodes: list[Node] = []
        self.constants: list[Tensor] = []
        self.args = tuple(self._each(args, bindings))
        self.kwargs = dict(zip(kwargs, self._each(kwargs.values(), bindings), strict=True)) if kwargs else {}

    def _each(self, args: Iterable[Any], bindings: Bindings) -> list[Any]:
        found = []
        for arg in args:
            if isinstance(arg, Tensor):
                if arg.is_floating_point() or arg.is_complex():
                    node = bindings.node(arg)
                    self.nodes.append(node)
                    found.append(node)
                    continue
                self.constants.append(arg)
            elif isinstance(arg, (list, tuple)):
                arg = self._each(arg, bindings)
            found.append(arg)
        return found
