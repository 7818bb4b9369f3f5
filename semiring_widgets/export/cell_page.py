"""One self-contained page about a picture or a sound: its card, and its numbers as a table."""

from __future__ import annotations

import base64
import html
import os
from pathlib import Path

from semiring_widgets._version import __version__
from semiring_widgets.contract.messages import sendable
from semiring_widgets.export.page import filled
from semiring_widgets.pictures.plain_text import plain
from semiring_widgets.results.atomic import check_writable, destination_of, write_whole
from semiring_widgets.results.cells import CellExplanation, ImageComparison

__all__ = ["write_cell_page"]


def write_cell_page(result: CellExplanation | ImageComparison, path: str | os.PathLike[str]) -> Path:
    """Write the page; it holds no code and asks for nothing.

    Args:
        result: about a picture or a sound.
        path: destination; an existing file is replaced, as a whole.

    Returns:
        The path written.

    Raises:
        InputError: the folder does not exist or cannot be written.
    """
    from semiring_widgets.pictures.card import picture  # imports matplotlib

    check_writable(path)
    table = result.to_pandas().to_html(border=0, float_format="{:.4g}".format, na_rep="")
    parts = {
        "version": __version__,
        "title": html.escape(result.score.label),
        "plain": html.escape(sendable(plain(result))),
        "picture": base64.b64encode(picture(result)).decode("ascii"),
        "table": sendable(table),
    }
    write_whole(path, filled(parts, "cell_page.html").encode())
    return destination_of(path)
