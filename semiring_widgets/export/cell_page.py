"""One self-contained page about a picture or a sound: the view of a notebook, which asks for nothing."""

from __future__ import annotations

import base64
import html
import os
from pathlib import Path

from semiring_widgets._version import __version__
from semiring_widgets.contract.messages import sendable
from semiring_widgets.contract.overlay_messages import OfCells, overlay_summary
from semiring_widgets.contract.table import Page
from semiring_widgets.export.packing import packed_answers
from semiring_widgets.export.page import filled, packed_bundle, packed_payload
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
    content = Page(summary=header, buffer=base64.b64encode(buffer).decode("ascii"), tests=[], held={})
    parts = {
        "version": __version__,
        "title": html.escape(sendable(result.score.label)),
        "plain": html.escape(sendable(plain(result))),
        "picture": base64.b64encode(picture(result)).decode("ascii"),
        "payload": packed_payload(content),
        "answers": base64.b64encode(packed_answers({})).decode("ascii"),
        "bokehjs": "",
        "bundle": packed_bundle(),
    }
    write_whole(path, filled(parts).encode())
    return destination_of(path)
