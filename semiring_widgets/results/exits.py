"""The ways out of a result (page, notebook, widget), given to it by whoever puts the package together.

A result is data and knows no face. Yet people ask *it* to be shown: ``result.to_html(path)``, or its name at
the end of a cell. So there is one slot here for what can show it, and `semiring_widgets` fills the slot when
it is imported, before any result can be made. What fills it is loaded when it is first needed: pictures and
widgets take their time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # whoever imports the package imports this file
    import os
    from pathlib import Path

__all__ = ["Exits", "exits", "install"]


class Exits(Protocol):
    """What can show a result."""

    def write_page(
        self, result: Any, path: str | os.PathLike[str], *, chart: bool, answers: int | None
    ) -> Path:
        """Write one self-contained page, see `Explanation.to_html`."""
        ...

    def write_picture(
        self, result: Any, path: str | os.PathLike[str], *, form: str, scale: float = 2.0
    ) -> Path:
        """Write one picture, see `Explanation.to_svg` and `Explanation.to_png`."""
        ...

    def mimebundle(self, result: Any, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """All forms of a result, for ``_repr_mimebundle_``."""
        ...

    def widget_of(self, result: Any) -> Any:
        """The widget that shows it."""
        ...

    def pieces_html(self, table: Any) -> str:
        """The matrix of a continuation as HTML, see `Explanation.by_token`."""
        ...

    def corpus_page(self, corpus: Any, path: str | os.PathLike[str], by: str | None) -> Path:
        """Write the page of a corpus, see `Corpus.to_html`."""
        ...

    def corpus_widget(self, corpus: Any, model: Any, tokenizer: Any, by: str | None) -> Any:
        """The widget of a corpus, see `Corpus.view`."""
        ...


_slot: list[Callable[[], Exits]] = []


def install(load: Callable[[], Exits]) -> None:
    """Fill the slot.

    Args:
        load: gives the exits; asked at every use, so it may import them then.
    """
    _slot[:] = [load]


def exits() -> Exits:
    """What fills the slot."""
    return _slot[0]()
