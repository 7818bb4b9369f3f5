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
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.precision import full_precision
from semiring_widgets.errors import TapeError

__all__ = ["NOWHERE", "Node", "Op", "Scope", "fill", "units"]


class Node:
    """One tensor of the forward pass, at one moment of its life.

    A tensor that is written in place becomes a new node; its old state keeps the old one.

    Args:
        index: position in the order of creation (a topological order of the graph).
        value: its content, detached and always real; what derivatives are evaluated at.
        op: the operator that made it, or None for a leaf (parameter, input, constant).
        is_complex: whether the tensor holds complex numbers.
        steps: how many operators in a row compute it again from what is kept; 0 where it is always kept.

    Attributes:
        index, complex, steps: as given.
        shape: shape of the tensor; with a last dimension of 2, real and imaginary part, if it is complex.
        dtype, device: of its real numbers.
        op: the operator that made it, or None for a leaf (parameter, input, constant).
    """

    __slots__ = ("__weakref__", "_op", "_value", "complex", "device", "dtype", "index", "shape", "steps")

    def __init__(
        self,
        index: int,
        value: Tensor,
        op: Op | None = None,
        *,
        is_complex: bool = False,
        steps: int = 0,
    ) -> None:
        self.index, self.complex, self.steps = index, is_complex, steps
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
        return self._value if self._value is not None else _compute_again(self, {})

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

    def keep(self) -> None:
        """Copy the content, if it is held: the memory that it shares is about to be written."""
        if self._value is not None:
            self._value = self._value.clone()

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

    Attributes:
        index, func, args, kwargs, outputs, scope: as given.
    """

    __slots__ = ("__weakref__", "_inputs", "args", "func", "index", "kwargs", "outputs", "scope")

    def __init__(
        self,
        index: int,
        func: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        outputs: tuple[Node | None, ...] = (),
        scope: Scope = NOWHERE,
        inputs: tuple[Node, ...] | None = None,
    ) -> None:
        self.index, self.func, self.args, self.kwargs = index, func, args, kwargs
        self.outputs, self.scope, self._inputs = outputs, scope, inputs

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


def _compute_again(node: Node, made: dict[Node, Tensor]) -> Tensor:
    """Compute a released result and, once each, what it was made from."""
    if node not in made:
        op = node.op
        if op is None or not node.steps:
            raise TapeError(
                "This tape was recorded with values=False, to know how much memory is needed; it cannot be "
                "swept over. Record again without that."
            )

        def given(source: Node) -> Tensor:
            return source.held if source.held is not None else _compute_again(source, made)

        with full_precision():  # an autocast block of the caller's may be open now
            result = op.func(*fill(op.args, given), **fill(op.kwargs, given))
        results = result if isinstance(result, (tuple, list)) else (result,)
        made.update((out, units(r)) for out, r in zip(op.outputs, results, strict=True) if out is not None)
    return made[node]
