"""The static picture of a corpus: what a saved notebook shows where no widget can run."""

from __future__ import annotations

from textwrap import wrap
from typing import Any, Final

import numpy as np
from matplotlib import style

from semiring_widgets.overview.aggregates import Aggregates
from semiring_widgets.overview.numbers import BINS, NUMBERS, CorpusNumbers
from semiring_widgets.pictures.corpus_colours import colours_of
from semiring_widgets.pictures.corpus_text import asked_in_words, found_in_words
from semiring_widgets.pictures.glyphs import FAMILIES, drawable
from semiring_widgets.pictures.palette import INK, LINE, MUTED, shade
from semiring_widgets.pictures.sheet import MARGIN, WIDTH, card, label
from semiring_widgets.pictures.small_png import small_png
from semiring_widgets.results.wording import brief
from semiring_widgets.vocabulary import BRANCHES

__all__ = ["corpus_picture"]

_DISTRIBUTIONS: Final = 3
_LISTED: Final = 8
_HEAD: Final = 0.97  # inches, without what was found
_LINE: Final = 125  # letters
_ROW: Final = 1.85
# Of a group's name: what lies around it, and about a letter of it.
_MARK, _LETTER = 0.35, 0.075
_TALLEST: Final = 3.2


def corpus_picture(numbers: CorpusNumbers, whole: Aggregates) -> bytes:
    """Draw a corpus.

    Args:
        numbers: of the corpus.
        whole: of all its texts.

    Returns:
        A PNG file, 1080 pixels wide.
    """
    with style.context(["default", {"font.family": FAMILIES}]):
        canvas: Any = _figure(numbers, whole).canvas
        canvas.draw()
    return small_png(np.asarray(canvas.buffer_rgba())[..., :3])


def _figure(numbers: CorpusNumbers, whole: Aggregates) -> Any:
    layers = len({part.layer for part in numbers.parts})
    middle = 0.0 if not numbers.parts else max(_ROW, min(_TALLEST, 0.6 + 0.3 * layers))
    said = [line for one in found_in_words(numbers, whole) for line in wrap(drawable(one, 300), _LINE)]
    head = _HEAD + 0.2 * len(said)
    height = 2 * MARGIN + head + _ROW + middle + _ROW * bool(numbers.layers)
    figure, page = card(height)
    top = height - MARGIN
    title = f"{len(numbers):,} texts" + (f", {numbers.errors:,} could not be asked" if numbers.errors else "")
    label(page, MARGIN, top - 0.12, drawable(f"{numbers.path.name}: {title}", 90), 13, weight="bold")
    for place, line in enumerate(said):
        label(page, MARGIN, top - 0.42 - 0.2 * place, line, 9.5)
    label(page, MARGIN, top - head + 0.53, drawable(asked_in_words(numbers), 150), 8.5, color=MUTED)
    _groups(page, top - head + 0.29, numbers, whole)

    def axes(left: float, top: float, width: float, tall: float) -> Any:
        made = figure.add_axes((left / WIDTH, (top - tall) / height, width / WIDTH, tall / height))
        made.tick_params(labelsize=7, colors=MUTED, length=2)
        made.spines[["top", "right"]].set_visible(False)
        made.spines[["left", "bottom"]].set_color(LINE)
        return made

    top -= head
    third = (WIDTH - 2 * MARGIN) / 3
    for place, name in enumerate(numbers.numbers[:_DISTRIBUTIONS]):
        own = axes(MARGIN + 0.32 + place * third, top - 0.2, third - 0.5, _ROW - 0.62)
        _histogram(own, numbers, whole, place, name)
    top -= _ROW
    if numbers.parts:
        _heads(axes(MARGIN + 0.3, top - 0.2, 4.2, middle - 0.62), numbers, whole)
        _order(axes(MARGIN + 5.5, top - 0.2, 2.9, middle - 0.62), numbers, whole)
        top -= middle
    if numbers.layers:
        sixth = (WIDTH - 2 * MARGIN) / len(BRANCHES)
        for place, branch in enumerate(BRANCHES):
            own = axes(MARGIN + 0.3 + place * sixth, top - 0.2, sixth - 0.38, _ROW - 0.66)
            _flow(own, numbers, whole, place, branch)
    return figure


def _groups(page: Any, y: float, numbers: CorpusNumbers, whole: Aggregates) -> None:
    x = MARGIN
    letters = int(((WIDTH - 2 * MARGIN) / len(numbers.groups) - _MARK) / _LETTER)
    for name, colour, count in zip(numbers.groups, colours_of(numbers), whole.count, strict=True):
        many = f" ({int(count):,})"
        told = drawable(name, max(6, min(24, letters - len(many)))) + many
        page.plot([x + 0.04], [y], marker="s", color=colour, markersize=6)
        label(page, x + 0.15, y, told, 8)
        x += _MARK + _LETTER * len(told)


def _histogram(axes: Any, numbers: CorpusNumbers, whole: Aggregates, place: int, name: str) -> None:
    edges = np.linspace(*numbers.edges(name), BINS + 1)
    for counts, colour in zip(whole.histogram[place], colours_of(numbers), strict=True):
        axes.stairs(counts, edges, fill=True, color=colour, alpha=0.16)
        axes.stairs(counts, edges, color=colour, linewidth=1.2)
    words, unit = NUMBERS[name]
    axes.set_title(f"{words} ({unit})" if unit else words, fontsize=8, color=INK, loc="left")
    axes.set_ylim(bottom=0)


def _heads(axes: Any, numbers: CorpusNumbers, whole: Aggregates) -> None:
    own = [(part, whole.part_mean[n]) for n, part in enumerate(numbers.parts) if part.kind != "layer"]
    heads = 1 + max((part.head for part, _ in own if part.head is not None), default=-1)
    peak = max((abs(mean) for _, mean in own if np.isfinite(mean)), default=0.0) or 1.0
    for part, mean in own:
        x = heads + 0.4 if part.head is None else part.head
        strength = np.sign(mean) * np.sqrt(abs(mean) / peak)
        axes.add_patch(_box(x, part.layer, shade(float(strength))))
        if heads <= 12 and np.isfinite(mean):
            axes.text(x, part.layer, brief(mean), fontsize=7, ha="center", va="center", color=INK)
    layers = sorted({part.layer for part, _ in own})
    axes.set_xlim(-0.5, heads + 0.9)
    axes.set_ylim(layers[0] - 0.5, layers[-1] + 0.5)
    axes.set_xticks(
        [*range(0, heads, 1 + heads // 12), heads + 0.4], [*range(0, heads, 1 + heads // 12), "MLP"]
    )
    axes.set_yticks(layers[:: 1 + len(layers) // 13])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_title(f"mean {numbers.of}: layers × heads", fontsize=8, color=INK, loc="left")


def _box(x: float, y: float, colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.47, y - 0.45), 0.94, 0.9, facecolor=colour, edgecolor="none")


def _order(axes: Any, numbers: CorpusNumbers, whole: Aggregates) -> None:
    known = [
        n for n, part in enumerate(numbers.parts) if part.kind != "layer" and np.isfinite(whole.part_mean[n])
    ]
    first = sorted(known, key=lambda n: -abs(whole.part_mean[n]))[:_LISTED][::-1]
    for y, n in enumerate(first):
        axes.plot([whole.part_low[n], whole.part_high[n]], [y, y], color=shade(1), linewidth=2)
        axes.plot([whole.part_mean[n]], [y], "o", color=shade(1), markersize=4)
    axes.axvline(0, color=LINE, linewidth=0.8)
    axes.set_yticks(range(len(first)), [numbers.parts[n].name for n in first])
    axes.set_title("largest, with 95 % intervals over texts", fontsize=8, color=INK, loc="left")


def _flow(axes: Any, numbers: CorpusNumbers, whole: Aggregates, place: int, branch: str) -> None:
    for shares, colour in zip(whole.flow[:, :, place], colours_of(numbers), strict=True):
        axes.plot(numbers.layers, 100 * shares, color=colour, linewidth=1.3, marker="o", markersize=2.5)
    axes.set_ylim(bottom=0)
    axes.set_title(f"{branch.replace('_', ' ')}, % by layer", fontsize=8, color=INK, loc="left")
