"""Many rows: a corpus explained in batches, resumable, as tables that others read.

Internal: use `semiring_widgets.explain_corpus` and `semiring_widgets.read_corpus`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from semiring_widgets._lazy import lazily

if TYPE_CHECKING:
    from semiring_widgets.corpus.corpus import Corpus, read_corpus
    from semiring_widgets.corpus.runs import explain_corpus

_HOME = {"Corpus": "corpus", "explain_corpus": "runs", "read_corpus": "corpus"}

__all__ = ["Corpus", "explain_corpus", "read_corpus"]

__getattr__, __dir__ = lazily(__name__, _HOME)
