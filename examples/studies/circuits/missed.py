"""How many of the parts that a gradient overlooks are found: recall, with intervals over sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame

from examples.studies.circuits.areas import first, resampled
from examples.studies.circuits.cases import Question, case_of
from examples.studies.circuits.saturated import saturated_question
from examples.studies.circuits.suspects import CONTRIBUTION, EFFECT, Suspicion, suspects

Numbers = NDArray[np.float64]
PLANTED = "planted saturation"
OTHERS = "mean effect in the other sentences"
# Group of parts, and what they are given.
LOOKS = (("outputs", "counterfactual"), ("outputs", "zero"), ("queries and keys", "counterfactual"))
DRAWS = 2000


def missed_rows(task: str, sentences: int) -> DataFrame:
    """Recall of every method on one task.

    Args:
        task: one of `cases.TASKS`, or `PLANTED`.
        sentences: how many.

    Returns:
        Rows of ``task``, ``group``, ``by``, ``method``, ``measure``, ``parts`` (how many there were to find
        in all sentences), ``sentences``, ``value`` (which share of them is in the first quarter of the
        ranking), ``low`` and ``high``. Measures, all of parts whose tested effect is in the top quarter of
        their sentence: ``missed``, with |contribution| in the bottom half; ``underestimated``, with
        |contribution| below a quarter of the effect; ``all``.
    """
    questions: Sequence[Question]
    if task == PLANTED:
        questions = [saturated_question(number) for number in range(sentences)]
    else:
        questions, _ = case_of(task).split(sentences, 0)
    rows: list[dict[str, Any]] = []
    for group, by in LOOKS:
        found = [suspects(question, group, by, seed) for seed, question in enumerate(questions)]
        about = {"task": task, "group": group, "by": by}
        rows += [about | row for row in recall_rows(found)]
    return DataFrame(rows)


def recall_rows(found: Sequence[Suspicion]) -> Iterator[dict[str, Any]]:
    """Recall of every method.

    Args:
        found: by sentence, what each method says of each part; with `EFFECT` and `CONTRIBUTION`.
    """
    table = {name: np.stack([one[name] for one in found]) for name in found[0]}
    effect, contribution = table.pop(EFFECT), table[CONTRIBUTION]
    table[OTHERS] = (effect.sum(0) - effect) / max(len(effect) - 1, 1)
    wanted = wanted_parts(effect, contribution)
    quarter = effect.shape[1] // 4
    chosen = np.concatenate([np.arange(len(effect))[None], resampled(len(effect), DRAWS)])
    for name, numbers in table.items():
        # Some are below 0, and -inf where there is no path; from the lowest on, the largest are first.
        suspected = first(np.maximum(numbers - _lowest(numbers), 0.0), quarter)
        for measure, those in wanted.items():
            hits, of = (suspected & those).sum(1)[chosen].sum(1), those.sum(1)[chosen].sum(1)
            with np.errstate(invalid="ignore"):
                values = hits / of
            low, high = np.nanquantile(values[1:], [0.025, 0.975]) if of[0] else (np.nan, np.nan)
            yield {
                "method": name,
                "measure": measure,
                "parts": int(of[0]),
                "sentences": len(effect),
                "value": float(values[0]),
                "low": float(low),
                "high": float(high),
            }


def wanted_parts(effect: Numbers, contribution: Numbers) -> dict[str, NDArray[np.bool_]]:
    """Which parts should be found, by measure, (sentences, parts).

    Args:
        effect: absolute tested effects, (sentences, parts).
        contribution: absolute contributions.
    """
    parts = effect.shape[1]
    matters = first(effect, parts // 4)
    small = ~first(contribution, parts - parts // 2)
    return {
        "missed": matters & small,
        "underestimated": matters & (contribution < effect / 4),
        "all": matters,
    }


def _lowest(numbers: Numbers) -> Numbers:
    """The smallest finite number of each row."""
    finite = np.where(np.isfinite(numbers), numbers, np.inf).min(1, keepdims=True)
    return np.where(np.isfinite(finite), finite, 0.0)
