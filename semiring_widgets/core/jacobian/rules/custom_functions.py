"""Steps with a backward of their own: their Jacobian is read off that backward, whatever the forward did.

A Jacobian of any size cannot be written out, but most are block diagonal: the first k dimensions of input and
output name the same independent problems (all of them for a pointwise step, all but the last for one that
treats every token alone). The largest such k is found, the blocks are read off with one cotangent per element
of a block, and the result is checked against random cotangents. As these have several lengths, a backward
that is not linear (it clips, it divides by the length) fails the check: it is no derivative of anything.

Operators of other libraries, made with `torch.library`, have such a backward as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.dense import Dense
from semiring_widgets.core.jacobian.blocks.elementwise import Elementwise
from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.jacobian.rules.call import Call
from semiring_widgets.core.jacobian.rules.explicit_jacobian import ANOTHER_RESULT, is_same_result
from semiring_widgets.core.tape import CustomFunction, Node, is_close, probes
from semiring_widgets.errors import SemiringWidgetsError, UnsupportedOpError

__all__ = ["operator_rule", "rule"]

# Largest number of entries of all blocks together, and of cotangents (one backward each) to find them.
_ENTRIES = 1 << 25
_CALLS = 1 << 14


def rule(call: Call) -> Iterator[Edge]:
    """Local derivatives of one call of a `torch.autograd.Function`."""
    function: CustomFunction = call.op.func
    if any(t is not None and t.is_complex() for t in (*function.inputs, *function.outputs)):
        raise _refusal(call, "it takes or gives complex numbers")
    for position, target in call.outputs():
        yield from _edges_to(call, function, call.op.args, target, position)


def operator_rule(call: Call) -> Iterator[Edge]:
    """Local derivatives of an operator that is not PyTorch's own."""
    leaves = {source: call.value(source).detach().requires_grad_() for source in call.sources}
    with torch.inference_mode(False), torch.enable_grad():
        results = call.run(lambda node: leaves[node] if node in leaves else call.value(node))
    outputs = tuple([r if isinstance(r, Tensor) and r.requires_grad else None for r in results])
    function = CustomFunction(call.op.name, tuple(leaves.values()), outputs)
    for position, target in call.outputs():
        if not is_same_result(results[position].detach(), call.value(target), target.dtype):
            raise call.refuse(ANOTHER_RESULT)
        if outputs[position] is not None:
            yield from _edges_to(call, function, tuple(leaves), target, position)


class _Pull:
    """Backward from one output to one input, which may be several arguments."""

    def __init__(
        self, call: Call, function: CustomFunction, args: Sequence[Any], source: Node, position: int
    ) -> None:
        self._call, self._function, self._position = call, function, position
        self._places = [i for i, node in enumerate(args) if node is source]

    def __call__(self, cotangent: Tensor) -> Tensor:
        given: list[Tensor | None] = [None] * len(self._function.outputs)
        given[self._position] = cotangent
        try:
            grads = self._function.pull(given)
        except SemiringWidgetsError:
            raise
        except Exception as error:  # a backward is anybody's code
            raise _refusal(self._call, f"its backward fails ({error})") from error
        return torch.stack([grads[i].to(self._call.dtype) for i in self._places]).sum(0)

    def directions(self) -> Iterator[Tensor]:
        """Random cotangents."""
        chosen = [out if i == self._position else None for i, out in enumerate(self._function.outputs)]
        for cotangents in probes(chosen):
            cotangent = cotangents[self._position]
            if cotangent is not None:
                yield cotangent


def _edges_to(
    call: Call, function: CustomFunction, args: Sequence[Any], target: Node, position: int
) -> Iterator[Edge]:
    for source in call.sources:
        if source.shape.numel() and target.shape.numel():
            yield from _edges_between(call, _Pull(call, function, args, source, position), source, target)


def _edges_between(call: Call, pull: _Pull, source: Node, target: Node) -> Iterator[Edge]:
    shared = 0
    for one, other in zip(source.shape, target.shape, strict=False):
        if one != other:
            break
        shared += 1
    smallest = 0
    for k in range(shared, -1, -1):
        problems = math.prod(source.shape[:k])
        inner = math.prod(target.shape[k:])
        smallest = problems * math.prod(source.shape[k:]) * inner
        if smallest > _ENTRIES or inner > _CALLS:
            break
        if not _may_be_independent(pull, target, k, problems):
            continue
        blocks = _independent_blocks(pull, source, target, k, problems, inner)
        if all(
            is_close(_block_product(blocks, direction.to(call.dtype), source), pull(direction), target.dtype)
            for direction in pull.directions()
        ):
            if bool(blocks.any()):
                yield _edge_of_blocks(call, source, target, blocks)
            return
    else:
        raise _refusal(call, "its backward is not linear in the cotangent, so there is no local derivative")
    raise _refusal(
        call,
        f"its backward treats neither elements nor rows alone, and its Jacobian would have {smallest:,} "
        f"entries",
    )


def _may_be_independent(pull: _Pull, target: Node, k: int, problems: int) -> bool:
    """A cheap look: do cotangents of every second problem leave the others alone?"""
    if problems == 1:
        return True
    even = torch.arange(problems, device=target.device) % 2 == 0
    direction = next(pull.directions()).reshape(problems, -1).masked_fill(~even[:, None], 0.0)
    reached = pull(direction.reshape(target.shape)).reshape(problems, -1)
    return not bool(reached[~even].any())


def _independent_blocks(pull: _Pull, source: Node, target: Node, k: int, problems: int, inner: int) -> Tensor:
    """(problems, n_source, n_target)."""
    columns = []
    for column in range(inner):
        cotangent = torch.zeros(problems, inner, device=target.device)
        cotangent[:, column] = 1.0
        columns.append(pull(cotangent.reshape(target.shape)).reshape(problems, -1))
    return torch.stack(columns, -1)


def _block_product(blocks: Tensor, cotangent: Tensor, source: Node) -> Tensor:
    return (blocks @ cotangent.reshape(blocks.shape[0], -1, 1)).reshape(source.shape)


def _edge_of_blocks(call: Call, source: Node, target: Node, blocks: Tensor) -> Edge:
    if blocks.shape[1:] == (1, 1):
        derivative = blocks.reshape(target.shape)
        pointwise = Elementwise(
            source.shape, target.shape, target.shape, target.shape, derivative, call.dtype, derivative.device
        )
        return call.edge(source, target, pointwise)
    return call.edge(source, target, Dense(source.shape, target.shape, blocks))


def _refusal(call: Call, why: str) -> UnsupportedOpError:
    return UnsupportedOpError(
        f"{call.op.where} has no paths: {why}. Use the model's plain PyTorch implementation of this step, "
        f"whose operators can be recorded."
    )
