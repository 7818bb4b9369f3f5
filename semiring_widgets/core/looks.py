"""Looks at numbers on a device, which a thread may put off.

Most of the time Python may ask a tensor at once. While a CUDA graph is captured it must not: nothing has run
yet, and each look would end the capture. Then what is nearly always so is assumed to be so, and the device
itself notes where it was not; whoever replays the graph looks once, afterwards, and does what was doubted the
ordinary way.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

__all__ = [
    "Assumptions",
    "Noted",
    "any_true",
    "assumed_now",
    "assuming",
    "indices_of_few",
    "maybe_true",
    "noting",
]

# Entries are chosen in multiples of this, so that a few more than last time are no surprise.
_SLACK = 8


class Noted:
    """What a thread saw that it may have to assume another time.

    Attributes:
        counts: how many entries were few, by the order of the looks.
    """

    def __init__(self) -> None:
        self.counts: list[int | None] = []


class Assumptions:
    """What is assumed instead of looked at.

    Args:
        counts: what `Noted` has of the same computation on other numbers.

    Attributes:
        doubts: of shape (), on the device: true where an assumption does not hold.
    """

    def __init__(self, counts: Sequence[int | None] = ()) -> None:
        self._counts = iter(counts)
        self.doubts: list[Tensor] = []

    def next_count(self) -> int | None:
        """How many entries were few when they were last counted; None where they were not, or never."""
        return next(self._counts, None)

    def verdict(self, device: torch.device) -> Tensor:
        """Whether any assumption does not hold, of shape (), on the device."""
        if not self.doubts:
            return torch.zeros((), dtype=torch.bool, device=device)
        return torch.stack(self.doubts).any()


class _Thread(threading.local):
    assumptions: Assumptions | None = None
    noted: Noted | None = None


_thread = _Thread()


def assumed_now() -> Assumptions | None:
    """What this thread assumes; None where it may look."""
    return _thread.assumptions


@contextmanager
def assuming(assumptions: Assumptions | None) -> Iterator[None]:
    """A block that assumes instead of looking."""
    before, _thread.assumptions = _thread.assumptions, assumptions
    try:
        yield
    finally:
        _thread.assumptions = before


@contextmanager
def noting(noted: Noted) -> Iterator[None]:
    """A block whose looks are noted."""
    before, _thread.noted = _thread.noted, noted
    try:
        yield
    finally:
        _thread.noted = before


def any_true(flags: Tensor) -> bool:
    """Whether some are true, which is rare; assumed to be False where the thread must not look."""
    assumptions = _thread.assumptions
    if assumptions is None:
        return bool(flags.any())
    assumptions.doubts.append(flags.any())
    return False


def maybe_true(flags: Tensor) -> bool:
    """Whether some may be true, where it does no harm to believe so."""
    return _thread.assumptions is not None or bool(flags.any())


def indices_of_few(*flags: Tensor) -> list[Tensor | None]:
    """The indices of true entries, where they are at most half of all, else None; by a single look.

    Args:
        flags: booleans in one dimension, all on one device.
    """
    assumptions, device = _thread.assumptions, flags[0].device
    if assumptions is not None:
        return [_assumed_indices(assumptions, flag) for flag in flags]
    found: list[Tensor | None] = []
    for flag in torch.cat(flags).cpu().split([len(flag) for flag in flags]):
        count = int(flag.sum())
        few = 2 * count <= len(flag)
        found.append(flag.nonzero().squeeze(1).to(device) if few else None)
        if _thread.noted is not None:
            _thread.noted.counts.append(count if few else None)
    return found


def _assumed_indices(assumptions: Assumptions, flags: Tensor) -> Tensor | None:
    """As many as last time, and then some others, whose entries are of no consequence."""
    count = assumptions.next_count()
    if count is None:
        return None
    count = min(len(flags), -(-max(count, 1) // _SLACK) * _SLACK)
    assumptions.doubts.append(flags.sum() > count)
    return torch.sort(flags, descending=True, stable=True).indices[:count]
