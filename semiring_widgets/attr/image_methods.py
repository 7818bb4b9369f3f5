"""The methods that `compare_image` knows: functions from a picture to one number for each pixel or cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import torch
from captum.attr import IntegratedGradients, Occlusion, Saliency
from torch import Tensor, nn

from semiring_widgets.attr.grad_cam import grad_cam, integrated_grad_cam
from semiring_widgets.checks import shown
from semiring_widgets.core import backprop, record
from semiring_widgets.core.paths import paths as paths_of
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.cells.feature_maps import as_wide, noting_maps
from semiring_widgets.explanation.cells.occlusion import effects_of
from semiring_widgets.explanation.cells.path_numbers import path_numbers
from semiring_widgets.explanation.cells.question import CellQuestion

__all__ = ["IMAGE_METHODS", "ImageProblem", "MethodOfImages", "image_methods"]

_STEPS, _AT_ONCE = 50, 10
# As `explain_image`, so that both tell the same mass.
_RULES = "secant"
# How far Captum's window moves, as a share of its side.
_STRIDE = 2


@dataclass(frozen=True, eq=False)
class ImageProblem:
    """What all methods are asked.

    Attributes:
        question: the picture, its reference and its score.
        effects: tested, of each cell.
        layer: of Grad-CAM; None for the one that gives the last feature map.
    """

    question: CellQuestion
    effects: Tensor
    layer: nn.Module | None

    @cached_property
    def gradcam_layer(self) -> nn.Module:
        """The module whose feature maps Grad-CAM weighs.

        Raises:
            InputError: no module gives feature maps.
        """
        if self.layer is not None:
            return self.layer
        question = self.question
        with torch.no_grad(), noting_maps(question.model) as maps:
            question.forward(question.inputs)
        with torch.no_grad(), noting_maps(question.model) as under:
            question.forward(question.reference)
        height, width = question.inputs.shape[2:]
        found = {}
        for size, several in maps.items():
            # What is the same under the reference, such as a bias of positions, tells nothing of the picture.
            own = [
                name
                for (name, value), (_, other) in zip(several, under.get(size, []), strict=False)
                if not torch.equal(value, other)
            ]
            if own and as_wide(size, height, width):
                found[size] = own[-1]
        if not found:
            raise InputError(
                "No module of this model gives feature maps, shape (batch, channels, rows, columns), of the "
                "picture's proportions; give layer=, the module that does."
            )
        return question.model.get_submodule(found[min(found, key=math.prod)])

    def spread(self, maps: Tensor) -> Tensor:
        """Feature maps (1, 1, rows, columns) at every pixel (1, 1, height, width)."""
        size = tuple(self.question.inputs.shape[2:])
        return nn.functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)


Ask: TypeAlias = Callable[[ImageProblem], Tensor]
MethodOfImages: TypeAlias = str | Ask


def _by_rule(rules: str) -> Ask:
    def ask(problem: ImageProblem) -> Tensor:
        question = problem.question
        with torch.no_grad(), record(reference=question.reference, rules=rules) as tape:
            score = question.forward(question.inputs).reshape(())
        slopes = backprop(tape, score, question.inputs).value
        return slopes * (question.inputs - question.reference)

    return ask


def _path_mass(problem: ImageProblem) -> Tensor:
    question = problem.question
    with torch.no_grad(), record(reference=question.reference, rules=_RULES) as tape:
        score = question.forward(question.inputs).reshape(())
    return path_numbers(paths_of(tape, score, question.inputs), question).mass_share


def _saliency(problem: ImageProblem) -> Tensor:
    question = problem.question
    found: Tensor = Saliency(question.forward).attribute(question.inputs.clone().requires_grad_())
    return found


def _integrated_gradients(problem: ImageProblem) -> Tensor:
    question = problem.question
    found: Tensor = IntegratedGradients(question.forward).attribute(
        question.inputs, baselines=question.reference, n_steps=_STEPS, internal_batch_size=_AT_ONCE
    )
    return found


def _occlusion(problem: ImageProblem) -> Tensor:
    question = problem.question
    rows, columns = question.grid.shape
    channels, height, width = question.inputs.shape[1:]
    window = max(1, height // rows), max(1, width // columns)
    with torch.no_grad():
        found: Tensor = Occlusion(question.forward).attribute(
            question.inputs,
            sliding_window_shapes=(channels, *window),
            strides=(channels, *(max(1, side // _STRIDE) for side in window)),
            baselines=question.reference,
            perturbations_per_eval=question.batch,
        )
    # Captum repeats the number of a pixel for every channel.
    return found[:, :1]


def _integrated_grad_cam(problem: ImageProblem, *, rectified: bool) -> Tensor:
    question = problem.question
    found = integrated_grad_cam(
        question.forward, problem.gradcam_layer, question.inputs, question.reference, rectified=rectified
    )
    return problem.spread(found)


IMAGE_METHODS: Mapping[str, Ask] = {
    # Tested again, so that its row tells how long that takes.
    "effect": lambda problem: effects_of(problem.question),
    "contribution (secant)": _by_rule("secant"),
    "contribution (linear)": _by_rule("linear"),
    "path mass": _path_mass,
    "Saliency": _saliency,
    "IntegratedGradients": _integrated_gradients,
    "Occlusion": _occlusion,
    "GradCAM": lambda problem: problem.spread(
        grad_cam(problem.question.forward, problem.gradcam_layer, problem.question.inputs)
    ),
    "IntegratedGradCAM": lambda problem: _integrated_grad_cam(problem, rectified=False),
    # As in its paper; the one before is signed, as Captum's GradCAM is.
    "IntegratedGradCAM (rectified)": lambda problem: _integrated_grad_cam(problem, rectified=True),
}


def image_methods(given: Any) -> dict[str, Ask]:
    """The methods that are asked for, by name.

    Args:
        given: a name, a list of names, a dict that names functions, or None for all.

    Raises:
        InputError: an unknown method, or none.
    """
    if given is None:
        return dict(IMAGE_METHODS)
    if not isinstance(given, (str, Iterable)) or not given:
        raise InputError(
            f"methods is {shown(given)}; give names of {', '.join(IMAGE_METHODS)}, a dict from names to "
            f"functions of the problem, or None for all."
        )
    if isinstance(given, Mapping):
        for name, method in given.items():
            if not callable(method):
                raise InputError(f"The method {name!r} is {shown(method)}; give a function of the problem.")
        return dict(given)
    several: Sequence[Any] = [given] if isinstance(given, str) else list(given)
    for name in several:
        if name not in IMAGE_METHODS:
            raise InputError(
                f"methods has {shown(name)}; choose of {', '.join(IMAGE_METHODS)}, or give a dict from "
                f"names to functions of the problem."
            )
    return {name: IMAGE_METHODS[name] for name in several}
