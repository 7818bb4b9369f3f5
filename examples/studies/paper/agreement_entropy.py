"""Entropy of the paths in agreement sentences: against length, attractors and how sure the model is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

import semiring_widgets as sw
from examples.studies.bootstrap import interval
from examples.studies.paper.agreement import model_of
from examples.studies.paper.consumers import entropies, recorded
from examples.studies.paper.means import Numbers, means, rank_correlation
from examples.studies.paper.sentences import batches, drawn, known
from semiring_widgets.tasks import AgreementPair

# One length, so that the number of attractors is all that differs: four nouns between subject and verb.
LONGEST, MOST = "four_prepositional_phrases", 4


def measure(
    model_name: str, granularity: str, sentences: int | None = None, a_number: int = 250
) -> pd.DataFrame:
    """One model.

    Args:
        model_name: as in `agreement.model_of`.
        granularity: which graph is counted.
        sentences: of BLiMP, a seeded sample; None for all.
        a_number: sentences for each number of attractors.

    Returns:
        One row for each ``statistic`` and ``group``, what it is told of: ``mean`` with its interval.
    """
    model, tokenizer = model_of(model_name)
    pairs = known(tokenizer) if sentences is None else drawn(known(tokenizer), sentences)
    whole, score, length = _measured(model, tokenizer, pairs, granularity)
    found = [
        _row("entropy", f"{tokens} tokens", means(whole[length == tokens][:, None]), (length == tokens).sum())
        for tokens in np.unique(length)
        if (length == tokens).sum() >= 20
    ]
    found += [
        _row("spearman", "number of tokens", rank_correlation(whole, length), len(whole)),
        # Longer sentences are less sure, too: ranks are compared among those of one length.
        _row("spearman", "|score|", _within(whole, np.abs(score), length), len(whole)),
    ]
    found += _right_and_wrong(whole, score, length)
    by_attractors = [
        sw.tasks.agreement_pairs(a_number, kinds=[LONGEST], attractors=number) for number in range(MOST + 1)
    ]
    values, scores, _ = _measured(model, tokenizer, [p for some in by_attractors for p in some], granularity)
    numbers = np.repeat(np.arange(MOST + 1.0), a_number)
    for number in range(MOST + 1):
        here = numbers == number
        told = f"{number} attractors"
        found.append(_row("entropy", told, means(values[here][:, None]), here.sum()))
        found.append(_row("accuracy", told, means(1.0 * (scores[here] > 0)[:, None]), here.sum()))
    found.append(_row("spearman", "number of attractors", rank_correlation(values, numbers), len(numbers)))
    frame = pd.DataFrame(found)
    return frame.assign(experiment="agreement entropy", setting=model_name, granularity=granularity)


def _measured(
    model: Any, tokenizer: Any, pairs: Sequence[AgreementPair], granularity: str
) -> tuple[Numbers, Numbers, Numbers]:
    """Entropy of all paths, score and number of tokens of each sentence."""
    whole, score, length = (torch.zeros(len(pairs), dtype=torch.float64) for _ in range(3))
    for batch in batches(tokenizer, pairs):
        recording = recorded(model, batch.ids, batch.score, granularity)
        whole[batch.numbers] = entropies(recording)[1].double()
        score[batch.numbers] = recording.score.double()
        length[batch.numbers] = batch.ids.shape[1]
    return whole.numpy(), score.numpy(), length.numpy()


def _within(one: Numbers, other: Numbers, bins: Numbers) -> tuple[float, float, float]:
    """Rank correlation of what is left of both when the mean of the bin is taken off."""
    return rank_correlation(_centred(one, bins), _centred(other, bins))


def _centred(values: Numbers, bins: Numbers) -> Numbers:
    frame = pd.DataFrame({"value": values, "bin": bins})
    return (frame["value"] - frame.groupby("bin")["value"].transform("mean")).to_numpy()


def _right_and_wrong(whole: Numbers, score: Numbers, length: Numbers) -> list[dict[str, Any]]:
    """Entropy of wrongly predicted sentences minus that of right ones of the same length."""
    left, wrong = _centred(whole, length), score <= 0
    if not wrong.any():
        return []

    def of(some: NDArray[np.int64]) -> float:
        if not wrong[some].any():
            return float("nan")
        return float(left[some][wrong[some]].mean() - left[some][~wrong[some]].mean())

    told = (of(np.arange(len(left))), *interval(len(left), of))
    return [_row("wrong minus right", "same length", told, wrong.sum())]


def _row(statistic: str, group: str, told: Any, n: Any) -> dict[str, Any]:
    mean, low, high = (float(np.squeeze(number)) for number in told)
    return {"statistic": statistic, "group": group, "n": int(n), "mean": mean, "low": low, "high": high}
