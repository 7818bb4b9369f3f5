"""The static picture of a result as a file: SVG for a document, PNG for everything else; no browser draws it.

Internal: use `semiring_widgets.Explanation.to_svg` and ``to_png``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError
from semiring_widgets.results.atomic import check_writable, destination_of, write_whole

if TYPE_CHECKING:
    from semiring_widgets.results.result import Result

__all__ = ["write_picture"]

_LEAST, _MOST = 0.1, 10.0


def write_picture(result: Result, path: str | os.PathLike[str], *, form: str, scale: float = 2.0) -> Path:
    """Write one picture.

    Args:
        result: of any kind.
        path: destination; an existing file is replaced, as a whole.
        form: ``"svg"`` or ``"png"``.
        scale: of a PNG.

    Returns:
        The path written.

    Raises:
        InputError: the folder does not exist or cannot be written, or the scale is no such number.
    """
    from semiring_widgets.pictures.card import picture_file  # imports matplotlib

    given: object = scale
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not _LEAST <= given <= _MOST:
        raise InputError(f"scale is {shown(scale)}; give a number from {_LEAST} to {_MOST:.0f}.")
    check_writable(path)
    write_whole(path, picture_file(result, form, float(scale)))
    return destination_of(path)
