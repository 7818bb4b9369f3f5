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
            what="Gradients averaged on the way from the counterfactual find better circuits than one.",
            published=f"CMD EAP-IG .03, EAP .03 to .29; {_MIB}",
            ran=_HELD_OUT,
            figure="CMD of EAP less that of EAP-IG: " + _told(less),
            verdict=_verdict(bool((less["low"] > 0).all())),
        )
    chance = _only(edges, ranking=RANDOM, measure="CMD")
    if not chance.empty:
        yield Claim(
            what="A random ranking has a CMD of about .75.",
            published=f".75; {_MIB}",
            ran=_HELD_OUT,
            figure=_told(chance),
            verdict=_verdict(bool(((chance["value"] - 0.75).abs() < 0.05).all())),
        )
    own = _only(edges, ranking=TEXTBOOK, measure="CMD less")
    if not own.empty:
        yield Claim(
            what="Where the five gradients are taken does not decide: in the middles of steps, or as the "
            "code of EAP-IG has them, where steps begin.",
            published="",
            ran="EAP-IG by autograd alone with the points of its code, beside sw.edges(steps=5)",
            figure="CMD of the one less that of the other: " + _told(own),
            verdict=_verdict(bool(((own["low"] <= 0) & (own["high"] >= 0)).all())),
        )
    for rule in ("secant", "gim", "linear"):
        less = _only(edges, ranking=f"contribution, {rule}", measure="CMD less")
        if not less.empty:
            yield Claim(
                what=f"One sweep under the rule {rule} finds circuits as good as five averaged gradients do.",
                published="",
                ran=_HELD_OUT,
                figure="CMD less that of EAP-IG: " + _told(less),
                verdict=_verdict(bool((less["low"] <= 0).all())),
            )
    base = _only(edges, ranking=CONTRIBUTION.name, measure="CMD").set_index("task")["high"]
    for ranking in ("mass", "best path"):
        area = _only(edges, ranking=ranking, measure="CMD")
        if not area.empty:
            yield Claim(
                what=f"Edges ranked by {ranking} make worse circuits than edges ranked by contribution.",
                published="",
                ran=_HELD_OUT,
                figure="CMD: " + _told(area),
                verdict=_verdict(bool((area.set_index("task")["low"] > base).all())),
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
                what=f"{method} finds heads' {group} that the gradient overlooks, given "
                f"{'zero' if by == 'zero' else 'counterfactual values'}.",
                published="",
                ran="parts of small first-order and large tested effect, in the first quarter; beside the "
                "better of two controls that know the contributions: drawn, and first layer first",
                figure=f"{_told(found)}; controls: {_values(best)}",
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
            figure=f"{_told(fixed)}; drawn from parts of small contribution: " + _values(chance),
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
            figure=f"{_told(dropped)}; without it: " + _values(base),
            verdict=_verdict(bool((dropped.set_index("task")["low"] > base).all())),
        )


def _only(rows: DataFrame, **wanted: str) -> DataFrame:
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows


def _told(rows: DataFrame) -> str:
    return ", ".join(
        f"{task} {value:.2f} [{low:.2f}, {high:.2f}]"
        for task, value, low, high in zip(rows["task"], rows["value"], rows["low"], rows["high"], strict=True)
    )


def _values(numbers: Series) -> str:
    return ", ".join(f"{task} {value:.2f}" for task, value in numbers.items())


def _verdict(holds: bool) -> Verdict:
    return "agrees" if holds else "disagrees"
