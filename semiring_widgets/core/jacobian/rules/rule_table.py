"""Which rule an ATen operator has: the one table from operators to rules.

Most operators need no line here: pointwise ones are recognised by their tag, views by their schema, and
derivatives are taken by autograd of the operator itself. `register` adds a line. What a rule knows of single
operators is in its own file; how composites are written as others is known to the tape (`tape.expansion`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from semiring_widgets.core.jacobian.edge import Edge
from semiring_widgets.core.jacobian.rules import (
    convolutions,
    copies,
    custom_functions,
    explicit_jacobian,
    fourier,
    lookup_tables,
    matmul,
    movement,
    pointwise,
    pooling,
    reductions,
    resampling,
    scatter,
)
from semiring_widgets.core.jacobian.rules.call import Call
from semiring_widgets.core.tape import CustomFunction
from semiring_widgets.errors import SemiringWidgetsError

__all__ = ["Rule", "edges_of", "register"]

aten = torch.ops.aten
Rule = Callable[[Call], Iterable[Edge]]
_RULES: dict[Any, Rule] = {}


def register(*packets: Any) -> Callable[[Rule], Rule]:
    """Decorator: use this rule for the given operators, such as ``torch.ops.aten.mm``.

    A rule gets a `Call` and yields edges: ``call.edge(source, target, block)``.
    """

    def add(rule: Rule) -> Rule:
        for packet in packets:
            _RULES[packet] = rule
        return rule

    return add


def _constant(call: Call) -> Iterable[Edge]:
    """The result does not depend on the input's values."""
    return ()


register(aten.linear)(matmul.linear_rule)
register(aten.mm, aten.bmm, aten.addmm, aten.baddbmm, aten.mv, aten.addmv, aten.dot)(matmul.rule)
register(aten.convolution)(convolutions.rule)
register(
    aten.sum,
    aten.mean,
    aten.amax,
    aten.amin,
    aten.prod,
    aten.var,
    aten.std,
    aten.nansum,
    aten.logsumexp,
    aten.linalg_vector_norm,
    aten.norm,
    aten.var_mean,
    aten.std_mean,
)(reductions.rule)
register(
    aten.index,
    aten.index_select,
    aten.gather,
    aten.roll,
    aten.flip,
    aten.cat,
    aten.stack,
    aten.repeat,
    aten.constant_pad_nd,
    aten.tril,
    aten.triu,
    aten.as_strided_scatter,
    aten.slice_scatter,
    aten.select_scatter,
    aten.diagonal_scatter,
    aten.copy,
    aten.im2col,
    aten.take,
    aten.pixel_shuffle,
    aten.pixel_unshuffle,
    aten.reflection_pad1d,
    aten.reflection_pad2d,
    aten.replication_pad1d,
    aten.replication_pad2d,
    aten.reflection_pad3d,
    aten.replication_pad3d,
    aten.masked_select,
    aten._unsafe_index,
    aten.diag_embed,
    aten.masked_scatter,
    aten.rot90,
    aten.unfold,
    aten.split_with_sizes_copy,
)(movement.rule)
register(
    aten.index_put,
    aten._unsafe_index_put,
    aten.put,
    aten.index_copy,
    aten.index_add,
    aten.index_reduce,
    aten.scatter,
    aten.scatter_add,
    aten.scatter_reduce,
)(scatter.rule)
register(aten.col2im)(scatter.folding_rule)
register(aten.embedding)(lookup_tables.rule)
register(aten._embedding_bag, aten._embedding_bag_forward_only)(lookup_tables.bag_rule)
register(
    aten.max_pool2d_with_indices,
    aten.max_pool3d_with_indices,
    aten.adaptive_max_pool2d,
    aten.adaptive_max_pool3d,
    aten.fractional_max_pool2d,
    aten.fractional_max_pool3d,
)(pooling.maximum_rule)
register(aten.avg_pool2d, aten.avg_pool3d)(pooling.average_rule)
register(aten.max_unpool2d, aten.max_unpool3d)(pooling.unpooling_rule)
register(
    aten._adaptive_avg_pool2d,
    aten._adaptive_avg_pool3d,
    aten.upsample_linear1d,
    aten.upsample_bilinear2d,
    aten.upsample_bicubic2d,
    aten.upsample_trilinear3d,
    aten._upsample_bilinear2d_aa,
    aten._upsample_bicubic2d_aa,
)(resampling.linear_rule)
register(aten.grid_sampler_2d, aten.grid_sampler_3d)(resampling.grid_rule)
register(
    aten.max,
    aten.min,
    aten.sort,
    aten.topk,
    aten.kthvalue,
    aten.median,
    aten.nanmedian,
    aten.mode,
    aten.cummax,
    aten.cummin,
)(movement.ordering_rule)
register(
    aten.zeros_like,
    aten.ones_like,
    aten.empty_like,
    aten.full_like,
    aten.rand_like,
    aten.randn_like,
    aten.new_zeros,
    aten.new_ones,
    aten.new_empty,
    aten.new_full,
    aten.new_empty_strided,
    aten.bernoulli,
    aten.normal,
    aten.bernoulli_,
    aten.exponential_,
    aten.normal_,
    aten.random_,
    aten.uniform_,
    aten.zero,
    aten.sign,
    aten.floor,
    aten.ceil,
    aten.round,
    aten.trunc,
    aten.detach,
)(_constant)
register(aten._softmax, aten._log_softmax, aten._safe_softmax, aten.cumsum, aten.cumprod, aten.logcumsumexp)(
    explicit_jacobian.row_rule
)
register(aten.native_layer_norm, aten.rms_norm, aten._fused_rms_norm)(explicit_jacobian.norm_rule)
register(aten._native_batch_norm_legit, aten._native_batch_norm_legit_no_training)(
    explicit_jacobian.channel_rule
)
register(aten._unsafe_view, aten._reshape_alias, aten.squeeze, aten.unsqueeze)(movement.view_rule)
register(aten.fill)(pointwise.fill_rule)
register(CustomFunction)(custom_functions.rule)
register(aten.complex, aten.polar, aten._conj, aten._neg_view)(pointwise.rule)
register(aten._to_copy)(copies.rule)
register(aten._fft_c2c, aten._fft_r2c, aten._fft_c2r)(fourier.rule)

# Where the operators of PyTorch itself are.
_OWN = {"aten", "prims"}
# The rules that tell real from imaginary parts; other operators on complex numbers are one dense Jacobian.
_FOR_COMPLEX = {
    _constant,
    scatter.rule,
    matmul.rule,
    lookup_tables.rule,
    fourier.rule,
    custom_functions.rule,
    copies.rule,
    pointwise.rule,
    reductions.rule,
    movement.rule,
    movement.view_rule,
}


def edges_of(call: Call) -> list[Edge]:
    """All edges that one operator makes between the nodes on paths.

    Raises:
        UnsupportedOpError: if there is no rule and the operator is too large for a dense Jacobian, or if
            taking its derivatives fails.
    """
    func = call.op.func
    rule = _RULES.get(func.overloadpacket)
    if rule is None:
        if func.is_view:
            rule = movement.view_rule
        elif torch.Tag.pointwise in func.tags:
            rule = pointwise.rule
        else:
            rule = explicit_jacobian.rule if func.namespace in _OWN else custom_functions.operator_rule
    if call.complex and rule not in _FOR_COMPLEX:
        rule = explicit_jacobian.rule
    try:
        return list(rule(call))
    except SemiringWidgetsError:
        raise
    except (RuntimeError, IndexError) as error:
        # What an operator says when it is run again on something that its rule did not foresee.
        raise call.refuse(f"its local derivatives could not be taken ({error})") from error
