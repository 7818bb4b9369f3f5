"""One self-contained page about a picture or a sound: the view of a notebook, which asks for nothing."""

from __future__ import annotations

import os
from pathlib import Path

from semiring_widgets.contract.overlay_messages import OfCells, overlay_summary
from semiring_widgets.contract.table import Page
from semiring_widgets.export.page import as_base64, assembled, packed_bundle
from semiring_widgets.pictures.plain_text import plain
from semiring_widgets.results.atomic import check_writable, destination_of, write_whole

__all__ = ["write_cell_page"]


def write_cell_page(result: OfCells, path: str | os.PathLike[str]) -> Path:
    """Write the page.

    Args:
        result: about a picture or a sound.
        path: destination; an existing file is replaced, as a whole.

    Returns:
        The path written.

    Raises:
        MissingBundleError: the JavaScript was not built.
        InputError: the folder does not exist or cannot be written.
    """
    from semiring_widgets.pictures.card import picture  # imports matplotlib

    check_writable(path)
    header, buffer = overlay_summary(result)
    content = Page(summary=header, buffer=as_base64(buffer), tests=[], held={})
    text = assembled(content, result.score.label, plain(result), picture(result), packed_bundle(), {})
    write_whole(path, text.encode())
    return destination_of(path)
