"""Any text, in a form that matplotlib can draw: one line, and only characters that a font here has.

Matplotlib warns about every missing glyph and draws a box anyway; so the box is put in on purpose.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from matplotlib.font_manager import FontProperties, fontManager, get_font

__all__ = ["FAMILIES", "drawable"]

# DejaVu Sans comes with matplotlib; the others are asked for CJK text where they are installed.
_WANTED: Final = (
    "DejaVu Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Hiragino Sans",
    "Microsoft YaHei",
    "WenQuanYi Zen Hei",
)
_INSTALLED: Final = frozenset(font.name for font in fontManager.ttflist)
FAMILIES: Final = [name for name in _WANTED if name in _INSTALLED]

_BOX: Final = "□"
_MARKS: Final = {"\n": "⏎", "\r": "⏎", "\t": "⇥"}


def drawable(text: str, limit: int = 24) -> str:
    r"""The text on one line, characters without a glyph as boxes, shortened in the middle of long pieces.

    Args:
        text: any text.
        limit: most characters kept.

    >>> drawable("keys")
    'keys'
    >>> drawable("two\nlines")
    'two⏎lines'
    """
    marked = (_MARKS.get(character, character) for character in text)
    shown = "".join(c if c.isprintable() and ord(c) in _glyphs() else _BOX for c in marked)
    if len(shown) > limit:
        return f"{shown[: limit - 4]}…{shown[-3:]}"
    return shown


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    found: set[int] = set()
    for family in FAMILIES:
        found |= set(get_font(fontManager.findfont(FontProperties(family=[family]))).get_charmap())
    return frozenset(found)
