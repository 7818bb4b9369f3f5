"""From a picture to what a model is given, and back to what people see."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError

__all__ = ["entry_of", "feeding", "pixels_of", "reference_of", "seen"]

# How far a blurred reference is blurred, as a share of the shorter side.
_BLUR = 1 / 8
# Modes of PIL, by how they begin, that its conversion to RGB clips at 255 instead of scaling.
_CLIPPED = ("I", "F")


def pixels_of(model: nn.Module, processor: Any, image: Any, what: str = "image") -> Tensor:
    """What the model is given.

    Args:
        model: says dtype and device, and how many channels it takes.
        processor: see `semiring_widgets.explain_image`.
        image: see there.
        what: the argument, for messages.

    Returns:
        Shape (1, channels, height, width).

    Raises:
        InputError: see there.
    """
    wanted = next((m.in_channels for m in model.modules() if isinstance(m, nn.Conv2d)), None)
    pixels = _given(image, what) if processor is None else _processed(processor, image, what, wanted)
    if pixels.dim() == 3:
        pixels = pixels[None]
    if pixels.dim() != 4 or len(pixels) != 1 or not pixels.is_floating_point():
        raise InputError(
            f"{what} became {shown(pixels)}; a model of pictures is given one picture as floating-point "
            f"numbers, shape (channels, height, width) or (1, channels, height, width)."
        )
    if wanted is not None and pixels.shape[1] != wanted:
        raise InputError(
            f"{what} has {pixels.shape[1]} channels, shape {list(pixels.shape)}, and the first convolution "
            f"of the {type(model).__name__} takes {wanted}. Give channels first, and convert the picture: "
            f"image.convert({'RGB' if wanted == 3 else 'L'!r}) for one of PIL."
        )
    if not bool(torch.isfinite(pixels).all()):
        raise InputError(f"{what} holds NaN or infinity; give numbers.")
    kind = next(iter(model.parameters()), torch.empty(0))
    return pixels.to(kind.device, kind.dtype if kind.is_floating_point() else torch.float32).contiguous()


def reference_of(model: nn.Module, processor: Any, pixels: Tensor, reference: Any) -> tuple[Tensor, str]:
    """What cells are given, shaped as the pixels, and the same in words.

    Args:
        model: as for `pixels_of`.
        processor: as for `pixels_of`.
        pixels: of the picture.
        reference: ``"mean"``, ``"zero"``, ``"blur"``, or another picture.

    Raises:
        InputError: an unknown word, or a picture of another shape.
    """
    if reference is None or (isinstance(reference, str) and reference == "mean"):
        return pixels.mean((2, 3), keepdim=True).expand_as(pixels).contiguous(), "the mean colour"
    if isinstance(reference, str):
        if reference == "zero":
            return torch.zeros_like(pixels), "zeros"
        if reference == "blur":
            return _blurred(pixels), "a blurred picture"
        raise InputError(
            f"reference is {reference!r}; choose 'mean' (colour), 'zero' or 'blur', or give another picture."
        )
    other = pixels_of(model, processor, reference, "reference")
    if other.shape != pixels.shape:
        raise InputError(
            f"reference has shape {list(other.shape)} and the picture {list(pixels.shape)}; give one of "
            f"the same shape."
        )
    return other, "the other picture"


def feeding(model: nn.Module, name: str) -> Callable[[Tensor], Any]:
    """How the model is called: by the name of its argument where it has one, else by place.

    Args:
        model: the model.
        name: ``"pixel_values"`` or ``"input_values"``.
    """
    named = name in inspect.signature(model.forward).parameters
    return (lambda x: model(**{name: x})) if named else model


def seen(processor: Any, pixels: Tensor) -> NDArray[np.float32]:
    """The picture that the model was given, as people see it: shape (height, width, 3), 0 to 1.

    A processor's normalisation is undone. Without one, numbers from 0 to 1 are taken as they are, and others
    are stretched to that range.
    """
    found = pixels[0].detach().double().cpu()
    source = getattr(processor, "image_processor", processor)
    mean, spread = (getattr(source, name, None) for name in ("image_mean", "image_std"))
    if mean is not None and spread is not None and getattr(source, "do_normalize", True):
        column = (
            torch.as_tensor(numbers, dtype=torch.float64).reshape(-1, 1, 1) for numbers in (mean, spread)
        )
        middle, scale = column
        found = found * scale + middle
    elif float(found.min()) < 0 or float(found.max()) > 1:
        found = (found - found.min()) / (found.max() - found.min()).clamp(min=1e-12)
    if found.shape[0] == 3 and getattr(source, "do_flip_channel_order", False):
        found = found.flip(0)
    if found.shape[0] != 3:
        found = found.mean(0, keepdim=True).expand(3, -1, -1)
    return found.clamp(0, 1).permute(1, 2, 0).float().numpy()


def _given(image: Any, what: str) -> Tensor:
    if isinstance(image, Tensor):
        if image.is_floating_point():
            return image
    elif isinstance(image, np.ndarray) and np.issubdtype(image.dtype, np.floating):
        return torch.from_numpy(np.ascontiguousarray(image))
    raise InputError(
        f"{what} is {shown(image)}, and processor is None, so it would have to be what the model "
        f"itself takes: floating-point numbers, shape (channels, height, width). Give the model's image "
        f"processor, such as AutoImageProcessor.from_pretrained(...), or a function that makes a tensor of "
        f"the picture."
    )


def _processed(processor: Any, image: Any, what: str, wanted: int | None) -> Tensor:
    source = getattr(processor, "image_processor", processor)
    if not callable(source):
        raise InputError(
            f"processor is {shown(processor)}; give an image processor of transformers, a function from a "
            f"picture to a tensor, or None."
        )
    picture = image
    if hasattr(image, "convert") and wanted in (None, 3):
        if image.mode.startswith(_CLIPPED):
            raise InputError(
                f"{what} is of mode {image.mode!r}, whose numbers are no colours; scale them to 0 to 255, "
                f"and convert it to 'L' or 'RGB'."
            )
        picture = image.convert("RGB")
    if getattr(source, "do_rescale", False) and _up_to_one(image):
        raise InputError(
            f"{what} holds numbers from 0 to 1, and the processor divides by 255; give 0 to 255, such as "
            f"(255 * image).astype('uint8')."
        )
    try:
        if hasattr(source, "preprocess"):
            found = source(images=picture, return_tensors="pt")
        else:
            found = source(picture)
    except Exception as error:
        raise InputError(
            f"processor failed on {what}, {shown(image)}, with {type(error).__name__}: {error}. Give a "
            f"picture of PIL, or an array of shape (height, width, 3) of dtype uint8."
        ) from error
    found = entry_of(found, "pixel_values", "; give the model's image processor.")
    if isinstance(found, np.ndarray):
        found = torch.from_numpy(np.ascontiguousarray(found))
    if not isinstance(found, Tensor):
        raise InputError(f"processor returned {shown(found)}; it must return a tensor, or pixel_values.")
    return found


def entry_of(found: Any, name: str, advice: str) -> Any:
    """One entry of what a processor returned; what is no collection of entries stays as it is.

    Args:
        found: what it returned.
        name: of the entry.
        advice: how the sentence ends that says what is there instead.

    Raises:
        InputError: there are entries, and none of this name.
    """
    if not isinstance(found, Mapping) and not hasattr(found, name):
        return found
    try:
        return found[name]
    except KeyError as error:
        there = ", ".join(map(str, found)) or "nothing"
        raise InputError(f"processor returned {there}, and no {name}{advice}") from error


def _up_to_one(image: Any) -> bool:
    if isinstance(image, np.ndarray) and np.issubdtype(image.dtype, np.floating):
        image = torch.from_numpy(np.ascontiguousarray(image))
    if not isinstance(image, Tensor) or not image.is_floating_point() or not image.numel():
        return False
    return 0 < float(image.max()) <= 1


def _blurred(pixels: Tensor) -> Tensor:
    width = max(1, round(min(pixels.shape[2:]) * _BLUR))
    padded = nn.functional.pad(pixels, (width,) * 4, mode="replicate")
    return nn.functional.avg_pool2d(padded, 2 * width + 1, stride=1)
