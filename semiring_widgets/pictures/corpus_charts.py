"""The charts of a corpus, as Bokeh takes them: axes and glyphs here, and empty tables that the page fills.

All charts are filled anew whenever other texts are chosen, so their numbers come from one place, the page
(`js/src/corpus/sources.ts`), and never twice. In a chart ``data`` is the table of what is chosen, and
``behind``, where there is one, that of all texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from semiring_widgets.overview.numbers import NUMBERS, CorpusNumbers
from semiring_widgets.pictures.palette import INK, shade
from semiring_widgets.vocabulary import BRANCHES

__all__ = ["chart_items"]

# From the most negative to the most positive; text over it can be read. A dark page has its own.
_PALETTE: Final = tuple(shade(step / 50) for step in range(-50, 51))
_TITLE, _AXIS = "{title}", "{axis}"
_FLOWS: Final = {"mlp": "Flow by the MLP", "mlp_skip": "Flow past the MLP", "skip": "Flow past attention"}
_LISTED: Final = 10
# Heads beside each other in which a number can be read.
_WRITTEN: Final = 12
_QUIET: Final = "#8a939c"


def chart_items(numbers: CorpusNumbers) -> dict[str, Any]:
    """All charts as Bokeh's ``json_item``, by name, in the order of reading.

    Args:
        numbers: of the corpus.

    Returns:
        Letters have the colour `INK`, for which a dark page puts its own.
    """
    from bokeh.embed import json_item

    charts = {"points": _points(numbers)}
    if numbers.numbers:
        charts["histogram"] = _histogram()
    if any(part.kind == "head" for part in numbers.parts):
        charts["heads"] = _heads(numbers)
    if numbers.parts:
        charts |= {"layers": _layers(numbers), "order": _order(numbers)}
    if numbers.layers:
        charts["flow"] = _flow(numbers)
    items = {name: dict(json_item(chart)) for name, chart in charts.items()}
    # Charts of one kind are made once: to make one takes longer than to write it again.
    for name in numbers.numbers:
        words = {_TITLE: NUMBERS[name][0], _AXIS: _axis(name)}
        items[f"histogram-{name}"] = _written(items["histogram"], words)
    for branch in BRANCHES if numbers.layers else ():
        items[f"flow-{branch}"] = _written(items["flow"], {_TITLE: _FLOWS.get(branch, f"Flow by {branch}")})
    return {name: item for name, item in items.items() if name not in {"histogram", "flow"}}


def _written(item: Any, words: Mapping[str, str]) -> Any:
    """A chart with words in their places."""
    if isinstance(item, Mapping):
        return {key: _written(part, words) for key, part in item.items()}
    if isinstance(item, list):
        return [_written(part, words) for part in item]
    return words.get(item, item) if isinstance(item, str) else item


def _models() -> Any:
    """Bokeh's models, which its types know in part."""
    import bokeh.models

    return bokeh.models


def _figure(title: str, height: int, tools: str = "", **more: Any) -> Any:
    from bokeh.plotting import figure

    made: Any = figure(
        title=title,
        height=height,
        sizing_mode="stretch_width",
        toolbar_location=None,
        tools=tools,
        background_fill_color=None,
        border_fill_color=None,
        **{"output_backend": "canvas", **more},
    )
    made.title.text_font_size = "12px"
    made.title.text_color = INK
    for axis in (*made.xaxis, *made.yaxis):
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = axis.major_label_text_font_size = "11px"
        axis.axis_label_text_color = axis.major_label_text_color = INK
        axis.minor_tick_line_color = None
        axis.axis_line_color = axis.major_tick_line_color = _QUIET
    made.outline_line_color = None
    made.grid.grid_line_color = _QUIET
    made.grid.grid_line_alpha = 0.2
    return made


def _source(name: str, *columns: str) -> Any:
    models = _models()
    return models.ColumnDataSource({column: [] for column in columns}, name=name)


def _axis(name: str) -> str:
    label, unit = NUMBERS[name]
    return f"{label} ({unit})" if unit else label


def _points(numbers: CorpusNumbers) -> Any:
    models = _models()
    ranges = {
        "x_range": models.Range1d(start=0, end=1, name="right"),
        "y_range": models.Range1d(start=0, end=1, name="above"),
    }
    plot = _figure("", 340, **ranges)
    for axis, name, number in ((plot.xaxis[0], "across", 0), (plot.yaxis[0], "up", -1)):
        axis.name, axis.axis_label = name, _axis(numbers.numbers[:2][number])
    density = _source("density", "left", "right", "bottom", "top", "alpha")
    plot.quad(
        left="left",
        right="right",
        bottom="bottom",
        top="top",
        alpha="alpha",
        source=density,
        color=_QUIET,
        line_color=None,
    )
    columns = ("x", "y", "colour", "marker", "alpha", "size", "row", "group")
    points = plot.scatter(
        "x",
        "y",
        size="size",
        marker="marker",
        color="colour",
        line_color=None,
        alpha="alpha",
        source=_source("data", *columns),
    )
    box = models.BoxAnnotation(
        name="box", visible=False, fill_alpha=0.06, fill_color=_QUIET, line_color=_QUIET, line_dash="dashed"
    )
    plot.add_layout(box)
    hover = models.HoverTool(
        renderers=[points], tooltips=[("text", "@row"), ("group", "@group"), ("x", "@x"), ("y", "@y")]
    )
    # The page draws the box and marks the points: it knows of texts that are no points, too.
    select = models.BoxSelectTool(renderers=[], persistent=False)
    plot.add_tools(hover, select)
    plot.toolbar.active_drag = select
    plot.subscribed_events = {"selectiongeometry", "tap"}
    return plot


def _histogram() -> Any:
    models = _models()
    ends = {
        "x_range": models.Range1d(start=0, end=1, name="ends"),
        "y_range": models.Range1d(start=0, end=1, name="counts"),
    }
    plot = _figure(_TITLE, 170, **ends, x_axis_label=_AXIS, y_axis_label="texts")
    plot.xgrid.grid_line_color = None
    plot.patches(
        "xs",
        "ys",
        source=_source("behind", "xs", "ys"),
        fill_color=None,
        line_color=_QUIET,
        line_dash="dotted",
    )
    groups = plot.patches(
        "xs",
        "ys",
        source=_source("data", "xs", "ys", "colour", "group", "count", "mean"),
        fill_color="colour",
        line_color="colour",
        fill_alpha=0.16,
        line_width=1.8,
    )
    told = [("group", "@group"), ("texts", "@count"), ("mean", "@mean{0.[000]}")]
    plot.add_tools(models.HoverTool(renderers=[groups], tooltips=told))
    return plot


def _heads(numbers: CorpusNumbers) -> Any:
    models = _models()
    layers = sorted({part.layer for part in numbers.parts if part.kind == "head"})
    heads = max(part.head or 0 for part in numbers.parts) + 1
    pitch = 30 if heads <= _WRITTEN else 20
    plot = _figure(
        f"Heads: mean {numbers.of}",
        max(190, min(560, 90 + pitch * len(layers))),
        x_range=models.Range1d(start=-0.5, end=heads - 0.5),
        y_range=models.Range1d(start=layers[0] - 0.5, end=layers[-1] + 0.5),
        x_axis_label="head",
        y_axis_label="layer",
    )
    plot.grid.grid_line_color = None
    plot.xaxis.ticker = list(range(0, heads, 1 + heads // 24))
    plot.yaxis.ticker = layers if len(layers) <= 24 else layers[:: 1 + len(layers) // 24]
    mapper = models.LinearColorMapper(
        palette=_PALETTE, low=-1, high=1, nan_color="rgba(128,128,128,0.25)", name="scale"
    )
    columns = ("head", "layer", "mean", "low", "high", "count", "written")
    cells = plot.rect(
        "head",
        "layer",
        0.94,
        0.9,
        source=_source("data", *columns),
        fill_color={"field": "mean", "transform": mapper},
        line_color=None,
    )
    if heads <= _WRITTEN:
        plot.text(
            "head",
            "layer",
            "written",
            source=cells.data_source,
            text_align="center",
            text_baseline="middle",
            text_font_size="11px",
            text_color=INK,
        )
    told = [
        ("head", "@layer·@head"),
        (f"mean {numbers.of}", "@mean{+0.[000]}"),
        ("95 % interval", "@low{+0.[000]} to @high{+0.[000]}"),
        ("texts", "@count"),
    ]
    plot.add_tools(models.HoverTool(tooltips=told))
    bar = models.ColorBar(color_mapper=mapper, width=8, padding=0, margin=4, background_fill_color=None)
    bar.major_label_text_font_size = "10px"
    bar.major_label_text_color = INK
    plot.add_layout(bar, "right")
    return plot


def _layers(numbers: CorpusNumbers) -> Any:
    models = _models()
    layers = sorted({part.layer for part in numbers.parts})
    ranges = {
        "x_range": models.Range1d(start=layers[0] - 0.5, end=layers[-1] + 0.5),
        "y_range": models.Range1d(start=0, end=1, name="means"),
    }
    plot = _figure(
        f"Layers: mean {numbers.of}; ● its heads, summed, ◆ MLP",
        240,
        x_axis_label="layer",
        y_axis_label=numbers.of,
        **ranges,
    )
    plot.xaxis.ticker = layers if len(layers) <= 24 else layers[:: 1 + len(layers) // 24]
    _whiskers(plot, numbers, across=False)
    return plot


def _order(numbers: CorpusNumbers) -> Any:
    models = _models()
    shown = min(_LISTED, sum(part.kind != "layer" for part in numbers.parts))
    plot = _figure(
        "Largest parts; hollow: order not resolved",
        70 + 20 * shown,
        x_range=models.Range1d(start=0, end=1, name="means"),
        y_range=models.FactorRange(factors=[], name="names"),
        x_axis_label=f"mean {numbers.of}, 95 % interval",
    )
    plot.ygrid.grid_line_color = None
    _whiskers(plot, numbers, across=True)
    return plot


def _whiskers(plot: Any, numbers: CorpusNumbers, *, across: bool) -> None:
    """Means with their intervals: along y, or across from left to right."""
    models = _models()
    zero = models.Span(location=0, dimension="height" if across else "width", line_color=_QUIET, line_width=1)
    plot.add_layout(zero)
    source = _source("data", "place", "mean", "low", "high", "colour", "fill", "marker", "name", "count")
    ends = {"x0": "low", "x1": "high", "y0": "place", "y1": "place"}
    if not across:
        ends = {"x0": "place", "x1": "place", "y0": "low", "y1": "high"}
    plot.segment(**ends, source=source, line_color="colour", line_width=2)
    at = {"x": "mean", "y": "place"} if across else {"x": "place", "y": "mean"}
    points = plot.scatter(
        **at,
        source=source,
        size=9,
        marker="marker",
        line_color="colour",
        fill_color="fill",
        line_width=2,
    )
    told = [
        ("part", "@name"),
        (f"mean {numbers.of}", "@mean{+0.[000]}"),
        ("95 % interval", "@low{+0.[000]} to @high{+0.[000]}"),
        ("texts", "@count"),
    ]
    plot.add_tools(models.HoverTool(renderers=[points], tooltips=told))


def _flow(numbers: CorpusNumbers) -> Any:
    models = _models()
    layers = list(numbers.layers)
    ends = models.Range1d(start=layers[0] - 0.3, end=layers[-1] + 0.3)
    plot = _figure(
        _TITLE, 170, x_range=ends, y_range=models.Range1d(start=0, end=1, name="shares"), x_axis_label="layer"
    )
    plot.yaxis.formatter = models.NumeralTickFormatter(format="0.[00]%")
    plot.xaxis.ticker = layers if len(layers) <= 12 else layers[:: 1 + len(layers) // 12]
    columns = ("xs", "ys", "colour")
    plot.multi_line("xs", "ys", source=_source("lines", *columns), line_color="colour", line_width=2)
    points = plot.scatter(
        "layer",
        "share",
        source=_source("data", "layer", "share", "colour", "marker", "group"),
        size=6,
        marker="marker",
        color="colour",
    )
    told = [("group", "@group"), ("layer", "@layer"), ("share of the mass", "@share{0.0%}")]
    plot.add_tools(models.HoverTool(renderers=[points], tooltips=told))
    return plot
