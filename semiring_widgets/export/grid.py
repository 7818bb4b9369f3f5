"""The route grid as a picture: tokens from left to right, layers from bottom to top, routes as lines.

A skip is a straight line, an attention a curve labelled like ``V·L5·H3``, an MLP a square on the line. The
colour is the sign, the width the rank. The tint of a cell is the share of all mass that passes through the
token's residual stream at the input of that layer.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke

from semiring_widgets.explanation.visible import token_label, width
from semiring_widgets.export.drawable import drawable

if TYPE_CHECKING:
    from semiring_widgets.explanation import Explanation, Route, Stream

__all__ = ["NEGATIVE", "POSITIVE", "draw_grid"]

POSITIVE: Final = "#0072b2"
NEGATIVE: Final = "#d55e00"
_INK = "#1b1f24"
_MUTED = "#6b7280"
_CELLS = LinearSegmentedColormap.from_list("cells", ["#ffffff", "#9fb8cc"]).with_extremes(bad="#f3f4f6")
_SHOWN = 5  # routes; more lines than that are a tangle
_HALO = [withStroke(linewidth=2.2, foreground="white")]


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
    labels = [drawable(token_label(stream.tokens[tick]), 14) for tick in ticks]
    longest = max(map(width, labels), default=0)
    steep = longest * len(labels) > 110
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


def _draw_route(axes: Any, route: Route, layers: int, spread: float) -> None:
    if not route.steps:
        return
    colour = POSITIVE if route.sign >= 0 else NEGATIVE
    width = max(0.9, 2.8 - 0.45 * route.rank)
    # Routes share long stretches of skip; a small shift per rank keeps them apart.
    shift = spread * ((route.rank + 1) // 2) * (-1) ** route.rank
    vertices: list[tuple[float, float]] = []
    codes: list[Any] = []
    for layer, group in groupby(route.steps, key=lambda step: step.layer):
        steps = list(group)
        for index, step in enumerate(steps):
            low, high = layer + index / len(steps), layer + (index + 1) / len(steps)
            high = min(high, float(layers))
            start, end = (step.source + shift, low), (step.target + shift, high)
            if not vertices:
                vertices.append(start)
                codes.append(Path.MOVETO)
            if step.source == step.target and step.branch not in {"query", "key", "value"}:
                vertices.append(end)
                codes.append(Path.LINETO)
            else:
                bend = 0.6 * (high - low)
                vertices += [(start[0], low + bend), (end[0], high - bend), end]
                codes += [Path.CURVE4] * 3
                _name_hop(axes, step.branch, layer, step.head, start, end, colour, route.rank)
            if step.branch == "mlp":
                axes.plot(
                    [end[0]],
                    [(low + high) / 2],
                    marker="s",
                    markersize=4,
                    color=colour,
                    zorder=5,
                    markeredgecolor="white",
                    markeredgewidth=0.6,
                )
    axes.add_patch(
        PathPatch(
            Path(vertices, codes),
            facecolor="none",
            edgecolor=colour,
            linewidth=width,
            capstyle="round",
            linestyle="-" if route.sign >= 0 else (0, (4, 1.5)),
            alpha=0.9,
            zorder=4,
        )
    )


def _name_hop(
    axes: Any,
    branch: str,
    layer: int,
    head: int | None,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: str,
    rank: int,
) -> None:
    if rank > 3:
        return
    name = f"{branch[:1].upper()}·L{layer}" + ("" if head is None else f"·H{head}")
    axes.annotate(
        name,
        ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2),
        xytext=(0, 3),
        textcoords="offset points",
        fontsize=7,
        color=colour,
        ha="center",
        va="bottom",
        path_effects=_HALO,
        zorder=7,
    )
