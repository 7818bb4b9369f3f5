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
from semiring_widgets.core.tape import CustomFunction, Op
from semiring_widgets.errors import SemiringWidgetsError

__all__ = ["Rule", "edges_of", "register", "rule_of"]

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


# The names of the ATen operators that each rule is for.
_ATEN: dict[Rule, str] = {
    matmul.linear_rule: "linear",
    matmul.rule: "mm bmm addmm baddbmm mv addmv dot",
    convolutions.rule: "convolution",
    reductions.rule: """
        sum mean amax amin prod var std nansum logsumexp linalg_vector_norm norm var_mean std_mean
    """,
    movement.rule: """
        index index_select gather take masked_select _unsafe_index masked_scatter
        roll flip rot90 stack repeat copy split_with_sizes_copy tril triu diag_embed
        as_strided_scatter slice_scatter select_scatter diagonal_scatter
        im2col unfold pixel_shuffle pixel_unshuffle
        constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d
        replication_pad1d replication_pad2d replication_pad3d
    """,
    movement.cat_rule: "cat",
    movement.ordering_rule: "max min sort topk kthvalue median nanmedian mode cummax cummin",
    movement.view_rule: "_unsafe_view",
    scatter.rule: """
        index_put _unsafe_index_put put index_copy index_add index_reduce scatter scatter_add scatter_reduce
    """,
    scatter.folding_rule: "col2im",
    lookup_tables.rule: "embedding",
    lookup_tables.bag_rule: "_embedding_bag _embedding_bag_forward_only",
    pooling.maximum_rule: """
        max_pool2d_with_indices max_pool3d_with_indices adaptive_max_pool2d adaptive_max_pool3d
        fractional_max_pool2d fractional_max_pool3d
    """,
    pooling.average_rule: "avg_pool2d avg_pool3d",
    pooling.unpooling_rule: "max_unpool2d max_unpool3d",
    resampling.linear_rule: """
        _adaptive_avg_pool2d _adaptive_avg_pool3d upsample_linear1d upsample_bilinear2d upsample_bicubic2d
        upsample_trilinear3d _upsample_bilinear2d_aa _upsample_bicubic2d_aa
    """,
    resampling.grid_rule: "grid_sampler_2d grid_sampler_3d",
    explicit_jacobian.row_rule: "_softmax _log_softmax _safe_softmax cumsum cumprod logcumsumexp",
    explicit_jacobian.norm_rule: "native_layer_norm rms_norm _fused_rms_norm",
    explicit_jacobian.channel_rule: "_native_batch_norm_legit _native_batch_norm_legit_no_training",
    pointwise.rule: "complex polar _conj _neg_view",
    pointwise.fill_rule: "fill",
    copies.rule: "_to_copy",
    fourier.rule: "_fft_c2c _fft_r2c _fft_c2r",
    _constant: """
        zeros_like ones_like empty_like full_like rand_like randn_like
        new_zeros new_ones new_empty new_full new_empty_strided zero detach
        bernoulli normal bernoulli_ exponential_ normal_ random_ uniform_
        sign floor ceil round trunc
    """,
}
for _rule, _names in _ATEN.items():
    register(*(getattr(aten, name) for name in _names.split()))(_rule)
register(CustomFunction)(custom_functions.rule)

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
    movement.cat_rule,
    movement.view_rule,
}


def edges_of(call: Call) -> list[Edge]:
    """All edges that one operator makes between the nodes on paths.

    Raises:
        UnsupportedOpError: if there is no rule and the operator is too large for a dense Jacobian, or if
            taking its derivatives fails.
    """
    rule = rule_of(call.op)
    if call.complex and rule not in _FOR_COMPLEX:
        rule = explicit_jacobian.rule
    try:
        return list(rule(call))
    except SemiringWidgetsError:
        raise
    except (RuntimeError, IndexError) as error:
        # What an operator says when it is run again on something that its rule did not foresee.
        raise call.refuse(f"its local derivatives could not be taken ({error})") from error


def rule_of(op: Op) -> Rule:
    """The rule of an operator, as long as it takes no complex numbers."""
    func = op.func
    rule = _RULES.get(func.overloadpacket)
    if rule is not None:
        return rule
    if func.is_view:
        return movement.view_rule
    if torch.Tag.pointwise in func.tags:
        return pointwise.rule
    return explicit_jacobian.rule if func.namespace in _OWN else custom_functions.operator_rule
