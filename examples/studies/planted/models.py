"""A model with known edges, and pairs of texts to ask it about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from examples.studies.planted.transformer import Transformer

__all__ = ["Edge", "Pairs", "Planted"]

Edge = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Texts and what stands in their place under the reference.

    Attributes:
        inputs: of the texts; one or two tensors of shape (pairs, positions, width).
        reference: the same of the other texts.
        direction: how the outputs differ, unit length, shape (pairs, positions, outputs). The score of a
            pair is the output along it, so that it falls by the length of the difference from text to
            reference, and its gradient does not vanish at the text, as that of a distance would.
    """

    inputs: tuple[Tensor, ...]
    reference: tuple[Tensor, ...]
    direction: Tensor

    def __len__(self) -> int:
        return len(self.direction)

    def each(self) -> Iterator[Pairs]:
        """One pair after the other."""
        for number in range(len(self)):
            own = slice(number, number + 1)
            yield Pairs(
                tuple(part[own] for part in self.inputs),
                tuple(part[own] for part in self.reference),
                self.direction[own],
            )


@dataclass(frozen=True, eq=False)
class Planted:
    """A model whose circuit is known.

    Attributes:
        name: of the model.
        model: the model.
        edges: the circuit: (source, target, branch). Nodes are named as `semiring_widgets.edges` names them.
        vocabulary: the tokens that texts are made of.
        first: the token before each text.
        length: of the texts, without the first token.
        unique: whether no token comes twice in a text.
        split: whether tokens and positions are two inputs, which both change, and heads read by branch.
            Otherwise their sum is one input, of which only the token changes, and branches are left empty.
    """

    name: str
    model: Transformer
    edges: frozenset[Edge]
    vocabulary: tuple[int, ...]
    first: int
    length: int
    unique: bool = False
    split: bool = True

    def texts(self, count: int, generator: torch.Generator) -> Tensor:
        """Tokens of random texts, (count, positions)."""
        tokens = torch.tensor(self.vocabulary)
        if self.unique:
            order = torch.rand(count, len(tokens), generator=generator).argsort(1)[:, : self.length]
        else:
            order = torch.randint(len(tokens), (count, self.length), generator=generator)
        return torch.cat([torch.full((count, 1), self.first), tokens[order]], 1)

    def outputs(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """What the model gives, (texts, positions, outputs)."""
        positions = inputs[1] if len(inputs) > 1 else torch.zeros(())
        return self.model.from_embedded(inputs[0], positions)

    @torch.no_grad()
    def pairs(self, count: int, seed: int) -> Pairs:
        """Random texts with random other texts, whose outputs differ.

        Where positions are an input of their own they come in another order under the reference (as in ACDC's
        experiments with Tracr), for what reads positions alone would have no effect otherwise.

        Args:
            count: how many pairs, at most.
            seed: of the draws.
        """
        generator = torch.Generator().manual_seed(seed)
        drawn = 20 * count
        here, there = self.texts(drawn, generator), self.texts(drawn, generator)
        places = torch.arange(self.length + 1).expand(drawn, -1)
        order = torch.rand(drawn, self.length, generator=generator).argsort(1) + 1
        moved = torch.cat([places[:, :1], order], 1) if self.split else places
        inputs, reference = self._inputs(here, places), self._inputs(there, moved)
        change = self.outputs(inputs) - self.outputs(reference)
        # At the first token compiled models give anything.
        change[:, 0] = 0
        size = change.flatten(1).norm(dim=1)
        kept = (size > 1e-2).nonzero().flatten()[:count]
        return Pairs(
            tuple(part[kept] for part in inputs),
            tuple(part[kept] for part in reference),
            change[kept] / size[kept, None, None],
        )

    def _inputs(self, tokens: Tensor, positions: Tensor) -> tuple[Tensor, ...]:
        found = self.model.embedded(tokens, positions)
        return found if self.split else (found[0] + found[1],)
