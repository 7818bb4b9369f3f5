"""How much memory is free, where a tensor is."""

from __future__ import annotations

import os
from pathlib import Path

import torch

__all__ = ["free_memory"]

_MEMORY = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")
# Where the system does not say: no reason to save any.
_PLENTY = 1 << 50


def free_memory(device: torch.device) -> int:
    """Bytes that can still be allocated on a device; very many where nobody knows.

    Args:
        device: a CUDA device, or any other, which is taken to use the memory of the machine.

    Example:
        >>> free_memory(torch.device("cpu")) > 0
        True
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What PyTorch has reserved and nobody uses is free as well.
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return max(0, min(_of_machine(), _of_group()))


def _of_machine() -> int:
    try:
        for line in _MEMORY.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (OSError, ValueError):
        return _PLENTY


def _of_group() -> int:
    """What the container leaves: https://docs.kernel.org/admin-guide/cgroup-v2.html."""
    try:
        most = int((_GROUP / "memory.max").read_text())
        used = int((_GROUP / "memory.current").read_text())
        cached = dict(line.split() for line in (_GROUP / "memory.stat").read_text().splitlines())
        return most - used + int(cached["inactive_file"])
    except (OSError, ValueError, KeyError):
        return _PLENTY
