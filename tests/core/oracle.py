"""All paths of a small tape, one by one: explicit Jacobians of every operator, then a walk over all edges.

Independent of the package's derivative rules: each Jacobian is torch.autograd's own, in float64.
"""

import math
import operator

import torch

from semiring_widgets.core.anatomy.step_places import legs_with_steps
from semiring_widgets.core.tape import fill

aten = torch.ops.aten
# Autograd has no formula for the functional copy, and reads as_strided from the storage, not the tensor.
SIMPLE = {aten.copy.default, aten.as_strided.default, aten.as_strided_scatter.default}


def simple(op, replace):
    """The same three operators, written with indices."""
    first = replace(op.args[0])
    if op.func is aten.copy.default:
        return replace(op.args[1]).expand(first.shape) + 0 * first
    places = torch.arange(first.numel()).as_strided(*op.args[-3:])
    if op.func is aten.as_strided.default:
        return first.reshape(-1)[places]
    written = replace(op.args[1]).reshape(-1)
    return first.reshape(-1).index_put((places.reshape(-1),), written).reshape(first.shape)


def jacobians(op):
    """(source node, target node, matrix (n_source, n_target)) of one recorded operator."""
    for source in dict.fromkeys(op.inputs()):

        def run(x, source=source):
            def replace(node):
                real = (x if node is source else node.value.double()).contiguous()
                return torch.view_as_complex(real) if node.complex else real

            kwargs = {name: value for name, value in op.kwargs.items() if name != "dtype"}
            if op.outputs[0].complex and "dtype" in op.kwargs:
                kwargs["dtype"] = torch.complex128
            out = (
                simple(op, replace)
                if op.func in SIMPLE
                else op.func(*fill(op.args, replace), **fill(kwargs, replace))
            )
            outs = out if isinstance(out, (tuple, list)) else (out,)
            return tuple(
                torch.view_as_real(o.resolve_conj()) if n.complex else o
                for o, n in zip(outs, op.outputs, strict=True)
                if n is not None
            )

        found = torch.autograd.functional.jacobian(run, source.value.double())
        targets = [n for n in op.outputs if n is not None]
        for target, matrix in zip(targets, found, strict=True):
            flat = matrix.reshape(max(1, math.prod(target.shape)), max(1, math.prod(source.shape)))
            yield source, target, flat.T


def all_paths(tape, score, x, join=operator.mul, start=1.0):
    """{flat element of x: [joined weights, by default the product, of every path without a weight of 0]}."""
    ahead = {}
    for op in tape.ops:
        for source, target, matrix in jacobians(op):
            ahead.setdefault(source, []).append((target, matrix))
    end, begin = tape.node(score), tape.first_node(x)

    def follow(node, element, weight):
        if node is end:
            yield weight
            return
        for target, matrix in ahead.get(node, ()):
            row = matrix[element]
            for reached in row.nonzero().flatten().tolist():
                yield from follow(target, reached, join(weight, float(row[reached])))

    return {element: list(follow(begin, element, start)) for element in range(begin.value.numel())}


def legs_of(anatomy, hops):
    """The route of a path, read step by step and not at stations."""
    passages = [(hop.edge.source, hop.source, hop.edge.target, hop.target) for hop in hops]
    return tuple(leg for _, _, leg in legs_with_steps(anatomy, passages))
