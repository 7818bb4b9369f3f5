"""Contractions that are judged when the sweep is over, so that a GPU need not be waited for at each of them.

A contraction has to know three numbers: the largest weight (is it of a usual scale, is it finite?) and the
smallest result (was it falsified by underflow?). On a CPU they are found by the way, and what is doubtful is
computed again at once. On a GPU every look at a number makes the host wait until the GPU has done all that
it was told; so there a sweep goes on as if all were well, what has to be known stays on the GPU, and one look
at the end decides whether the sweep counts or has to be made again with care.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from semiring_widgets.core.semirings.edge_weight import Weight, measure

__all__ = ["FAR", "HELD", "LOST", "Judge", "current", "judging"]

# A relative entry below 1e-38 was lost; a result must be this much larger than what can be lost with it.
LOST = 1e-32
# Devices whose numbers are not looked at one by one.
FAR = {"cuda"}
# Bytes of weights that are held until their largest entries are found together.
HELD = 1 << 28


class Judge:
    """What has to be known of the contractions of one sweep."""

    def __init__(self) -> None:
        self._weights: list[Weight] = []
        self._least: list[Tensor] = []
        self._tops: list[Tensor] = []
        self._inner: list[int] = []
        self._held = 0

    def note(self, weight: Weight, least: Tensor, top: Tensor, inner: int) -> None:
        """One contraction.

        Args:
            weight: its weight, taken as it was.
            least: the smallest result of each row, relative to the row.
            top: the maximum of each row, of the same shape; the lowest number where no path is.
            inner: the number of terms of each result.
        """
        self._weights.append(weight)
        self._least.append(least.reshape(-1))
        self._tops.append(top.reshape(-1))
        self._inner.append(inner)
        self._held += weight.value.nbytes
        if self._held > HELD:
            measure(self._weights)
            self._held = 0

    def doubtful(self, others: Sequence[Weight] = ()) -> bool:
        """Whether some contraction has to be made again; looks once at the device.

        Args:
            others: further weights, whose largest entries are looked up as well.
        """
        weights = list(dict.fromkeys(w.base for w in (*self._weights, *others)))
        measure(weights)
        far = [weight for weight in weights if isinstance(weight.peak, Tensor)]
        found = [weight.peak.reshape(1) for weight in far]  # type: ignore[union-attr]
        if self._least:
            found.append(self._lowest())
        if not found:
            return False
        numbers = torch.cat(found).tolist()
        for weight, peak in zip(far, numbers, strict=False):
            weight.note_peak(peak)
        limits = (
            (weight.is_moderate, LOST * inner * float(weight.peak))
            for weight, inner in zip(self._weights, self._inner, strict=True)
        )
        pairs = zip(numbers[len(far) :], limits, strict=True)
        return not all(least > limit and moderate for least, (moderate, limit) in pairs)

    def _lowest(self) -> Tensor:
        """The smallest result of each contraction, among rows with a path; one number each."""
        least, top = torch.cat(self._least), torch.cat(self._tops)
        alive = top > torch.finfo(top.dtype).min
        counts = torch.tensor([len(part) for part in self._least]).to(least.device, non_blocking=True)
        numbers = torch.arange(len(counts), device=least.device)
        place = torch.repeat_interleave(numbers, counts, output_size=len(least))
        lowest = least.new_full((len(counts),), float("inf"))
        return lowest.scatter_reduce(0, place, least.masked_fill(~alive, float("inf")), "amin")


class _Thread(threading.local):
    judge: Judge | None = None


_thread = _Thread()


def current() -> Judge | None:
    """Who judges the contractions of this thread; None where they judge themselves."""
    return _thread.judge


@contextmanager
def judging(device: torch.device, *, late: bool) -> Iterator[Judge | None]:
    """A block whose contractions are judged at its end, if ``late`` and the device is far.

    Args:
        device: where values are.
        late: False makes every contraction judge itself, also inside of another such block.
    """
    before = _thread.judge
    _thread.judge = Judge() if late and device.type in FAR else None
    try:
        yield _thread.judge
    finally:
        _thread.judge = before
