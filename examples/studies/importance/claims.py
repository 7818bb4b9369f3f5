"""What was found before, or is said in the field, and whether it holds here."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from examples.studies.bootstrap import Estimate
from examples.studies.importance.found import figure, told
from examples.studies.study import Claim, Verdict

BY = ("zero", "mean", "resample")
NAMES = ("zero", "mean", "other text")
TEXTS = ("[MASK]", "other text")
# A first study of the same questions, on 120 sentences of BLiMP and the embedded model.
AT_THE_PART = "contribution at the part"
FIRST = "a first study (120 BLiMP sentences)"


def claims(rows: pd.DataFrame) -> list[Claim]:
    """All claims.

    Args:
        rows: cleaned.
    """
    return [
        *(make(rows) for make in (_at_the_part, _every_reference, _everywhere, _mass, _best_path)),
        *(make(rows) for make in (_from_inputs, _linear_heads)),
        *(make(rows) for make in (_steps, _across, _linear_words, _mass_words, _attention_heads)),
        *(make(rows) for make in (_attention_words, _routes, _route_mass, _small_routes, _redrawn)),
    ]


def verdict(there: list[Estimate], holds: Callable[[], bool]) -> Verdict:
    """Whether a claim holds; it cannot be told where a figure is missing."""
    if any(each.n == 0 for each in there):
        return "cannot be tested here"
    return "agrees" if holds() else "disagrees"


def _heads(rows: pd.DataFrame, statistic: str, rule: str, measure: str = "spearman") -> list[Estimate]:
    """Of BERT's heads under zero, mean and the other text, each relative to itself."""
    own = rows[(rows.kind == "heads") & (rows.model == "bert")]
    some = own[(own.against == "") | (own.against == own.truth)]
    return [figure(some, statistic=statistic, rule=rule, truth=by, measure=measure) for by in BY]


def _at_the_part(rows: pd.DataFrame) -> Claim:
    found = _heads(rows, AT_THE_PART, "gradient")
    return Claim(
        "The contribution at the part (gradient times change of the output) ranks heads as tests do.",
        f"0.87 / 0.89 / 0.89, {FIRST}",
        "heads of BERT; zero, mean, other text; holds where each is at least 0.8",
        told(found, NAMES),
        verdict(found, lambda: all(each.mean >= 0.8 for each in found)),
    )


def _every_reference(rows: pd.DataFrame) -> Claim:
    own = rows[(rows.kind == "heads") & (rows.statistic == AT_THE_PART) & (rows.rule == "gradient")]
    found = [
        figure(own, model="bert", truth=by, against=by, measure="spearman above control")
        for by in (*BY, "reference")
    ]
    return Claim(
        "It tells more than one fixed ranking of heads for all texts, whatever heads are replaced by.",
        "",
        "heads of BERT; zero, mean, other text, [MASK] at every token; paired difference of Spearman; holds "
        "where every interval is above 0",
        told(found, (*NAMES, "[MASK]"), 3),
        verdict(found, lambda: all(each.low > 0 for each in found)),
    )


def _everywhere(rows: pd.DataFrame) -> Claim:
    names = {"MiniLM": "minilm", "GPT-2's kind": "gpt2", "Llama's kind": "llama"}
    own = rows[(rows.kind == "heads") & (rows.statistic == AT_THE_PART) & (rows.rule == "gradient")]
    found = [
        figure(own, model=model, truth=by, against=by, measure="spearman above control")
        for model in names.values()
        for by in ("zero", "resample")
    ]
    return Claim(
        "In other models, too, it tells more than one fixed ranking of heads for all texts.",
        f"MiniLM 0.79 against 0.40, a causal model 0.85 against 0.65 (zero), {FIRST}",
        "heads of three other models; zero and other text each; paired difference of Spearman; holds where "
        "every interval is above 0",
        told(found, [f"{model} ({by})" for model in names for by in ("zero", "other text")], 3),
        verdict(found, lambda: all(each.low > 0 for each in found)),
    )


def _below_fixed(rows: pd.DataFrame, statistic: str, what: str, published: str) -> Claim:
    found = _heads(rows, statistic, "gradient", "spearman above control")
    return Claim(
        f"{what} ranks heads worse than one fixed ranking for all sentences.",
        published,
        "heads of BERT; zero, mean, other text; paired difference of Spearman; holds where the interval for "
        "zero is below 0",
        told(found, NAMES),
        verdict(found, lambda: found[0].high < 0),
    )


def _mass(rows: pd.DataFrame) -> Claim:
    return _below_fixed(rows, "mass", "Mass", f"-0.06 [-0.08, -0.04] for zero, {FIRST}")


def _best_path(rows: pd.DataFrame) -> Claim:
    return _below_fixed(rows, "best path", "The best path", f"-0.03 [-0.05, -0.01] for zero, {FIRST}")


def _from_inputs(rows: pd.DataFrame) -> Claim:
    found = _heads(rows, "contribution of the paths from the input", "gradient")
    own = _heads(rows, AT_THE_PART, "gradient")
    some, names = [found[0], found[2]], ("zero", "other text")
    return Claim(
        "The contribution of the paths from the input through a head ranks heads much worse than that at "
        "the part.",
        f"0.49 and 0.33 against 0.87 and 0.89 (zero, counterfactual), {FIRST}",
        "heads of BERT; zero and other text; holds where the intervals do not meet",
        f"{told(some, names)}; at the part: {told([own[0], own[2]], names)}",
        verdict(some, lambda: found[0].high < own[0].low and found[2].high < own[2].low),
    )


def _linear_heads(rows: pd.DataFrame) -> Claim:
    found = _heads(rows, AT_THE_PART, "linear")
    own = _heads(rows, AT_THE_PART, "gradient")
    return Claim(
        "On the linear graph the contributions of heads get worse.",
        f"0.62 / 0.59 / 0.61 against 0.87 / 0.89 / 0.89, {FIRST}",
        "heads of BERT; zero, mean, other text; holds where no interval meets that of the gradient",
        f"{told(found, NAMES)}; by the gradient: {told(own, NAMES)}",
        verdict(found, lambda: all(a.high < b.low for a, b in zip(found, own, strict=True))),
    )


def _steps(rows: pd.DataFrame) -> Claim:
    some = rows[(rows.kind == "heads") & (rows.model == "bert") & (rows.truth == "resample")]
    some = some[(some.measure == "spearman") & (some.against == "resample")]
    names = ("contribution, 8 steps", "IntegratedGradients at the part (Captum)")
    found = [figure(some, statistic=name) for name in names]
    own = figure(some, statistic=AT_THE_PART, rule="gradient")
    return Claim(
        "Averaged over steps (EAP-IG; IntegratedGradients at a layer) they get no better for heads.",
        f"0.72 against 0.89 (counterfactual), {FIRST}",
        "heads of BERT, other text; 8 steps of the inputs, 8 steps of the layer; holds where both are below",
        told([*found, own], ("steps of the inputs", "steps of the layer", "one gradient")),
        verdict([*found, own], lambda: all(each.mean < own.mean for each in found)),
    )


def _across(rows: pd.DataFrame) -> Claim:
    some = rows[(rows.kind == "heads") & (rows.model == "bert") & (rows.statistic == "tested effect")]
    some = some[some.measure == "spearman"]
    found = [figure(some, against="zero", truth="resample"), figure(some, against="zero", truth="mean")]
    return Claim(
        "Which heads matter depends on what they are replaced by: tests by zero and by another text rank "
        "them differently.",
        f"zero against counterfactual 0.50, {FIRST}",
        "heads of BERT; effect of zero with that of the other text, and with that of the mean; holds where "
        "the first is below 0.8",
        told(found, ("zero with other text", "zero with mean")),
        verdict(found, lambda: found[0].high < 0.8),
    )


def _words(rows: pd.DataFrame, statistic: str, rule: str, measure: str, model: str = "bert") -> Estimate:
    own = rows[(rows.kind == "words") & (rows.model == model) & (rows.truth.isin(["reference", "any"]))]
    own = own[own.against.isin(["", "reference"])]
    return figure(own, statistic=statistic, rule=rule, measure=measure)


def _linear_words(rows: pd.DataFrame) -> Claim:
    names = ("comprehensiveness", "sufficiency", "subject first")
    plain, linear = (
        [_words(rows, AT_THE_PART, rule, name) for name in names] for rule in ("gradient", "linear")
    )
    return Claim(
        "For words the linear graph is better than the gradient: the words ranked first carry more of the "
        "score, and the subject is first more often.",
        "comprehensiveness 3.93 against 2.94 (of 6.28), sufficiency 2.15 against 4.34, subject first 82 % "
        "against "
        f"33 %, {FIRST}",
        "words of BERT, reference [MASK]; comprehensiveness, sufficiency (shares of the score), subject "
        "first; holds where all three are better and no interval meets",
        f"gradient: {told(plain, names)}; linear: {told(linear, names)}",
        verdict(
            [*plain, *linear],
            lambda: (
                linear[0].low > plain[0].high
                and linear[1].high < plain[1].low
                and linear[2].low > plain[2].high
            ),
        ),
    )


def _mass_words(rows: pd.DataFrame) -> Claim:
    names = ("mass", "best path", "entropy")
    found = [_words(rows, name, "gradient", "comprehensiveness above control") for name in names]
    return Claim(
        "Mass, best path and entropy find the words that matter no better than a random order.",
        f"comprehensiveness 1.09 / 0.85 / 0.67 against 1.49 (of 6.28), {FIRST}",
        "words of BERT, reference [MASK]; paired difference of comprehensiveness to one random order; holds "
        "where no interval is above 0",
        told(found, names),
        verdict(found, lambda: all(each.low <= 0 for each in found)),
    )


def _attention_heads(rows: pd.DataFrame) -> Claim:
    names = ("attention: mean of the largest weight", "attention: from the asked word to the subject")
    found = [each for name in names for each in _heads(rows, name, "", "spearman above control")]
    return Claim(
        "Attention weights do not tell which heads matter: they rank them worse than one fixed ranking.",
        "attention is not explanation (Jain and Wallace 2019)",
        "heads of BERT; how sharp the attention is, and how much the asked word gives the subject; zero, "
        "mean, other text each; paired difference of Spearman; holds where no interval is above 0",
        told(found, [f"{name} ({by})" for name in ("sharpness", "to the subject") for by in NAMES]),
        verdict(found, lambda: all(each.low <= 0 for each in found)),
    )


def _attention_words(rows: pd.DataFrame) -> Claim:
    names = ("attention: last layer", "attention: mean of all layers", "attention rollout")
    found = [_words(rows, name, "", "comprehensiveness above control") for name in names]
    return Claim(
        "Attention weights and attention rollout find the words that matter no better than a random order.",
        "rollout correlates better with blanking than raw attention (Abnar and Zuidema 2020)",
        "words of BERT, reference [MASK]; paired difference of comprehensiveness to one random order; holds "
        "where no interval is above 0",
        told(found, ("last layer", "mean of all layers", "rollout")),
        verdict(found, lambda: all(each.low <= 0 for each in found)),
    )


def _route(rows: pd.DataFrame, statistic: str, truth: str, measure: str = "captured") -> Estimate:
    own = rows[(rows.kind == "routes") & (rows.model == "bert") & rows.rule.isin(["", "gradient"])]
    return figure(own, statistic=statistic, truth=truth, measure=measure)


def _routes(rows: pd.DataFrame) -> Claim:
    found = [_route(rows, "contribution", truth) for truth in ("reference", "resample")]
    return Claim(
        "The ten routes of the largest contribution hold more than half of the effect that the ten with the "
        "largest effect have.",
        f"captured 0.64 to 0.68, {FIRST}; 0.49 [MASK] and 0.69 counterfactual (n = 6)",
        "routes of BERT; [MASK] and other text; holds where both capture more than half",
        told(found, TEXTS),
        verdict(found, lambda: all(each.mean > 0.5 for each in found)),
    )


def _route_mass(rows: pd.DataFrame) -> Claim:
    found = [
        _route(rows, name, truth) for name in ("mass", "best path") for truth in ("reference", "resample")
    ]
    return Claim(
        "Of the routes with the most mass none has an effect, and the best path finds few that have.",
        f"captured 0.00, and 0.26 / 0.02, {FIRST}",
        "routes of BERT; mass, then best path; [MASK] and other text each; holds where mass captures less "
        "than 0.05 and the best path less than 0.3",
        told(found, [f"{name} ({by})" for name in ("mass", "best path") for by in TEXTS]),
        verdict(
            found, lambda: max(f.mean for f in found[:2]) < 0.05 and max(f.mean for f in found[2:]) < 0.3
        ),
    )


def _small_routes(rows: pd.DataFrame) -> Claim:
    name = "ten largest, share of the change"
    found = [_route(rows, "tested effect", truth, name) for truth in ("reference", "resample")]
    return Claim(
        "One route is small: the ten largest make a third of the whole change or less.",
        f"9 to 35 % (medians), {FIRST}",
        "routes of BERT; [MASK] and other text; sum of ten |effects| as a share of the change of the score",
        told(found, TEXTS),
        verdict(found, lambda: all(each.mean <= 0.35 for each in found)),
    )


def _redrawn(rows: pd.DataFrame) -> Claim:
    own = rows[(rows.kind == "heads") & (rows.statistic == AT_THE_PART) & (rows.rule == "gradient")]
    facts = {"truth": "zero", "against": "zero", "measure": "spearman"}
    found = [figure(own, model=model, **facts) for model in ("bert", "bert, redrawn")]
    return Claim(
        "Parameters drawn anew destroy the agreement.",
        "sanity checks (Adebayo et al. 2018)",
        "heads of BERT, contribution at the part, zero: trained, then before training, against effects in "
        "the trained model; holds where the interval of the second reaches 0",
        told(found, ("trained", "before training")),
        verdict(found, lambda: found[1].low <= 0),
    )
