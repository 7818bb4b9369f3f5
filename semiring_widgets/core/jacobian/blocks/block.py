"""What a block is.

A block holds all edges from one tensor (its source) to another (its target) that one operator makes. It can
be *pulled* (from target to source, as in backpropagation), *pushed* (from source to target) and asked for
the out-edges of single elements, in any semiring. Blocks know shapes and derivatives, but no operator.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from semiring_widgets.core.semirings import Semiring, Value, Weight

__all__ = ["SHAPES", "Block", "Reversible"]

# What depends on shapes alone is remembered up to this often; a model needs a few dozen for each text length.
SHAPES = 4096


class Block(ABC):
    """Edges between the elements of two tensors of shapes ``source`` and ``target``."""

    source: torch.Size
    target: torch.Size

    @property
    @abstractmethod
    def weight(self) -> Weight | None:
        """The local derivatives, or None where every edge has weight 1."""

    @abstractmethod
    def pull(self, semiring: Semiring, value: Value) -> Value:
        """Cotangent: from values of shape ``target`` to values of shape ``source``."""

    @abstractmethod
    def push(self, semiring: Semiring, value: Value) -> Value:
        """Tangent: from values of shape ``source`` to values of shape ``target``."""

    @abstractmethod
    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        """All edges that leave some elements of the source.

        Args:
            elements: flat indices, int64 of shape (E,).

        Returns:
            Flat target indices, int64 of shape (E, C), and derivatives of the same shape; an entry with
            derivative 0 is no edge.
        """

    def repeated(self, count: int) -> Block:
        """The same edges ``count`` times, side by side along a new first dimension of both tensors."""
        return _Repeated(self, count)


class _Repeated(Block):
    """A block several times, one after the other."""

    def __init__(self, block: Block, count: int) -> None:
        self.source = torch.Size((count, *block.source))
        self.target = torch.Size((count, *block.target))
        self._block, self._count = block, count

    @property
    def weight(self) -> Weight | None:
        return self._block.weight

    def pull(self, semiring: Semiring, value: Value) -> Value:
        return self._each(partial(self._block.pull, semiring), value)

    def push(self, semiring: Semiring, value: Value) -> Value:
        return self._each(partial(self._block.push, semiring), value)

    def _each(self, carry: Callable[[Value], Value], value: Value) -> Value:
        found = [carry(tuple(part[number] for part in value)) for number in range(self._count)]
        return tuple(torch.stack(parts) for parts in zip(*found, strict=True))

    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        own, other = self._block.source.numel(), self._block.target.numel()
        reached, derivative = self._block.out_edges(elements % own)
        return reached + (elements // own * other)[:, None], derivative


class Reversible(Block):
    """A block that also tells the edges that arrive, so that `Turned` can turn it round."""

    @abstractmethod
    def in_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        """As `out_edges`, for the edges that arrive at some elements of the target."""
