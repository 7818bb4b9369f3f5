"""Pictures of shapes: the class is the shape of the red one, whatever the others are.

So it is known which object decides. Colours, places, sizes and the shapes of the others say nothing about the
class, and are drawn independently of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.checks import whole_number
from semiring_widgets.tasks.drawing import random_numbers

__all__ = ["DECIDING_COLOUR", "SHAPES", "SHAPE_COLOURS", "PicturedShape", "ShapeScene", "shape_scenes"]

SHAPES = ("circle", "square", "triangle", "cross")
SHAPE_COLOURS = {
    "red": (214, 56, 48),
    "green": (64, 160, 72),
    "blue": (58, 96, 200),
    "yellow": (222, 190, 60),
}
DECIDING_COLOUR = "red"
_SIZE = 48
# A shape fills a square of 12 to 16 pixels; the picture has 3 x 3 places, and none holds two shapes.
_SMALLEST, _PLACE = 12, 16
_COLOUR_NOISE, _PIXEL_NOISE = 18, 7


@dataclass(frozen=True)
class PicturedShape:
    """One shape of a picture.

    Attributes:
        shape: one of ``SHAPES``.
        colour: one of ``SHAPE_COLOURS``.
        box: the square that it fills: first row, first column, row and column after the last, in pixels.
    """

    shape: str
    colour: str
    box: tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class ShapeScene:
    """A picture, and what is in it.

    Attributes:
        image: shape (48, 48, 3), uint8, red, green and blue.
        objects: the shapes; the deciding one is anywhere among them.
        masks: which pixels belong to each, shape (objects, 48, 48).
        label: the shape of the deciding one, as its place in ``SHAPES``.
        deciding: its place in ``objects``.
    """

    image: NDArray[np.uint8]
    objects: tuple[PicturedShape, ...]
    masks: NDArray[np.bool_]
    label: int
    deciding: int


def shape_scenes(n: int = 100, seed: int = 0, *, objects: int = 3) -> list[ShapeScene]:
    """Pictures of shapes, one of them red; the same seed gives the same pictures on every machine.

    Args:
        n: how many pictures.
        seed: a whole number.
        objects: how many shapes are in each, 1 to 4, each of another colour.

    Raises:
        InputError: an argument cannot be used.

    >>> scene = shape_scenes(1)[0]
    >>> scene.image.shape, [(one.colour, one.shape) for one in scene.objects]
    ((48, 48, 3), [('green', 'square'), ('yellow', 'triangle'), ('red', 'circle')])
    >>> SHAPES[scene.label], scene.deciding
    ('circle', 2)
    """
    n = whole_number(n, "n")
    objects = whole_number(objects, "objects", most=len(SHAPE_COLOURS))
    generator = random_numbers(seed)
    return [_scene(generator, objects) for _ in range(n)]


def _scene(generator: np.random.Generator, count: int) -> ShapeScene:
    others = [name for name in SHAPE_COLOURS if name != DECIDING_COLOUR]
    colours = [DECIDING_COLOUR, *(others[i] for i in generator.permutation(len(others))[: count - 1])]
    colours = [colours[i] for i in generator.permutation(count)]
    across = _SIZE // _PLACE
    canvas = np.full((_SIZE, _SIZE, 3), generator.integers(90, 190, 3), dtype=np.float64)
    found, masks = [], np.zeros((count, _SIZE, _SIZE), dtype=np.bool_)
    for index, place in enumerate(generator.permutation(across**2)[:count].tolist()):
        shape = SHAPES[generator.integers(len(SHAPES))]
        size = int(generator.integers(_SMALLEST, _PLACE + 1))
        row, column = (
            _PLACE * start + int(generator.integers(_PLACE - size + 1)) for start in divmod(place, across)
        )
        box = (row, column, row + size, column + size)
        masks[index, row : box[2], column : box[3]] = _drawn(shape, size)
        tint = np.array(SHAPE_COLOURS[colours[index]]) + generator.integers(-_COLOUR_NOISE, _COLOUR_NOISE, 3)
        canvas[masks[index]] = tint
        found.append(PicturedShape(shape, colours[index], box))
    noisy = canvas + generator.normal(0, _PIXEL_NOISE, canvas.shape)
    deciding = colours.index(DECIDING_COLOUR)
    return ShapeScene(
        noisy.round().clip(0, 255).astype(np.uint8),
        tuple(found),
        masks,
        SHAPES.index(found[deciding].shape),
        deciding,
    )


def _drawn(shape: str, size: int) -> NDArray[np.bool_]:
    """Which pixels of a square are filled."""
    # From -1 to 1, at the middles of pixels.
    row, column = (2 * (np.indices((size, size)) + 0.5) / size - 1).astype(np.float64)
    if shape == "circle":
        return np.asarray(row**2 + column**2 <= 1)
    if shape == "square":
        return np.asarray(np.maximum(abs(row), abs(column)) <= 0.85)
    if shape == "triangle":
        return np.asarray(abs(column) <= (row + 1) / 2)
    return np.asarray(np.minimum(abs(row), abs(column)) <= 0.3)
