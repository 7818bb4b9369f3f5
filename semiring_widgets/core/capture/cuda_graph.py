"""A CUDA graph: what a GPU was told once, told again in one go.

https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs. A capture runs nothing: it notes launches,
with the addresses of what they read and write. Memory that it takes stays reserved for the replays. It
happens on a stream of its own, and in the mode "relaxed": other threads may go on working, and what a capture
has to read from the host may be copied beside it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import torch
from torch import Tensor

from semiring_widgets.core.tape import uncollected

__all__ = ["CudaGraph", "GraphMemory"]

_Made = TypeVar("_Made")
# PyTorch's generators and allocators know one capture at a time.
_capturing = threading.Lock()


class GraphMemory:
    """Memory of a GPU that graphs share, as no two of them are replayed at a time.

    Args:
        device: the GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.pool = device, torch.cuda.graph_pool_handle()
        self._done = torch.cuda.Event()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A block of work on the current stream, after all such blocks before it, on whatever stream."""
        stream = torch.cuda.current_stream(self.device)
        stream.wait_event(self._done)
        try:
            yield
        finally:
            self._done.record(stream)

    def settle(self) -> None:
        """Wait until nothing uses the memory any more."""
        self._done.synchronize()

    def nbytes(self) -> int:
        """Bytes that are reserved."""
        segments = torch.cuda.memory_snapshot()
        return sum(each["total_size"] for each in segments if each["segment_pool_id"] == tuple(self.pool))


class CudaGraph:
    """One captured computation.

    Args:
        memory: what it may share.
    """

    memory_type = GraphMemory

    def __init__(self, memory: GraphMemory) -> None:
        self._memory, self._device = memory, memory.device
        self._graph = torch.cuda.CUDAGraph()
        self._beside: torch.cuda.Stream | None = None

    def capture(self, act: Callable[[], _Made]) -> _Made:
        """What ``act`` gives, whose tensors hold numbers once the graph is replayed.

        Whatever it raises ends the capture, and nothing is kept.
        """
        with _capturing, uncollected(), torch.cuda.device(self._device):
            stream = torch.cuda.Stream(self._device)
            self._beside = torch.cuda.Stream(self._device)
            stream.wait_stream(torch.cuda.current_stream(self._device))
            with torch.cuda.stream(stream):
                self._graph.capture_begin(self._memory.pool, capture_error_mode="relaxed")
                try:
                    made = act()
                except BaseException:
                    with suppress(RuntimeError):
                        self._end()
                        self._graph.reset()
                    raise
                self._end()
        return made

    def _end(self) -> None:
        try:
            self._graph.capture_end()
        except RuntimeError:
            # CUDA has given it up, as something waited for the GPU. PyTorch would go on believing in it: its
            # allocator until told, its random numbers until another capture has ended.
            torch._C._cuda_endAllocateToPool(self._device.index, self._memory.pool)
            another = torch.cuda.CUDAGraph()
            with torch.cuda.stream(torch.cuda.Stream(self._device)):
                another.capture_begin(capture_error_mode="relaxed")
                torch.zeros(1, device=self._device)
                another.capture_end()
            raise

    def bring(self, constant: Tensor) -> Tensor:
        """A tensor from the CPU, copied now, beside the capture that is under way."""
        with torch.cuda.stream(self._beside):
            found = constant.to(self._device)
        if self._beside is not None:
            self._beside.synchronize()
        return found

    def replay(self) -> None:
        """Start everything again, on the current stream."""
        self._graph.replay()
