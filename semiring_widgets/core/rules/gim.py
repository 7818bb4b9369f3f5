"""Gradient interaction modifications: a gradient that saturates less in attention and norms."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from semiring_widgets.core.jacobian import Edge
from semiring_widgets.core.rules.rule import Rule
from semiring_widgets.core.rules.step import Step

__all__ = ["GIM"]

_TEMPERATURE = 2.0


class GIM(Rule):
    """GIM (Edin et al. 2025, https://arxiv.org/abs/2505.17630), as its package ``gim-explain`` computes it.

    Norm denominators are constants; the derivative of a softmax is taken as if its logits were divided by 2;
    a product of two computed matrices gives half to each, so queries, keys and values get a quarter, a
    quarter and a half.
    """

    name = "gim"
    constant = ("norm",)

    def softmax(self, step: Step) -> Sequence[Edge]:
        if step.op.func.overloadpacket is torch.ops.aten.exp:
            return step.slopes({step.inputs[0]: (step.value(step.inputs[0]) / _TEMPERATURE).exp()})
        shares, total = step.op.args
        flat = step.value(shares) ** (1 / _TEMPERATURE)
        dims = [d for d, (n, m) in enumerate(zip(shares.shape, total.shape, strict=True)) if n != m]
        below = flat.sum(dims, keepdim=True)
        return step.derivatives({shares: flat, total: below.masked_fill(below == 0, 1.0)})

    def matmul(self, step: Step) -> Sequence[Edge]:
        return step.shared(0.5)
