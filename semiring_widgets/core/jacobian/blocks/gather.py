"""Selections by an index of each element: indexing, padding, concatenation, overlapping views."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.block import Reversible
from semiring_widgets.core.looks import any_true
from semiring_widgets.core.semirings import Semiring, Value, Weight

__all__ = ["Gather"]


class Gather(Reversible):
    """Any selection: ``target.flatten()[i] = source.flatten()[index[i]]``, nothing where index is -1."""

    def __init__(self, source: torch.Size, target: torch.Size, index: Tensor) -> None:
        self.source, self.target = source, target
        self._index = index.reshape(-1)
        self._all = not any_true(self._index < 0)
        if self._all:
            self._chosen = torch.arange(len(self._index), device=index.device)
            self._places = self._index
        else:
            self._chosen = (self._index >= 0).nonzero().squeeze(-1)
            self._places = self._index[self._chosen]
        self._inverse: tuple[Tensor, Tensor, Tensor] | None = None

    @property
    def weight(self) -> Weight | None:
        return None

    def pull(self, semiring: Semiring, value: Value) -> Value:
        flat = tuple(v.reshape(-1) for v in value)
        if not self._all:
            flat = tuple(v[self._chosen] for v in flat)
        whole = semiring.scatter(flat, self._places, math.prod(self.source))
        return tuple(v.reshape(self.source) for v in whole)

    def push(self, semiring: Semiring, value: Value) -> Value:
        picked = tuple(v.reshape(-1)[self._places] for v in value)
        if not self._all:
            whole = semiring.full(semiring.zero, (len(self._index),), value[0])
            picked = tuple(w.index_copy(0, self._chosen, p) for w, p in zip(whole, picked, strict=True))
        return tuple(p.reshape(self.target) for p in picked)

    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        if self._inverse is None:
            order = torch.argsort(self._places, stable=True)
            counts = torch.bincount(self._places, minlength=math.prod(self.source))
            self._inverse = (self._chosen[order], counts, torch.cumsum(counts, 0) - counts)
        targets, counts, starts = self._inverse
        own = counts[elements]
        width = max(1, int(own.max()) if len(own) else 1)
        turn = torch.arange(width, device=elements.device)
        exists = turn < own[:, None]
        if not len(targets):
            return torch.zeros_like(exists, dtype=torch.int64), exists.to(torch.get_default_dtype())
        where = (starts[elements][:, None] + turn).clamp(max=len(targets) - 1)
        return targets[where], exists.to(torch.get_default_dtype())

    def in_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        sources = self._index[elements][:, None]
        return sources.clamp(min=0), (sources >= 0).to(torch.get_default_dtype())
