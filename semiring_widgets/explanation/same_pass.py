"""Whether the pass that is explained is the model's own: the two have one score."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from semiring_widgets.errors import InputError
from semiring_widgets.explanation.families import logits_of

__all__ = ["alike", "check_same", "scale_of"]

# Relative to the largest logit. Two calls round alike but for the order in which a GPU adds; a recorded
# attention is computed by its parts, which rounds otherwise than a fused one.
_CALLED = {torch.float64: 1e-9, torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 5e-2}
_RECORDED = {torch.float64: 1e-7, torch.float32: 1e-3, torch.float16: 3e-2, torch.bfloat16: 2e-1}


def scale_of(output: Any) -> float:
    """The largest finite number that a model gives in size: what the rounding of its scores goes by."""
    found = logits_of(output)
    if found is None:
        found = getattr(output, "last_hidden_state", None)
    if not isinstance(found, Tensor):
        return 0.0
    return float(found.nan_to_num(0, 0, 0).abs().max()) if found.numel() else 0.0


def alike(model: nn.Module, one: Tensor, other: Tensor) -> bool:
    """Whether two calls of a model give the same numbers up to rounding, relative to the largest.

    Args:
        model: what was called.
        one: of the one call.
        other: of the other one, the same shape.
    """
    if one.shape != other.shape:
        return False
    scale = float(one.nan_to_num(0, 0, 0).abs().max())
    # Texts of other lengths are multiplied in other blocks, so they round as recorded ones do.
    tolerance = max(_RECORDED.get(kind, 0.0) for kind in {one.dtype, *(p.dtype for p in model.parameters())})
    return torch.allclose(one.double(), other.double(), rtol=0.0, atol=tolerance * scale, equal_nan=True)


def check_same(model: nn.Module, real: float, found: Tensor, scale: float, *, recorded: bool = False) -> None:
    """Compare the score of the model's own call with that of the call from its embeddings.

    Args:
        model: what was called.
        real: score of ``model(input_ids=...)``.
        found: score of the other pass, shape (1,).
        scale: see `scale_of`.
        recorded: the other pass was recorded.

    Raises:
        InputError: they differ by more than rounding.
    """
    tolerance = (_RECORDED if recorded else _CALLED).get(found.dtype, 1e-2)
    precision = {parameter.dtype for parameter in model.parameters()}
    tolerance = max([tolerance, *((_RECORDED if recorded else _CALLED).get(kind, 0.0) for kind in precision)])
    if abs(float(found[0]) - real) <= tolerance * max(scale, abs(real)):
        return
    name = type(model).__name__
    raise InputError(
        f"{name} gives a score of {real:.6g} for the text, and {float(found[0]):.6g} when it is called once "
        f"more from the same embeddings. Either it, or score=, draws random numbers although it is in "
        f"eval mode (dropout that is always on, hashing without a seed), or keeps something from one call to "
        f"the next; what would be explained is not its answer. Make model(input_ids=...) repeatable first."
    )
