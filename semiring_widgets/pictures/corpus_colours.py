"""How groups of texts are drawn: colours that are told apart with any common colour vision, and markers."""

from __future__ import annotations

from typing import Final

from semiring_widgets.overview.numbers import CorpusNumbers

__all__ = ["colours_of", "markers_of"]

# Okabe and Ito's, those that are told from white and from black; the last is for what has no group.
_COLOURS: Final = ("#2b7bba", "#c98500", "#009e73", "#b8629a", "#d55e00", "#7d8790")
_MARKERS: Final = ("circle", "triangle", "square", "diamond", "inverted_triangle", "star")
_ALONE: Final = "#5d74c9"


def colours_of(numbers: CorpusNumbers) -> tuple[str, ...]:
    """A colour for each group.

    Args:
        numbers: of the corpus.
    """
    return (_ALONE,) if len(numbers.groups) == 1 else _COLOURS[: len(numbers.groups)]


def markers_of(numbers: CorpusNumbers) -> tuple[str, ...]:
    """A marker of Bokeh for each group.

    Args:
        numbers: of the corpus.
    """
    return _MARKERS[: len(numbers.groups)]
