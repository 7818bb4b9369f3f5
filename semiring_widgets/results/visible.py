r"""Any text as a label: on one line, nothing invisible in it, cut only between what people call characters.

Tokens are pieces of text, and many pieces cannot be shown as they are: a line break makes a label three
lines tall, a direction override turns the rest of the line round, half of an emoji is no text at all. White
space is marked (``␣ ⇥ ⏎``), what has no shape of its own is named (``⟨U+200B⟩``), bytes that are no whole
character are given in hexadecimal (``⟨f0 9f⟩``), and an accent that has lost its letter stands on a dotted
circle. Letters stay as they are, in every script and direction.

>>> visible("keys"), visible(" keys"), visible(" "), visible("\n\n")
('keys', 'keys', '␣', '⏎⏎')
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import accumulate
from typing import Final

from semiring_widgets.results.parts import Token

__all__ = ["bytes_label", "graphemes", "shortened", "token_label", "visible", "width"]

_MARKED: Final = {" ": "␣", "\t": "⇥", "\n": "⏎", "\r": "⟨CR⟩"}
_JOINERS: Final = "\u200c\u200d"
# Signs of Arabic and its neighbours that Unicode counts as control characters, but that are drawn.
_DRAWN: Final = frozenset(
    [*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13456)]
)
# Letters and symbols that are drawn as nothing.
_BLANK: Final = frozenset([0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0])
_TAGS: Final = range(0xE0020, 0xE0080)
_SKIN: Final = range(0x1F3FB, 0x1F400)
_FLAG: Final = range(0x1F1E6, 0x1F200)


@lru_cache(maxsize=20_000)
def visible(text: str) -> str:
    r"""The text as a label; a label stays as it is.

    Args:
        text: any text, lone surrogates included. One blank before a word is left out: that a word begins is
            seen anyway. Where a blank is all there is, or stands where none is expected, it is marked.

    >>> visible("a\tb"), visible("  x"), visible("x "), visible("\u200b"), visible("\u0301"), visible("")
    ('a⇥b', '␣␣x', 'x␣', '⟨U+200B⟩', '◌́', '⟨empty⟩')
    """
    if not text:
        return "⟨empty⟩"
    if text[0] == " " and not text[1:2].isspace() and text[1:]:
        text = text[1:]
    shown = []
    for place, character in enumerate(text):
        before = text[place - 1] if place else ""
        after = text[place + 1 : place + 2]
        shown.append(_shown(before, character, after))
    return "".join(shown)


def token_label(token: Token) -> str:
    """A token as a label, also one that somebody made by hand or that an older file holds."""
    return visible(token.text or token.raw)


def bytes_label(data: bytes, whole: str = "") -> str:
    r"""Bytes that are not a whole character.

    Args:
        data: the bytes.
        whole: the character that they are a part of, where it is known.

    >>> bytes_label(b"\xf0\x9f"), bytes_label(b"\x99", "🙂")
    ('⟨f0 9f⟩', '🙂⟨99⟩')
    """
    return f"{visible(whole) if whole else whole}⟨{data.hex(' ')}⟩"


def _shown(before: str, character: str, after: str) -> str:
    if character in _MARKED:
        # A blank between two words is what everybody expects.
        expected = character == " " and before not in ("", *_MARKED) and after not in ("", *_MARKED)
        return character if expected else _MARKED[character]
    category, code = unicodedata.category(character), ord(character)
    based = before != "" and not before.isspace()
    if category[0] == "M" or code in _TAGS:
        if based:
            return character
        if code not in _TAGS and code not in _BLANK and not _selects(code):
            return f"◌{character}"
    elif character in _JOINERS:
        if based and after and not after.isspace():
            return character
    elif code in _DRAWN or (category[0] not in "CZ" and code not in _BLANK) or category == "Cn":
        # Cn: characters younger than this Python.
        return character
    return f"⟨U+{code:04X}⟩"


def _selects(code: int) -> bool:
    """Variation selectors and the like: marks without a shape."""
    return 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or 0x180B <= code <= 0x180F


def graphemes(text: str) -> list[str]:
    r"""The text in units that must not be cut: letters with their accents, emoji sequences, flags, syllables.

    A short form of Unicode's extended grapheme clusters (UAX 29).

    >>> len(graphemes("e\u0301a")), len(graphemes("👩\u200d👧🇫🇷🇩🇪")), graphemes("ab")
    (2, 3, ['a', 'b'])
    """
    found: list[str] = []
    for character in text:
        if found and _joined(found[-1], character):
            found[-1] += character
        else:
            found.append(character)
    return found


def shortened(text: str, limit: int) -> str:
    """The text, cut between graphemes so that it is at most ``limit`` columns wide.

    Args:
        text: a label.
        limit: columns; an ideograph or emoji takes two. A middle part is replaced by ``…``.

    >>> shortened("abcdefghijklmnopqrstuvwxyz", 10), shortened("世界世界世界", 7)
    ('abcdef…xyz', '世界…界')
    """
    if width(text) <= limit:
        return text
    units = graphemes(text)
    tail = _fitting(units[::-1], min(3, max(0, limit - 4)))[::-1]
    head = _fitting(units, limit - 1 - width("".join(tail)))
    return "".join([*head, "…", *tail])


def width(text: str) -> int:
    r"""How many columns a label takes where all narrow characters are alike.

    >>> width("keys"), width("世界"), width("e\u0301"), width("👩\u200d👧")
    (4, 4, 1, 2)
    """
    first = (unit[0] for unit in graphemes(text))
    return sum(2 if unicodedata.east_asian_width(c) in "WF" or ord(c) in _FLAG else 1 for c in first)


def _fitting(units: list[str], columns: int) -> list[str]:
    """The first units that fit."""
    for count, taken in enumerate(accumulate(map(width, units))):
        if taken > columns:
            return units[:count]
    return units


def _joined(cluster: str, character: str) -> bool:
    """Whether a character belongs to what stands before it."""
    code, last = ord(character), ord(cluster[-1])
    if unicodedata.category(character)[0] == "M" or character in _JOINERS or code in _SKIN or code in _TAGS:
        return True
    if cluster[-1] == "\u200d":
        return unicodedata.category(character) == "So"
    if code in _FLAG:
        return last in _FLAG and len(cluster) == 1
    return _syllable(last, code)


def _syllable(last: int, code: int) -> bool:
    """Whether two letters of Korean make one syllable: leading, vowel and final parts follow each other."""
    leading, vowel, final = range(0x1100, 0x1160), range(0x1160, 0x11A8), range(0x11A8, 0x1200)
    whole = range(0xAC00, 0xD7A4)
    if code in leading:
        return last in leading
    if code in vowel:
        return last in leading or last in vowel or (last in whole and (last - 0xAC00) % 28 == 0)
    return code in final and (last in vowel or last in final or last in whole)
