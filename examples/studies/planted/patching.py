"""Runs of a transformer in which every edge is open to change, written out for this study.

Independent of the package: what a part reads is the sum of what earlier parts give, each of which may be
moved towards what it gives under the reference. The textbook methods are a few lines on it: edge
attribution patching is the derivative by how far an edge is moved, patching moves it all the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import torch
from torch import Tensor

from examples.studies.planted.models import Edge, Pairs
from examples.studies.planted.transformer import Transformer

__all__ = ["Runs"]

BRANCHES = ("query", "key", "value")


@dataclass(eq=False)
class Runs:
    """A model and texts with their references.

    Attributes:
        model: a transformer whose norms stand beside the stream, or that has none.
        pairs: the texts.
    """

    model: Transformer
    pairs: Pairs

    @property
    def sources(self) -> list[str]:
        """What gives something to the stream, in order of execution."""
        shape = self.model.shape
        inputs = [f"input{number or ''}" for number in range(len(self.pairs.inputs))]
        return inputs + [
            node
            for layer in range(shape.layers)
            for node in [*(f"a{layer}.h{head}" for head in range(shape.heads)), f"m{layer}"]
        ]

    @property
    def targets(self) -> list[tuple[str, str]]:
        """What reads the stream, in order of execution: node and branch."""
        shape = self.model.shape
        inner = [
            target
            for layer in range(shape.layers)
            for target in [
                *((f"a{layer}.h{head}", branch) for branch in BRANCHES for head in range(shape.heads)),
                (f"m{layer}", ""),
            ]
        ]
        return [*inner, ("logits", "")]

    @property
    def edges(self) -> list[tuple[int, int]]:
        """(source, target) of every edge, by number."""
        shape = self.model.shape
        found, number, known = [], 0, len(self.pairs.inputs)
        for width in [count for _ in range(shape.layers) for count in (3 * shape.heads, 1)] + [1]:
            found += [(source, target) for target in range(number, number + width) for source in range(known)]
            number, known = number + width, known + (1 if width == 1 else shape.heads)
        return found

    def name(self, edge: tuple[int, int]) -> Edge:
        """Source, target and branch by name."""
        return self.sources[edge[0]], *self.targets[edge[1]]

    def run(
        self, inputs: Sequence[Tensor], moved: Tensor, reference: Tensor | None, by: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The outputs where edges are moved, and what the sources then give.

        Args:
            inputs: as in `Pairs`.
            moved: how far each edge is moved, 0 to 1, shape (texts, sources, targets).
            reference: what the sources give under the reference, (sources, texts, positions, width).
            by: instead of the way to the reference, what a moved source adds; of the same shape.
        """
        shape, given, number = self.model.shape, list(inputs), 0
        constant = torch.zeros(shape.width, dtype=inputs[0].dtype)

        def read(count: int) -> Tensor:
            here = torch.stack(given)
            stream = (here.sum(0) + constant).expand(count, *here.shape[1:])
            if by is not None:
                way = by[: len(given)]
            elif reference is not None:
                way = reference[: len(given)] - here
            else:
                return stream
            share = moved[:, : len(given), number : number + count]
            return stream + torch.einsum("nsk,sntd->kntd", share, way)

        for attention, feed_forward in self.model.layers:
            heads = attention.heads
            streams = attention.norm(read(3 * heads)).unflatten(0, (3, heads))
            operands = [
                torch.cat([linear(own).chunk(heads, -1)[head] for head, own in enumerate(each)], -1)
                for linear, each in zip(
                    (attention.query, attention.key, attention.value), streams, strict=True
                )
            ]
            mixed = attention.mixed(*operands).chunk(heads, -1)
            columns = attention.out.weight.chunk(heads, 1)
            number += 3 * heads
            given += [own @ part.T for own, part in zip(mixed, columns, strict=True)]
            constant = constant + attention.out.bias
            # The norm of the part comes with it.
            given.append(feed_forward(read(1)[0]))
            number += 1
        return self.model.output(self.model.norm(read(1)[0])), torch.stack(given)

    def none(self, times: int = 1) -> Tensor:
        """No edge moved, for each pair so many times."""
        sizes = times * len(self.pairs), len(self.sources), len(self.targets)
        return torch.zeros(sizes, dtype=self.pairs.direction.dtype)

    @cached_property
    def unpatched(self) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Outputs and what the sources give, for the texts and under the reference."""
        with torch.no_grad():
            here, there = (self.run(x, self.none(), None) for x in (self.pairs.inputs, self.pairs.reference))
        return here, there

    def attributed(self, shares: Sequence[float] = (1.0,)) -> Tensor:
        """Edge attribution patching (Syed et al. 2023, arXiv 2310.10348), by pair: (pairs, edges).

        The derivative of the score by how far an edge is moved, with the sign of ``before - after``; averaged
        over texts between reference and text it is EAP-IG (inputs; Hanna et al. 2024, arXiv 2403.17806).

        Args:
            shares: how far from the reference to the text, 1 for the text.
        """
        (_, here), (_, there) = self.unpatched
        total = torch.zeros(())
        for share in shares:
            moved = self.none().requires_grad_()
            between = [
                other + share * (own - other)
                for own, other in zip(self.pairs.inputs, self.pairs.reference, strict=True)
            ]
            outputs, _ = self.run(between, moved, None, by=there - here)
            (outputs * self.pairs.direction).sum().backward()
            total = total - cast("Tensor", moved.grad) / len(shares)
        rows, columns = zip(*self.edges, strict=True)
        return total[:, list(rows), list(columns)]

    @torch.no_grad()
    def tested(self, many: Tensor) -> Tensor:
        """How far the outputs move, as a share of their way to the reference: (variants, pairs).

        Args:
            many: which edges are moved, boolean (variants, sources, targets).
        """
        (before, _), (other, there) = self.unpatched
        count, each = len(many), len(self.pairs)
        moved = many.to(there.dtype).repeat_interleave(each, 0)
        inputs = [part.repeat(count, 1, 1) for part in self.pairs.inputs]
        after, _ = self.run(inputs, moved, there.repeat(1, count, 1, 1))
        way = (before - other)[:, 1:].flatten(1).norm(dim=1)
        change = after.unflatten(0, (count, each)) - before
        moves: Tensor = change[:, :, 1:].flatten(2).norm(dim=2) / way
        return moves

    def patched(self, chunk: int = 64) -> Tensor:
        """Each edge moved alone, all else as in the text: (pairs, edges)."""
        found = []
        for start in range(0, len(self.edges), chunk):
            own = self.edges[start : start + chunk]
            many = torch.zeros(len(own), len(self.sources), len(self.targets), dtype=torch.bool)
            for number, (source, target) in enumerate(own):
                many[number, source, target] = True
            found.append(self.tested(many))
        return torch.cat(found).T

    def pruned(self, thresholds: Sequence[float]) -> Tensor:
        """Greedy patching as in ACDC (Conmy et al. 2023, arXiv 2304.14997), one number for each edge.

        From the output to the inputs, an edge stays moved if that moves the outputs by less than a threshold
        more than before. Edges are ranked by the largest threshold that keeps them, as where areas under
        curves are taken over thresholds.

        Args:
            thresholds: ascending, in shares of the way from text to reference.
        """
        limits = torch.tensor(thresholds)
        removed = torch.zeros(len(limits), len(self.sources), len(self.targets), dtype=torch.bool)
        distance = torch.zeros(len(limits))
        found = {}
        for edge in sorted(self.edges, key=lambda e: (e[1], e[0]), reverse=True):
            tried = removed.clone()
            tried[:, edge[0], edge[1]] = True
            after = self.tested(tried).mean(1)
            goes = after - distance < limits
            removed[goes], distance = tried[goes], torch.where(goes, after, distance)
            found[edge] = float(limits[~goes].max()) if not goes.all() else 0.0
        return torch.tensor([found[edge] for edge in self.edges])
