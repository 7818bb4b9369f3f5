"""`explain_image`: which parts of a picture made a model give its answer, and by which ways."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from semiring_widgets.checks import choice, memory_limit, shown, whole_number
from semiring_widgets.core.rules import Rule, find_rule
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.cells.cell_answer import CellOptions, answered
from semiring_widgets.explanation.cells.classes import asked_classes
from semiring_widgets.explanation.cells.pixels import feeding, pixels_of, reference_of, seen
from semiring_widgets.explanation.cells.question import CellQuestion, check_cells, check_eval, cut
from semiring_widgets.results.cells import Grid, ImageExplanation
from semiring_widgets.vocabulary import GRANULARITIES

__all__ = ["explain_image", "image_question"]

# More patches than these are not tested one by one; a picture of many pixels is then cut into 14 x 14 cells.
_MOST, _FINE, _COARSE, _LARGE = 600, 14, 8, 112


def explain_image(
    model: nn.Module,
    processor: Any,
    image: Any,
    target: str | int | None = None,
    contrast: str | int | None = None,
    *,
    reference: Any = None,
    rules: str | Rule = "secant",
    grid: int | tuple[int, int] | None = None,
    score: Callable[[Any], Tensor] | None = None,
    labels: Sequence[str] | None = None,
    granularity: str = "primitive",
    routes: int = 5,
    batch_size: int = 32,
    max_memory: int | None = None,
) -> ImageExplanation:
    """Which parts of a picture made the score, tested and estimated, and where its paths run in the model.

    The picture is cut into cells: the patches of a model that has patches, else a grid. Each cell is given
    the reference, and the score measured again (occlusion). Then all paths from its pixels to the score are
    summed, in several semirings at once. With the rule ``"secant"`` the contributions of all cells sum to
    the score minus that of the reference, exactly. For models with attention the flow through every layer
    and head is told by patch, and routes are listed; for others the flow through the last feature map of
    each size.

    Args:
        model: a torch module of pictures, such as a vision class of transformers; in eval mode.
        processor: an image processor of transformers, or a function from the picture to a tensor. None where
            ``image`` is what the model takes: floating-point, shape (channels, height, width).
        image: a picture of PIL, an array of shape (height, width, 3), or a tensor; whatever the processor
            takes.
        target: the class that is asked for, by name or number; None for the one that the model says.
        contrast: the class that it is compared with; None for nothing.
        reference: what a cell is given: ``"mean"`` (the mean colour of the picture), ``"zero"`` (after the
            processor), ``"blur"``, or another picture, which the processor is given, too. None: ``"mean"``.
        rules: which number an edge of a path carries, as in `semiring_widgets.backprop`.
        grid: cells along each side, or (rows, columns); 4,096 cells at most. None: the model's patches
            if these are no more than 600, else 14 x 14, or 8 x 8 of a picture below 112 pixels.
        score: a function of the model's output to one number for each input, instead of a target.
        labels: names of the classes; None for those of the model's configuration.
        granularity: which graph is counted.
        routes: how many routes are listed, 0 for none.
        batch_size: how many changed pictures are run at once.
        max_memory: bytes that a sweep may take beside the recording; None for no limit.

    Returns:
        The `ImageExplanation`; it displays itself.

    Raises:
        InputError: an unknown class, rule or reference, a picture of other channels than the model takes, no
            processor where one is needed, or a model in training mode.
        UnsupportedOpError, MemoryLimitError, NonFiniteError: as `semiring_widgets.backprop`.

    Example:
        >>> model, processor = sw.load_demo_image("cnn")
        >>> scene = sw.tasks.shape_scenes(1)[0]
        >>> found = explain_image(model, processor, scene.image, grid=3)
        >>> found.score.target == sw.tasks.SHAPES[scene.label]
        True
        >>> missing = found.score.value - found.reference_score - found.effects().contribution.sum()
        >>> bool(abs(missing) < 1e-3)  # the rule "secant" leaves nothing out
        True
    """
    question, best = image_question(
        *(model, processor, image, target, contrast, reference, grid, score, labels, batch_size)
    )
    find_rule(rules)
    options = CellOptions(
        rules=rules,
        granularity=choice(granularity, "granularity", GRANULARITIES),
        routes=whole_number(routes, "routes", least=0),
        max_memory=memory_limit(max_memory),
    )
    found = answered(question, options, best)
    picture = seen(processor, question.inputs)
    found["dataset"] = found["dataset"].assign(picture=(("y", "x", "channel"), picture))
    return ImageExplanation(**found)


def image_question(
    model: nn.Module,
    processor: Any,
    image: Any,
    target: str | int | None,
    contrast: str | int | None,
    reference: Any,
    grid: Any,
    score: Callable[[Any], Tensor] | None,
    labels: Sequence[str] | None,
    batch_size: int,
) -> tuple[CellQuestion, str | None]:
    """The question of `explain_image`, checked; and the class that the model says, if it is another one.

    Args:
        model: see `explain_image`, like all others.
        processor: see there.
        image: see there.
        target: see there.
        contrast: see there.
        reference: see there.
        grid: see there.
        score: see there.
        labels: see there.
        batch_size: see there.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"model is {shown(model)}; give a torch module that takes pictures.")
    check_eval(model)
    batch_size = whole_number(batch_size, "batch_size")
    pixels = pixels_of(model, processor, image)
    other, label = reference_of(model, processor, pixels, reference)
    feed = feeding(model, "pixel_values")
    with torch.no_grad():
        output = feed(pixels)
    asked = asked_classes(model, output, target, contrast, score, labels)
    cells, name = _grid(model, grid, pixels.shape[2], pixels.shape[3])

    def forward(x: Tensor) -> Tensor:
        return asked.asked(feed(x))

    question = CellQuestion(model, forward, pixels, other, label, cells, asked.score, name, batch_size)
    return question, asked.best


def _grid(model: nn.Module, given: Any, height: int, width: int) -> tuple[Grid, str]:
    if given is None:
        config = getattr(model, "config", None)
        size = getattr(getattr(config, "vision_config", config), "patch_size", None)
        if isinstance(size, int) and height % size == 0 and width % size == 0:
            shape = height // size, width // size
            if math.prod(shape) <= _MOST:
                return Grid(cut(height, shape[0]), cut(width, shape[1])), "patch"
        given = _COARSE if min(height, width) < _LARGE else _FINE
        given = min(given, height), min(given, width)
    several = tuple(given) if isinstance(given, (tuple, list)) else (given, given)
    wanted = "a number of cells, or (rows, columns), of a pixel each at least"
    if len(several) != 2:
        raise InputError(f"grid is {shown(given)}; give {wanted}.")
    rows, columns = (
        whole_number(count, "grid", most=most, wanted=wanted)
        for count, most in zip(several, (height, width), strict=True)
    )
    check_cells(rows * columns, "grid")
    return Grid(cut(height, rows), cut(width, columns)), "cell"
