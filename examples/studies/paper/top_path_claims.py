"""What became of the claims about the synthetic top path."""

from __future__ import annotations

import pandas as pd

from examples.studies import Claim, Report, Table
from examples.studies.paper.consumers import BRANCHES
from examples.studies.paper.reading import number, over_seeds, pick, seeds, verdict

PUBLISHED = {"key": 0.0301, "query": 0.0174, "skip": 0.0094, "value": 0.0010}
_LEVELS = {"branch": "branch level, as published", "unit": "unit level"}
_TOLD = "One-layer BERT, {seeds}, accuracy {accuracy}, {n} sentences of class 1 each"


def report(rows: pd.DataFrame) -> Report:
    """Claims and tables; of the rows of the top path."""
    rows = pick(rows, experiment="top path")
    if rows.empty:
        return Report()
    accuracy = pick(rows, statistic="accuracy")
    n = int(pick(rows, statistic="path grad")["n"].max())
    ran = _TOLD.format(seeds=seeds(accuracy), accuracy=over_seeds(accuracy, 3), n=n)
    return Report(
        [*_order(rows, ran), *_repeated(rows, ran), *_first(rows, ran)],
        [_table(rows), _effects(rows)],
    )


def _order(rows: pd.DataFrame, ran: str) -> list[Claim]:
    figures = ", ".join(f"{branch} {value:.4f}" for branch, value in PUBLISHED.items())
    found = []
    for level, told in _LEVELS.items():
        published = figures if level == "branch" else f"at branch level only: {figures}"
        means = pick(rows, level=level, granularity="paper", statistic="path grad", group="all")
        table = means.pivot_table(index="seed", columns="branch", values="mean")
        best = pick(rows, level=level, granularity="paper", statistic="oplus", group="all")
        figure = ", ".join(f"{branch} {over_seeds(pick(means, branch=branch))}" for branch in PUBLISHED)
        counted = ", ".join(
            f"{branch} {number(pick(best, branch=branch)['mean'].mean())}" for branch in PUBLISHED
        )
        first = table.idxmax(axis=1) == "key"
        figure += f"; key first in {first.sum()} of {seeds(means)}"
        order = [
            list(row.sort_values(ascending=False).index) == list(PUBLISHED) for _, row in table.iterrows()
        ]
        what = f"{ran}: mean path grad over all tokens, {told}"
        found += [
            Claim(
                f"Most path grad goes through keys ({told}).",
                published,
                what,
                figure,
                verdict(bool(first.all())),
            ),
            Claim(
                f"Path grads are ordered key, query, skip, value ({told}).",
                published,
                what,
                f"in {sum(order)} of {seeds(means)}; oplus (only the best unit's branch): {counted}",
                verdict(all(order)),
            ),
        ]
    return found


def _repeated(rows: pd.DataFrame, ran: str) -> list[Claim]:
    found = []
    for level, told in _LEVELS.items():
        own = pick(rows, level=level, granularity="paper", group="repeated")
        shares = pick(own, statistic="chosen branch", branch="key")
        grads = pick(rows, level=level, granularity="paper", statistic="path grad", branch="key")
        ratios = (
            pick(grads, group="repeated").set_index("seed")["mean"]
            / pick(grads, group="others").set_index("seed")["mean"]
        )
        found.append(
            Claim(
                f"The repeated token acts through keys ({told}).",
                "told of a picture; no figure",
                f"{ran}: through which branch its best unit goes, {told} (only key and value are possible "
                f"there, as the class is read at the first token)",
                f"key in {over_seeds(shares)} of the sentences; its path grad through keys is "
                f"{number(ratios.mean())} times that of other tokens (at least {number(ratios.min())})",
                verdict(bool((shares["mean"] > 0.5).all())),
            )
        )
    return [*found, _tested(rows, ran, "repeated", "key", "The repeated token acts through keys (tested).")]


def _first(rows: pd.DataFrame, ran: str) -> list[Claim]:
    found = []
    for level, told in _LEVELS.items():
        own = pick(rows, level=level, granularity="paper", group="first", statistic="chosen branch")
        figure = ", ".join(f"{branch} {over_seeds(pick(own, branch=branch))}" for branch in BRANCHES)
        table = own.pivot_table(index="seed", columns="branch", values="mean")
        found.append(
            Claim(
                f"The first token acts through queries ({told}).",
                "told of a picture; no figure",
                f"{ran}: through which branch its best unit goes, {told}",
                figure,
                verdict(bool((table.idxmax(axis=1) == "query").all())),
            )
        )
    return [*found, _tested(rows, ran, "first", "query", "The first token acts through queries (tested).")]


def _tested(rows: pd.DataFrame, ran: str, group: str, branch: str, what: str) -> Claim:
    effects = pick(rows, statistic="effect", group=group)
    table = effects.pivot_table(index="seed", columns="branch", values="mean").abs()
    figure = ", ".join(f"{each} {over_seeds(pick(effects, branch=each), 2)}" for each in BRANCHES)
    first = table.idxmax(axis=1) == branch
    n = int(effects["n"].min())
    return Claim(
        what,
        "not done",
        f"{ran}: one consumer reads another token there (one that is not in the sentence); change of the "
        f"right class's logit, n = {n} a seed",
        f"{figure}; {branch} most in {first.sum()} of {seeds(effects)}",
        verdict(bool(first.all())),
    )


def _table(rows: pd.DataFrame) -> Table:
    some = pick(
        rows,
        statistic=["path grad", "oplus", "chosen branch", "mass share", "best share"],
        group=["all", "first", "repeated", "others"],
    )
    frame = some.pivot_table(
        index=["level", "granularity", "statistic", "group"], columns="branch", values="mean", sort=False
    )
    return Table(
        "Synthetic top path: every statistic by branch and token",
        frame[list(BRANCHES)].reset_index(),
        "Means over seeds. Path grad: the largest path weight through this consumer of the layer's input; "
        "chosen branch: the share of tokens whose best unit goes this way; oplus: the product of both, "
        "as the paper's code averages it; mass share and best share: of `sw.flow`, per token of the group. "
        "Published (all tokens): "
        + ", ".join(f"{name} {value:.4f}" for name, value in PUBLISHED.items())
        + ".",
    )


def _effects(rows: pd.DataFrame) -> Table:
    some = pick(rows, statistic=["effect", "contribution"])
    frame = some.pivot_table(index=["group", "statistic"], columns="branch", values="mean", sort=False)
    return Table(
        "Synthetic top path: what the product leads with",
        frame[list(BRANCHES)].reset_index(),
        "Logits, means over sentences and seeds. Effect: one consumer reads what it would read if this token "
        "were another one; contribution: its first-order estimate. Where they differ the model is saturated.",
    )
