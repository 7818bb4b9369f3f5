"""The chart: how the flow of each layer divides into routes, as stacked bars (Bokeh).

Two bars stand side by side for every layer, because two questions are asked at the same activations: which
attention route the paths take (skip, query, key, value), and whether they pass through the MLP or around
it. Each bar is 1 when everything is known; a layer that has not been computed has no bar.

BokehJS is taken from the installed Python package, never from a CDN, so the versions always match.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from semiring_widgets.vocabulary import BRANCHES

if TYPE_CHECKING:
    from semiring_widgets.results.explanation import Explanation

__all__ = [
    "COLOURS",
    "bokeh_version",
    "bokehjs",
    "chart_item",
    "flow_by_branch",
    "flow_chart",
    "statistic_chart",
]

# Okabe and Ito's palette, its orange darkened for lines on white: told apart with any common colour vision.
# The dark grey of a skip is told from the green of a value by how dark it is: with red-green blindness both
# are grey. The widget has the same colours.
COLOURS: Final = {
    "skip": "#3f4754",
    "query": "#0072b2",
    "key": "#c98500",
    "value": "#009e73",
    "mlp": "#cc79a7",
    "mlp_skip": "#c9d1d9",
}
# And told apart without colour.
_MARKERS: Final = {
    "skip": "square",
    "query": "triangle",
    "key": "inverted_triangle",
    "value": "circle",
    "mlp": "diamond",
    "mlp_skip": "square",
}
_ATTENTION: Final = ("skip", "query", "key", "value")
_MLP: Final = ("mlp_skip", "mlp")


def flow_by_branch(result: Explanation) -> dict[str, list[float]]:
    """Share of all mass that takes each branch, per layer.

    Args:
        result: the explanation.

    Returns:
        For every branch one share (0-1) per layer, summed over tokens; NaN where nothing is known.
    """
    shares = result.dataset["branch_mass_share"].values
    known = ~np.isnan(shares).all(axis=2)
    sums = np.where(known, np.nansum(shares, axis=2), np.nan)
    return {branch: [float(value) for value in sums[:, index]] for index, branch in enumerate(BRANCHES)}


def flow_chart(result: Explanation) -> Any:
    """The chart as a Bokeh figure.

    Args:
        result: the explanation.
    """
    from bokeh.models import ColumnDataSource, HoverTool, NumeralTickFormatter, Range1d
    from bokeh.plotting import figure

    flows = flow_by_branch(result)
    plot = figure(
        height=280,
        sizing_mode="stretch_width",
        title=f"Share of mass ({result.granularity})",
        x_axis_label="layer",
        y_axis_label="share",
        y_range=Range1d(start=0, end=1.02),
        toolbar_location=None,
        # Transparent, so that the page's background shows in light and dark.
        background_fill_color=None,
        border_fill_color=None,
        tools="",
    )
    for branches, shift in ((_ATTENTION, -0.21), (_MLP, 0.21)):
        bottom = np.zeros(len(result.layers))
        for branch in branches:
            shares = np.nan_to_num(np.asarray(flows[branch], float))
            source = ColumnDataSource(
                {
                    "x": np.arange(len(shares)) + shift,
                    "layer": np.arange(len(shares)),
                    "name": [layer.name for layer in result.layers],
                    "branch": [branch.replace("_", " ")] * len(shares),
                    "share": shares,
                    "bottom": bottom,
                    "top": bottom + shares,
                }
            )
            plot.vbar(
                x="x",
                bottom="bottom",
                top="top",
                width=0.38,
                source=source,
                color=COLOURS[branch],
                legend_label=branch.replace("_", " "),
            )
            bottom = bottom + shares
    plot.add_tools(
        HoverTool(tooltips=[("layer", "@layer (@name)"), ("route", "@branch"), ("share", "@share{0.0%}")])
    )
    plot.xaxis.ticker = list(range(len(result.layers)))
    plot.yaxis.formatter = NumeralTickFormatter(format="0%")
    plot.xgrid.grid_line_color = None
    plot.legend.orientation = "horizontal"
    plot.legend.background_fill_alpha = 0
    plot.add_layout(plot.legend[0], "below")
    return plot


def statistic_chart(result: Explanation, number: int) -> Any:
    """One statistic of the paths by each branch of each layer, as points.

    Args:
        result: the explanation.
        number: position of the statistic.
    """
    from bokeh.models import HoverTool
    from bokeh.plotting import figure

    statistic = result.statistics[number]
    values = result.dataset["branch_statistic"].values[number]
    layers = np.arange(len(result.layers))
    plot = figure(
        height=280,
        sizing_mode="stretch_width",
        title=f"{statistic.name} ({result.granularity})",
        x_axis_label="layer",
        y_axis_label=statistic.unit or statistic.name,
        toolbar_location=None,
        background_fill_color=None,
        border_fill_color=None,
        tools="",
    )
    for index, branch in enumerate(BRANCHES):
        known = np.isfinite(values[:, index])
        source = {
            # Side by side, so that equal values do not hide each other.
            "x": layers[known] + 0.1 * (index - 2.5),
            "layer": layers[known],
            "branch": [branch.replace("_", " ")] * int(known.sum()),
            "value": values[known, index].astype(float),
        }
        plot.scatter(
            x="x",
            y="value",
            size=9,
            source=source,
            color=COLOURS[branch],
            marker=_MARKERS[branch],
            legend_label=branch.replace("_", " "),
        )
    plot.add_tools(
        HoverTool(tooltips=[("layer", "@layer"), ("route", "@branch"), (statistic.name, "@value")])
    )
    plot.xaxis.ticker = list(range(len(result.layers)))
    plot.legend.orientation = "horizontal"
    plot.legend.background_fill_alpha = 0
    plot.add_layout(plot.legend[0], "below")
    return plot


def chart_item(result: Explanation, *, dark: bool = False) -> dict[str, Any]:
    """The chart as Bokeh's ``json_item``, for ``Bokeh.embed.embed_item``.

    Args:
        result: the explanation.
        dark: light letters, for a dark page.
    """
    from bokeh.embed import json_item
    from bokeh.layouts import column
    from bokeh.themes import DARK_MINIMAL, built_in_themes

    theme = built_in_themes[DARK_MINIMAL] if dark else None
    charts = [flow_chart(result)]
    charts += [statistic_chart(result, number) for number in range(len(result.statistics))]
    whole = column(*charts, sizing_mode="stretch_width") if len(charts) > 1 else charts[0]
    item: dict[str, Any] = dict(json_item(whole, theme=theme))
    return item


def bokehjs() -> bytes:
    """BokehJS as one minified script, from the installed Bokeh."""
    import bokeh

    return (Path(bokeh.__file__).parent / "server" / "static" / "js" / "bokeh.min.js").read_bytes()


def bokeh_version() -> str:
    """Version of the installed Bokeh."""
    import bokeh

    return str(bokeh.__version__)
