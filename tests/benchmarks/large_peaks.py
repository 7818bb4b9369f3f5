"""The most memory that something takes: PyTorch's allocator on a GPU, resident memory elsewhere (Linux)."""

from __future__ import annotations

import gc
from pathlib import Path

import torch

from tests.benchmarks.bench_memory import resident

__all__ = ["MB", "Peak"]

MB = 1e6


class Peak:
    """From now on.

    Args:
        device: where.

    Attributes:
        before: bytes that are there.
    """

    def __init__(self, device: torch.device) -> None:
        gc.collect()
        self._device = device
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
            self.before = torch.cuda.memory_allocated(device)
        else:
            Path("/proc/self/clear_refs").write_text("5")
            self.before = 1024 * resident("VmRSS")

    @property
    def total(self) -> int:
        """Bytes at the peak, with what was there before."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device)
        return 1024 * resident("VmHWM")

    @property
    def beside(self) -> int:
        """Bytes at the peak beside what was there before."""
        return self.total - self.before
