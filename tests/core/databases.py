"""PyTorch's own samples of operators and modules, asked of us and of autograd."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

import semiring_widgets as sw
from semiring_widgets.errors import SemiringWidgetsError

SAME, REFUSED, NOT_A_NUMBER, WRONG = "same", "refused", "not a number", "wrong"
_WORST_FIRST = (WRONG, NOT_A_NUMBER, REFUSED, SAME)
_HALF = (torch.float16, torch.bfloat16, torch.complex32)


def floats(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor) and leaf.requires_grad]


def worst(asked: Iterable[tuple[Callable[[], Any], Sequence[Tensor]]]) -> str | None:
    """The worst verdict on several samples, each a call and what to differentiate by; None without any."""
    answers = {judgement[0] for call, wrt in asked if wrt and (judgement := judged(call, wrt)) is not None}
    return next((kind for kind in _WORST_FIRST if kind in answers), None)


def judged(call: Callable[[], Any], wrt: Sequence[Tensor]) -> tuple[str, str] | None:
    """How our sum-product relates to autograd, with what it says; None where autograd has no answer.

    The outputs are weighed by fixed random numbers, as a plain sum would hide transposed gradients.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.manual_seed(0)
            expected = torch.autograd.grad(_score(call()), list(wrt), allow_unused=True)
        except (RuntimeError, NotImplementedError, IndexError, TypeError):
            return None
        try:
            torch.manual_seed(0)
            with sw.record() as tape:
                out = call()
                score = _score(out)
            results = sw.backprop(tape, score, wrt=list(wrt), semiring="sum")
        except SemiringWidgetsError as error:
            return REFUSED, str(error)
    half = any(isinstance(leaf, Tensor) and leaf.dtype in _HALF for leaf in tree_leaves(out))
    verdict = SAME, ""
    for result, gradient, leaf in zip(results, expected, wrt, strict=True):
        gradient = torch.zeros_like(leaf) if gradient is None else gradient
        rtol, atol = (1e-2, 1e-2) if half else (1e-6, 1e-8)
        if torch.allclose(result.value, gradient, rtol=rtol, atol=atol, equal_nan=True):
            continue
        known = ~result.value.isnan()
        if torch.allclose(result.value[known], gradient[known], rtol=rtol, atol=atol):
            verdict = NOT_A_NUMBER, "NaN where autograd has a number"
        else:
            return WRONG, f"differs by {(result.value - gradient).abs().max():.3g}"
    return verdict


def _score(out: Any) -> Tensor:
    total: Any = 0.0
    for place, part in enumerate(tree_leaves(out)):
        if isinstance(part, Tensor) and (part.is_floating_point() or part.is_complex()):
            numbers = torch.view_as_real(part) if part.is_complex() else part
            noise = torch.Generator().manual_seed(place)
            weights = torch.randn(numbers.shape, generator=noise, dtype=torch.float64)
            total = total + (numbers.double() * weights).sum()
    return total
