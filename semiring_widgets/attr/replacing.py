"""The score with some tokens given the reference: the measurements that all yardsticks are made of.

The model itself is run, in batches of embeddings; nothing is recorded. Where tokens change, everything behind
them changes, so a replay of a recording would run the same operators; and this way a model that cannot be
recorded, or sends tokens to other experts, is measured all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Replacing"]

Masks = NDArray[np.bool_]

# Rows of a batch together have about so many tokens: more is no faster on a CPU.
_TOKENS = 2048


class Replacing:
    """Scores by which tokens were replaced, each set of tokens run once.

    Args:
        forward: embeddings (B, T, D) to scores (B,).
        inputs: embeddings of the text, shape (1, T, D).
        reference: what tokens are given, of the same shape.
    """

    def __init__(self, forward: Callable[[Tensor], Tensor], inputs: Tensor, reference: Tensor) -> None:
        self._forward, self._inputs, self._reference = forward, inputs.detach(), reference.detach()
        # To replace a token by itself is no replacement: its effect is 0, and not a rounding error.
        differs = (self._inputs != self._reference).any(-1)[0]
        self._differs: Masks = differs.cpu().numpy()
        self._known: dict[bytes, float] = {}

    def scores(self, replaced: Masks) -> NDArray[np.float64]:
        """The score for each of several sets of replaced tokens.

        Args:
            replaced: shape (sets, T), True for the tokens that are given the reference.

        Returns:
            Shape (sets,), in the unit of the score.
        """
        masks = replaced & self._differs
        keys = [np.packbits(mask).tobytes() for mask in masks]
        new = {key: row for row, key in enumerate(keys) if key not in self._known}
        rows = list(new.values())
        size = max(1, _TOKENS // masks.shape[1])
        for start in range(0, len(rows), size):
            found = self._run(masks[rows[start : start + size]])
            self._known.update(zip(list(new)[start : start + size], found, strict=True))
        return np.array([self._known[key] for key in keys], dtype=np.float64)

    def drops(self, replaced: Masks) -> NDArray[np.float64]:
        """Score of the text minus the scores of `scores`."""
        nothing = np.zeros((1, replaced.shape[1]), dtype=bool)
        found = self.scores(np.concatenate([nothing, replaced]))
        drops: NDArray[np.float64] = found[0] - found[1:]
        return drops

    @cached_property
    def effects(self) -> NDArray[np.float64]:
        """Tested effect of every token: drop of the score when it alone is replaced, shape (T,)."""
        return self.drops(np.eye(len(self._differs), dtype=bool))

    def _run(self, masks: Masks) -> list[float]:
        mask = torch.from_numpy(masks).to(self._inputs.device)[..., None]
        with torch.no_grad():
            scores = self._forward(torch.where(mask, self._reference, self._inputs))
        return [float(score) for score in scores]
