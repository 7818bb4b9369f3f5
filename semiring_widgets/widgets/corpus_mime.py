"""How a corpus displays itself: the widget, a picture for readers without a kernel, lines for a terminal."""

from __future__ import annotations

import base64
from typing import Any, Final

from semiring_widgets.contract.corpus_messages import axes_of
from semiring_widgets.overview.aggregates import aggregate
from semiring_widgets.overview.numbers import CorpusNumbers
from semiring_widgets.pictures.corpus_text import plain_corpus
from semiring_widgets.widgets.mime import data_of

__all__ = ["forms_of", "with_corpus"]

_VIEW: Final = "application/vnd.jupyter.widget-view+json"


def with_corpus(bundle: Any, numbers: CorpusNumbers) -> Any:
    """Mark a widget's MIME bundle as ours, and add text and picture.

    Args:
        bundle: what the widget's base class gave: a dict, a tuple of data and metadata, or None.
        numbers: of the corpus.
    """
    if bundle is None:
        return bundle
    data = data_of(bundle)
    if _VIEW in data:
        data[_VIEW] = {**data[_VIEW], "semiring_widgets": True}
    data |= forms_of(numbers)
    return (data, *bundle[1:]) if isinstance(bundle, tuple) else data


def forms_of(numbers: CorpusNumbers) -> dict[str, str]:
    """Text and picture.

    Args:
        numbers: of the corpus.
    """
    from semiring_widgets.pictures.corpus_card import corpus_picture  # imports matplotlib

    whole = aggregate(numbers, axes_of(numbers))
    picture = base64.b64encode(corpus_picture(numbers, whole)).decode("ascii")
    return {"text/plain": plain_corpus(numbers, whole), "image/png": picture}
