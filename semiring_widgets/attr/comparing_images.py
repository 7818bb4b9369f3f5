"""`compare_image`: attribution methods side by side, on one picture and one score."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from semiring_widgets.attr.agreement import effect_correlation
from semiring_widgets.attr.image_methods import ImageProblem, image_methods
from semiring_widgets.errors import CancelledError, InputError, sentence_of
from semiring_widgets.explanation.cells.images import image_question
from semiring_widgets.explanation.cells.occlusion import curves_of, effects_of
from semiring_widgets.explanation.cells.pixels import seen
from semiring_widgets.explanation.cells.question import CellQuestion
from semiring_widgets.results.cells.image_comparison import ImageComparison, ImageMethod
from semiring_widgets.results.parts import Status

__all__ = ["compare_image"]


def compare_image(
    model: nn.Module,
    processor: Any,
    image: Any,
    target: str | int | None = None,
    contrast: str | int | None = None,
    *,
    methods: Any = None,
    layer: nn.Module | None = None,
    reference: Any = None,
    grid: int | tuple[int, int] | None = None,
    score: Callable[[Any], Tensor] | None = None,
    labels: Sequence[str] | None = None,
    batch_size: int = 32,
) -> ImageComparison:
    """Ask several attribution methods which parts of a picture made the score; see who is right.

    Each gives numbers for pixels, which are added up by cell. Its order of the cells is held against their
    tested effects, and measured by deletion and insertion, see
    `semiring_widgets.results.cells.image_comparison`. A method that fails says so in its row.

    Args:
        model: as in `semiring_widgets.explain_image`, like all that is not named here.
        processor: see there.
        image: see there.
        target: see there.
        contrast: see there.
        methods: names of ``semiring_widgets.attr.image_methods.IMAGE_METHODS`` (``"effect"``,
            ``"contribution (secant)"``, ``"contribution (linear)"``, ``"path mass"``, ``"Saliency"``,
            ``"IntegratedGradients"``, ``"Occlusion"``, ``"GradCAM"``, ``"IntegratedGradCAM"``, which is
            signed, and ``"IntegratedGradCAM (rectified)"``, as its paper has it), or a dict from names to
            functions of the problem that give one number for each pixel or cell. None: all.
            ``"path mass"`` is that of `semiring_widgets.explain_image` under its rule ``"secant"``.
        layer: whose feature maps both Grad-CAMs weigh; None for the module that gives the last of the
            smallest ones that are not the same under the reference. Of a vision transformer that is its patch
            embedding.
        reference: see there; the baseline of the methods that have one.
        grid: see there.
        score: see there.
        labels: see there.
        batch_size: see there.

    Returns:
        The `ImageComparison`; it displays itself.

    Raises:
        InputError: an unknown method, or none, or as `semiring_widgets.explain_image`.

    Example:
        >>> model, processor = sw.load_demo_image("cnn")
        >>> scene = sw.tasks.shape_scenes(1)[0]
        >>> found = compare_image(model, processor, scene.image, grid=6, methods=["GradCAM", "effect"])
        >>> float(found.to_pandas().loc["effect"].effect_correlation)
        1.0
    """
    asked = image_methods(methods)
    question, _ = image_question(
        *(model, processor, image, target, contrast, reference, grid, score, labels, batch_size)
    )
    effects = effects_of(question)
    problem = ImageProblem(question, effects, layer)
    rows, scores, curves = [], [], []
    for name, ask in asked.items():
        row, own, both = _measured(name, ask, problem)
        rows.append(row)
        scores.append(own)
        curves.append(both)
    found = torch.stack(curves)
    dataset = xr.Dataset(
        {
            "scores": (("method", "cell"), torch.stack(scores).float().numpy()),
            "effect": (("cell",), effects.float().numpy()),
            "deletion": (("method", "step"), found[:, 0].float().numpy()),
            "insertion": (("method", "step"), found[:, 1].float().numpy()),
            "picture": (("y", "x", "channel"), seen(processor, question.inputs)),
        }
    )
    return ImageComparison(
        type(model).__name__,
        question.score,
        question.grid,
        tuple(rows),
        question.reference_label,
        dataset,
        Status("done", len(rows), len(rows), ""),
    )


def _measured(
    name: str, ask: Callable[[ImageProblem], Tensor], problem: ImageProblem
) -> tuple[ImageMethod, Tensor, Tensor]:
    """One row: what is known of the method, its scores by cell, and its curves."""
    question = problem.question
    cells = question.grid.cells
    start = time.perf_counter()
    try:
        scores = _by_cell(ask(problem), question)
        if not bool(torch.isfinite(scores).all()):
            raise InputError(f"{name} gave numbers that are NaN or infinite.")
    except CancelledError:
        raise
    except Exception as failure:  # noqa: BLE001  (a foreign method may fail in any way; the table stands)
        none = torch.full((cells,), torch.nan, dtype=torch.float64)
        row = ImageMethod(name, time.perf_counter() - start, sentence_of(failure, name))
        return row, none, torch.full((2, cells + 1), torch.nan, dtype=torch.float64)
    seconds = time.perf_counter() - start
    order = scores.argsort(descending=True, stable=True).tolist()
    deletion, insertion = curves_of(question, order)
    correlation = effect_correlation(scores.numpy(), problem.effects.numpy(), by_size=False)
    row = ImageMethod(
        name,
        seconds,
        None,
        None if np.isnan(correlation) else correlation,
        _area(deletion),
        _area(insertion),
    )
    return row, scores, torch.stack([deletion, insertion])


def _by_cell(found: object, question: CellQuestion) -> Tensor:
    """Scores by cell of what a method gave, float64 on the CPU."""
    pixels = question.cell_of.numel()
    if not isinstance(found, Tensor) or found.numel() not in (
        question.grid.cells,
        pixels,
        question.inputs.numel(),
    ):
        raise InputError("A method must return one number for each cell, each pixel or each input number.")
    values = found.detach().double()
    if values.numel() == question.grid.cells:
        return values.flatten().cpu()
    return question.summed(values).cpu()


def _area(curve: Tensor) -> float:
    """Area under a curve over the share of cells, 0 to 1: its mean by trapezoids."""
    return float(torch.trapezoid(curve) / (len(curve) - 1))
