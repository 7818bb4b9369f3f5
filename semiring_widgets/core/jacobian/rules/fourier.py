"""Discrete Fourier transforms: along one dimension they are a product with the matrix of sines and cosines.

A complex number is two units, so the matrix of a transform from n to m complex numbers has 2 n rows and 2 m
columns: unit (j, re) reaches (k, re) by cos(2 pi j k / n) and (k, im) by its sine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.chain import Chain
from semiring_widgets.core.jacobian.blocks.contraction import Contraction
from semiring_widgets.core.jacobian.blocks.strided import permuted
from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.jacobian.rules import explicit_jacobian
from semiring_widgets.core.jacobian.rules.call import Call
from semiring_widgets.core.semirings import Weight
from semiring_widgets.core.tape import Node

__all__ = ["rule"]


def rule(call: Call) -> Iterator[Edge]:
    """``aten._fft_c2c``, ``_fft_r2c``, ``_fft_c2r``; several dimensions in one step are a dense Jacobian."""
    dims = call.op.args[1]
    if len(dims) != 1:
        yield from explicit_jacobian.rule(call)
        return
    (source,), (target,) = call.sources, call.targets
    dim = dims[0] % len(source.outer)
    matrix = _transform_matrix(call, source, target, dim).to(call.dtype)
    ahead = permuted(source.shape, _dims_with_last(source, dim))
    last = _dims_with_last(target, dim)
    behind = permuted([target.shape[d] for d in last], [last.index(d) for d in range(len(last))])
    rows = source.outer.numel() // max(1, source.outer[dim])
    left, right = torch.Size((rows, matrix.shape[0])), torch.Size((rows, matrix.shape[1]))
    product = Contraction(left, right, Weight(matrix), swapped=False)
    yield call.edge(source, target, Chain(source.shape, target.shape, [ahead, product, behind]))


def _dims_with_last(node: Node, dim: int) -> list[int]:
    """The dimensions with ``dim`` (and after it real and imaginary part) last."""
    return [d for d in range(len(node.outer)) if d != dim] + [dim] + [len(node.outer)] * node.complex


def _transform_matrix(call: Call, source: Node, target: Node, dim: int) -> Tensor:
    """The transform of every unit alone, in float64: (units in, units out)."""
    each = (2,) * source.complex
    count = source.outer[dim] * (2 if source.complex else 1)
    basis = torch.eye(count, dtype=torch.float64, device=source.device)
    alone = replace(call, op=call.op.taking((source, [1], *call.op.args[2:]), call.op.kwargs))
    (made,) = alone.run(lambda node: basis.reshape(count, source.outer[dim], *each))
    matrix = made.reshape(count, -1)
    # Sines and cosines of multiples of 2 pi / n are 0 or at least 1 / n: what is smaller is rounding.
    longest = max(source.outer[dim], target.outer[dim], 1)
    return torch.where(matrix.abs() < 0.25 / longest * matrix.abs().max(), 0.0, matrix)
