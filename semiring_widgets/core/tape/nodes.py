"""What a tape holds: nodes (one per tensor state) and the operators between them.

Operators own the nodes that they made and nodes only point back at them, so a tape is freed as soon as it is
let go, and its tensors do not wait for the garbage collector.

The gradient graph has real scalars as its nodes, and a complex number is two of them, its real and its
imaginary part. So a complex tensor of shape S becomes a node of shape (*S, 2), the one that
`torch.view_as_real` shows.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from semiring_widgets.errors import TapeError

__all__ = ["NOWHERE", "Layout", "Node", "Op", "Repeating", "Scope", "fill", "units"]

# The dtype and the strides that an operator got a tensor with, where its node holds it otherwise.
Layout = tuple[torch.dtype, tuple[int, ...]]


class Repeating(Protocol):
    """Who computes again what nodes let go of, see `recomputation.Segments`."""

    def value(self, node: Node) -> Tensor:
        """The value of a node."""

    def drop(self, node: Node) -> None:
        """It will not be asked for soon."""


class Node:
    """One tensor of the forward pass, at one moment of its life.

    A tensor that is written in place becomes a new node; its old state keeps the old one.

    Args:
        index: position in the order of creation (a topological order of the graph).
        value: its content, detached and always real; what derivatives are evaluated at.
        op: the operator that made it, or None for a leaf (parameter, input, constant).
        is_complex: whether the tensor holds complex numbers.
        again: who computes it again; None where it is always kept.

    Attributes:
        index, complex: as given.
        shape: shape of the tensor; with a last dimension of 2, real and imaginary part, if it is complex.
        dtype, device: of its real numbers.
        op: the operator that made it, or None for a leaf (parameter, input, constant).
        laid: how operators got it, where what is held was laid out anew since.
    """

    __slots__ = (
        "__weakref__",
        "_again",
        "_op",
        "_value",
        "complex",
        "device",
        "dtype",
        "index",
        "laid",
        "shape",
    )

    def __init__(
        self,
        index: int,
        value: Tensor,
        op: Op | None = None,
        *,
        is_complex: bool = False,
        again: Repeating | None = None,
    ) -> None:
        self.index, self.complex, self._again = index, is_complex, again
        self.laid: Layout | None = None
        self.shape: torch.Size = value.shape
        self.dtype, self.device = value.dtype, value.device
        self._value: Tensor | None = value
        self._op = None if op is None else weakref.ref(op)

    @property
    def op(self) -> Op | None:
        """The operator that made it, for as long as its tape exists; None for a leaf."""
        return None if self._op is None else self._op()

    @property
    def outer(self) -> torch.Size:
        """Shape of the tensor itself: a complex number is one element."""
        return self.shape[:-1] if self.complex else self.shape

    @property
    def token_shape(self) -> tuple[int, int, int]:
        """Its shape as one of (others, tokens, numbers of a token there).

        Tokens are counted by the last dimension but one of the tensor itself; with fewer it is one token.
        """
        outer = self.outer
        tokens = outer[-2] if len(outer) > 1 else 1
        units = self.shape[len(outer) - 1 :].numel()
        return outer[:-2].numel(), tokens, units

    @property
    def value(self) -> Tensor:
        """Its content, detached and real; computed again where it was released.

        Raises:
            TapeError: the recording kept no values.
        """
        if self._value is not None:
            return self._value
        if self._again is None:
            raise TapeError(
                "This tape was recorded with values=False, to know how much memory is needed; it cannot be "
                "swept over. Record again without that."
            )
        return self._again.value(self)

    @property
    def repeats(self) -> bool:
        """Whether its content can be computed again."""
        return self._again is not None

    @property
    def held(self) -> Tensor | None:
        """Its content, or None where it was released."""
        return self._value

    def index_of(self, element: int) -> tuple[int, ...]:
        """The index of a flat element; in plain Python, as NumPy and torch take many times longer for one."""
        index = []
        for size in reversed(self.shape):
            element, place = divmod(element, size)
            index.append(place)
        return tuple(reversed(index))

    def empty(self, dtype: torch.dtype) -> Tensor:
        """An uninitialised number where this tensor is, for what is made like it."""
        return torch.empty((), dtype=dtype, device=self.device)

    def release(self) -> None:
        """Let the content go; `value` computes it again, by the same operators from the same inputs."""
        self._value = None

    def replace(self, value: Tensor) -> None:
        """Hold the same numbers on another device."""
        self._value, self.device = value, value.device

    def pass_by(self) -> None:
        """Say that a sweep has done with it: what was computed again need not be there any more."""
        if self._value is None and self._again is not None:
            self._again.drop(self)

    def keep(self) -> None:
        """Copy the content, if it is held: the memory that it shares is about to be written."""
        if self._value is not None:
            stride = self._value.stride()
            self._value = self._value.clone()
            if self._value.stride() != stride:
                self.laid = self.dtype, stride

    def __repr__(self) -> str:
        made_by = self.op.name if self.op is not None else "leaf"
        return f"Node({self.index}, {list(self.shape)}, {made_by})"


@dataclass(frozen=True)
class Scope:
    """Where in the model an operator ran.

    Attributes:
        module: dotted path of the innermost module, "" for the root or outside of any module.
        composite: name of the composite operator this one was expanded from, such as "softmax".
        instance: number that tells two expansions apart; 0 where nothing was expanded.
    """

    module: str = ""
    composite: str = ""
    instance: int = 0


NOWHERE = Scope()


class Op:
    """One ATen call; tensors among its arguments are replaced by their nodes.

    Args:
        index: position on the tape.
        func: the functional (never in-place) overload, or a `CustomFunction`.
        args, kwargs: its arguments, with `Node` in the place of each tensor.
        outputs: one entry per result; None where a result is no floating-point tensor.
        scope: module and composite it belongs to.
        inputs: the nodes among its arguments, if they are known.
        layouts: for each of them how it was given, None where as it is held; None where all were.

    Attributes:
        index, func, args, kwargs, outputs, scope, layouts: as given.
    """

    __slots__ = ("__weakref__", "_inputs", "args", "func", "index", "kwargs", "layouts", "outputs", "scope")

    def __init__(
        self,
        index: int,
        func: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        outputs: tuple[Node | None, ...] = (),
        scope: Scope = NOWHERE,
        inputs: tuple[Node, ...] | None = None,
        layouts: tuple[Layout | None, ...] | None = None,
    ) -> None:
        self.index, self.func, self.args, self.kwargs = index, func, args, kwargs
        self.outputs, self.scope, self._inputs, self.layouts = outputs, scope, inputs, layouts

    @property
    def name(self) -> str:
        """Name of the overload, such as ``aten.mul.Tensor``."""
        return str(self.func)

    @property
    def where(self) -> str:
        """The op and its module, for messages."""
        return f"{self.name} (in module '{self.scope.module}')" if self.scope.module else self.name

    def inputs(self) -> tuple[Node, ...]:
        """All node arguments, in order, repeated where an argument is used twice."""
        if self._inputs is None:
            self._inputs = (*_nodes(self.args), *_nodes(tuple(self.kwargs.values())))
        return self._inputs

    def taking(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Op:
        """The same operator on other arguments; on no tape."""
        return Op(self.index, self.func, args, kwargs, self.outputs, self.scope)

    def rewire(self, replace: Callable[[Node], Node]) -> None:
        """Let it take other nodes."""
        self.args = fill(self.args, replace)
        self.kwargs = fill(self.kwargs, replace)
        self._inputs = None

    def __repr__(self) -> str:
        return f"Op({self.index}, {self.name}, {self.scope.module!r})"


def units(tensor: Tensor) -> Tensor:
    """The real scalars of a tensor: itself, or (*shape, 2) if it is complex; a view wherever there is one."""
    if tensor.is_complex():
        return torch.view_as_real(tensor.resolve_conj())
    return tensor.resolve_neg() if tensor.is_neg() else tensor


def _nodes(args: tuple[Any, ...] | list[Any]) -> Iterator[Node]:
    for arg in args:
        if isinstance(arg, Node):
            yield arg
        elif isinstance(arg, (list, tuple)):
            yield from _nodes(arg)


def fill(given: Any, replace: Callable[[Node], Any]) -> Any:
    """Arguments, in lists, tuples or by name, with every node replaced."""
    if isinstance(given, Node):
        return replace(given)
    if isinstance(given, (list, tuple)):
        return type(given)([fill(each, replace) for each in given])
    if isinstance(given, Mapping):
        return {name: fill(each, replace) for name, each in given.items()}
    return given
