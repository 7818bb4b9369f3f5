"""`explain_sound`: which frames of a sound made a model give its answer, and by which ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from semiring_widgets.checks import choice, memory_limit, shown, whole_number
from semiring_widgets.core.rules import Rule, find_rule
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.cells.cell_answer import CellOptions, answered
from semiring_widgets.explanation.cells.classes import asked_classes
from semiring_widgets.explanation.cells.pixels import entry_of, feeding
from semiring_widgets.explanation.cells.question import CellQuestion, check_cells, check_eval, cut
from semiring_widgets.results.cells import Grid, SoundExplanation
from semiring_widgets.vocabulary import GRANULARITIES

__all__ = ["explain_sound"]

# More frames than these are not tested one by one.
_MOST = 200
_RATE = 16_000


def explain_sound(
    model: nn.Module,
    processor: Any,
    sound: Any,
    target: str | int | None = None,
    contrast: str | int | None = None,
    *,
    reference: Any = None,
    rules: str | Rule = "secant",
    frames: int | None = None,
    rate: int | None = None,
    score: Callable[[Any], Tensor] | None = None,
    labels: Sequence[str] | None = None,
    granularity: str = "primitive",
    routes: int = 5,
    batch_size: int = 16,
    max_memory: int | None = None,
) -> SoundExplanation:
    """Which frames of a waveform made the score, tested and estimated, and where its paths run in the model.

    The same as `semiring_widgets.explain_image`, along time: the waveform is cut into frames, each is given
    the reference, and all paths from its samples to the score are summed.

    Args:
        model: a torch module of waveforms, such as a Wav2Vec2 class of transformers; in eval mode.
        processor: a feature extractor of transformers that gives ``input_values``, or a function from the
            sound to a tensor. None where ``sound`` is what the model takes.
        sound: samples, shape (samples,), an array or a tensor of floating-point numbers.
        target: see `semiring_widgets.explain_image`, like all that is not named here.
        contrast: see there.
        reference: what a frame is given: ``"zero"`` (silence), ``"mean"`` of the samples, or another sound of
            as many samples. None: ``"zero"``.
        rules: see there.
        frames: how many, 4,096 at most; None for those of the model, at most 200.
        rate: samples per second; None for the processor's, or 16,000.
        score: see there.
        labels: see there.
        granularity: see there.
        routes: see there.
        batch_size: see there.
        max_memory: see there.

    Returns:
        The `SoundExplanation`; it displays itself.

    Raises:
        InputError: as `semiring_widgets.explain_image`.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> model = torch.nn.Sequential(
        ...     torch.nn.Unflatten(1, (1, -1)), torch.nn.Conv1d(1, 4, 8, 4), torch.nn.GELU(),
        ...     torch.nn.AdaptiveAvgPool1d(1), torch.nn.Flatten(), torch.nn.Linear(4, 2),
        ... ).eval()
        >>> found = explain_sound(model, None, torch.randn(64), target=1, frames=4, routes=0)
        >>> difference = found.score.value - found.reference_score
        >>> bool(abs(found.effects().contribution.sum() - difference) < 1e-5)
        True
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"model is {shown(model)}; give a torch module that takes sounds.")
    check_eval(model)
    find_rule(rules)
    rate = _rate_of(processor) if rate is None else whole_number(rate, "rate")
    samples = _samples(model, processor, sound, rate, "sound")
    other, label = _reference(model, processor, samples, rate, reference)
    feed = feeding(model, "input_values")
    with torch.no_grad():
        output = feed(samples)
    asked = asked_classes(model, output, target, contrast, score, labels)
    length = samples.shape[1]
    count = _frames(model, length) if frames is None else whole_number(frames, "frames", most=length)
    check_cells(count, "frames")
    question = CellQuestion(
        model,
        lambda x: asked.asked(feed(x)),
        *(samples, other, label),
        Grid((0, 1), cut(length, count)),
        asked.score,
        "frame",
        whole_number(batch_size, "batch_size"),
    )
    options = CellOptions(
        rules,
        choice(granularity, "granularity", GRANULARITIES),
        whole_number(routes, "routes", least=0),
        memory_limit(max_memory),
    )
    found = answered(question, options, asked.best)
    wave = samples[0].detach().cpu().float().numpy()
    found["dataset"] = found["dataset"].assign(waveform=(("sample",), wave))
    return SoundExplanation(**found, rate=rate)


def _rate_of(processor: Any) -> int:
    extractor = getattr(processor, "feature_extractor", processor)
    return int(getattr(extractor, "sampling_rate", None) or _RATE)


def _samples(model: nn.Module, processor: Any, sound: Any, rate: int, what: str) -> Tensor:
    if processor is None:
        found: Any = sound
    else:
        extracts = hasattr(processor, "sampling_rate") or hasattr(processor, "feature_extractor")
        try:
            if extracts:
                given = np.asarray(sound)
                if np.issubdtype(given.dtype, np.integer):
                    raise InputError(
                        f"{what} holds whole numbers, and the processor takes samples from -1 to 1; give "
                        f"those, such as sound / 32768 of 16 bits."
                    )
                found = processor(given.astype(np.float32), sampling_rate=rate, return_tensors="pt")
            else:
                found = processor(sound)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"processor failed on {what}, {shown(sound)}, with {type(error).__name__}: {error}. Give one "
                f"channel of samples, shape (samples,), at the rate that the processor expects."
            ) from error
        advice = ", so its model does not take a waveform; take a model that does, such as Wav2Vec2."
        found = entry_of(found, "input_values", advice)
    if isinstance(found, np.ndarray) and np.issubdtype(found.dtype, np.floating):
        found = torch.from_numpy(np.ascontiguousarray(found))
    if isinstance(found, Tensor) and found.dim() == 1:
        found = found[None]
    if not isinstance(found, Tensor) or found.dim() != 2 or len(found) != 1 or not found.is_floating_point():
        raise InputError(
            f"{what} became {shown(found)}; give one channel of floating-point samples, shape (samples,). "
            f"Where the model has a feature extractor, give it as processor."
        )
    if not bool(torch.isfinite(found).all()):
        raise InputError(f"{what} holds NaN or infinity; give numbers.")
    kind = next(iter(model.parameters()), torch.empty(0))
    return found.to(kind.device, kind.dtype)


def _reference(
    model: nn.Module, processor: Any, samples: Tensor, rate: int, reference: Any
) -> tuple[Tensor, str]:
    if reference is None or (isinstance(reference, str) and reference == "zero"):
        return torch.zeros_like(samples), "silence"
    if isinstance(reference, str):
        if reference == "mean":
            return samples.mean(1, keepdim=True).expand_as(samples).contiguous(), "the mean sample"
        raise InputError(
            f"reference is {reference!r}; choose 'zero' (silence) or 'mean', or give another sound."
        )
    other = _samples(model, processor, reference, rate, "reference")
    if other.shape != samples.shape:
        raise InputError(
            f"reference has {other.shape[1]:,} samples and the sound {samples.shape[1]:,}; give as many."
        )
    return other, "the other sound"


def _frames(model: nn.Module, length: int) -> int:
    """As many as the model's own convolutions leave, but no more than can be tested."""
    config = getattr(model, "config", None)
    sizes = (getattr(config, name, None) for name in ("conv_kernel", "conv_stride"))
    kernels, strides = (list(size) if isinstance(size, (tuple, list)) else [] for size in sizes)
    frames = length
    for kernel, stride in zip(kernels, strides, strict=False):
        frames = (frames - kernel) // stride + 1
    return max(1, min(frames, _MOST))
