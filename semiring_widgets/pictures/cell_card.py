"""The static picture of an answer about a picture or a sound: numbers laid over what the model was given."""

from __future__ import annotations

import io
from typing import Any, Final, TypeAlias

import numpy as np
from matplotlib import style
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from semiring_widgets.pictures.cell_text import plain_methods
from semiring_widgets.pictures.glyphs import FAMILIES
from semiring_widgets.pictures.palette import INK, LINE, MUTED, NEGATIVE, POSITIVE
from semiring_widgets.pictures.sheet import DPI, MARGIN, WIDTH, Block, heading, prose, sheet
from semiring_widgets.pictures.small_png import small_png
from semiring_widgets.results.cells import CellExplanation, ImageComparison, SoundExplanation
from semiring_widgets.results.wording import brief

__all__ = ["cell_picture", "cell_picture_file", "overlay"]

Drawn: TypeAlias = CellExplanation | ImageComparison
# Title, caption, and the map that is laid over what was given; None for that itself.
Panel: TypeAlias = tuple[str, str, NDArray[Any] | None]

_ACROSS: Final = 4
_GAP: Final = 0.22
_SIDE: Final = (WIDTH - 2 * MARGIN - (_ACROSS - 1) * _GAP) / _ACROSS
_SOUND: Final = 0.8
# More maps of layers and heads than these are left to the page.
_MAPS: Final = 16


def cell_picture(result: Drawn) -> bytes:
    """Draw a result.

    Args:
        result: about a picture or a sound.

    Returns:
        A PNG file, 1080 pixels wide.
    """
    with style.context(["default", {"font.family": FAMILIES}]):
        figure = _figure(result)
        canvas: Any = figure.canvas
        canvas.draw()
    return small_png(np.asarray(canvas.buffer_rgba())[..., :3])


def cell_picture_file(result: Drawn, form: str, scale: float = 2.0) -> bytes:
    """Draw a result for a document.

    Args:
        result: about a picture or a sound.
        form: ``"svg"`` or ``"png"``.
        scale: of a PNG, in pixels of it per pixel of the card.
    """
    looks = {"font.family": FAMILIES, "svg.fonttype": "none", "svg.hashsalt": "semiring_widgets"}
    with style.context(["default", looks]):
        output = io.BytesIO()
        metadata: dict[str, Any] = {"Date": None} if form == "svg" else {"Software": None}
        _figure(result).savefig(output, format=form, dpi=DPI * scale, facecolor="white", metadata=metadata)
    return output.getvalue()


def overlay(picture: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """A picture in grey, tinted by a map: blue where positive, orange where negative.

    Args:
        picture: shape (height, width, 3), 0 to 1.
        values: shape (rows, columns), of the same proportions; NaN where nothing is known.

    Returns:
        Shape (height, width, 3), 0 to 1.
    """
    height, width, _ = picture.shape
    rows = np.arange(height) * values.shape[0] // height
    columns = np.arange(width) * values.shape[1] // width
    spread = np.nan_to_num(values[rows[:, None], columns])
    peak = float(np.abs(spread).max(initial=0.0))
    strength = (np.abs(spread) / (peak or 1.0))[..., None]
    if (spread < 0).any():
        # As elsewhere, the square root keeps small signed numbers visible; shares are all of one size.
        strength = np.sqrt(strength)
    grey = 0.35 + 0.5 * picture.mean(-1, keepdims=True)
    tint = np.where(spread[..., None] >= 0, to_rgb(POSITIVE), to_rgb(NEGATIVE))
    return np.asarray(grey * (1 - 0.8 * strength) + tint * 0.8 * strength)


def _figure(result: Drawn) -> Figure:
    if isinstance(result, ImageComparison):
        said = plain_methods(result).splitlines()
        panels = [("Given", "", None), *((m.name, "", result.method_map(m.name)) for m in result.methods)]
        return sheet([*prose(said[0], 11), _blank(0.15), *_rows(result, panels), *_lines(said[1:])])
    settings = f"{result.model} · {result.score.label} · rules {result.rules} · {result.granularity}"
    top = [*prose(result.answer, 11), *prose(settings, 8, color=MUTED), _blank(0.15)]
    routes = [f"{brief(route.contribution)}  {route.text}" for route in result.routes[:3]]
    return sheet([*top, *_rows(result, _panels(result)), *_lines(routes)])


def _rows(result: Drawn, panels: list[Panel]) -> list[Block]:
    return [_row(result, panels[start : start + _ACROSS]) for start in range(0, len(panels), _ACROSS)]


def _lines(texts: list[str]) -> list[Block]:
    return [block for text in texts for block in prose(text, 9)]


def _blank(height: float) -> Block:
    return Block(height, lambda page, top: None)


def _panels(result: CellExplanation) -> list[Panel]:
    shape = result.grid.shape

    def by_cell(name: str) -> NDArray[Any]:
        return np.asarray(result.dataset[name].values.reshape(shape))

    found: list[Panel] = [
        ("Given", "", None),
        ("Effect", "tested", by_cell("effect")),
        ("Contribution", f"by rule {result.rules}", by_cell("contribution")),
        ("Paths", "share of their mass", by_cell("mass_share")),
    ]
    for index, layer in enumerate(result.layers):
        what = f"layer {index}" if layer.heads else f"map {layer.rows} x {layer.columns}"
        found.append((what.capitalize(), "share of paths", result.layer_map(index)))
        found += [
            (f"Head {index}·{head}", "reads by values", result.layer_map(index, head))
            for head in range(layer.heads)
        ]
    return found[: 4 + _MAPS]


def _row(result: Drawn, panels: list[Panel]) -> Block:
    tall = _SOUND
    if "picture" in result.dataset:
        height, width, _ = result.dataset["picture"].shape
        tall = _SIDE * min(2.0, height / width)

    def draw(page: Any, top: float) -> None:
        for place, (title, caption, values) in enumerate(panels):
            left = MARGIN + place * (_SIDE + _GAP)
            heading(page, top - 0.1, title, caption, left)
            box = (left, top - 0.24 - tall, _SIDE, tall)
            _panel(page, box, result, values)

    return Block(tall + 0.42, draw)


def _panel(
    page: Any, box: tuple[float, float, float, float], result: Drawn, values: NDArray[Any] | None
) -> None:
    height = page.get_ylim()[1]
    left, bottom, wide, tall = box
    axes = page.figure.add_axes((left / WIDTH, bottom / height, wide / WIDTH, tall / height))
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(LINE)
    if "picture" in result.dataset:
        given = result.dataset["picture"].values
        shown = given if values is None else overlay(given, values)
        axes.imshow(shown, interpolation="nearest", aspect="auto")
    elif isinstance(result, SoundExplanation):
        wave = result.waveform
        if values is not None:
            peak = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
            edges = np.linspace(0, len(wave), values.shape[1] + 1)
            axes.bar(
                edges[:-1],
                np.nan_to_num(values[0]) / peak,
                width=np.diff(edges),
                align="edge",
                color=[POSITIVE if value >= 0 else NEGATIVE for value in np.nan_to_num(values[0])],
                alpha=0.5,
            )
        axes.plot(wave / (np.abs(wave).max() or 1.0), color=INK, linewidth=0.4)
        axes.set_xlim(0, len(wave))
        axes.set_ylim(-1.05, 1.05)
