"""One file that shows a corpus in any browser, without a kernel: brushing works from what it holds."""

from __future__ import annotations

import base64
import html
import os
from pathlib import Path
from typing import Final

from semiring_widgets._version import __version__
from semiring_widgets.contract.corpus_messages import (
    LINES,
    answer_about_corpus,
    axes_of,
    corpus_cells,
    corpus_summary,
    one_text,
)
from semiring_widgets.contract.corpus_table import CellsRequest, OneTextRequest
from semiring_widgets.contract.messages import Message, sendable
from semiring_widgets.contract.table import ChartRequest, Page
from semiring_widgets.export.packing import packed_answers
from semiring_widgets.export.page import filled, packed_bokehjs, packed_bundle, packed_payload, renumbered
from semiring_widgets.overview.aggregates import aggregate
from semiring_widgets.overview.listing import some_of
from semiring_widgets.overview.numbers import CorpusNumbers
from semiring_widgets.overview.one_text import ones_of
from semiring_widgets.pictures.corpus_text import plain_corpus
from semiring_widgets.results.atomic import check_writable, destination_of, write_whole

__all__ = ["corpus_page", "write_corpus_page"]

# Bytes of all that is said of single texts.
_TEXTS: Final = 700_000


def write_corpus_page(numbers: CorpusNumbers, path: str | os.PathLike[str]) -> Path:
    """Write one self-contained interactive page.

    Args:
        numbers: of the corpus.
        path: destination; an existing file is replaced, as a whole.

    Returns:
        The path written.

    Raises:
        MissingBundleError: the JavaScript was not built.
        InputError: the folder does not exist or cannot be written.
    """
    check_writable(path)
    write_whole(path, corpus_page(numbers).encode())
    return destination_of(path)


def corpus_page(numbers: CorpusNumbers) -> str:
    """The page as text; see `write_corpus_page`.

    Args:
        numbers: see there.
    """
    from semiring_widgets.pictures.corpus_card import corpus_picture  # imports matplotlib

    bundle = packed_bundle()
    whole = aggregate(numbers, axes_of(numbers))
    header, buffer = corpus_summary(numbers)
    chart, _ = answer_about_corpus(numbers, ChartRequest())
    chart["item"] = {name: renumbered(item, {}) for name, item in chart["item"].items()}
    answers: dict[str, list[Message]] = {
        ChartRequest.type: [(chart, b"")],
        CellsRequest.type: [corpus_cells(numbers)],
        OneTextRequest.type: _texts(numbers),
    }
    held = {ChartRequest.type: [""]}
    content = Page(summary=header, buffer=_base64(buffer), tests=[], held=held)
    return filled(
        {
            "version": __version__,
            "title": html.escape(f"Corpus {numbers.path.name}: {len(numbers):,} texts"),
            "plain": html.escape(sendable(plain_corpus(numbers, whole))),
            "picture": _base64(corpus_picture(numbers, whole)),
            "payload": packed_payload(content),
            "answers": _base64(packed_answers(answers)),
            "bokehjs": packed_bokehjs(),
            "bundle": bundle,
        }
    )


def _texts(numbers: CorpusNumbers) -> list[Message]:
    """All there is of the texts in the table, as many as a page has room for."""
    rows = [int(row) for row in numbers.texts["row"].to_numpy()[some_of(numbers, LINES)]]
    found: list[Message] = []
    size = 0
    for one in ones_of(numbers, rows):
        header, buffer = one_text(one)
        size += len(str(header)) + len(buffer) * 4 // 3
        if size > _TEXTS:
            break
        found.append((header, buffer))
    return found


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
