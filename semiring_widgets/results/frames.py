"""Tables with texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

__all__ = ["frame_of"]


def frame_of(rows: Any, columns: Sequence[str] | None = None) -> pd.DataFrame:
    r"""A table whose texts are Python's own.

    Where pyarrow is installed pandas keeps texts there, and it takes no lone surrogates, which tokenizers do
    produce.

    Args:
        rows: dicts, one a row.
        columns: in this order; None for those of the rows.

    >>> frame_of([{"text": "half of \ud83d\ude00: \ud83d"}])["text"][0] == "half of \ud83d\ude00: \ud83d"
    True
    """
    with pd.option_context("mode.string_storage", "python"):
        return pd.DataFrame(rows, columns=None if columns is None else list(columns))
