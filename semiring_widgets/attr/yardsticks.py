"""How good a method's scores are: held against what happens when tokens are really replaced.

All is measured relative to one reference, on the n words of the text (special tokens are never replaced).
The words are ranked by score, the highest first, or by absolute score where a method gives sizes or slopes,
whose sign does not say what a word does; among equal scores the earlier word goes first.

- *Comprehensiveness* at a fraction f: drop of the score when the first k words are given the reference, k
  being f n rounded to a whole number, and at least 1 where f > 0 (DeYoung et al. 2020, "ERASER", arXiv
  1911.03429, section 4; the score in place of the probability). Where the words that carry the score come
  first, it is large: more is better.
- *Sufficiency* at f: drop when all words but these are. Less is better.
- *Rank correlation*: Spearman's ρ of scores and tested effects, of absolute values where words are ranked by
  size.
- *Infidelity* (Yeh et al. 2019, arXiv 1901.09392, definition 2.1): mean squared difference between the drop
  when a random set of words is replaced, and the sum of the scores of these words times one factor, the same
  for all sets, that fits best (Captum's ``normalize``), because scores come in many units. Each word is in a
  set with probability 1/2. It is ``captum.metrics.infidelity`` on the 0-1 vector of words that are kept.
- *Sensitivity* (definition 2.3 there): the largest relative change of the scores, in the Euclidean norm, when
  the embeddings are moved at random by up to 2 % of their root mean square at each unit. It is
  ``captum.metrics.sensitivity_max``. The method is asked again for each move, so it costs several times the
  seconds of the method.

The numbers of random sets and moves are small and their seed is fixed: numbers repeat, and methods are
comparable within one table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from captum.metrics import infidelity, sensitivity_max
from numpy.typing import NDArray
from torch import Tensor

from semiring_widgets.attr.agreement import effect_correlation
from semiring_widgets.attr.problem import Problem, seeded
from semiring_widgets.attr.replacing import Masks, Replacing
from semiring_widgets.results.comparison import TENTHS

__all__ = ["SEED", "Yardsticks", "infidelity_of", "measured", "sensitivity_of"]

# GradientShap and its like draw random numbers. Each method starts from the same seed, so its numbers
# do not depend on which others are asked.
SEED = 0
# Of the curves, the point that stands in the table: 20 % of the words.
_SHOWN = 2
_SETS = 32
_MOVES = 3
_MOVED = 0.02

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Yardsticks:
    """What was measured of one method; what was not asked for is empty.

    Attributes:
        curves: by name, at each tenth of the words, shape (11,).
        numbers: by name.
    """

    curves: dict[str, Scores]
    numbers: dict[str, float | None]


def measured(
    scores: Scores,
    by_size: bool,
    words: Sequence[int],
    replacing: Replacing,
    metrics: Collection[str],
) -> Yardsticks:
    """Hold the scores of one method against tested effects.

    Args:
        scores: shape (T,), finite.
        by_size: whether words are ranked by absolute score.
        words: indices of the tokens that count.
        replacing: what happens when tokens are replaced.
        metrics: which of `semiring_widgets.vocabulary.METRICS`, all but sensitivity.
    """
    numbers: dict[str, float | None] = {}
    chosen = list(words)
    if "effect_correlation" in metrics:
        found = effect_correlation(scores[chosen], replacing.effects[chosen], by_size)
        numbers["effect_correlation"] = found if np.isfinite(found) else None
    first = _first(scores, by_size, chosen)
    others = np.isin(np.arange(len(scores)), chosen) & ~first
    asked = {"comprehensiveness": first, "sufficiency": others}
    asked = {name: sets for name, sets in asked.items() if name in metrics}
    drops = replacing.drops(np.concatenate(list(asked.values()))) if asked else np.zeros(0)
    curves = dict(zip(asked, np.split(drops, len(asked)) if asked else (), strict=True))
    numbers |= {name: float(curve[_SHOWN]) for name, curve in curves.items()}
    if "infidelity" in metrics:
        numbers["infidelity"] = infidelity_of(scores, chosen, replacing)
    return Yardsticks(curves, numbers)


def _first(scores: Scores, by_size: bool, words: Sequence[int]) -> Masks:
    """The words ranked first, at each tenth of them: shape (11, T)."""
    keys = np.abs(scores[words]) if by_size else scores[words]
    order = np.asarray(words)[np.argsort(-keys, kind="stable")]
    masks = np.zeros((TENTHS + 1, len(scores)), dtype=bool)
    for tenth in range(1, TENTHS + 1):
        # In whole numbers, as a half is rounded up: 0.1 is no binary fraction.
        count = max(1, (2 * tenth * len(words) + TENTHS) // (2 * TENTHS))
        masks[tenth, order[:count]] = True
    return masks


def infidelity_of(scores: Scores, words: Sequence[int], replacing: Replacing) -> float:
    """Captum's infidelity on the vector of tokens that are kept; see above.

    Args:
        scores: shape (T,).
        words: indices of the tokens that are replaced at random.
        replacing: what then happens.
    """
    all_kept = torch.ones(1, len(scores), dtype=torch.float64)

    def score(kept: Tensor) -> Tensor:
        return torch.from_numpy(replacing.scores(kept.numpy() < 0.5))

    def perturbed(kept: Tensor) -> tuple[Tensor, Tensor]:
        gone = torch.zeros_like(kept)
        gone[:, list(words)] = torch.bernoulli(torch.full((len(kept), len(words)), 0.5, dtype=kept.dtype))
        return gone, kept - gone

    with seeded(SEED):
        attributions = torch.from_numpy(scores)[None]
        found = infidelity(score, perturbed, all_kept, attributions, n_perturb_samples=_SETS, normalize=True)
    return float(found)


def sensitivity_of(scores: Scores, ask: Callable[[Problem], Tensor], problem: Problem) -> float:
    """Captum's largest sensitivity; see above.

    Args:
        scores: those of the text itself, shape (T,).
        ask: the method: scores of a problem, shape (T,).
        problem: the text.
    """
    inputs = problem.inputs.detach()

    def explained(given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        (embeds,) = given
        if embeds is inputs:
            return (torch.from_numpy(scores)[None],)
        with torch.enable_grad(), seeded(SEED):
            return (ask(problem.at(embeds)).detach().cpu().double()[None],)

    radius = _MOVED * float(inputs.double().square().mean().sqrt())
    with seeded(SEED):
        found = sensitivity_max(
            explained, inputs, perturb_radius=radius, n_perturb_samples=_MOVES, max_examples_per_batch=1
        )
    return float(found)
