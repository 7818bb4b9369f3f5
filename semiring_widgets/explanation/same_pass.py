"""Whether the pass that is explained is the model's own, and that of one text: scores say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from semiring_widgets.errors import InputError
from semiring_widgets.explanation.families import logits_of

__all__ = ["alike", "check_apart", "check_same", "scale_of"]

Many = Sequence[Tensor]
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
    tolerance = _tolerance(model, one, _RECORDED) * scale
    return torch.allclose(one.double(), other.double(), rtol=0.0, atol=tolerance, equal_nan=True)


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
    tolerance = _tolerance(model, found, _RECORDED if recorded else _CALLED)
    if abs(float(found[0]) - real) <= tolerance * max(scale, abs(real)):
        return
    name = type(model).__name__
    raise InputError(
        f"{name} gives a score of {real:.6g} for the text, and {float(found[0]):.6g} when it is called once "
        f"more from the same embeddings. Either it, or score=, draws random numbers although it is in "
        f"eval mode (dropout that is always on, hashing without a seed), or keeps something from one call to "
        f"the next; what would be explained is not its answer. Make model(input_ids=...) repeatable first."
    )


def check_apart(model: nn.Module, run: Callable[..., Tensor], these: Many, those: Many, scale: float) -> None:
    """Find out whether a model looks from one example of a batch at another.

    Args:
        model: what is called.
        run: inputs of all streams, shape (B, T, D), to scores (B,).
        these: inputs of the examples.
        those: others, shaped alike; in two calls every second example has these instead.
        scale: see `scale_of`.

    Raises:
        InputError: an example's score follows the inputs of another one.
    """
    count = len(these[0])
    if count < 2:
        return
    second = torch.arange(count, device=these[0].device) % 2 == 1
    whole = run(*those)
    for swapped in (second, ~second):
        taken = [
            torch.where(swapped[:, None, None], one, other) for one, other in zip(these, those, strict=True)
        ]
        moved = (run(*taken) - whole)[~swapped].abs()
        if bool((moved > _tolerance(model, whole, _CALLED) * max(scale, float(whole.abs().max()))).any()):
            raise InputError(
                f"{type(model).__name__} looks from one example of a batch at another: a score changed by "
                f"{float(moved.max()):.3g} when the text beside it did. Ask one by one, with batch_size=1."
            )


def _tolerance(model: nn.Module, found: Tensor, by: Mapping[torch.dtype, float]) -> float:
    precision = {parameter.dtype for parameter in model.parameters()}
    return max([by.get(found.dtype, 1e-2), *(by.get(kind, 0.0) for kind in precision)])
