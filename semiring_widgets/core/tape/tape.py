"""The tape itself: operators in order, and which tensor is which node."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence, Set
from typing import Any, NoReturn, TypeVar

import torch
from torch import Tensor

from semiring_widgets.core.tape.aliasing.aliases import Aliases, Geometry
from semiring_widgets.core.tape.aliasing.bindings import Bindings
from semiring_widgets.core.tape.aliasing.constants import Constants
from semiring_widgets.core.tape.arguments import NodeArguments, is_tracked
from semiring_widgets.core.tape.asides import Asides
from semiring_widgets.core.tape.keeping import Keeping, may_forget
from semiring_widgets.core.tape.nodes import NOWHERE, Layout, Node, Op, Scope, units
from semiring_widgets.core.tape.recomputation import Segments
from semiring_widgets.errors import InputError, TapeError

__all__ = ["Tape", "only_output"]

aten = torch.ops.aten
_Given = TypeVar("_Given")


class Tape:
    """The record of one forward pass. Made by `record`.

    Attributes:
        granularity: ``"primitive"``, ``"operator"`` or ``"paper"``: how composite operators were
            expanded; path statistics depend on it.
        rules: which number an edge carries where a question does not say: a name, or a rule.
        reference: what a rule compares with where a question does not say.
        ops: the operators in the order of execution.
        root: the outermost module that ran, or None.
        finished: False while the block is running, and after it ended with an error.
        failed: whether it ended with an error.
        values: False if only shapes and sizes were recorded.
        keeping: how many bytes it keeps, and what it lets go of.
        segments: who computes that again.
        asides: what was computed beside the paths, such as masks.

    Example:
        >>> import torch, semiring_widgets as sw
        >>> x = torch.tensor([1.0, 2.0])
        >>> with sw.record() as tape:
        ...     score = (3 * x - x * x).sum()
        >>> tape
        Tape(4 ops, granularity='primitive')
        >>> [op.name for op in tape.ops]
        ['aten.mul.Tensor', 'aten.mul.Tensor', 'aten.sub.Tensor', 'aten.sum.default']
        >>> tape.nbytes  # seven numbers of float32
        28
    """

    def __init__(
        self,
        granularity: str = "primitive",
        max_memory: int | None = None,
        *,
        values: bool = True,
        rules: Any = "gradient",
        reference: Any = None,
    ) -> None:
        self.granularity = granularity
        self.rules, self.reference = rules, _kept(reference)
        self.ops: list[Op] = []
        self.root: torch.nn.Module | None = None
        self.finished = self.failed = False
        self.values = values
        # Where a result is taken for a constant: the module, the numbers of the nodes it came from, its own.
        self.cuts: list[tuple[str, tuple[int, ...], int]] = []
        self.segments = Segments(values=values)
        self._nodes = 0
        self._complex = False
        leaf = _weak_method(self._leaf)
        aliases = Aliases(
            leaf,
            _weak_method(self._read_flat),
            _weak_method(self._write_flat),
            _weak_method(self._renew),
            _weak_method(self._is_used),
            forgets=may_forget(values=values) if max_memory is not None or not values else None,
        )
        self._bindings = Bindings(aliases, leaf, brief=max_memory is None and values)
        self.keeping = Keeping(self.ops, self._bindings, self.segments, max_memory, values=values)
        self._constants = Constants()
        self.asides = Asides(self._bindings.node)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Neither pickled nor copied: nodes are known by the tensors of this process."""
        raise TapeError(
            "A tape can be neither pickled nor copied, because it knows its nodes by the tensors that were "
            "recorded. Save what was found on it instead: the numbers of a result are ordinary tensors."
        )

    def node(self, tensor: Tensor, what: str = "tensor") -> Node:
        """The node of a tensor that took part in the recorded forward pass.

        Args:
            tensor: the same tensor object that was used inside ``with record()``.
            what: how to call it in the message.

        Raises:
            TapeError: if the tape never saw this tensor object.
            InputError: it holds integers or booleans.

        Example:
            >>> x = torch.tensor([1.0, 2.0])
            >>> with sw.record() as tape:
            ...     y = x.exp()
            >>> tape.node(x).shape, tape.node(y).op.name
            (torch.Size([2]), 'aten.exp.default')
        """
        if not is_tracked(tensor):
            raise InputError(
                f"The {what} (shape {list(tensor.shape)}) is of dtype {tensor.dtype}, and integers and "
                f"booleans have no derivative. For token ids, pass the embeddings that the model looks up."
            )
        node = self._bindings.find(tensor)
        if node is None:
            raise TapeError(
                f"The {what} (shape {list(tensor.shape)}) does not occur on this tape. Pass the same "
                f"tensor object that was used inside `with sw.record() as tape:`, and compute the "
                f"score inside that block, but not under torch.no_grad(), as model.generate does."
            )
        return node

    def first_node(self, tensor: Tensor, what: str = "tensor") -> Node:
        """As `node`, but as the tensor was when the tape first saw it, before any write in place.

        Args:
            tensor: as in `node`.
            what: as in `node`.

        Raises:
            TapeError, InputError: as `node`.

        Example:
            >>> x = torch.tensor([1.0, 2.0])
            >>> with sw.record() as tape:
            ...     y = x.clone()
            ...     _ = y.mul_(3)
            >>> tape.first_node(y).value, tape.node(y).value
            (tensor([1., 2.]), tensor([3., 6.]))
        """
        self.node(tensor, what)
        return self._bindings.first(tensor)

    def check_unchanged(self, ops: Set[Op]) -> None:
        """Refuse to look at tensors that were overwritten after the recording.

        Args:
            ops: the operators whose derivatives are needed; they are evaluated at the recorded tensors.

        Raises:
            TapeError: one of these was written in place since.

        Example:
            >>> x = torch.tensor([1.0, 2.0])
            >>> with sw.record() as tape:
            ...     y = x * x
            >>> tape.check_unchanged(set(tape.ops))  # silent: it is as it was
            >>> _ = x.mul_(3)
            >>> tape.check_unchanged(set(tape.ops))
            Traceback (most recent call last):
            semiring_widgets.errors.TapeError: A tensor of shape [2] ... was changed in place after ...
        """
        if self.segments.cuts:  # what is computed again may depend on any other
            ops = set(self.ops)
        changed = self._bindings.changed(ops)
        if changed is None:
            changed = self._constants.changed(ops)
        if changed is not None:
            raise TapeError(
                f"A tensor of shape {list(changed.shape)} and dtype {changed.dtype} was changed in place "
                f"after the recording (a weight by an optimizer step, a cache by another forward pass?), so "
                f"the derivatives of that forward pass are gone. Ask before changing it, or record again."
            )

    def _settle(self) -> None:
        """The recording is complete."""
        self._bindings.settle()
        self._constants.settle()
        self.finished = True

    def __repr__(self) -> str:
        rules = "" if self.rules == "gradient" else f", rules={getattr(self.rules, 'name', self.rules)!r}"
        return f"Tape({len(self.ops)} ops, granularity={self.granularity!r}{rules})"

    @property
    def nbytes(self) -> int:
        """Bytes that it keeps alive: the results of its operators, not the model's parameters."""
        return self.keeping.nbytes

    def shrink(self, limit: int = 0) -> None:
        """Let go of values that can be computed again, until no more than some bytes are kept, if that goes.

        Questions about them take longer from then on.

        Args:
            limit: the bytes.

        Example:
            >>> x = torch.ones(1000)
            >>> with sw.record() as tape:
            ...     y = x.exp().sin().cos().tanh()
            ...     score = y.sum()
            >>> before = tape.nbytes
            >>> del y
            >>> tape.shrink()
            >>> before, tape.nbytes
            (16004, 4)
        """
        self.keeping.shrink(limit)

    def _is_used(self, node: Node) -> bool:
        return any(node in op.inputs() for op in self.ops if op.func is not aten.alias.default)

    def _renew(self, node: Node, value: Tensor, scope: Scope = NOWHERE) -> Node:
        """New numbers under an old history, as a write without grad gives: an edge of derivative 1."""
        return only_output(self._append(aten.alias.default, (node,), [value], scope))

    def _leaf(self, value: Tensor, op: Op | None = None, *, repeats: bool = False) -> Node:
        self._nodes += 1
        is_complex = value.is_complex()
        self._complex |= is_complex
        real = units(value) if is_complex or value.is_neg() else value
        again = self.segments if repeats and not self._complex else None
        return Node(self._nodes - 1, real, op, is_complex=is_complex, again=again)

    def _constant(self, node: Node) -> Node:
        """A leaf that holds the same numbers in memory of its own, as far as numbers are recorded."""
        self._nodes += 1
        if self.values:
            return Node(self._nodes - 1, node.value.clone(), is_complex=node.complex)
        copy = Node(self._nodes - 1, node.empty(node.dtype).expand(node.shape), is_complex=node.complex)
        copy.release()
        return copy

    def _append(
        self,
        func: Any,
        given: NodeArguments | tuple[Any, ...],
        results: Sequence[Any],
        scope: Scope = NOWHERE,
        *,
        repeats: bool = False,
        layouts: tuple[Layout | None, ...] | None = None,
    ) -> Op:
        """Put an operator on the tape, called with nodes, or as a model called it."""
        if isinstance(given, NodeArguments):
            nodes = tuple(given.nodes)
            op = Op(len(self.ops), func, given.args, given.kwargs, (), scope, nodes, layouts)
            if given.constants:
                self._constants.hold(op, given.constants)
        else:
            op = Op(len(self.ops), func, given, {}, scope=scope)
        op.outputs = tuple(
            [self._leaf(r.detach(), op, repeats=repeats) if is_tracked(r) else None for r in results]
        )
        self.ops.append(op)
        return op

    def _note(
        self,
        func: Any,
        given: NodeArguments,
        results: Sequence[Any],
        scope: Scope = NOWHERE,
        outputs: Sequence[Node | None] | None = None,
        *,
        on_path: bool = False,
    ) -> None:
        """Note a step beside the paths; see `Asides.add`."""
        if self.values:
            self.asides.add(len(self.ops), func, given, results, scope, outputs, on_path=on_path)
            self._constants.hold(self.asides.steps[-1].op, given.constants)

    def _note_copy(self, at: int, source: Node, leaf: Node) -> None:
        """Note that a leaf stands for another node; see `Asides.copy`."""
        if self.values:
            self.asides.copy(at, source, leaf)

    def _note_write(self, func: Any, given: NodeArguments, tensor: Tensor, old: Tensor, scope: Scope) -> None:
        """Note that a tensor that is no node was written; see `Asides.written`."""
        if self.values:
            self.asides.written(len(self.ops), func, given, tensor, old, scope)

    def _read_flat(self, flat: Node, where: Geometry, value: Tensor) -> Node:
        args = (flat, list(where.size), list(where.stride), where.offset)
        shown = only_output(self._append(aten.as_strided.default, args, [units(value)]))
        if not value.is_complex():
            return shown
        return only_output(self._append(aten.view_as_complex.default, (shown,), [value]))

    def _write_flat(self, flat: Node, written: Node, where: Geometry, value: Tensor) -> Node:
        if written.complex:
            written = only_output(self._append(aten.view_as_real.default, (written,), [written.value]))
        args = (flat, written, list(where.size), list(where.stride), where.offset)
        return only_output(self._append(aten.as_strided_scatter.default, args, [value]))


def _kept(reference: Any) -> Any:
    """A reference as it is now: what the user writes into it later is none."""
    if isinstance(reference, Tensor):
        return reference.detach().clone()
    return [_kept(one) for one in reference] if isinstance(reference, (list, tuple)) else reference


def _weak_method(method: Callable[..., _Given]) -> Callable[..., _Given]:
    """A method of the tape for what belongs to the tape: held in full, the two would never be freed."""
    held = weakref.WeakMethod(method)

    def call(*args: Any) -> _Given:
        found = held()
        if found is None:
            raise TapeError("The tape of these tensors is gone; keep it for as long as you ask about them.")
        return found(*args)

    return call


def only_output(made: Op) -> Node:
    """The node of an operator with a single result."""
    node = made.outputs[0]
    if node is None:
        raise TapeError(f"{made.name} gave no floating-point tensor.")
    return node
