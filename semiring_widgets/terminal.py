"""A result in a terminal: the answer, what matters most, and then the facts about all paths."""

from __future__ import annotations

import math
from functools import singledispatch
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from semiring_widgets.contract.messages import sendable
from semiring_widgets.pictures.plain_effects import KINDS, form_of, rows_of
from semiring_widgets.pictures.plain_text import plain
from semiring_widgets.results.comparison import Comparison
from semiring_widgets.results.decimals import Decimals
from semiring_widgets.results.explanation import Explanation
from semiring_widgets.results.rankings import Ranking
from semiring_widgets.results.result import Result
from semiring_widgets.results.visible import token_label
from semiring_widgets.results.wording import nats, number, power, signed
from semiring_widgets.vocabulary import METRICS, RANKED_BY

__all__ = ["show"]

_BAR = 12  # characters
_ROUTES = 3  # of each ranking
_FAMILIES = 4
_WORDS = 3  # of each piece


def show(result: Result, console: Console | None = None) -> None:
    """Print a result, all of it at once.

    Args:
        result: an explanation, a comparison, or another kind.
        console: where to; None for stdout.
    """
    # Paths and sentences are for other programs, too: rich must not turn parts of them into colours.
    console = console or Console(highlight=False)
    with console.capture() as captured:
        _print(result, console)
    console.file.write(captured.get())
    console.file.flush()


@singledispatch
def _print(result: Result, console: Console) -> None:
    """A kind of result that is not named here: its plain lines."""
    for line in plain(result).splitlines():
        console.print(_line(line))


@_print.register
def _(result: Explanation, console: Console) -> None:
    for sentence in result.sentences:
        console.print(_sentence(sentence.text))
    if not result.sentences:
        console.print(_headline(result))
    if not np.isnan(result.dataset["token_contribution"].values).all():
        console.print(_effects(result))
    if "piece_effect" in result.dataset:
        console.print(_pieces(result))
    for ranking in result.rankings:
        if ranking.families:
            console.print(_families(ranking, form_of(result)))
    if result.sentences:
        console.print(_headline(result))
    console.print(_tokens(result))
    totals = result.totals
    for ranking in result.rankings:
        console.print(_line(f"routes by {RANKED_BY[ranking.by]}", style="bold"))
        console.print(_routes(ranking))
        console.print(_line(ranking.remark))
    console.print(Text(f"log mass          {nats(totals.log_mass)}"))
    console.print(Text(f"entropy           {nats(totals.entropy)}"))
    console.print(Text(f"log cancellation  {nats(totals.log_cancellation)}"))
    console.print(_line(f"counted           granularity {result.granularity}, level {result.level}"))


@_print.register
def _(result: Comparison, console: Console) -> None:
    console.print(_headline(result))
    if result.reference is not None:
        console.print(_line(f"words are given: {result.reference.label}"))
        console.print(_methods(result))
    console.print(_scores(result))
    for method in result.methods:
        if method.error is not None:
            console.print(_line(f"{method.label}: {method.error}"))


def _headline(result: Result) -> Text:
    line = _line(f"{result.score.label} = {number(result.score.value)}", style="bold")
    return line.append(f"\n{sendable(result.paths)}", style="not bold") if result.paths else line


def _sentence(text: str) -> Text:
    """A sentence of the answer; what it sets apart by stars is bold."""
    line = Text()
    for place, piece in enumerate(sendable(text).split("*")):
        line.append(piece, style="bold" if place % 2 else "")
    return line


def _effects(result: Explanation) -> Table:
    """What the score loses without each part, and what was estimated: words, heads, feed-forward parts."""
    form = form_of(result)
    table = Table(box=None, pad_edge=False)
    table.add_column("without")
    table.add_column("effect", justify="right")
    table.add_column("")
    table.add_column("estimate", justify="right")
    for kind, (called, _) in KINDS.items():
        rows = rows_of(result, kind)
        most = max((abs(row.effect) for row in rows if math.isfinite(row.effect)), default=0.0)
        if rows:
            table.add_row(Text(called, style="bold"))
        for row in rows:
            filled = round(_BAR * abs(row.effect) / most) if most > 0 and math.isfinite(row.effect) else 0
            bar = ("▒" if row.effect < 0 else "█") * filled
            table.add_row(_line(row.name), form.signed(row.effect), bar, form.signed(row.contribution))
    return table


def _pieces(result: Explanation) -> Table:
    """Of a target of several pieces the words before each that do most for it."""
    table = Table(box=None, pad_edge=False)
    table.add_column("piece")
    table.add_column("log p", justify="right")
    table.add_column("effect of the words before it")
    for (of, _), rows in result.by_token().groupby(["of", "piece"], sort=False):
        first = rows.iloc[0]
        most = rows.loc[rows["effect"].abs().sort_values(ascending=False).index[:_WORDS]]
        words = ", ".join(
            f"{text} {signed(effect)}" for text, effect in zip(most["text"], most["effect"], strict=True)
        )
        name = first["piece_text"] if of == "target" else f"{first['piece_text']} (contrast)"
        table.add_row(_line(name), number(first["log_probability"]), _line(words))
    return table


def _families(ranking: Ranking, form: Decimals) -> Table:
    """The first families of routes, and what each contributes."""
    table = Table(box=None, pad_edge=False)
    table.add_column("estimate", justify="right")
    table.add_column("reasons")
    for family in ranking.families[:_FAMILIES]:
        table.add_row(form.signed(family.contribution), _sentence(family.sentence))
    return table


def _tokens(result: Explanation) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("token")
    for heading in ("share of mass", "", "best path (nats)", "gradient norm"):
        table.add_column(heading, justify="left" if not heading else "right")
    for statistic in result.statistics:
        unit = f" ({statistic.unit})" if statistic.unit else ""
        table.add_column(_line(statistic.name + unit), justify="right")
    data = result.dataset
    extra = data["token_statistic"].values if result.statistics else np.empty((0, len(result.tokens)))
    names = ("token_mass_share", "token_best_log_weight", "token_gradient_norm")
    shares, best, gradients = (data[name].values for name in names)
    most = max((float(share) for share in shares if math.isfinite(share)), default=0.0)
    columns = (result.tokens, shares, best, gradients, extra.T)
    for token, share, weight, gradient, more in zip(*columns, strict=False):
        filled = round(_BAR * float(share) / most) if most > 0 and math.isfinite(share) else 0
        table.add_row(
            _line(token_label(token)),
            _number(share, ".1%"),
            Text("█" * filled),
            _number(weight, ".2f"),
            _number(gradient, ".3g"),
            *(_number(value, ".4g") for value in more),
        )
    return table


def _routes(ranking: Ranking) -> Table:
    """The first routes: best path, mass and cancellation stand together, as they tell different stories."""
    table = Table(box=None, pad_edge=False)
    for heading in ("best path", "log mass", "contribution", "cancellation"):
        table.add_column(heading, justify="right")
    table.add_column("route")
    leaving = next((route for route in ranking.routes if not route.all_skip), None)
    shown = list(ranking.routes[:_ROUTES])
    if leaving is not None and leaving not in shown:
        shown.append(leaving)
    for route in shown:
        weight = ("−" if route.sign < 0 else "") + power(route.log_weight)
        numbers = (weight, f"{route.log_mass:.1f}", signed(route.contribution), number(route.cancellation, 3))
        table.add_row(*numbers, _line(route.sentence))
    return table


def _methods(result: Comparison) -> Table:
    """How each method does against tested effects; of what was not measured there is no column."""
    table = Table(box=None, pad_edge=False)
    table.add_column("method")
    rows = result.to_pandas("methods").dropna(axis="columns", how="all")
    measured = [name for name in METRICS if name in rows]
    for name in (*measured, "seconds"):
        table.add_column(name.replace("_", " "), justify="right")
    for _, row in rows.iterrows():
        table.add_row(_line(row.label), *(_number(row[name], ".3g") for name in (*measured, "seconds")))
    return table


def _scores(result: Comparison) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("token")
    kept = [(label, scores) for label, scores in result.rows if np.isfinite(scores).any()]
    for label, _ in kept:
        table.add_column(_line(label), justify="right")
    for token in result.tokens:
        table.add_row(_line(token_label(token)), *(_number(scores[token.index], ".3g") for _, scores in kept))
    return table


def _line(text: str, style: str = "") -> Text:
    """Text of a user or a tokenizer, as it is: no markup, and nothing that has no UTF-8 form."""
    return Text(sendable(text), style=style)


def _number(value: Any, form: str) -> Text:
    return Text(format(float(value), form) if math.isfinite(value) else "–")
