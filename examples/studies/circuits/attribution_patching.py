"""AtP* for heads (Kramár et al. 2024, arXiv 2403.00745), with autograd and hooks; one sentence at a time.

Attribution patching (AtP) estimates what happens when a part is given its value in another sentence by
gradient times difference. It misses two kinds of parts, and AtP* has a correction for each:

- *QK fix*: a saturated softmax has no gradient, so of a query or key the new attention weights are computed
  exactly, and only what they do to the score is estimated.
- *GradDrop*: where what a part does directly and by later layers cancels, the gradient is small. For each
  layer the gradient is taken once without what passes this layer; the absolute estimates are averaged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from examples.studies.circuits.captured import Anatomy, Place, captured, dropped

Values = Mapping[Place, Tensor]
Parts = dict[Place, Tensor]


@dataclass(frozen=True, eq=False)
class Patching:
    """A sentence, what its parts would be given, and how to score it.

    Attributes:
        anatomy: of the model.
        score: of embedded words (1, tokens, units), (1,); calls the model.
        x: the embedded words.
        given: by place, what all heads would be given there, (1, tokens, units).
    """

    anatomy: Anatomy
    score: Callable[[Tensor], Tensor]
    x: Tensor
    given: Values

    def slopes(self, x: Tensor, drop: int | None = None) -> tuple[Values, Values]:
        """Values and gradients of the score at all places.

        Args:
            x: embedded words.
            drop: a layer that no gradient passes; None for none.
        """
        with dropped(self.anatomy, drop):
            score, seen = captured(self.anatomy, lambda: self.score(x.clone().requires_grad_()))
        found = torch.autograd.grad(
            score.sum(), list(seen.values()), allow_unused=True, materialize_grads=True
        )
        values = {place: value.detach() for place, value in seen.items()}
        return values, dict(zip(seen, found, strict=True))

    def attribution(self, drop: int | None = None, qk_fix: bool = False) -> Parts:
        """The estimated change ``before - after`` of each head at each place, (heads,).

        Args:
            drop: a layer that no gradient passes.
            qk_fix: queries and keys by exact attention weights.
        """
        values, slopes = self.slopes(self.x, drop)
        found = {place: self.by_head(slopes[place] * (values[place] - self.given[place])) for place in values}
        if qk_fix:
            for layer in range(self.anatomy.layers):
                for what in ("query", "key"):
                    found[layer, what] = self._by_weights(values, slopes, layer, what)
        return found

    def averaged(self, reference: Tensor, steps: int) -> Parts:
        """Gradients averaged over inputs between the reference and the sentence, at the middles of steps."""
        values, _ = self.slopes(self.x)
        total: Parts = {}
        for step in range(steps):
            _, slopes = self.slopes(reference + (step + 0.5) / steps * (self.x - reference))
            for place, slope in slopes.items():
                effect = self.by_head(slope * (values[place] - self.given[place])) / steps
                total[place] = total[place] + effect if place in total else effect
        return total

    def without_layers(self, qk_fix: bool = False) -> Parts:
        """GradDrop: absolute estimates, averaged over the layers that the gradient does not pass.

        With ``qk_fix`` this is AtP*. A part of the layer that is dropped has no gradient at all then; the
        mean is over the other L - 1.
        """
        layers = self.anatomy.layers
        every = [self.attribution(drop, qk_fix) for drop in range(layers)]
        return {
            place: torch.stack([one[place].abs() for one in every]).sum(0) / max(layers - 1, 1)
            for place in every[0]
        }

    def effects(self) -> Parts:
        """What really happens, ``before - after``: every head at every place, one by one in a batch."""
        heads = self.anatomy.heads
        places = list(self.given)
        with torch.no_grad():
            before = self.score(self.x)
            many = self.x.expand(len(places) * heads, -1, -1)

            def changed(number: int, place: Place) -> Callable[[Tensor], Tensor]:
                def change(value: Tensor) -> Tensor:
                    value = value.clone()
                    for head, own in enumerate(self._columns(value)):
                        value[number * heads + head, :, own] = self.given[place][0, :, own]
                    return value

                return change

            changes = {place: changed(number, place) for number, place in enumerate(places)}
            after, _ = captured(self.anatomy, lambda: self.score(many), changes)
        effects = (before - after).reshape(len(places), heads)
        return dict(zip(places, effects, strict=True))

    def by_head(self, values: Tensor) -> Tensor:
        """Summed over tokens and the units of each head: (1, tokens, units) -> (heads,)."""
        summed: Tensor = values.unflatten(-1, (self.anatomy.heads, -1)).sum((0, 1, 3))
        return summed

    def _columns(self, value: Tensor) -> list[slice]:
        width = value.shape[-1] // self.anatomy.heads
        return [slice(head * width, (head + 1) * width) for head in range(self.anatomy.heads)]

    def _by_weights(self, values: Values, slopes: Values, layer: int, what: str) -> Tensor:
        """The exact change of the attention weights, times the gradient by them."""
        query, key, value, slope = (
            self._split(tensor)
            for tensor in (*(values[layer, w] for w in ("query", "key", "value")), slopes[layer, "output"])
        )
        other = self._split(self.given[layer, what])
        before = self._weights(query, key)
        after = self._weights(other, key) if what == "query" else self._weights(query, other)
        return ((before - after) * (slope @ value.mT)).sum((0, 2, 3))

    def _split(self, tensor: Tensor) -> Tensor:
        """(1, heads, tokens, units of a head)."""
        apart: Tensor = tensor.unflatten(-1, (self.anatomy.heads, -1)).transpose(1, 2)
        return apart

    def _weights(self, query: Tensor, key: Tensor) -> Tensor:
        scores = query @ key.mT * query.shape[-1] ** -0.5
        if self.anatomy.causal:
            scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), float("-inf"))
        weights: Tensor = scores.softmax(-1)
        return weights
