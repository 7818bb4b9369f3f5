"""Operators in half precision: derivatives are those of float64 at the same numbers."""

from functools import partial

import pytest
import torch
from torch.utils._pytree import tree_map

import semiring_widgets as sw
from semiring_widgets.errors import SemiringWidgetsError
from tests.core.databases import operators, score_of
from tests.lanes import every, slow_but

SAMPLES = 2
OPERATORS = operators(torch.bfloat16)
# A part of the largest derivative: what a result in bfloat16 may be off, as steps between are rounded, too.
NEAR = 5e-2
# It looks into a pixel by half of its numbers: rounding them is another place with another slope.
ROUGH = {"grid_sampler_2d", "grid_sampler_3d", "nn_functional_grid_sample"}


def in_float64(sample):
    """The same call and leaves with every half-precision number widened."""
    known = {}

    def widen(leaf):
        if not isinstance(leaf, torch.Tensor) or leaf.dtype != torch.bfloat16:
            return leaf
        return known.setdefault(id(leaf), leaf.detach().double().requires_grad_(leaf.requires_grad))

    call = sample.call
    wide = partial(call.func, *tree_map(widen, call.args), **tree_map(widen, call.keywords))
    return wide, [known.get(id(leaf), leaf) for leaf in sample.wrt]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", slow_but((name for name in OPERATORS if name not in ROUGH), every(5)))
def test_derivatives_are_right(name):
    torch.manual_seed(0)
    asked = False
    samples = [sample for sample in OPERATORS[name]() if sample.wrt]
    for sample in samples[:: max(1, len(samples) // SAMPLES)][:SAMPLES]:
        wide, leaves = in_float64(sample)
        try:
            torch.manual_seed(0)
            expected = torch.autograd.grad(score_of(wide()), leaves, allow_unused=True)
        except (RuntimeError, TypeError):  # the operator insists on half precision
            continue
        try:
            torch.manual_seed(0)
            with sw.record() as tape:
                score = score_of(sample.call())
            results = sw.backprop(tape, score, wrt=sample.wrt)
        except SemiringWidgetsError:
            continue
        asked = True
        for result, gradient in zip(results, expected, strict=True):
            if gradient is not None and gradient.numel():
                finite = gradient[gradient.isfinite()].abs()
                near = NEAR * float(finite.max().clamp(min=0.1)) if finite.numel() else 0.0
                torch.testing.assert_close(
                    result.value.double(), gradient.double(), rtol=0, atol=near, equal_nan=True
                )
    if not asked:
        pytest.skip("No sample runs in float64 as well and is recorded.")
