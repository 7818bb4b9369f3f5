"""Do estimates tell what tests find? Agreement sentences, the embedded model.

Heads: rank correlation over the heads of a sentence of |contribution| at the head's output with |effect| of
giving all of it zero, its mean over the sentence, or its value in the counterfactual (the subject in the
other number), averaged over sentences, with a bootstrap interval of 95 %; beside it the same for
contributions averaged over eight steps, for the flow of contributions from the inputs, and for one fixed
ranking, that of the other sentences' mean |effect|.

Routes: of the ten routes with the largest |effect| (path patching), the share of the summed |effect| that ten
routes of a ranking hold. The pool in which the largest are found are the first routes of all three rankings.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

import semiring_widgets as sw
from tests.benchmarks.measuring import Report

POOL = 60


@dataclass(frozen=True)
class Sentence:
    """A recorded sentence, its score, and inputs to compare with."""

    tape: sw.Tape
    score: Tensor
    x: Tensor
    mask: Tensor
    counterfactual: Tensor


def sentences(n: int) -> Iterator[Sentence]:
    """Sentences that the embedded model gets right, and whose counterfactual it gets right, too."""
    model, tokenizer = sw.load_demo()
    embed = model.get_input_embeddings()
    for pair in sw.tasks.agreement_pairs(20 * n, seed=0):
        words = [tokenizer(text).input_ids for text in (pair.text, pair.counterfactual)]
        target, contrast = tokenizer.convert_tokens_to_ids([pair.target, pair.contrast])
        known = tokenizer.unk_token_id not in (target, contrast, *words[0], *words[1])
        if len(words[0]) != len(words[1]) or not known:
            continue
        x, other = (embed(torch.tensor([ids])).detach() for ids in words)
        place = words[0].index(tokenizer.mask_token_id)

        def asked(x: Tensor, place: int = place, good: int = target, bad: int = contrast) -> Tensor:
            logits = model(inputs_embeds=x).logits[0, place]
            return logits[good] - logits[bad]

        with torch.no_grad():
            right = float(asked(x)) > 0 > float(asked(other))
        if right:
            with sw.record() as tape:
                score = asked(x)
            mask = embed(torch.tensor(tokenizer.mask_token_id)).detach().expand_as(x)
            yield Sentence(tape, score, x, mask, other)
            n -= 1
        if n == 0:
            return


def ranked(values: Any) -> Any:
    """Ranks along the last axis (ties do not occur)."""
    return np.abs(values).argsort(-1).argsort(-1).astype(float)


def spearman(one: Any, other: Any) -> Any:
    """Rank correlation of absolute values along the last axis."""
    a, b = (ranks - ranks.mean(-1, keepdims=True) for ranks in (ranked(one), ranked(other)))
    return (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))


def interval(values: Any) -> str:
    """A mean and its interval."""
    drawn = np.random.default_rng(0).choice(values, (2000, len(values))).mean(-1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{values.mean():.2f} {low:.2f}-{high:.2f}"


def heads(report: Report, texts: Sequence[Sentence]) -> None:
    """Rows about heads."""
    for by in ("zero", "mean", "resample"):
        effects, here, averaged, flowed = [], [], [], []
        for text in texts:
            more: dict[str, Any] = {"kind": "heads", "by": by, "resample": text.counterfactual}
            reference = text.mask
            found = sw.effects(text.tape, text.score, text.x, reference, **more)
            effects.append(found.effect.to_numpy())
            here.append(found.contribution.to_numpy())
            many = sw.contributions(text.tape, text.score, text.x, reference, steps=8, **more)
            averaged.append(many.contribution.to_numpy())
            flow = sw.flow(text.tape, text.score, text.x, maps=False)
            flowed.append(flow.head_contribution.sum("kind").to_numpy().ravel())
        truth = np.array(effects)
        others = np.array([np.delete(np.abs(truth), i, 0).mean(0) for i in range(len(truth))])
        report.add(
            heads=by,
            sentences=len(truth),
            contribution=interval(spearman(np.array(here), truth)),
            eight_steps=interval(spearman(np.array(averaged), truth)),
            from_inputs=interval(spearman(np.array(flowed), truth)),
            same_for_all=interval(spearman(others, truth)),
        )


def routes(report: Report, texts: Sequence[Sentence]) -> None:
    """Rows about routes."""
    for name in ("mask", "counterfactual"):
        shares: dict[str, list[float]] = {ranking: [] for ranking in ("contribution", "best", "mass")}
        whole = []
        for text in texts:
            reference: Tensor = getattr(text, name)
            every = sw.paths(text.tape, text.score, text.x)
            rankings = {
                ranking: list(every.routes(ranking, k=POOL, direction=text.x - reference, samples=100))
                for ranking in shares
            }
            pool = {(r.token, r.legs): r for listed in rankings.values() for r in listed}
            tested = sw.test(
                text.tape,
                text.score,
                [{route: "reference"} for route in pool.values()],
                wrt=text.x,
                reference=reference,
            )
            effect = {key: abs(one.effect) for key, one in zip(pool, tested, strict=True)}
            largest = sorted(effect.values(), reverse=True)[:10]
            top = {key for key, value in effect.items() if value >= largest[-1]}
            for ranking, listed in rankings.items():
                ten = {(r.token, r.legs) for r in listed[:10]}
                shares[ranking].append(sum(effect[key] for key in ten & top) / sum(largest))
            with torch.no_grad():
                change = sw.test(text.tape, text.score, {text.x: reference}, wrt=text.x).effect
            whole.append(sum(largest) / abs(change))
        report.add(
            routes=name,
            sentences=len(texts),
            **{ranking: interval(np.array(values)) for ranking, values in shares.items()},
            ten_of_change=f"{np.median(whole):.2f}",
        )


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sentences", type=int, default=60)
    options.add_argument("--of-routes", type=int, default=6)
    chosen = options.parse_args()
    texts = list(sentences(chosen.sentences))
    report = Report("faithfulness_of_heads")
    heads(report, texts)
    print(report.write())
    report = Report("faithfulness_of_routes")
    routes(report, texts[: chosen.of_routes])
    print(report.write())


if __name__ == "__main__":
    main()
