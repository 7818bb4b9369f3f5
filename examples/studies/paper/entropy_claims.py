"""What became of the claims about entropy, difficulty, correctness and sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd

from examples.studies import Claim, Report, Table
from examples.studies.paper.means import rank_correlation
from examples.studies.paper.reading import pick, said, sign_of, verdict, with_interval

ACCURATE = 0.9
# With fewer runs an interval is too wide to say anything.
FEWEST = 9
_MEASURES = {"mdl as published": "MDL as published", "code length": "prequential code length"}


def report(rows: pd.DataFrame) -> Report:
    """Claims and tables; of the rows of difficulties and sentences."""
    runs, sentences = by_run(rows), pick(rows, experiment="agreement entropy")
    claims, tables = [], []
    if not runs.empty:
        claims += [*_difficulty(runs), *_correctness(runs)]
        tables.append(_runs(runs))
    if not sentences.empty:
        claims += _sentences(sentences)
        tables.append(_by_length(sentences))
    return Report(claims, tables)


def by_run(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a run of the difficulty experiment: its code lengths, its accuracy and its entropies."""
    own = pick(rows, experiment="difficulty")
    if own.empty:
        return own
    names = own["statistic"] + np.where(
        own["granularity"] == "", "", ", " + own["granularity"] + ", " + own["group"]
    )
    wide = own.assign(name=names).pivot_table(index=["setting", "seed"], columns="name", values="mean")
    return wide.reset_index()


def _difficulty(runs: pd.DataFrame) -> list[Claim]:
    accurate = runs[runs["accuracy"] > ACCURATE]
    counts = accurate["setting"].str.startswith("BinCountOnes")
    binary = accurate[~counts | accurate["setting"].str.contains("(2)", regex=False)]
    asked = (
        ("The harder a task is to learn, the lower the entropy of the model that learned it.", accurate,
         "Spearman -.31 (68 runs, p .011)", -0.31),
        ("The same among binary tasks.", binary, "Spearman -.63 (47 runs)", -0.63),
        ("There is no such relation among BinCountOnes tasks.", accurate[counts],
         "Spearman -.11 (24 runs, p .63)", None),
    )  # fmt: skip
    found = []
    for what, some, published, lower in asked:
        for measure, told in _MEASURES.items():
            found.append(_correlation(what, some, published, measure, told, lower))
    return found


def _correlation(
    what: str, runs: pd.DataFrame, published: str, measure: str, told: str, lower: float | None
) -> Claim:
    """A claim about a rank correlation: below 0 as published, or none at all."""
    tasks = runs["setting"].nunique()
    ran = (
        f"{told} against entropy per token: runs above {ACCURATE:.0%} accuracy of {tasks} tasks; 1,800 "
        f"training examples, at most 30 epochs, 20 for a block (published: 3,600 and 50); granularity paper"
    )
    what = f"{what.removesuffix('.')} ({told})."
    given = published if measure == "mdl as published" else "not measured by the paper"
    if len(runs) < FEWEST:
        return Claim(what, given, ran, f"only {len(runs)} such runs; {FEWEST} are needed", verdict(None))
    found = rank_correlation(runs[measure].to_numpy(float), runs["entropy, paper, all"].to_numpy(float))
    negative, none = found[2] < 0, found[1] <= 0 <= found[2]
    # An interval that holds both 0 and what was published decides nothing.
    undecided = lower is not None and none and found[1] <= lower
    return Claim(
        what,
        given,
        ran,
        f"Spearman {with_interval(*found)}, n = {len(runs)} runs",
        verdict(None if undecided else none if lower is None else negative),
    )


def _correctness(runs: pd.DataFrame) -> list[Claim]:
    left = runs["entropy, paper, right"] if "entropy, paper, right" in runs else pd.Series(dtype=float)
    wrong = runs["entropy, paper, wrong"] if "entropy, paper, wrong" in runs else left * np.nan
    differences = (wrong - left).dropna()
    what = "Wrongly predicted examples have less entropy than right ones (synthetic tasks)."
    published = "-1.19 nats per token (t = -2.94, p .004), pooled; not on every task"
    ran = "Mean entropy of wrong minus that of right test examples, run by run; runs that have both"
    if len(differences) < FEWEST:
        return [
            Claim(
                what, published, ran, f"only {len(differences)} such runs; {FEWEST} are needed", verdict(None)
            )
        ]
    told, above = sign_of(differences.to_numpy())
    lower = f"{(differences < 0).sum()} of {len(differences)} runs are below 0"
    return [Claim(what, published, ran, f"{told} (nats); {lower}", verdict(above is False))]


def _sentences(rows: pd.DataFrame) -> list[Claim]:
    own = pick(rows, granularity="paper")
    models = list(dict.fromkeys(own["setting"]))

    def row(model: str, statistic: str, group: str) -> pd.Series | None:
        found = pick(own, setting=model, statistic=statistic, group=group)
        return None if found.empty else found.iloc[0]

    def claim(what: str, published: str, ran: str, statistic: str, group: str, sign: int) -> Claim:
        found = {model: row(model, statistic, group) for model in models}
        told = {model: one for model, one in found.items() if one is not None}
        if not told:
            return Claim(what, published, ran, "no such sentence", verdict(None))
        figure = "; ".join(f"{model}: {said(one)}, n = {int(one['n']):,}" for model, one in told.items())
        signs = [1 if one["low"] > 0 else -1 if one["high"] < 0 else 0 for one in told.values()]
        # Where no direction was published, the models must at least have the same one.
        holds = set(signs) == {sign} if sign else len(set(signs)) == 1 and 0 not in signs
        return Claim(what, published, ran, figure, verdict(holds))

    all_sentences = "BLiMP pairs; entropy of all paths of a sentence, granularity paper"
    return [
        claim("The entropy of a sentence grows with its length.", "grows; 269 to 277.5 nats",
              f"{all_sentences}; Spearman with the number of tokens", "spearman", "number of tokens", 1),
        claim("Sentences with more attractors have more entropy.",
              "Spearman .18 .13 .01 .11 by bins of length",
              "Generated sentences of one length, four nouns between subject and verb, 0 to 4 "
              "of them attractors; Spearman with their number", "spearman", "number of attractors", 1),
        claim("Entropy is related to how sure the model is, in the same direction in both models.",
              "studied; no figure known here",
              f"{all_sentences}; Spearman with |score| among sentences of one length",
              "spearman", "|score|", 0),
        claim("Wrongly predicted sentences have less entropy than right ones.",
              "pooled synthetic tasks only: -1.19 nats per token",
              f"{all_sentences}; wrong minus right of the same length",
              "wrong minus right", "same length", -1),
        Claim("A sentence has 269 to 277.5 nats.", "6 layers x 512 units", all_sentences,
              _range(own, models), verdict(None)),
    ]  # fmt: skip


def _range(rows: pd.DataFrame, models: list[str]) -> str:
    told = []
    for model in models:
        own = pick(rows, setting=model, statistic="entropy")
        values = own[own["group"].str.endswith("tokens")]["mean"]
        told.append(f"{model}: {values.min():.1f} to {values.max():.1f} nats by length")
    return "; ".join(told) + "; it depends on width and depth, which are others here"


def _runs(runs: pd.DataFrame) -> Table:
    columns = [
        name
        for name in (
            *("accuracy", "mdl as published", "code length", "entropy, paper, all"),
            *("entropy, primitive, all", "entropy, paper, right", "entropy, paper, wrong"),
        )
        if name in runs
    ]
    frame = runs.groupby("setting")[columns].mean().sort_values("code length").reset_index()
    frame.insert(1, "runs", runs.groupby("setting").size().loc[frame["setting"]].to_numpy())
    return Table(
        "Difficulty: code lengths and entropies by task",
        frame.rename(columns={"setting": "task"}),
        "Means over seeds, nats; entropies per token, of 90 test examples. The prequential code is of 1,800 "
        "labels, with as many classes as the task has; what is published as MDL is no code length (its floor "
        "is 7.17). Published entropies were read from rows of the vocabulary that a batch of four shares; "
        "these are of the tokens themselves.",
    )


def _by_length(rows: pd.DataFrame) -> Table:
    own = pick(rows, granularity="paper", statistic=["entropy", "accuracy"])
    told = [f"{row['mean']:.4g} [{row['low']:.4g}, {row['high']:.4g}]" for _, row in own.iterrows()]
    frame = own.assign(told=told)
    frame = frame.pivot_table(
        index=["group", "statistic"], columns="setting", values="told", aggfunc="first", sort=False
    )
    return Table(
        "Agreement: entropy by length and by attractors",
        frame.reset_index().rename(columns={"group": "sentences"}),
        "Nats over all paths of a sentence. Sentences with attractors are generated, all of one length.",
    )
