"""Where text leaves the program: no character stops it half-way, and no reader who has gone away.

A terminal or a pipe may know few characters (cp1252 on Windows, ASCII in a bare container). Those that stand
for something drawn or mathematical get an ASCII form of about the same look, all others become escapes.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from typing import Final

__all__ = ["make_readable", "mute"]

_NAME: Final = "semiring_widgets.readable"
_LOOKS: Final = {
    "█": "#",
    "━": "-",
    "–": "-",
    "−": "-",
    "…": "...",
    "·": ".",
    "×": "x",
    "→": "->",
    "Ġ": "_",
    "▁": "_",
    **{low: f"_{digit}" for digit, low in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{high: f"^{digit}" for digit, high in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
}


def make_readable() -> None:
    """Let stdout and stderr write any text, whatever their encoding knows."""
    codecs.register_error(_NAME, _replacement)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_NAME)


def mute() -> None:
    """Write no more to stdout, whose reader has gone away; what is still buffered goes nowhere, too."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # a stdout that is no file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _replacement(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    # One character at a time: its neighbours may be of the other kind.
    character = error.object[error.start]
    shown = _LOOKS.get(character) or character.encode("ascii", "backslashreplace").decode("ascii")
    return shown, error.start + 1
