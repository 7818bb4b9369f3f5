"""Rows looked up in tables, alone or summed up in bags, by the conventions that autograd keeps there.

The row of ``padding_idx`` gets no gradient, though the result holds it, and with ``scale_grad_by_freq`` each
look-up counts one part of as many as there are of its row. So do they here, under every semiring: a look-up
of the padding row is no edge, and one of a row that is looked up n times has the weight 1/n.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.chain import Chain
from semiring_widgets.core.jacobian.blocks.elementwise import Elementwise
from semiring_widgets.core.jacobian.blocks.gather import Gather
from semiring_widgets.core.jacobian.blocks.sparse import sparse_block
from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.jacobian.rules.call import Call
from semiring_widgets.core.tape import Node, fill

__all__ = ["bag_rule", "rule"]

aten = torch.ops.aten
_MEAN, _MAXIMUM = 1, 2
# Most derivatives of bags that are asked of autograd together.
_ENTRIES = 1 << 25


def rule(call: Call) -> Iterator[Edge]:
    """``aten.embedding``."""
    (source,), (target,) = call.sources, call.targets
    rows = call.named["indices"].reshape(-1).to(torch.int64)
    places = _elements_of_rows(rows, source)
    places = torch.where((rows == call.named["padding_idx"])[:, None], -1, places)
    if not call.named["scale_grad_by_freq"]:
        yield call.edge(source, target, Gather(source.shape, target.shape, places))
        return
    shape = places.shape
    parts = _shares_of_row(rows)[:, None].to(call.dtype)
    weighed = Elementwise(shape, shape, shape, shape, parts, call.dtype, target.device)
    picked = Gather(source.shape, shape, places)
    yield call.edge(source, target, Chain(source.shape, target.shape, [picked, weighed]))


def bag_rule(call: Call) -> Iterator[Edge]:
    """``aten._embedding_bag``: sums, means or maxima of the rows between two offsets."""
    target = call.op.outputs[0]
    if target is None or target not in call.targets:
        return
    given = call.named
    table, weights = given["weight"], given["per_sample_weights"]
    rows, offsets = given["indices"].to(torch.int64), given["offsets"].to(torch.int64)
    turns = (rows != given["padding_idx"]).nonzero().squeeze(-1)
    rows, bags = rows[turns], torch.searchsorted(offsets, turns, right=True) - 1
    if weights in call.sources:
        own = turns[:, None].expand(-1, target.shape[1])
        yield _bag_edge(call, weights, target, own, bags, call.value(table)[rows])
    if table not in call.sources:
        return
    if given["mode"] == _MAXIMUM:
        bags = bags.unique()
        largest = _rows_of_maxima(call)[bags] * target.shape[1] + _column_numbers(target, rows.device)
        yield _bag_edge(call, table, target, largest, bags, torch.ones_like(largest, dtype=call.dtype))
        return
    if given["scale_grad_by_freq"]:
        factor = _scaled_by_frequency(call, target.shape[0], turns, bags)
    else:
        factor = torch.ones_like(rows, dtype=call.dtype) if weights is None else call.value(weights)[turns]
        if given["mode"] == _MEAN:
            factor = factor / torch.bincount(bags)[bags]
    places = _elements_of_rows(rows, table)
    yield _bag_edge(call, table, target, places, bags, factor[:, None].expand_as(places))


def _scaled_by_frequency(call: Call, count: int, turns: Tensor, bags: Tensor) -> Tensor:
    """The derivative of each look-up in bags with ``scale_grad_by_freq``, as autograd has it.

    PyTorch before 2.14, on a CPU, divides by the count of another row than the one in question
    (https://github.com/pytorch/pytorch/issues/190063); the installed one is asked, so both agree here.
    """
    given = call.named
    names, rows = given["indices"].unique(return_inverse=True)
    if len(names) * count > _ENTRIES:
        raise call.refuse(f"{len(names):,} rows in {count:,} bags are too many with scale_grad_by_freq")
    padding = (names == given["padding_idx"]).nonzero()
    weights = given["per_sample_weights"]
    # One column for each bag: then one backward tells all of them apart.
    table = torch.zeros(len(names), count, dtype=call.dtype, device=rows.device)
    with torch.inference_mode(False), torch.enable_grad():
        sums = aten._embedding_bag(
            table.requires_grad_(),
            rows,
            given["offsets"].to(rows.dtype),
            True,
            given["mode"],
            False,
            None if weights is None else call.value(weights),
            given["include_last_offset"],
            int(padding) if len(padding) else -1,
        )[0]
        (found,) = torch.autograd.grad(sums, table, torch.eye(count, dtype=call.dtype, device=rows.device))
    pairs = rows[turns] * count + bags
    # Those of one row in one bag, which only count together.
    return found.reshape(-1)[pairs] / torch.bincount(pairs)[pairs]


def _rows_of_maxima(call: Call) -> Tensor:
    """The row that every element of a bag's maximum was taken from; of equal ones, PyTorch takes one."""
    with torch.no_grad():
        # The other form of the operator, for what requires no gradient, does not always say.
        found: Tensor = aten._embedding_bag(*fill(call.op.args, call.value), **call.op.kwargs)[3]
    return found.to(torch.int64)


def _bag_edge(call: Call, source: Node, target: Node, own: Tensor, bags: Tensor, weight: Tensor) -> Edge:
    """The edges of bags: where a row occurs twice in one, the derivatives add up."""
    size = target.shape.numel()
    reached = _elements_of_rows(bags, target)
    pairs, where = (own * size + reached).reshape(-1).unique(return_inverse=True)
    total = weight.new_zeros(len(pairs)).index_add_(0, where, weight.reshape(-1))
    return call.edge(
        source, target, sparse_block(source.shape, target.shape, pairs // size, pairs % size, total)
    )


def _shares_of_row(rows: Tensor) -> Tensor:
    """One part of the number of look-ups of the same row, for every look-up."""
    return 1 / torch.bincount(rows)[rows] if len(rows) else rows


def _elements_of_rows(rows: Tensor, table: Node) -> Tensor:
    """Flat index of every element of some rows (R,) of a table: (R, elements of a row)."""
    return rows[:, None] * table.shape[1:].numel() + _column_numbers(table, rows.device)


def _column_numbers(table: Node, device: torch.device) -> Tensor:
    return torch.arange(table.shape[1:].numel(), device=device)
