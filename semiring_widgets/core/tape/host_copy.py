"""A tape whose numbers are brought from a GPU to the host, for questions that a GPU only slows down.

Searching for paths and routes means thousands of small steps, each on a few numbers that the next step
depends on. On a GPU every step costs a launch and a wait, whatever the size of the model; on the host a small
one takes less. The forward pass has run where the model is, so its numbers are the GPU's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

from semiring_widgets.core.tape.arguments import tensors_in
from semiring_widgets.core.tape.autograd_functions.custom import CustomFunction
from semiring_widgets.core.tape.nodes import Node, Op
from semiring_widgets.core.tape.tape import Tape

__all__ = ["FAR", "SMALL", "bring_to_host", "is_quicker_on_host"]

# Devices that every step has to be told to.
FAR = {"cuda"}

# Bytes on the tape, weights included, up to which the host is quicker. Measured with the embedded model on
# an H200 beside 16 slow cores: `explain` took 1.25 s on the GPU, 5.8 s the first time, as kernels have to
# be compiled; on the host 0.7 to 1.1 s, 3.0 s the first time. A sweep over a model of this limit takes the
# host about 20 ms, and Python 50 ms to tell a GPU about it.
SMALL = 1 << 25


def is_quicker_on_host(tape: Tape) -> bool:
    """Whether the numbers of a finished tape are elsewhere, and so few that questions are quicker here."""
    plain = tape.values and all(map(_is_plain, _ops(tape)))
    if not plain or any(node.held is None for node in _nodes(tape)):
        return False
    storages, devices = {}, set()
    for tensor in _tensors(tape):
        if tensor.layout != torch.strided:
            return False
        devices.add(tensor.device.type)
        storages[tensor.untyped_storage()._cdata] = tensor.untyped_storage().nbytes()
    return not FAR.isdisjoint(devices) and sum(storages.values()) <= SMALL


def bring_to_host(tape: Tape) -> None:
    """Give all nodes and constants of a finished tape their numbers on the host.

    Which tensor is which node stays as it is, so questions are asked about the same tensors as before.
    """
    copies = _Copies()
    for node in _nodes(tape):
        copies.move(node)
    for op in _ops(tape):
        op.args, op.kwargs = copies.of(op.args), copies.of(op.kwargs)
    for noted in tape.asides.steps:
        noted.results, noted.constants = copies.of(noted.results), copies.of(noted.constants)
    tape.asides.further = {op: copies.of(results) for op, results in tape.asides.further.items()}


class _Copies:
    """Tensors on the host in the place of others, which share memory where those did."""

    def __init__(self) -> None:
        self._storages: dict[int, Any] = {}
        # Keyed on identity, with the tensor itself, as another might get its number otherwise.
        self._tensors: dict[int, tuple[Tensor, Tensor]] = {}
        self._moved: set[Node] = set()

    def move(self, node: Node) -> None:
        """Give a node its numbers here."""
        if node not in self._moved and node.held is not None:
            self._moved.add(node)
            node.replace(self._copy(node.held))

    def of(self, given: Any) -> Any:
        """Arguments or results with every tensor, and the name of its device, replaced."""
        if isinstance(given, Tensor):
            return self._copy(given)
        if isinstance(given, torch.device):
            return torch.device("cpu")
        if isinstance(given, (list, tuple)):
            return type(given)([self.of(each) for each in given])
        if isinstance(given, Mapping):
            return {name: self.of(each) for name, each in given.items()}
        return given

    def _copy(self, tensor: Tensor) -> Tensor:
        known = self._tensors.get(id(tensor))
        if known is None:
            old = tensor.untyped_storage()
            storage = self._storages.get(old._cdata)
            if storage is None:
                storage = self._storages[old._cdata] = old.clone() if old.device.type == "cpu" else old.cpu()
            copy = torch.empty(0, dtype=tensor.dtype)
            copy.set_(storage, tensor.storage_offset(), tensor.size(), tensor.stride())
            known = self._tensors[id(tensor)] = tensor, copy
        return known[1]


def _ops(tape: Tape) -> Iterator[Op]:
    yield from tape.ops
    for noted in tape.asides.steps:
        yield noted.op


def _nodes(tape: Tape) -> Iterator[Node]:
    for op in _ops(tape):
        yield from op.inputs()
        yield from (out for out in op.outputs if out is not None)


def _tensors(tape: Tape) -> Iterator[Tensor]:
    yield from (node.held for node in _nodes(tape) if node.held is not None)
    for op in _ops(tape):
        yield from tensors_in((op.args, dict(op.kwargs)))
    for noted in tape.asides.steps:
        yield from tensors_in((noted.results, noted.constants))
    yield from tensors_in(tuple(tape.asides.further.values()))


def _is_plain(op: Op) -> bool:
    """Whether an operator runs on the host as on a GPU; what a user wrote for a GPU may not."""
    func = op.func
    return not isinstance(func, CustomFunction) and (
        not isinstance(func, OpOverload) or func.namespace == "aten"
    )
