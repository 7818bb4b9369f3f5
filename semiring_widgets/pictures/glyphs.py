"""Any text, in a form that matplotlib can draw: one line, and only characters that a font here has.

Matplotlib warns about every missing glyph and draws a box anyway; so the box is put in on purpose.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import Final
from unicodedata import bidirectional

from matplotlib import ft2font
from matplotlib.font_manager import FontProperties, fontManager, get_font

from semiring_widgets.results.visible import graphemes, shortened

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
# Since version 3.11 matplotlib lays out text by libraqm, which knows directions.
_ORDERS: Final = hasattr(ft2font, "__libraqm_version__")
_SELECTORS: Final = "\ufe0e\ufe0f"  # emoji or text: there is one glyph here anyway


def drawable(text: str, limit: int = 24) -> str:
    r"""The text on one line, characters without a glyph as boxes, shortened in the middle of long pieces.

    Args:
        text: any text.
        limit: columns kept, see `shortened`.

    >>> drawable("keys")
    'keys'
    >>> drawable("two\nlines")
    'two⏎lines'
    """
    shown = shortened("".join(map(_drawn, graphemes(text))), limit)
    return shown if _ORDERS else _leftwards(shown)


def _drawn(unit: str) -> str:
    """One grapheme, or a box: half a family of emoji would be another one."""
    marked = "".join(_MARKS.get(character, character) for character in unit if character not in _SELECTORS)
    return marked if all(c.isprintable() and ord(c) in _glyphs() for c in marked) else _BOX


def _leftwards(text: str) -> str:
    """Hebrew and Arabic as they are read, where matplotlib draws each letter to the right of the last."""
    runs = groupby(graphemes(text), key=lambda unit: bidirectional(unit[0]) in ("R", "AL"))
    return "".join("".join(reversed(list(run)) if leftwards else run) for leftwards, run in runs)


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    found: set[int] = set()
    for family in FAMILIES:
        found |= set(get_font(fontManager.findfont(FontProperties(family=[family]))).get_charmap())
    return frozenset(found)
