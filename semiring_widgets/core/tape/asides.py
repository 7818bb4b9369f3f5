"""What is computed beside the paths: constants to autograd that depend on recorded numbers all the same.

Masks and indices, results under ``no_grad`` or behind `detach`, numbers that Python reads (``mask.any()``).
No path leads through them, so the tape's operators take them as they are. Whoever runs the tape again with
other
numbers must compute them again, or say that he cannot: so it is noted how they were made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

from semiring_widgets.core.tape.arguments import NodeArguments, is_tracked, tensors_in
from semiring_widgets.core.tape.nodes import NOWHERE, Node, Op, Scope
from semiring_widgets.core.tape.op_facts import functional_of

__all__ = ["Asides", "Noted"]

aten = torch.ops.aten


class Noted:
    """One step beside the paths.

    Args:
        op: the call; its index is the number of operators that were on the tape before it, its outputs are
            leaves of the tape. None as its function: nothing is computed, its inputs must be what they were.
        results: what it gave, by position; those that are no nodes are known by identity.
        constants: the tensors among its arguments that are no nodes.
        on_path: whether it is a composite operator whose steps are on the tape, but depend on its constants:
            as a whole it gives what they give.

    Attributes:
        op, results, constants, on_path: as given.
    """

    __slots__ = ("constants", "on_path", "op", "results")

    def __init__(
        self, op: Op, results: Sequence[Any], constants: Sequence[Tensor], *, on_path: bool = False
    ) -> None:
        self.op, self.results, self.constants = op, tuple(results), tuple(constants)
        self.on_path = on_path


class Asides:
    """The steps beside the paths of one tape, in order.

    Args:
        node: gives the node of a floating-point tensor.

    Attributes:
        steps: the steps.
        further: the results that are no nodes of operators on the tape, such as the indices of a maximum.
        overwritten: the nodes that were made by a write in place.
    """

    def __init__(self, node: Callable[[Tensor], Node]) -> None:
        self._node = node
        self.steps: list[Noted] = []
        self.further: dict[Op, tuple[Any, ...]] = {}
        self.overwritten: set[Node] = set()
        # Keyed on identity; the steps keep the tensors alive.
        self._known: dict[int, Tensor] = {}
        self._memory: set[int] = set()
        # What some memory holds since it was written, as a flat tensor.
        self._flat: dict[int, Tensor] = {}

    def depends(self, at: int, constants: Iterable[Tensor]) -> bool:
        """Whether any of some tensors that are no nodes depends on recorded numbers.

        Args:
            at: how many operators are on the tape.
            constants: the tensors.
        """
        if not self._known:
            return False
        found = False
        for constant in constants:
            if id(constant) in self._known:
                found = True
            elif constant.layout is torch.strided and _key(constant) in self._flat:
                self._show(at, constant)
                found = True
        return found

    def _show(self, at: int, constant: Tensor) -> None:
        """Note that a tensor shows memory that was written before."""
        flat = self._flat[_key(constant)]
        window = (list(constant.shape), list(constant.stride()), constant.storage_offset())
        self._note(at, aten.as_strided.default, (flat, *window), (constant,))

    def add(
        self,
        at: int,
        func: Callable[..., Any] | None,
        given: NodeArguments,
        results: Sequence[Any],
        scope: Scope = NOWHERE,
        outputs: Sequence[Node | None] | None = None,
        *,
        on_path: bool = False,
    ) -> None:
        """Note a step.

        Args:
            at: how many operators are on the tape.
            func: what was called; None where nothing can be computed again.
            given: the arguments.
            results: what it gave.
            scope: where in the model.
            outputs: the leaves that stand for its results; None where they are not known yet.
            on_path: see `Noted`.
        """
        if outputs is None:
            outputs = [self._node(result) if is_tracked(result) else None for result in results]
        self.depends(at, given.constants)
        op = Op(at, func, given.args, given.kwargs, tuple(outputs), scope, tuple(given.nodes))
        self.steps.append(Noted(op, results, given.constants, on_path=on_path))
        self._know(results)

    def copy(self, at: int, source: Node, leaf: Node) -> None:
        """Note that a leaf stands for another node, as a constant."""
        op = Op(at, torch.ops.aten.alias.default, (source,), {}, (leaf,))
        self.steps.append(Noted(op, (), ()))

    def accompany(self, op: Op, results: Sequence[Any]) -> None:
        """Note the results of an operator on the tape that are no nodes."""
        self.further[op] = tuple(results)
        self._know(results)

    def before_write(self, at: int, tensor: Tensor, given: NodeArguments) -> Tensor | None:
        """A tensor that is no node is about to be written.

        Args:
            at: how many operators are on the tape.
            tensor: the tensor.
            given: the arguments of the call.

        Returns:
            A copy of its memory to compute the write again from, if what is written depends on recorded
            numbers.
        """
        if given.nodes or self.depends(at, given.constants):
            return _whole(tensor).clone()
        return None

    def written(
        self, at: int, func: OpOverload, given: NodeArguments, tensor: Tensor, old: Tensor, scope: Scope
    ) -> None:
        """Note that a tensor that is no node was written with numbers that depend on recorded ones.

        Args:
            at: how many operators are on the tape.
            func: what was called.
            given: the arguments.
            scope: where in the model.
            tensor: what was written.
            old: a copy of its memory from before.
        """
        functional = functional_of(func)
        first = given.args[0] if given.args else None
        # What was written twice is not followed: those that took it in between have copies.
        if functional is func or first is not tensor or _key(tensor) in self._memory:
            self.add(at, None, given, (), scope, outputs=())
            return
        window = (list(tensor.shape), list(tensor.stride()), tensor.storage_offset())
        before = old.as_strided(*window)
        given.args = (before, *given.args[1:])
        given.constants[:] = [before if constant is tensor else constant for constant in given.constants]
        made = tensor.clone()
        self.add(at, functional, given, (made,), scope, outputs=(None,))
        whole = _whole(tensor).clone()
        self._note(at, aten.as_strided_scatter.default, (old, made, *window), (whole,))
        self._flat[_key(tensor)] = whole
        self._memory.add(_key(tensor))
        self._show(at, tensor)

    def _note(self, at: int, func: OpOverload, args: tuple[Any, ...], results: tuple[Tensor, ...]) -> None:
        constants = [arg for arg in args if isinstance(arg, Tensor)]
        self.steps.append(Noted(Op(at, func, args, {}, (None,), inputs=()), results, constants))
        self._know(results)

    def _know(self, results: Sequence[Any]) -> None:
        for result in tensors_in(results):
            if not is_tracked(result):
                self._known[id(result)] = result
                if result.layout is torch.strided:
                    self._memory.add(_key(result))


def _key(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _whole(tensor: Tensor) -> Tensor:
    """The memory of a tensor, flat."""
    numel = tensor.untyped_storage().nbytes() // tensor.element_size()
    return tensor.as_strided((numel,), (1,), 0)
