"""One file that shows a corpus in any browser, without a kernel: brushing works from what it holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from semiring_widgets.contract.corpus_messages import (
    LINES,
    answer_about_corpus,
    axes_of,
    corpus_cells,
    corpus_summary,
    one_text,
)
from semiring_widgets.contract.corpus_table import CellsRequest, OneTextRequest
from semiring_widgets.contract.messages import Message
from semiring_widgets.contract.table import ChartRequest, Page
from semiring_widgets.export.page import as_base64, assembled, packed_bokehjs, packed_bundle, renumbered
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
    content = Page(summary=header, buffer=as_base64(buffer), tests=[], held=held)
    title = f"Corpus {numbers.path.name}: {len(numbers):,} texts"
    picture = corpus_picture(numbers, whole)
    return assembled(content, title, plain_corpus(numbers, whole), picture, bundle, answers, packed_bokehjs())


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
