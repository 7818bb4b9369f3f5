"""Norms and softmaxes that the tape holds as arithmetic, each as the one step that it was.

A graph counts their steps one by one; to run them again, nine passes over a tensor are one. The numbers are
the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from copy import copy
from functools import partial

import torch

from semiring_widgets.core.replay.operators import stabiliser
from semiring_widgets.core.replay.program import Program, Slot, Step
from semiring_widgets.core.tape import Node, Op

__all__ = ["with_whole_steps"]

aten = torch.ops.aten
_NORM = [aten.mean, aten.sub, aten.pow, aten.mean, aten.add, aten.rsqrt, aten.mul]
_AFFINE = [aten.mul, aten.add]
_SOFTMAX = [aten.sub, aten.exp, aten.sum, aten.div]


def with_whole_steps(program: Program, needed: Collection[Slot]) -> Program:
    """The same program, where nothing from within a norm or softmax is needed elsewhere.

    Args:
        program: the steps.
        needed: slots that are replaced or asked for.
    """
    takers: dict[Slot, list[int]] = {}
    for position, step in enumerate(program.steps):
        for slot in step.takes:
            takers.setdefault(slot, []).append(position)
    steps: list[Step] = []
    for positions in _runs(program.steps):
        own = [program.steps[n] for n in positions]
        inside = {slot for step in own[:-1] for slot in step.gives}
        lonely = all(set(takers.get(slot, ())) <= set(positions) for slot in inside if slot is not None)
        whole = _whole(own) if lonely and inside.isdisjoint(needed) else None
        steps += own if whole is None else [whole]
    found = copy(program)
    found.steps = steps
    found.made = {slot: n for n, step in enumerate(steps) for slot in step.gives if slot is not None}
    return found


def _runs(steps: Sequence[Step]) -> Iterator[list[int]]:
    """Positions of steps, those side by side of one composite operator together."""
    run: list[int] = []
    for position, step in enumerate(steps):
        scope = step.op.scope
        if run and (not scope.instance or scope.instance != steps[run[-1]].op.scope.instance):
            yield run
            run = []
        run.append(position)
    if run:
        yield run


def _whole(steps: Sequence[Step]) -> Step | None:
    if len(steps) == 1 or any(step.checks for step in steps):
        return None
    ops = [step.op for step in steps]
    made, composite = ops[-1].outputs[0], ops[-1].scope.composite
    if made is None or len({node.dtype for op in ops for node in op.inputs()} | {made.dtype}) > 1:
        return None
    if composite in ("layer_norm", "native_layer_norm"):
        args, func = _norm_of(ops), aten.layer_norm.default
    elif composite == "softmax":
        args, func = _softmax_of(ops), aten._softmax.default
    else:
        return None
    if args is None:
        return None
    op = Op(ops[-1].index, func, args, {}, (made,), ops[-1].scope)
    return Step(op, tuple(dict.fromkeys(op.inputs())), (made,), {})


def _norm_of(ops: Sequence[Op]) -> tuple[object, ...] | None:
    """Arguments of the layer norm that these are the steps of; None if they are of another."""
    packets = [getattr(op.func, "overloadpacket", None) for op in ops]
    further = packets[len(_NORM) :]
    if packets[: len(_NORM)] != _NORM or further != _AFFINE[: len(further)]:
        return None
    mean, sub, power, spread, add, rsqrt, product, *affine = ops
    x, dims = mean.args[:2]
    centred = sub.outputs[0]
    chained = (
        sub.args == (x, mean.outputs[0])
        and power.args == (centred, 2)
        and spread.args[:2] == (power.outputs[0], dims)
        and add.args[0] is spread.outputs[0]
        and isinstance(add.args[1], float)
        and rsqrt.args == (add.outputs[0],)
        and product.args == (centred, rsqrt.outputs[0])
        and all(op.args[0] is before.outputs[0] for before, op in zip(ops[6:], affine, strict=False))
    )
    shape = list(x.shape[len(x.shape) - len(dims) :])
    given = [op.args[1] for op in affine]
    fits = all(isinstance(node, Node) and list(node.shape) == shape for node in given)
    if not chained or not fits or list(dims) != list(range(-len(dims), 0)):
        return None
    return (x, shape, *given, *[None] * (2 - len(given)), add.args[1])


def _softmax_of(ops: Sequence[Op]) -> tuple[object, ...] | None:
    """The same for a softmax, whose largest exponent is the first of the steps."""
    packets = [getattr(op.func, "overloadpacket", None) for op in ops[1:]]
    first = ops[0].func
    if packets != _SOFTMAX or not (isinstance(first, partial) and first.func is stabiliser):
        return None
    shift, sub, exp, total, quotient = ops
    x, dims = shift.args[0], total.args[1]
    chained = (
        sub.args == (x, shift.outputs[0])
        and exp.args == (sub.outputs[0],)
        and total.args[0] is exp.outputs[0]
        and quotient.args == (exp.outputs[0], total.outputs[0])
    )
    return (x, dims[0], False) if chained and len(dims) == 1 else None
