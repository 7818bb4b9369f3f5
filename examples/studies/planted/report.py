"""Reads the rows of the study: medians over models, intervals, and what was chosen on other models."""

from __future__ import annotations

import random
from typing import NamedTuple

import pandas as pd

from examples.studies.bootstrap import estimate
from examples.studies.planted.medians import interval_of_median
from examples.studies.planted.scores import OURS
from examples.studies.study import Claim, Report, Table

__all__ = ["Way", "choosing", "chosen", "report"]

WEIGHED = {"log_mass": "log mass", "log_weight": "log best path", "entropy": "entropy"}
SIZES = ("mean size", "size of mean", "signed mean")
PUBLISHED = "InterpBench (Gupta et al. 2024), medians: ACDC .95, EAP-IG .90, EAP .20"
TITLES = {
    "trained": "Edges of trained models with LayerNorm",
    "turned": "Edges of compiled programs, the stream turned",
    "compiled": "Edges of compiled programs",
}
NOTES = {
    "trained": (
        "AUROC of the edges of models that were trained to hold a program's circuit "
        "(interchange-intervention training, pre-norm, GELU, four heads a layer); 5 texts each. An edge "
        "goes from part to part. The circuit is that of the program: training lets other parts have no "
        "effect, but does not forbid that parts of the circuit read more of each other than the program "
        "does, so nobody need reach 1."
    ),
    "turned": (
        "The same programs with the residual stream turned by a random rotation, in float64: the model and "
        "its circuit are the same, but what is not read is rounding instead of zero. Without the programs "
        "on which the rule was chosen; 3 texts each."
    ),
    "compiled": (
        "Programs compiled by Tracr, in float32. An edge goes from part to query, key, value or feed-forward "
        "part. Whatever is not in the circuit is exactly zero here, so that only vanishing derivatives cost "
        "anything. Without the programs on which the rule was chosen; 3 texts each, log mass, best path and "
        "entropy on the first of them."
    ),
}
COLUMNS = (
    " Median over models with 95 % interval, quartiles, share of models in which all true edges come "
    "first, share of true edges that are not zero, seconds a model (all texts, on a machine that did other "
    "things too)."
)


class Way(NamedTuple):
    """A way to rank edges."""

    method: str
    rule: str
    statistic: str


def choosing(names: list[str]) -> set[str]:
    """The seeded third of the programs on which a rule and a statistic are chosen; it is not reported on.

    Args:
        names: of all programs.
    """
    chance = random.Random(0)  # noqa: S311 (no secret)
    return set(chance.sample(sorted(names), len(names) // 3))


def chosen(rows: pd.DataFrame) -> Way:
    """The way of `sw.edges` with the highest mean AUROC.

    Args:
        rows: of the programs to choose on.
    """
    ours = rows[rows["method"] == OURS]
    # All ways that were run on all of these models.
    means = ours.groupby(list(Way._fields))["auroc"].agg(["mean", "size"])
    return Way(*means[means["size"] == means["size"].max()]["mean"].idxmax())


def report(rows: pd.DataFrame) -> Report:
    """Claims and tables.

    Args:
        rows: of all cells, as `measure_program`, `measure_trained` and `measure_hand_set` give them.
    """
    edges = rows[rows["auroc"].notna()].fillna({"rule": ""})
    programs = edges[edges["models"] != "trained"]
    apart = choosing(programs["model"].unique().tolist())
    way = chosen(programs[programs["model"].isin(apart)])
    kept = edges[(edges["models"] == "trained") | ~edges["model"].isin(apart)]
    groups = {models: kept[kept["models"] == models] for models in TITLES}
    groups = {models: own for models, own in groups.items() if len(own)}
    tables = [_at_a_glance(kept)]
    tables += [
        Table(TITLES[models], medians(own[~own["statistic"].isin(SIZES[1:])]), NOTES[models] + COLUMNS)
        for models, own in groups.items()
    ]
    claims = [claim for models, own in groups.items() for claim in _claims(models, own, way, len(apart))]
    if "compiled" in groups:
        claims.append(_vanishing(groups["compiled"]))
    tables.append(_signs(kept))
    hand_set = rows[rows["models"] == "hand-set"]
    if len(hand_set):
        claims.append(_named(hand_set))
        tables.append(_routes(hand_set))
    return Report(claims=claims, tables=tables)


def _claims(models: str, rows: pd.DataFrame, way: Way, apart: int) -> list[Claim]:
    """What is claimed of one kind of models."""
    by_way = {
        Way(*map(str, key)): own.set_index("model")["auroc"] for key, own in rows.groupby(list(Way._fields))
    }
    # Both are averaged over texts in the same way.
    averaged = way.statistic if way.statistic in SIZES else SIZES[0]
    ours, integrated = by_way[way], by_way[Way("EAP-IG", "", averaged)]
    plain, gradient = by_way[Way("EAP", "", "mean size")], by_way[Way(OURS, "gradient", "mean size")]
    pruned = by_way[Way("ACDC", "", "threshold")]
    paired = (ours - integrated).dropna()
    told = f"rules={way.rule!r}, {way.statistic}; chosen on {apart} programs that are not reported on"
    ran = f"{len(ours)} {models} models; {told}"
    ahead = estimate(paired)
    counts = f"{(paired > 0).sum()} models better, {(paired < 0).sum()} worse, {(paired == 0).sum()} equal"
    apart_from = (gradient - plain).abs()
    same = int((apart_from < 1e-9).sum())
    found = [
        Claim(
            f"{models.capitalize()} models: one sweep finds the edges with a median AUROC of at least .95",
            PUBLISHED if models == "trained" else "",
            ran,
            _told(ours),
            "agrees" if ours.median() >= 0.95 else "disagrees",
        ),
        Claim(
            f"{models.capitalize()} models: better than EAP-IG on the same texts and references",
            "",
            f"{ran}; holds where the interval of the paired difference is above 0",
            f"difference of means {ahead.told(3)}; {counts}; EAP-IG {_told(integrated)}",
            # By the digits that are printed: an interval that begins at 0.000 is not above 0.
            "agrees" if round(ahead.low, 3) > 0 else "disagrees",
        ),
        Claim(
            f"{models.capitalize()} models: contributions by the gradient find what edge attribution "
            "patching finds",
            "",
            "AUROC beside that of a textbook implementation; holds where no AUROC differs by .05 or more. "
            "What a saturated softmax leaves of a derivative has the size of rounding, and rounding differs",
            f"equal in {same} of {len(plain)} models, largest difference of AUROC {apart_from.max():.2g}",
            "agrees" if apart_from.max() < 0.05 else "disagrees",
        ),
    ]
    if models == "trained":
        found.append(
            Claim(
                "Trained models: ACDC finds more than EAP-IG, and EAP-IG more than EAP",
                PUBLISHED,
                f"{len(ours)} models, mean size over texts",
                f"medians {pruned.median():.3f}, {integrated.median():.3f}, {plain.median():.3f}",
                "agrees" if pruned.median() > integrated.median() > plain.median() else "disagrees",
            )
        )
    return found


def _told(values: pd.Series) -> str:
    low, high = interval_of_median(values.tolist())
    return (
        f"median {values.median():.3f} [{low:.3f}, {high:.3f}], mean {values.mean():.3f}, n = {len(values)}"
    )


def medians(rows: pd.DataFrame) -> pd.DataFrame:
    """Over models: median, interval, quartiles, share at 1, median seconds; the best first.

    Args:
        rows: of one kind of models.
    """
    found = []
    for way, own in rows.groupby(list(Way._fields)):
        method, rule, statistic = map(str, way)
        values = own["auroc"]
        low, high = interval_of_median(values.tolist())
        found.append(
            {
                **Way(method, rule, WEIGHED.get(statistic, statistic))._asdict(),
                "median AUROC": values.median(),
                "interval": f"[{low:.2f}, {high:.2f}]",
                "quartiles": f"{values.quantile(0.25):.2f}–{values.quantile(0.75):.2f}",
                "mean": values.mean(),
                "all first": (values == 1).mean(),
                "not zero": own["found"].mean(),
                "seconds": own["seconds"].median(),
                "n": len(own),
            }
        )
    table = pd.DataFrame(found)
    return table.sort_values(["median AUROC", "mean"], ascending=False, ignore_index=True)


def _at_a_glance(rows: pd.DataFrame) -> Table:
    """Every way in one line, beside each other for all kinds of models."""
    signed = rows["statistic"].isin(["mean size", "size", "threshold"])
    weighed = rows["statistic"].isin(WEIGHED) & (rows["rule"] == "gradient")
    own = rows[signed | weighed].assign(by=rows["statistic"].map(WEIGHED).fillna("contribution"))
    own["by"] = own["by"].where(own["method"].str.startswith(OURS), "")
    values = own.groupby(["method", "rule", "by", "models"])["auroc"].agg(["median", "mean"])
    text = values["median"].map("{:.3f}".format) + " (" + values["mean"].map("{:.3f}".format) + ")"
    order = values["mean"].unstack().mean(axis=1).sort_values(ascending=False).index
    table = text.unstack().loc[order, [models for models in TITLES if models in set(own["models"])]]
    return Table(
        "AUROC of edges, at a glance",
        table.fillna("–").reset_index().rename_axis(columns=None),
        "Median over models, mean in brackets, as many medians are 1. Trained: planted beside LayerNorms; "
        "compiled: Tracr's programs; turned: these with a rotated residual stream. Statistics of a path's "
        "weight without its sign stand here for the gradient's graph; a dash was not run. Details, intervals "
        "and n: the tables below.",
        first=True,
    )


def _signs(rows: pd.DataFrame) -> Table:
    """What becomes of contributions when they are averaged with their signs."""
    own = rows[rows["statistic"].isin(SIZES)]
    table = own.pivot_table(
        index=["models", "method", "rule"], columns="statistic", values="auroc", aggfunc="median"
    )
    return Table(
        "How contributions are averaged over texts",
        table[list(SIZES)].reset_index().rename_axis(columns=None),
        "Median AUROC where edges are ranked by the mean of sizes, by the size of the mean, and by the "
        "mean with its sign. An edge that speaks against the answer is in the circuit too, so ranking by "
        "signed numbers puts true edges last.",
    )


def _vanishing(rows: pd.DataFrame) -> Claim:
    """Whether derivatives vanish where attention is saturated, and what cures it."""
    own = rows[rows["statistic"].isin(["mean size", "size", "threshold"])]
    found = own.groupby(["method", "rule"])["found"].mean()
    lost = 1 - found
    told = ", ".join(
        f"{name} {lost[key]:.1%}"
        for name, key in {
            "gradient": (OURS, "gradient"),
            "EAP-IG": ("EAP-IG", ""),
            "lrp": (OURS, "lrp"),
            "gim": (OURS, "gim"),
            "linear": (OURS, "linear"),
            "secant": (OURS, "secant"),
            "each edge patched alone": ("edge patching", ""),
        }.items()
    )
    cured = lost[OURS, "secant"] < min(lost[OURS, "gradient"], lost["EAP-IG", ""])
    return Claim(
        "Compiled models: where saturated attention lets derivatives vanish, the rule secant loses fewer "
        "true edges than the gradient and EAP-IG",
        "",
        f"{rows['model'].nunique()} compiled programs, in which no other edge is anything but zero; each "
        "edge patched alone loses those for which another edge stands in",
        f"true edges that come out as exactly zero: {told}",
        "agrees" if cured else "disagrees",
    )


def _named(rows: pd.DataFrame) -> Claim:
    """Whether routes name what was set by hand."""
    ours = rows[rows["method"] == "sw.top_routes, contribution"].groupby("statistic")["value"].mean()
    best = rows[rows["method"] == "sw.top_routes, best"].groupby("statistic")["value"].mean()
    return Claim(
        "In models set by hand the best route takes planted heads only, and the routes that contribute most "
        "are the planted ones",
        "",
        f"{rows['model'].nunique()} models: {', '.join(rows['model'].unique())}",
        f"{best['heads']:.0%} of the best route's heads are planted; of the planted routes "
        f"{ours['ways']:.0%} come first by contribution, {best['ways']:.0%} by best path (planted "
        "heads, but another way into them)",
        "agrees" if best["heads"] == 1 and ours["ways"] == 1 else "disagrees",
    )


def _routes(rows: pd.DataFrame) -> Table:
    rows = rows.assign(told=rows.groupby(["model", "method"])["told"].transform("first"))
    table = rows.pivot_table(
        index=["model", "method", "told"], columns="statistic", values="value", sort=False
    )
    return Table(
        "Models set by hand",
        table.reset_index().rename_axis(columns=None).rename(columns={"told": "what comes first"}),
        "heads: share of the first route's heads that are planted. ways: share of the planted routes among "
        "as many first ones. words: AUROC of the words that the answer depends on, in Captum's "
        "attributions of tokens, which name no heads. By mass or best path the first routes take the "
        "planted heads, but by what the attention is most sensitive to, which need not be what it reads "
        "here.",
    )
