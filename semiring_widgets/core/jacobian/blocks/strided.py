"""Views: the target is a strided window on the source, and shows no element twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from semiring_widgets.core.jacobian.blocks.block import SHAPES, Reversible
from semiring_widgets.core.semirings import Semiring, Value, Weight

__all__ = ["Strided", "permuted", "reshaped", "window"]


class Strided(Reversible):
    """A strided window: ``target = source.flatten().as_strided(target, stride, offset)``.

    No two target elements may show the same source element; else use `Gather`.
    """

    def __init__(self, source: torch.Size, target: torch.Size, stride: Sequence[int], offset: int) -> None:
        self.source, self.target = source, target
        self._stride, self._offset = tuple(stride), offset
        self._complete = math.prod(source) == math.prod(target)
        order = sorted(range(len(target)), key=lambda d: (-self._stride[d], -target[d]))
        self._order = None if order == list(range(len(order))) else order

    @property
    def stride(self) -> tuple[int, ...]:
        """From one element of the target to the next, along each of its dimensions."""
        return self._stride

    @staticmethod
    def fits(size: Sequence[int], stride: Sequence[int]) -> bool:
        """Whether a window is free of overlaps, judged by its sorted strides."""
        reach = 1
        for step, length in sorted((t, n) for t, n in zip(stride, size, strict=True) if n > 1):
            if step < reach:
                return False
            reach = step * (length - 1) + reach
        return math.prod(size) > 0

    @property
    def weight(self) -> Weight | None:
        return None

    def pull(self, semiring: Semiring, value: Value) -> Value:
        if self._complete:
            if self._order is not None:
                value = tuple([v.permute(self._order) for v in value])
            return tuple([v.reshape(self.source) for v in value])
        whole = semiring.full(semiring.zero, (math.prod(self.source),), value[0])
        for base, part in zip(whole, value, strict=True):
            base.as_strided(self.target, self._stride, self._offset).copy_(part)
        return tuple(base.reshape(self.source) for base in whole)

    def push(self, semiring: Semiring, value: Value) -> Value:
        return tuple(
            v.contiguous().as_strided(
                self.target, self._stride, v.contiguous().storage_offset() + self._offset
            )
            if v.is_contiguous()
            else v.clone(memory_format=torch.contiguous_format).as_strided(
                self.target, self._stride, self._offset
            )
            for v in value
        )

    def repeated(self, count: int) -> Strided:
        """As `Block.repeated`, all in one go."""
        whole = math.prod(self.source)
        source, target = (count, *self.source), (count, *self.target)
        return Strided(torch.Size(source), torch.Size(target), (whole, *self._stride), self._offset)

    def out_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        places = torch.full((math.prod(self.source),), -1, device=elements.device)
        count = math.prod(self.target)
        window = torch.arange(count, device=elements.device).reshape(self.target)
        places.as_strided(self.target, self._stride, self._offset).copy_(window)
        targets = places[elements][:, None]
        return targets.clamp(min=0), (targets >= 0).to(torch.get_default_dtype())

    def in_edges(self, elements: Tensor) -> tuple[Tensor, Tensor]:
        places = torch.unravel_index(elements, self.target) if self.target else ()
        sources = torch.full_like(elements, self._offset)
        for place, step in zip(places, self._stride, strict=True):
            sources = sources + place * step
        return sources[:, None], torch.ones((len(elements), 1), device=elements.device)


@lru_cache(maxsize=SHAPES)
def reshaped(source: torch.Size, target: torch.Size) -> Strided:
    """All elements in their order, in another shape; the layers of a model share the block."""
    stride, step = [], 1
    for size in reversed(target):
        stride.append(step)
        step *= size
    return Strided(source, target, stride[::-1], 0)


@lru_cache(maxsize=SHAPES)
def window(source: torch.Size, target: torch.Size, stride: tuple[int, ...], offset: int) -> Strided | None:
    """A `Strided` block, shared by all layers; None where the window shows an element twice."""
    return Strided(source, target, stride, offset) if Strided.fits(target, stride) else None


def permuted(shape: Sequence[int], order: Sequence[int]) -> Strided:
    """The change of dimension order ``tensor.permute(order)`` of a tensor of some shape."""
    strides = [math.prod(shape[d + 1 :]) for d in range(len(shape))]
    source, target = torch.Size(shape), torch.Size([shape[d] for d in order])
    return Strided(source, target, [strides[d] for d in order], 0)
