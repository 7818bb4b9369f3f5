"""A chunk of a corpus: what an engine is given at a time, and what is kept or asked again as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from semiring_widgets.corpus.rows import Row, Unread

__all__ = ["Work"]


@dataclass(frozen=True)
class Work:
    """Rows that are kept together.

    Attributes:
        chunk: its number.
        rows: in the order of the corpus.
    """

    chunk: int
    rows: Sequence[Row | Unread]

    @property
    def digests(self) -> list[str]:
        """Of its rows, by which they are known again."""
        return [row.digest for row in self.rows]
