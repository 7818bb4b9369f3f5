"""Grad-CAM and Integrated Grad-CAM: feature maps of one layer, weighed by the gradient.

With A_k the k-th feature map of a layer, at input x, Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391) is

    sum over k of  mean over places of (d score / d A_k)  ·  A_k,

and Captum computes it. Integrated Grad-CAM (Sattarzadeh et al. 2021, arXiv 2102.07805) puts in its place the
path integral of such terms along the straight line x(t) from a baseline to the input,

    sum over k of  integral over t from 0 to 1 of  mean over places of (d score / d A_k at x(t))  ·
    (A_k at x(t) - A_k at the baseline)  dt,

here by the middles of equal steps. The paper's figure of the method has the same points, weights and
differences of maps, and three things that differ:

- each term is rectified, max(0, sum over k), before the terms are added: ``rectified=True`` here. Without it,
  the default, a place that speaks against the score is told as such, as in Captum's Grad-CAM.
- the points are the ends of the steps, t = 1/m, ..., 1, and their sum is not divided by m. Middles are nearer
  to the integral, and the factor changes no order.
- the baseline is a black picture; here it is whatever the caller gives.

The authors' code (github.com/smstrzd/IntegratedGradCAM) departs from that figure: it takes m = 50 points from
t = 0 on, and the maps themselves in the place of their differences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn

from semiring_widgets.errors import InputError

__all__ = ["grad_cam", "integrated_grad_cam"]

Forward = Callable[[Tensor], Tensor]


def grad_cam(forward: Forward, layer: nn.Module, inputs: Tensor) -> Tensor:
    """Captum's Grad-CAM.

    Args:
        forward: from inputs to scores, shape (B,).
        layer: a module that gives feature maps, shape (B, channels, rows, columns).
        inputs: shape (B, ...).

    Returns:
        Shape (B, 1, rows, columns).
    """
    with torch.no_grad():
        _map_and_score(forward, layer, inputs)  # refuses a layer without maps
    found: Tensor = LayerGradCam(forward, layer).attribute(inputs)
    return found.detach()


def integrated_grad_cam(
    forward: Forward,
    layer: nn.Module,
    inputs: Tensor,
    baseline: Tensor,
    steps: int = 20,
    *,
    rectified: bool = False,
) -> Tensor:
    """Integrated Grad-CAM.

    Args:
        forward: from inputs to scores, shape (B,).
        layer: a module that gives feature maps, shape (B, channels, rows, columns).
        inputs: shape (1, ...).
        baseline: where the line begins, of the same shape.
        steps: how many points of the line.
        rectified: whether what is negative at a point of the line is left out, as in the paper.

    Returns:
        Shape (1, 1, rows, columns); signed unless it is rectified.
    """
    with torch.no_grad():
        start, _ = _map_and_score(forward, layer, baseline)
    total = torch.zeros_like(start[:, :1])
    for step in range(steps):
        point = baseline + (step + 0.5) / steps * (inputs - baseline)
        with torch.enable_grad():
            maps, score = _map_and_score(forward, layer, point.detach().requires_grad_())
            (slopes,) = torch.autograd.grad(score.sum(), maps)
        weights = slopes.mean((2, 3), keepdim=True)
        term = (weights * (maps.detach() - start)).sum(1, keepdim=True)
        total += (term.clamp(min=0) if rectified else term) / steps
    return total


def _map_and_score(forward: Forward, layer: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    noted: list[Any] = []

    def note(module: nn.Module, inputs: Any, output: Any) -> Any:
        noted.append(output)
        # An operation in place that follows would change what was noted.
        return output.clone() if isinstance(output, Tensor) else None

    handle = layer.register_forward_hook(note)
    try:
        score = forward(x)
    finally:
        handle.remove()
    if not noted or not isinstance(noted[-1], Tensor) or noted[-1].dim() != 4:
        raise InputError("layer= gives no feature maps, shape (batch, channels, rows, columns).")
    return noted[-1], score
