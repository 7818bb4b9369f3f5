"""How a corpus displays itself: a widget where there is a kernel, a picture everywhere else."""

from __future__ import annotations

from typing import Any

from semiring_widgets.errors import MissingBundleError
from semiring_widgets.overview.numbers import CorpusNumbers
from semiring_widgets.widgets.corpus_mime import forms_of
from semiring_widgets.widgets.corpus_widget import CorpusWidget
from semiring_widgets.widgets.display import in_terminal
from semiring_widgets.widgets.mime import data_of, wanted

__all__ = ["CorpusWidget", "mimebundle"]


def mimebundle(numbers: CorpusNumbers, include: Any = None, exclude: Any = None) -> dict[str, Any]:
    """All forms of a corpus, for ``_repr_mimebundle_``.

    Args:
        numbers: of the corpus.
        include: MIME types wanted, None for all.
        exclude: MIME types not wanted.

    Returns:
        The widget's view, ``image/png`` (base64) and ``text/plain``; in a terminal the text only. Without
        the JavaScript bundle the text says what to do.
    """
    if in_terminal():
        data: dict[str, Any] = {"text/plain": forms_of(numbers)["text/plain"]}
    else:
        try:
            data = data_of(CorpusWidget(numbers)._repr_mimebundle_())
        except MissingBundleError as error:
            data = dict(forms_of(numbers))
            data["text/plain"] += f"\n{error}"
    return wanted(data, include, exclude)
