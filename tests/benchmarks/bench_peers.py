"""The approach of Du et al. (2023), one Python object per tensor and products written down, beside ours.

Their public code wraps every tensor in a graph object whose backward pass broadcasts: all products of a
matrix product exist at once. Here that is written in its simplest form, for the maximum over scalar paths
of a network of Linear and ReLU layers, at sizes at which it fits into memory. Figures are multiples of
autograd's forward and backward pass.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

import semiring_widgets as sw
from tests.benchmarks.measuring import Report, interleaved

WIDTHS = [64, 256, 768]
ROWS, LAYERS = 16, 4


class Tracked:
    """A tensor, the tensor it was made from, and how a cotangent (log |weight|) goes back."""

    def __init__(self, value: Tensor, source: Tracked | None, back: Callable[[Tensor], Tensor]) -> None:
        self.value, self.source, self.back = value, source, back

    def linear(self, layer: nn.Linear) -> Tracked:
        logs = layer.weight.detach().abs().log()
        value = nn.functional.linear(self.value, layer.weight.detach(), layer.bias.detach())
        return Tracked(value, self, lambda beta: (beta[:, :, None] + logs[None]).amax(1))

    def relu(self) -> Tracked:
        open_ = torch.where(self.value > 0, 0.0, float("-inf"))
        return Tracked(self.value.relu(), self, lambda beta: beta + open_)

    def best(self) -> Tensor:
        """Log |weight| of the best path from the first tensor to any element of this one."""
        node, beta = self, torch.zeros_like(self.value)
        while node.source is not None:
            beta, node = node.back(beta), node.source
        return beta


def main() -> None:
    """Measure, print and write."""
    report = Report("peers")
    for width in WIDTHS:
        torch.manual_seed(0)
        layers = [nn.Linear(width, width) for _ in range(LAYERS)]
        inputs = torch.randn(ROWS, width)
        cases = _cases(layers, inputs)
        # Both find the same numbers, or the comparison means nothing.
        assert torch.allclose(cases["max"](), cases["object per tensor"](), rtol=1e-4, atol=1e-3)
        taken = interleaved(cases)
        unit = taken.pop("autograd")
        report.add(width=width, autograd_ms=unit * 1e3, **{name: t / unit for name, t in taken.items()})
    print(report.write())


def _cases(layers: list[nn.Linear], inputs: Tensor) -> dict[str, Callable[[], Tensor]]:
    def forward(x: Tensor) -> Tensor:
        for layer in layers:
            x = layer(x).relu()
        return x.sum()

    def autograd() -> Tensor:
        x = inputs.clone().requires_grad_()
        return torch.autograd.grad(forward(x), x)[0]

    def ours() -> Tensor:
        with sw.record() as tape:
            x = inputs.clone()
            score = forward(x)
        return sw.backprop(tape, score, wrt=x, semiring="max").log_weight

    def peer() -> Tensor:
        x = Tracked(inputs, None, lambda beta: beta)
        for layer in layers:
            x = x.linear(layer).relu()
        return x.best()

    return {"autograd": autograd, "max": ours, "object per tensor": peer}


if __name__ == "__main__":
    main()
