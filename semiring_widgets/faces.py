"""What can show a result, in one place: this is what fills the slot of `semiring_widgets.results.exits`.

Nothing imports this module: `semiring_widgets` loads it by name when a result is first shown. A corpus, which
is a folder and no result, is read first.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from semiring_widgets.corpus import Corpus
from semiring_widgets.export import page
from semiring_widgets.export.cell_page import write_cell_page
from semiring_widgets.export.corpus_page import write_corpus_page
from semiring_widgets.export.picture import write_picture
from semiring_widgets.overview.reading import numbers_of
from semiring_widgets.results.cells import CellExplanation, ImageComparison
from semiring_widgets.widgets import corpus_display, display

__all__ = [
    "corpus_page",
    "corpus_widget",
    "mimebundle",
    "pieces_html",
    "widget_of",
    "write_page",
    "write_picture",
]


def write_page(result: Any, path: str | os.PathLike[str], *, chart: bool, answers: int | None) -> Path:
    """Write one self-contained page, see `semiring_widgets.Explanation.to_html`."""
    if isinstance(result, (CellExplanation, ImageComparison)):
        return write_cell_page(result, path)
    return page.write_page(result, path, chart=chart, answers=answers)


def mimebundle(result: Any, include: Any = None, exclude: Any = None) -> dict[str, Any]:
    """All forms of a result, for ``_repr_mimebundle_``."""
    if isinstance(result, Corpus):
        return corpus_display.mimebundle(numbers_of(result), include, exclude)
    return display.mimebundle(result, include, exclude)


def widget_of(result: Any) -> Any:
    """The widget that shows it."""
    return corpus_widget(result) if isinstance(result, Corpus) else display.widget_of(result)


def pieces_html(table: Any) -> str:
    """The matrix of a continuation as HTML, see `semiring_widgets.Explanation.by_token`."""
    from semiring_widgets.pictures import piece_matrix  # imports matplotlib

    return piece_matrix.pieces_html(table)


def corpus_page(corpus: Corpus, path: str | os.PathLike[str], by: str | None = None) -> Path:
    """Write the page of a corpus, see `semiring_widgets.Corpus.to_html`."""
    return write_corpus_page(numbers_of(corpus, by), path)


def corpus_widget(corpus: Corpus, model: Any = None, tokenizer: Any = None, by: str | None = None) -> Any:
    """The widget of a corpus, see `semiring_widgets.Corpus.view`."""
    return corpus_display.CorpusWidget(numbers_of(corpus, by), model, tokenizer)
