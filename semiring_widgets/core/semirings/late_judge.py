"""Contractions that are judged when the sweep is over, so that a GPU need not be waited for at each of them.

A contraction has to know three numbers: the largest weight (is it of a usual scale, is it finite?) and the
smallest result (was it falsified by underflow?). On a CPU they are found by the way, and what is doubtful is
computed again at once. On a GPU every look at a number makes the host wait until the GPU has done all that
it was told; so there a sweep goes on as if all were well, what has to be known stays on the GPU, and one look
at the end decides whether the sweep counts or has to be made again with care.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from semiring_widgets.core.semirings.edge_weight import MODERATE, Weight, is_moderate, measure

__all__ = ["FAR", "HELD", "LOST", "Judge", "current", "judging", "read"]

# A relative entry below 1e-38 was lost; a result must be this much larger than what can be lost with it.
LOST = 1e-32
# Devices whose numbers are not looked at one by one.
FAR = {"cuda"}
# Bytes of weights that are held until their largest entries are found together.
HELD = 1 << 28


class Judge:
    """What has to be known of the contractions of one sweep."""

    def __init__(self) -> None:
        self._pending: list[Weight] = []
        self._bytes = 0
        self._peaks: list[Tensor | float] = []
        self._least: list[Tensor] = []
        self._tops: list[Tensor] = []
        self._inner: list[int] = []

    def note(self, weight: Weight, least: Tensor, top: Tensor, inner: int) -> None:
        """One contraction.

        Args:
            weight: its weight, taken as it was.
            least: the smallest result of each row, relative to the row.
            top: the maximum of each row, of the same shape; the lowest number where no path is.
            inner: the number of terms of each result.
        """
        self._pending.append(weight)
        self._least.append(least.reshape(-1))
        self._tops.append(top.reshape(-1))
        self._inner.append(inner)
        self._bytes += weight.stored.nbytes
        if self._bytes > HELD:
            self._measure()

    def verdict(self, others: Sequence[Tensor | float]) -> tuple[list[float], bool]:
        """Some other numbers, and whether a contraction has to be made again; one look at each device.

        Args:
            others: numbers of shape (), wherever they are.
        """
        self._measure()
        numbers = read([*others, *self._peaks, *self._lowest()])
        count = len(self._peaks)
        middle = len(others)
        peaks, least = numbers[middle : middle + count], numbers[middle + count :]
        sure = (
            is_moderate(peak) and low > LOST * inner * peak
            for peak, low, inner in zip(peaks, least, self._inner, strict=True)
        )
        return numbers[:middle], not all(sure)

    def doubt(self, others: Sequence[Tensor | float]) -> Tensor:
        """What `verdict` would tell, left where it is: true, of shape (), if anything is not as it should be.

        Args:
            others: numbers that have to be finite.
        """
        self._measure()
        lowest = self._lowest()
        device = self._least[0].device if self._least else _device_of(others)
        peaks, least = _together(self._peaks, device), _together(lowest, device)
        inner = torch.tensor(self._inner, dtype=torch.float64, device=device)
        moderate = (peaks == 0) | ((peaks > MODERATE[0]) & (peaks < MODERATE[1]))
        sure = moderate & (least > LOST * inner * peaks)
        return ~(sure.all() & (_together(others, device) < math.inf).all())

    def _measure(self) -> None:
        """Find the largest entries of weights, which are then let go."""
        measure(self._pending)
        self._peaks += [weight.peak for weight in self._pending]
        self._pending, self._bytes = [], 0

    def _lowest(self) -> list[Tensor]:
        """The smallest result of each contraction, among rows with a path."""
        found: dict[int, Tensor] = {}
        for device in dict.fromkeys(part.device for part in self._least):
            places = [place for place, part in enumerate(self._least) if part.device == device]
            least = torch.cat([self._least[place] for place in places])
            top = torch.cat([self._tops[place] for place in places])
            least = least.masked_fill_(top <= torch.finfo(top.dtype).min, float("inf"))
            counts = torch.tensor([len(self._least[place]) for place in places]).to(device)
            numbers = torch.arange(len(places), device=device)
            owner = torch.repeat_interleave(numbers, counts, output_size=len(least))
            lowest = least.new_full((len(places),), float("inf")).scatter_reduce(0, owner, least, "amin")
            found.update(zip(places, lowest.unbind(), strict=True))
        return [found[place] for place in range(len(self._least))]


def _device_of(numbers: Sequence[Tensor | float]) -> torch.device:
    return next((number.device for number in numbers if isinstance(number, Tensor)), torch.device("cpu"))


def _together(numbers: Sequence[Tensor | float], device: torch.device) -> Tensor:
    """Numbers of shape () as one tensor of float64."""
    tensors = [number for number in numbers if isinstance(number, Tensor)]
    if len({tensor.dtype for tensor in tensors}) > 1:
        tensors = [tensor.double() for tensor in tensors]
    joined = torch.stack(tensors).double() if tensors else None
    if joined is not None and len(tensors) == len(numbers):
        return joined
    plain = [0.0 if isinstance(number, Tensor) else number for number in numbers]
    found = torch.tensor(plain, dtype=torch.float64, device=device)
    if joined is None:
        return found
    places = [place for place, number in enumerate(numbers) if isinstance(number, Tensor)]
    return found.index_copy_(0, torch.tensor(places, device=device), joined)


def read(numbers: Sequence[Tensor | float]) -> list[float]:
    """Numbers of shape (), wherever they are; one look at each device."""
    found = [0.0 if isinstance(number, Tensor) else number for number in numbers]
    places: dict[tuple[torch.device, torch.dtype], list[int]] = {}
    for place, number in enumerate(numbers):
        if isinstance(number, Tensor):
            places.setdefault((number.device, number.dtype), []).append(place)
    for own in places.values():
        tensors = [number for place in own if isinstance(number := numbers[place], Tensor)]
        for place, value in zip(own, torch.stack(tensors).tolist(), strict=True):
            found[place] = value
    return found


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
