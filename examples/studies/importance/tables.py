"""The tables of the page."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from examples.studies.bootstrap import Estimate
from examples.studies.importance.choice import LEAD, TODAY, chosen, marks
from examples.studies.importance.found import matching
from examples.studies.study import Table

TITLES = {
    "bert": "the embedded BERT",
    "minilm": "MiniLM",
    "gpt2": "GPT-2's kind, trained here",
    "llama": "Llama's kind, trained here",
}
KINDS = {"heads": "Heads", "mlps": "Feed-forward parts (MLPs)", "words": "Words", "routes": "Routes"}
_TRUTHS = {
    "zero": "zero",
    "mean": "mean",
    "reference": "reference",
    "resample": "other text",
    "class draws": "class draws",
}
_WHAT = (
    "Rank correlation (Spearman) over the parts of one text, averaged over n texts, with 95 % intervals "
    "over texts. A statistic that is relative to a reference is held against the effect under the same one; "
    "a dash says that it is not made for it. Reference: [MASK] at every token, for the causal models the "
    "mean of the text's embeddings; mean: over the tokens of the text; other text: the subject in the other "
    "number (MiniLM: one word exchanged)."
)


def tables(rows: pd.DataFrame) -> list[Table]:
    """All tables, those of the choice first.

    Args:
        rows: cleaned.
    """
    found = [_choices(rows), _at_a_glance(rows)]
    found += [_marks(rows, kind) for kind in KINDS if _has(rows, kind)]
    found += [
        _correlations(rows, kind, model)
        for kind in ("heads", "mlps", "words")
        for model in _models(rows, kind)
    ]
    found += [_words(rows, model) for model in _models(rows, "words")]
    found += [_routes(rows, model) for model in _models(rows, "routes")]
    found += [_across(rows, model) for model in _models(rows, "heads")]
    found += [_redrawn(rows, kind) for kind in ("heads", "words") if _has(rows, kind, redrawn=True)]
    return found


def _models(rows: pd.DataFrame, kind: str) -> list[str]:
    there = set(rows[rows.kind == kind].model)
    return [model for model in TITLES if model in there]


def _has(rows: pd.DataFrame, kind: str, *, redrawn: bool = False) -> bool:
    own = rows[rows.kind == kind]
    return bool(own.model.str.contains("redrawn").any()) if redrawn else not own.empty


def _pivot(rows: pd.DataFrame, column: str, order: Sequence[str]) -> pd.DataFrame:
    """One row a statistic and rule, the best first; figures as text."""
    keys = ["statistic", "rule"]
    numbers = rows[["value", "low", "high", "n"]].to_numpy(dtype=float)
    text = [Estimate(mean, low, high, int(n)).told() for mean, low, high, n in numbers]
    cells = rows.assign(text=text).drop_duplicates([*keys, column])
    shape = cells.pivot(index=keys, columns=column, values="text")
    sizes = cells.pivot(index=keys, columns=column, values="value").mean(axis=1)
    counts = cells.groupby(keys).n.min()
    shape = shape.loc[sizes.sort_values(ascending=False).index]
    columns = [name for name in order if name in shape]
    return shape[columns].fillna("–").assign(n=counts).reset_index()


def _correlations(rows: pd.DataFrame, kind: str, model: str) -> Table:
    own = matching(rows[(rows.kind == kind) & (rows.model == model) & (rows.measure == "spearman")])
    frame = _pivot(own, "truth", list(_TRUTHS)).rename(columns=_TRUTHS)
    note = _WHAT
    if kind == "words":
        note += " Class draws: mean |effect| of other words of the same class, where the grammar has one."
    if kind == "mlps":
        note += (
            " A model has as many such parts as layers, so few numbers are ranked: read the means only. "
            "IntegratedGradients from the reference value of one MLP's output to its own sums to the tested "
            "effect by construction: it is that test again, at eight times its cost, and no estimate."
        )
    return Table(f"{KINDS[kind]}: {TITLES[model]}", frame, note)


def _words(rows: pd.DataFrame, model: str) -> Table:
    own = rows[(rows.kind == "words") & (rows.model == model)]
    measured = own[own.measure.isin(["comprehensiveness", "sufficiency"]) & (own.truth == "reference")]
    first = own[(own.measure == "subject first") & own.truth.isin(["any", "reference"])]
    frame = _pivot(matching(pd.concat([measured, first.assign(against="")])), "measure",
                   ["comprehensiveness", "sufficiency", "subject first"])  # fmt: skip
    return Table(
        f"Words first and last: {TITLES[model]}",
        frame,
        "Comprehensiveness: drop of the score, as a share of it, when the fifth of the words that is ranked "
        "first is given the reference (more is better); sufficiency: when all others are (less is better). "
        "Subject first: how often the subject (MiniLM: the exchanged word) is the largest content word by "
        "size. Chance: one of the content words.",
    )


def _routes(rows: pd.DataFrame, model: str) -> Table:
    own = rows[(rows.kind == "routes") & (rows.model == model)]
    names = {"captured": "captured", "spearman in the pool": "Spearman in the pool",
             "ten largest, share of the change": "share of the change"}  # fmt: skip
    own = own[own.measure.isin(names)]
    columns = own.measure.map(names) + own.truth.map({"reference": ", reference", "resample": ", other text"})
    own = own.assign(column=columns)
    return Table(
        f"Routes: {TITLES[model]}",
        _pivot(own, "column", sorted(set(columns))),
        "Captured: of the ten routes with the largest effect (path patching) that were found, the share of "
        "effect that the ten first routes of a ranking hold. Found: among the first 30 of every ranking, so "
        "a ranking that is not listed here may know larger ones. Share of the change: the ten largest "
        "together, against the change of the score when the whole text changes; effects of routes are not "
        "additive.",
    )


def _across(rows: pd.DataFrame, model: str) -> Table:
    own = rows[(rows.kind == "heads") & (rows.model == model) & (rows.measure == "spearman")]
    some = own[own.statistic.isin(["tested effect", "contribution at the part"])]
    some = some[some.rule.isin(["", "gradient"])]
    some = some.assign(rule=some.against.map(_TRUTHS))
    frame = _pivot(some, "truth", list(_TRUTHS)).rename(columns={**_TRUTHS, "rule": "relative to"})
    return Table(
        f"One reference for another, heads: {TITLES[model]}",
        frame,
        "Rank correlation of effects, or of contributions by gradient, relative to one reference (rows) "
        "with the tested effects under another (columns).",
    )


def _redrawn(rows: pd.DataFrame, kind: str) -> Table:
    base = "bert"
    pair = [base, f"{base}, redrawn"]
    own = matching(rows[(rows.kind == kind) & rows.model.isin(pair) & (rows.measure == "spearman")])
    own = own[own.truth == ("zero" if kind == "heads" else "reference")]
    frame = _pivot(own, "model", pair).rename(columns={pair[0]: "trained", pair[1]: "parameters drawn anew"})
    return Table(
        f"{KINDS[kind]}: do the parameters matter? {TITLES[base]}",
        frame,
        "The statistic of the trained model, and that of the same architecture before training, both "
        "against the tested effects in the trained model (heads: zero, words: reference). n is that of the "
        "smaller column.",
    )


def _at_a_glance(rows: pd.DataFrame) -> Table:
    columns = {
        title: marks(rows, kind)["all"].rename(title) for kind, title in KINDS.items() if _has(rows, kind)
    }
    frame = pd.concat(columns.values(), axis=1)
    # What was measured for one kind alone is left to its own table; routes have few, and names of their own.
    alone = frame[KINDS["routes"]].notna() if KINDS["routes"] in frame else False
    frame = frame[(frame.notna().sum(axis=1) > 1) | alone].sort_values(next(iter(columns)), ascending=False)
    return Table(
        "Marks of every statistic, at a glance",
        frame.round(2).reset_index(),
        "Means over models and references: for heads and MLPs the rank correlation with tested effects, for "
        "words comprehensiveness less sufficiency as a share of what tested effects reach, for routes the "
        "share of the largest effects. 1 is the test itself. A line below *one fixed ranking* (words: "
        "*random order*) says nothing about the text. IntegratedGradients of an MLP is the test itself, at "
        "eight times its cost. By model, and of one kind alone: below.",
        first=True,
    )


def _marks(rows: pd.DataFrame, kind: str) -> Table:
    found = marks(rows, kind).round(3).reset_index().rename(columns={"all": "mark"})
    return Table(
        f"{KINDS[kind]}: marks by which the default is chosen",
        found,
        "The mark of a statistic in each model, averaged over references, and over models. By the rule that "
        "stands in `examples/studies/importance/choice.py`. It was written before these figures were known, "
        "but for two additions, which are marked there.",
    )


def _choices(rows: pd.DataFrame) -> Table:
    found = []
    for kind, title in KINDS.items():
        if not _has(rows, kind):
            continue
        winner, why = chosen(rows, kind)
        found.append([title, ", ".join(TODAY[kind]), ", ".join(winner) if winner else "none", why])
    return Table(
        "The choice",
        pd.DataFrame(found, columns=["kind", "default before", "default by the rule", "why"]),
        f"A new default must be ahead by more than {LEAD} and in at least half of the models. Tested "
        "effects come first wherever they can be had; a default estimate stands in for them.",
        first=True,
    )
