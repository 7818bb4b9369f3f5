"""The route grid as a picture: tokens from left to right, layers from bottom to top, routes as lines.

A skip is a straight line, an attention a curve labelled like ``V·L5·H3``, an MLP a square on the line. The
colour is the kind of a step, dashes a negative best path, the width the rank; as in the widget. The tint of a
cell is the share of all mass that passes through the token's residual stream at the input of that layer.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from semiring_widgets.pictures.chart import COLOURS
from semiring_widgets.pictures.glyphs import drawable
from semiring_widgets.results.visible import token_label, width

if TYPE_CHECKING:
    from semiring_widgets.results.explanation import Explanation
    from semiring_widgets.results.parts import Stream
    from semiring_widgets.results.rankings import ListedRoute, ListedStep

__all__ = ["NEGATIVE", "POSITIVE", "draw_grid"]

POSITIVE: Final = "#0072b2"
NEGATIVE: Final = "#d55e00"
_INK = "#1b1f24"
_MUTED = "#6b7280"
_CELLS = LinearSegmentedColormap.from_list("cells", ["#ffffff", "#9fb8cc"]).with_extremes(bad="#f3f4f6")
_LEVEL, _STEEP = 14, 9  # columns of a label beside or below the next; steep ones must end above the notes
_SHOWN = 5  # routes; more lines than that are a tangle
_HALO = [withStroke(linewidth=2.2, foreground="white")]
_DASHES: Final = (0, (4, 1.5))


def draw_grid(axes: Any, result: Explanation, token_labels: int) -> None:
    """Draw the grid.

    Args:
        axes: matplotlib axes to draw into.
        result: the explanation.
        token_labels: how many token labels fit below each other on the axis; more are thinned out.
    """
    layers, tokens = len(result.layers), max(len(stream.tokens) for stream in result.streams)
    shares = np.ma.masked_invalid(result.dataset["node_mass_share"].values[:, :tokens])
    known = shares.compressed()
    axes.pcolormesh(
        np.arange(tokens + 1) - 0.5,
        np.arange(layers + 1) - 0.5,
        shares,
        cmap=_CELLS,
        vmin=0,
        vmax=float(known.max()) if known.size else 1.0,
        edgecolors="#ffffff" if tokens <= 80 else "none",
        linewidth=0.8 if tokens <= 80 else 0,
        rasterized=True,
    )
    axes.set_xlim(-0.55, tokens - 0.45)
    axes.set_ylim(-0.55, layers + 0.45)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelsize=7.5, colors=_MUTED)
    _layer_labels(axes, layers)
    _token_labels(axes, result.streams[0], token_labels)
    if len(result.streams) > 1:
        upper = axes.secondary_xaxis("top")
        upper.tick_params(length=0, labelsize=7.5, colors=_MUTED)
        for side in upper.spines.values():
            side.set_visible(False)
        _token_labels(upper, result.streams[1], token_labels)
    for route in reversed(result.routes[:_SHOWN]):
        _draw_route(axes, route, layers, 0.07 * min(1.0, tokens / 12))
    _draw_score(axes, result, layers)


def _layer_labels(axes: Any, layers: int) -> None:
    every = max(1, layers // 16)
    ticks = list(range(0, layers, every))
    axes.set_yticks(ticks, [f"L{tick}" for tick in ticks])


def _token_labels(axis: Any, stream: Stream, fit: int) -> None:
    count = len(stream.tokens)
    every = max(1, -(-count // max(1, fit)))
    ticks = list(range(0, count, every))
    named = [token_label(stream.tokens[tick]) for tick in ticks]
    longest = max((min(width(label), _LEVEL) for label in named), default=0)
    steep = longest * len(named) > 110
    labels = [drawable(label, _STEEP if steep else _LEVEL) for label in named]
    texts = axis.set_xticks(
        ticks,
        labels,
        rotation=60 if steep else 0,
        ha="right" if steep else "center",
        rotation_mode="anchor",
        color=_INK,
    )
    for tick in texts:
        tick.label1.set_parse_math(False)
        tick.label2.set_parse_math(False)


def _draw_score(axes: Any, result: Explanation, layers: int) -> None:
    ends = [route.steps[-1].target for route in result.routes[:_SHOWN] if route.steps]
    position = ends[0] if ends else result.score.position
    if position is None:
        return
    axes.plot([position], [layers], marker="o", markersize=6, color=_INK, zorder=6, clip_on=False)
    axes.annotate(
        "score",
        (position, layers),
        xytext=(0, 6),
        textcoords="offset points",
        fontsize=8,
        color=_INK,
        ha="center",
        va="bottom",
        zorder=7,
    )


def _draw_route(axes: Any, route: ListedRoute, layers: int, spread: float) -> None:
    # Routes share long stretches of skip; a small shift per rank keeps them apart.
    shift = spread * ((route.rank + 1) // 2) * (-1) ** route.rank
    for layer, group in groupby(route.steps, key=lambda step: step.layer):
        steps = list(group)
        for index, step in enumerate(steps):
            low, high = layer + index / len(steps), layer + (index + 1) / len(steps)
            high = min(high, float(layers))
            start, end = (step.source + shift, low), (step.target + shift, high)
            _draw_step(axes, step, start, end, route)
            if step.branch == "mlp":
                axes.plot(
                    [end[0]],
                    [(low + high) / 2],
                    marker="s",
                    markersize=4,
                    color=COLOURS["mlp"],
                    zorder=5,
                    markeredgecolor="white",
                    markeredgewidth=0.6,
                )


def _draw_step(
    axes: Any, step: ListedStep, start: tuple[float, float], end: tuple[float, float], route: ListedRoute
) -> None:
    # What goes through an MLP, or by no operand of a head, is on the line of the skip.
    colour = COLOURS[step.branch if step.branch in {"query", "key", "value"} else "skip"]
    vertices, codes = [start, end], [Path.MOVETO, Path.LINETO]
    if step.source != step.target or step.branch in {"query", "key", "value"}:
        bend = 0.6 * (end[1] - start[1])
        vertices = [start, (start[0], start[1] + bend), (end[0], end[1] - bend), end]
        codes = [Path.MOVETO, *[Path.CURVE4] * 3]
        _name_hop(axes, step, start, end, route.rank)
    axes.add_patch(
        PathPatch(
            Path(vertices, codes),
            facecolor="none",
            edgecolor=colour,
            linewidth=max(0.9, 2.8 - 0.45 * route.rank),
            capstyle="round" if route.sign >= 0 else "butt",
            linestyle="-" if route.sign >= 0 else _DASHES,
            alpha=0.9,
            zorder=4,
        )
    )


def _name_hop(
    axes: Any, step: ListedStep, start: tuple[float, float], end: tuple[float, float], rank: int
) -> None:
    if rank > 3:
        return
    name = f"{step.branch[:1].upper()}·L{step.layer}" + ("" if step.head is None else f"·H{step.head}")
    axes.annotate(
        name,
        ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2),
        xytext=(0, 3),
        textcoords="offset points",
        fontsize=7,
        color=_INK,
        ha="center",
        va="bottom",
        path_effects=_HALO,
        zorder=7,
    )
