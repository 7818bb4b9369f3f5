"""A picture as a small PNG: 256 colours are enough for a card, and a quarter of the bytes in every notebook.

Pillow's own reductions mix the colours of small places into those of large ones, or give pale tints a cast; a
tint is a number here. So the colours that most pixels have are kept as they are, and the rest, which are the
edges of letters and lines, take the nearest.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["small_png"]

_COLOURS, _KEPT = 256, 192


def small_png(pixels: NDArray[Any]) -> bytes:
    """Write a picture.

    Args:
        pixels: (height, width, 3), 0 to 255.

    Returns:
        A PNG file of at most 256 colours.
    """
    codes = pixels[..., 0].astype(np.int32) << 16 | pixels[..., 1].astype(np.int32) << 8 | pixels[..., 2]
    found, places, counts = np.unique(codes, return_inverse=True, return_counts=True)
    colours = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    kept = colours[np.argsort(-counts)[:_KEPT]]
    few = Image.fromarray(pixels).quantize(_COLOURS - _KEPT, Image.Quantize.MAXCOVERAGE)
    others = np.array((few.getpalette() or [])[: 3 * (_COLOURS - _KEPT)]).reshape(-1, 3)
    palette = np.concatenate([kept, others])
    # |c - p|^2 = |c|^2 - 2 c p + |p|^2, of which the first does not tell which p is nearest.
    away = np.square(palette).sum(1) - 2 * (colours.astype(np.float32) @ palette.T.astype(np.float32))
    picture = Image.fromarray(away.argmin(1).astype(np.uint8)[places].reshape(codes.shape))
    picture.putpalette(palette.astype(np.uint8).tobytes())
    output = io.BytesIO()
    picture.save(output, format="png", optimize=True)
    return output.getvalue()
