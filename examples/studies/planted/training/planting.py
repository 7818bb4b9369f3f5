"""Plants the circuit of a compiled program into a transformer with LayerNorm, by training.

Strict interchange-intervention training, as InterpBench is made (Gupta et al. 2024, arXiv 2407.14494; the
idea is that of Geiger et al. 2022, arXiv 2112.00826). Every head and feed-forward part in the program's
circuit has its place in the trained model. Three losses are added:

- *behaviour*: the outputs are those of the program;
- *interchange*: where a part in the circuit gives what it gives for another text, the outputs are those of
  the program with the same exchange;
- *strictness*: where parts outside the circuit are exchanged, the outputs stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss

from examples.studies.planted.models import Edge, Planted
from examples.studies.planted.training.interchange import Run, node_names, run
from examples.studies.planted.transformer import Shape, Transformer

__all__ = ["Agreement", "Planting", "planted_edges"]

WIDTH, HEADS, HEAD_WIDTH, HIDDEN = 32, 4, 8, 64
BATCH = 64
POOL = 8192
EVERY = 250
GOOD = 0.99


@dataclass(frozen=True)
class Agreement:
    """Shares of outputs that are the program's (numbers: within 0.05), over texts that were not trained on.

    Attributes:
        behaviour: without an exchange.
        interchange: with one part in the circuit exchanged.
        strictness: with all parts outside of it exchanged.
    """

    behaviour: float
    interchange: float
    strictness: float

    @property
    def least(self) -> float:
        """The lowest of the three."""
        return min(self.behaviour, self.interchange, self.strictness)


@dataclass(frozen=True)
class _Texts:
    """Texts, others that parts are taken from, which part is, and the program's outputs without and with."""

    base: Tensor
    source: Tensor
    chosen: Tensor
    outputs: Tensor
    exchanged: Tensor

    def of(self, rows: Tensor) -> _Texts:
        """Some of them."""
        return _Texts(*(part[rows] for part in vars(self).values()))


class Planting:
    """A training run.

    Args:
        program: the compiled program.
        seed: of the weights, the texts, and which of a layer's heads are in the circuit.
    """

    def __init__(self, program: Planted, seed: int) -> None:
        self.program = program
        self._generator = torch.Generator().manual_seed(seed)
        shape = program.model.shape
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.model = Transformer(
                Shape(
                    tokens=shape.tokens,
                    positions=shape.positions,
                    width=WIDTH,
                    layers=shape.layers,
                    heads=max(HEADS, shape.heads),
                    head_width=HEAD_WIDTH,
                    hidden=HIDDEN,
                    outputs=shape.outputs,
                    norm=True,
                    causal=shape.causal,
                )
            )
        circuit = {node for edge in program.edges for node in edge[:2]}
        there = node_names(program.model)
        self.places = {node: node for node in there if node in circuit and node.startswith("m")}
        for layer in range(shape.layers):
            order = torch.randperm(self.model.shape.heads, generator=self._generator).tolist()
            for head in range(shape.heads):
                if f"a{layer}.h{head}" in circuit:
                    self.places[f"a{layer}.h{head}"] = f"a{layer}.h{order[head]}"
        here = node_names(self.model)
        self._here = torch.tensor([here.index(node) for node in self.places.values()])
        self._there = torch.tensor([there.index(node) for node in self.places])
        self._outside = torch.ones(len(here), dtype=torch.bool)
        self._outside[self._here] = False

    def train(self, steps: int, rate: float = 5e-3) -> Agreement:
        """Train until all three agree, or for so many steps.

        Args:
            steps: at most.
            rate: the highest learning rate.
        """
        pool = self._drawn(POOL)
        optimizer = torch.optim.Adam(self.model.parameters(), lr=rate)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
        for step in range(1, steps + 1):
            some = torch.randint(POOL, (BATCH,), generator=self._generator)
            # Half of the texts have all parts outside exchanged, half of them some.
            share = torch.where(torch.rand(BATCH, 1, generator=self._generator) < 0.5, 1.0, 0.5)
            parts = self._exchanged(pool.of(some), share)
            loss = torch.stack([self._loss(ours, theirs) for ours, theirs in parts]).sum()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            if step % EVERY == 0 and self.agreement().least >= GOOD:
                break
        return self.agreement()

    @torch.no_grad()
    def agreement(self, texts: int = 512) -> Agreement:
        """How often the model agrees with the program."""
        found = []
        for ours, theirs in self._exchanged(self._drawn(texts), torch.ones(texts, 1)):
            if ours.shape[-1] == 1:
                same = (ours - theirs).abs()[..., 0] < 0.05
            else:
                same = ours.argmax(-1) == theirs.argmax(-1)
            found.append(float(same.double().mean()))
        return Agreement(*found)

    @torch.no_grad()
    def _drawn(self, count: int) -> _Texts:
        """Texts, and what the program gives for them."""
        base, source = (self.program.texts(count, self._generator) for _ in range(2))
        chosen = torch.randint(len(self._here), (count,), generator=self._generator)
        rows, program = torch.arange(count), self.program.model
        swapped = torch.zeros(count, len(node_names(program)), dtype=torch.bool)
        swapped[rows, self._there[chosen]] = True
        exchanged = run(program, base, swapped, run(program, source))
        # What is given at the first token is of no meaning.
        return _Texts(base, source, chosen, run(program, base).outputs[:, 1:], exchanged.outputs[:, 1:])

    def _exchanged(self, texts: _Texts, share: Tensor) -> list[tuple[Tensor, Tensor]]:
        """The model's and the program's outputs: as they are, inside exchanged, outside exchanged.

        Args:
            texts: the texts.
            share: how many of the parts outside are exchanged, (texts, 1).
        """
        count = len(texts.base)
        nothing = torch.zeros(count, len(self._outside), dtype=torch.bool)
        inside = nothing.clone()
        inside[torch.arange(count), self._here[texts.chosen]] = True
        outside = (torch.rand(nothing.shape, generator=self._generator) < share) & self._outside
        other = run(self.model, texts.source)
        thrice = Run(other.outputs, tuple(part.repeat(3, 1, 1) for part in other.parts))
        swapped = torch.cat([nothing, inside, outside])
        ours = run(self.model, texts.base.repeat(3, 1), swapped, thrice).outputs
        theirs = texts.outputs, texts.exchanged, texts.outputs
        return list(zip(ours[:, 1:].chunk(3), theirs, strict=True))

    @staticmethod
    def _loss(ours: Tensor, theirs: Tensor) -> Tensor:
        if ours.shape[-1] == 1:
            return 10 * mse_loss(ours, theirs)
        return cross_entropy(ours.flatten(0, 1), theirs.argmax(-1).flatten())


def planted_edges(edges: frozenset[Edge], places: Mapping[str, str]) -> frozenset[Edge]:
    """The circuit in the trained model: branches left empty, both inputs as one.

    Args:
        edges: of the program.
        places: which node of the model stands for which of the program.
    """
    named = {"input": "input", "input1": "input", "logits": "logits", **places}
    return frozenset((named[source], named[target], "") for source, target, _ in edges)
