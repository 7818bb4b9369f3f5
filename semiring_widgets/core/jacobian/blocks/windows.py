"""Sliding windows: what a convolution and a pooling see of their input."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.block import Reversible
from semiring_widgets.core.semirings import Semiring, Value, Weight

__all__ = ["Windows", "per_dimension"]


class Windows(Reversible):
    """All windows of an image, without copying an index for each of their elements.

    ``target[n, c, *k, *o] = source[n, c, *(o * stride + k * dilation - padding)]``; nothing outside of it.

    Args:
        source: (N, C, *S).
        kernel: K, one size per spatial dimension, like the rest.
        out: O, number of windows.
        stride, padding, dilation: in elements of the source.
    """

    def __init__(
        self,
        source: torch.Size,
        kernel: Sequence[int],
        out: Sequence[int],
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
    ) -> None:
        self.source = source
        self.target = torch.Size((*source[:2], *kernel, *out))
        self._kernel, self._out = tuple(kernel), tuple(out)
        self._stride, self._padding, self._dilation = tuple(stride), tuple(padding), tuple(dilation)

    @property
    def weight(self) -> Weight | None:
        return None

    def pull(self, semiring: Semiring, value: Value) -> Value:
        whole = semiring.full(semiring.zero, self._padded_shape(), value[0])
        for turn, window in self._each_place():
            before = tuple(part[window] for part in whole)
            added = semiring.plus(before, tuple(part[turn] for part in value))
            for place, new in zip(before, added, strict=True):
                place.copy_(new)
        return tuple(part[self._inner_slices()] for part in whole)

    def push(self, semiring: Semiring, value: Value) -> Value:
        whole = semiring.full(semiring.zero, self._padded_shape(), value[0])
        for part, given in zip(whole, value, strict=True):
            part[self._inner_slices()] = given
        picked = tuple(part.new_empty(self.target) for part in whole)
        for turn, window in self._each_place():
            for part, seen in zip(picked, whole, strict=True):
                part[turn] = seen[window]
        return picked

    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        n, c, *places = torch.unravel_index(elements, self.source)
        turns = self._kernel_places(elements.device)
        reached = torch.zeros(len(elements), turns.shape[1], dtype=torch.int64, device=elements.device)
        exists = torch.ones_like(reached, dtype=torch.bool)
        for d, place in enumerate(places):
            ahead = place[:, None] + self._padding[d] - turns[d] * self._dilation[d]
            window = ahead.div(self._stride[d], rounding_mode="floor")
            exists &= (window * self._stride[d] == ahead) & (window >= 0) & (window < self._out[d])
            reached = reached * self._out[d] + window
        numbers = torch.arange(turns.shape[1], device=elements.device)
        head = (n * self.source[1] + c)[:, None] * turns.shape[1] + numbers
        reached = head * math.prod(self._out) + reached
        return torch.where(exists, reached, 0), exists.to(torch.get_default_dtype())

    def in_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        rank = len(self._kernel)
        n, c, *rest = torch.unravel_index(elements, self.target)
        reached, exists = n * self.source[1] + c, torch.ones_like(n, dtype=torch.bool)
        for d, (turn, window) in enumerate(zip(rest[:rank], rest[rank:], strict=True)):
            place = window * self._stride[d] + turn * self._dilation[d] - self._padding[d]
            exists &= (place >= 0) & (place < self.source[2 + d])
            reached = reached * self.source[2 + d] + place
        return torch.where(exists, reached, 0)[:, None], exists[:, None].to(torch.get_default_dtype())

    def _kernel_places(self, device: torch.device) -> Tensor:
        """Places in the kernel, (number of spatial dimensions, prod K)."""
        grid = torch.meshgrid(*(torch.arange(k, device=device) for k in self._kernel), indexing="ij")
        return torch.stack([axis.reshape(-1) for axis in grid])

    def _padded_shape(self) -> list[int]:
        """Shape of the source with room for all that the windows touch."""
        sizes = zip(
            self.source[2:], self._kernel, self._out, self._stride, self._padding, self._dilation, strict=True
        )
        return [
            *self.source[:2],
            *(max(s + p, (o - 1) * step + (k - 1) * d + 1) for s, k, o, step, p, d in sizes),
        ]

    def _inner_slices(self) -> tuple[slice, ...]:
        places = zip(self.source[2:], self._padding, strict=True)
        return (slice(None), slice(None), *(slice(p, p + s) for s, p in places))

    def _each_place(self) -> Iterator[tuple[tuple[slice | int, ...], tuple[slice, ...]]]:
        """For every place of the kernel: its entries in the target, and what they show of the source."""
        every = (slice(None), slice(None))
        for turn in product(*(range(k) for k in self._kernel)):
            window = (
                slice(t * d, t * d + (o - 1) * step + 1, step)
                for t, o, step, d in zip(turn, self._out, self._stride, self._dilation, strict=True)
            )
            yield (*every, *turn), (*every, *window)


def per_dimension(given: Any, rank: int) -> list[int]:
    """One number stands for all dimensions."""
    numbers = list(given) if isinstance(given, (list, tuple)) else [given]
    return numbers * rank if len(numbers) == 1 else numbers
