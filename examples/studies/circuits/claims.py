"""What others and we said, held against the rows."""

from __future__ import annotations

from collections.abc import Iterator

from pandas import DataFrame, Series

from examples.studies.circuits.finding import RANDOM, TEXTBOOK
from examples.studies.circuits.missed import LOOKS, PLANTED
from examples.studies.circuits.rankings import AVERAGED, CONTRIBUTION
from examples.studies.circuits.suspects import CONTRIBUTION as ATP
from examples.studies.study import Claim, Verdict

_MIB = "MIB, GPT-2 on IOI (Mueller et al. 2025)"
_ATP = "AtP* (Kramár et al. 2024)"
_CONTROLS = ("random, of small |contribution|", "first layer first, of small |contribution|")
_HELD_OUT = "edges, counterfactual sentences, scored on other sentences than those circuits were found on"


def claims(rows: DataFrame) -> list[Claim]:
    """All of them; those that no row tells about are left out."""
    found: list[Claim] = []
    if "ranking" in rows:
        found += _of_circuits(rows[rows["of"] == "edges"])
    if "group" in rows:
        found += _of_missed(rows)
    return found


def _of_circuits(edges: DataFrame) -> Iterator[Claim]:
    less = _only(edges, ranking=CONTRIBUTION.name, measure="CMD less")
    if not less.empty:
        yield Claim(
            what="Gradients averaged on the way from the counterfactual (EAP-IG) find better circuits than "
            "the one gradient at the text (EAP).",
            published=f"CMD EAP-IG .03, EAP .03 to .29; {_MIB}",
            ran=f"{_HELD_OUT}; holds where every interval of the difference is above 0",
            figure="CMD of EAP less that of EAP-IG: " + _told(less, 3),
            verdict=_verdict(bool((less["low"] > 0).all())),
        )
    chance = _only(edges, ranking=RANDOM, measure="CMD")
    if not chance.empty:
        yield Claim(
            what="A random ranking has a CMD of about .75.",
            published=f".75; {_MIB}",
            ran=f"{_HELD_OUT}; holds where each is within .05 of it",
            figure=_told(chance),
            verdict=_verdict(bool(((chance["value"] - 0.75).abs() < 0.05).all())),
        )
    own = _only(edges, ranking=TEXTBOOK, measure="CMD less")
    if not own.empty:
        yield Claim(
            what="It makes no difference whether the five gradients are taken in the middle of each step, as "
            "here, or where it begins, as in the code of EAP-IG.",
            published="",
            ran="EAP-IG by autograd alone with the points of its code, beside sw.edges(steps=5); holds where "
            "every interval of the difference reaches 0",
            figure="CMD of the one less that of the other: " + _told(own, 3),
            verdict=_verdict(bool(((own["low"] <= 0) & (own["high"] >= 0)).all())),
        )
    for rule in ("secant", "gim", "linear"):
        less = _only(edges, ranking=f"contribution, {rule}", measure="CMD less")
        if not less.empty:
            yield Claim(
                what=f"One sweep under the rule {rule} finds no worse circuits than five averaged gradients.",
                published="",
                ran=f"{_HELD_OUT}; holds where no interval of the difference is above 0",
                figure="CMD less that of EAP-IG: " + _told(less, 3),
                verdict=_verdict(bool((less["low"] <= 0).all())),
            )
    base = _only(edges, ranking=CONTRIBUTION.name, measure="CMD")
    for ranking in ("mass", "best path"):
        area = _only(edges, ranking=ranking, measure="CMD")
        if not area.empty:
            yield Claim(
                what=f"Edges ranked by {ranking} make worse circuits than edges ranked by contribution.",
                published="",
                ran=f"{_HELD_OUT}; holds where no interval meets that of contributions",
                figure=f"CMD: {_told(area)}; by contribution: {_told(base)}",
                verdict=_verdict(
                    bool((area.set_index("task")["low"] > base.set_index("task")["high"]).all())
                ),
            )
    stable = _only(edges, ranking=AVERAGED.name, measure="Jaccard")
    stable = stable[stable["fraction"] == stable["fraction"].max()]
    stable = stable[stable["sentences"] == stable["sentences"].max()]
    if not stable.empty:
        share, n = 100 * float(stable["fraction"].max()), int(stable["sentences"].max())
        near = bool((stable["value"] >= 0.8).all())
        yield Claim(
            what="From 100 sentences on, two sets of them give nearly the same circuit: Jaccard at least .8.",
            published="",
            ran=f"EAP-IG, first {share:g} % of the edges, {n} sentences drawn with replacement, twice",
            figure=_told(stable),
            verdict=_verdict(near) if near or n >= 100 else "cannot be tested here",
        )


def _of_missed(rows: DataFrame) -> Iterator[Claim]:
    rows = rows[rows["parts"] > 0]
    for method in ("mass - |contribution|", "mass - |contribution|, within the layer"):
        for group, by in LOOKS:
            own = _only(rows, measure="missed", group=group, by=by)
            found = _only(own, method=method)
            if found.empty:
                continue
            controls = own[own["method"].isin(_CONTROLS)]
            best = controls.groupby("task", sort=False)["value"].max()
            yield Claim(
                what=f"Ranked by {method}, heads' {group} come first that the gradient overlooks "
                f"(tested by {'zero' if by == 'zero' else 'counterfactual values'}).",
                published="",
                ran="overlooked: the tested effect is in the top quarter of the sentence, the contribution "
                "in its lower half; the share of them that the ranking has in its first quarter. Two "
                "controls take parts of small contribution: drawn, or first layer first; holds where every "
                "interval is above the better one",
                figure=f"{_told(found)}; n = {_counts(found)} parts; better control: {_values(best)}",
                verdict=_verdict(bool((found.set_index("task")["low"] > best).all())),
            )
    queries = _only(rows, measure="missed", group="queries and keys")
    fixed = _only(queries, method="QK fix")
    if not fixed.empty:
        chance = _only(queries, method="random, of small |contribution|").set_index("task")["value"]
        yield Claim(
            what="The QK fix finds queries and keys that attribution patching misses in saturated softmaxes.",
            published=_ATP,
            ran=f"queries and keys, counterfactual values; also {PLANTED}",
            figure=f"{_told(fixed)}; n = {_counts(fixed)} parts; drawn from parts of small contribution: "
            + _values(chance),
            verdict=_verdict(bool((fixed.set_index("task")["low"] > chance).all())),
        )
    outputs = _only(rows, measure="underestimated", group="outputs", by="counterfactual")
    dropped = _only(outputs, method="GradDrop")
    if not dropped.empty:
        base = _only(outputs, method=ATP).set_index("task")["value"]
        yield Claim(
            what="GradDrop finds heads' outputs that attribution patching underestimates.",
            published=_ATP,
            ran="outputs whose estimate is below a quarter of a tested effect in the top quarter",
            figure=f"{_told(dropped)}; n = {_counts(dropped)} parts; without it: " + _values(base),
            verdict=_verdict(bool((dropped.set_index("task")["low"] > base).all())),
        )


def _only(rows: DataFrame, **wanted: str) -> DataFrame:
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows


def _told(rows: DataFrame, digits: int = 2) -> str:
    return ", ".join(
        f"{task} {value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
        for task, value, low, high in zip(rows["task"], rows["value"], rows["low"], rows["high"], strict=True)
    )


def _counts(rows: DataFrame) -> str:
    return ", ".join(f"{int(parts)}" for parts in rows["parts"])


def _values(numbers: Series) -> str:
    return ", ".join(f"{task} {value:.2f}" for task, value in numbers.items())


def _verdict(holds: bool) -> Verdict:
    return "agrees" if holds else "disagrees"
