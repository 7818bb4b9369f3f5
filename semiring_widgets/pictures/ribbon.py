"""The sentence as a chart: every token on a tinted label, with its number below it, in lines.

In long texts labels are small, and only those that matter have a number. Where the text is compared with
another one, what stands in a token's place is written below it, if it is another token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from matplotlib.patches import FancyBboxPatch

from semiring_widgets.pictures.glyphs import drawable
from semiring_widgets.pictures.palette import LINE, MARK, shade
from semiring_widgets.pictures.sheet import MARGIN, WIDTH, Block, label, text_width
from semiring_widgets.pictures.tints import PRINTED, Tints
from semiring_widgets.results.visible import token_label

if TYPE_CHECKING:
    from semiring_widgets.results.parts import Reference, Token

__all__ = ["Label", "arrange", "ribbon", "stand_ins"]

_PAD: Final = 0.06  # inches on either side of a token's text
_GAP: Final = 0.06  # between words
_MANY: Final = 120  # tokens: more are drawn small
_BELOW: Final = 0.17  # of what stands in a token's place


@dataclass(frozen=True)
class Label:
    """One token's place: inches from the left, line, and width."""

    x: float
    line: int
    width: float


def arrange(tokens: Sequence[Token], width: float, needed: Sequence[float]) -> tuple[list[Label], int]:
    """Break the tokens into lines.

    Args:
        tokens: the tokens; two pieces of one word, or of one character, stand close together.
        width: of the page, in inches.
        needed: how wide what is written on each label is, in inches.

    Returns:
        A label per token, and the number of lines.
    """
    labels: list[Label] = []
    x, line = 0.0, 0
    for index, (token, size) in enumerate(zip(tokens, needed, strict=True)):
        previous = tokens[index - 1] if index else None
        if previous is not None:
            joined = previous.end >= token.start and token.end > token.start and not previous.special
            x += 0.012 if joined else _GAP
        size = max(size, 0.04) + 2 * _PAD
        if x + size > width and x > 0:
            x, line = 0.0, line + 1
        labels.append(Label(x, line, size))
        x += size
    return labels, line + 1


def stand_ins(reference: Reference | None, stream: int, count: int) -> list[str]:
    """What stands in the place of each token in the text that this one is compared with.

    Args:
        reference: of the explanation.
        stream: which stream the tokens are of.
        count: how many tokens there are.

    Returns:
        A text for each token, empty where there is none; nothing where the reference is no text.
    """
    if reference is None or stream >= len(reference.streams) or stream >= len(reference.aligned):
        return []
    others = reference.streams[stream].tokens
    aligned = reference.aligned[stream][:count]
    return [drawable(token_label(others[place])) if 0 <= place < len(others) else "" for place in aligned]


def ribbon(tokens: Sequence[Token], tints: Tints, others: Sequence[str] = ()) -> Block:
    """The labels, as a block of the sheet.

    Args:
        tokens: of one stream.
        tints: a number for each of them.
        others: from `stand_ins`.
    """
    many = len(tokens) > _MANY
    size, height, apart = (7.0, 0.18, 0.05) if many else (10.0, 0.36, 0.07)
    texts = [drawable(token_label(token)) for token in tokens]
    printed = [not many or abs(tints.strength(place)) >= PRINTED for place in range(len(tokens))]
    numbers = [tints.written(place) if shown else "" for place, shown in enumerate(printed)]
    changed = [text if text != own else "" for text, own in zip(others, texts, strict=False)]
    below = _BELOW if any(changed) else 0.0
    needed = [
        text_width(f"{text} {number}".strip(), size)
        if many
        else max(text_width(text, size), text_width(number, 7))
        for text, number in zip(texts, numbers, strict=True)
    ]
    if below:
        wide = [text_width(text, 8, "bold") if text else 0.0 for text in changed]
        needed = [max(pair) for pair in zip(needed, [*wide, *[0.0] * len(needed)], strict=False)]
    labels, lines = arrange(tokens, WIDTH - 2 * MARGIN, needed)

    def draw(page: Any, top: float) -> None:
        for place, where in enumerate(labels):
            x, y = MARGIN + where.x, top - where.line * (height + apart + below) - height
            _chip(page, x, y, where.width, height, shade(tints.strength(place)))
            looks = {"ha": "center", "style": "italic" if tokens[place].special else "normal"}
            middle = x + where.width / 2
            if many:
                label(page, middle, y + height / 2, f"{texts[place]} {numbers[place]}".strip(), size, **looks)
            else:
                label(page, middle, y + 0.23, texts[place], size, **looks)
                label(page, middle, y + 0.075, numbers[place], 7, ha="center")
            if below and place < len(changed) and changed[place]:
                label(page, middle, y - 0.09, changed[place], 8, ha="center", weight="bold", color=MARK)

    return Block(lines * (height + apart + below), draw)


def _chip(page: Any, x: float, y: float, width: float, height: float, colour: str) -> None:
    page.add_artist(
        FancyBboxPatch(
            (x, y),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.035",
            facecolor=colour,
            edgecolor=LINE,
            linewidth=0.5,
        )
    )
