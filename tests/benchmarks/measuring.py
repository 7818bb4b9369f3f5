"""Times as ratios: the cases of one table are run in turn, and medians are compared.

``BENCHMARK_CLOCK=processor`` counts the time of the processor, on one thread, instead of the wall's: on a
machine that does other things besides, ratios of that are still to be trusted.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

__all__ = ["Report", "clock", "interleaved"]

_ON_PROCESSOR = os.environ.get("BENCHMARK_CLOCK") == "processor"
clock = time.process_time if _ON_PROCESSOR else time.perf_counter
if _ON_PROCESSOR:
    torch.set_num_threads(1)


def interleaved(cases: Mapping[str, Callable[[], object]], rounds: int = 7) -> dict[str, float]:
    """Median seconds of each case, after one unmeasured round.

    Args:
        cases: what to run.
        rounds: how often; machine noise hits all cases of a round alike.
    """
    times: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(rounds + 1):
        for name, run in cases.items():
            start = clock()
            run()
            if turn:
                times[name].append(clock() - start)
    return {name: statistics.median(taken) for name, taken in times.items()}


class Report:
    """A table on stdout, and the same as JSON in ``benchmarks/`` (or ``$BENCHMARKS``).

    Args:
        name: of the file.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: list[dict[str, Any]] = []

    def add(self, **row: Any) -> None:
        """One row; the first sets the columns."""
        if not self.rows:
            self._print(list(row))
        self.rows.append(row)
        self._print([f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row.values()])

    def write(self) -> Path:
        """Write the rows, with the machine they were measured on."""
        folder = Path(os.environ.get("BENCHMARKS", "benchmarks"))
        folder.mkdir(parents=True, exist_ok=True)
        machine = {
            "processor": _processor(),
            "clock": "processor" if _ON_PROCESSOR else "wall",
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "python": platform.python_version(),
        }
        target = folder / f"{self.name}.json"
        target.write_text(json.dumps({"machine": machine, "rows": self.rows}, indent=1) + "\n", "utf-8")
        return target

    @staticmethod
    def _print(cells: list[str]) -> None:
        sys.stdout.write(cells[0].ljust(26) + "".join(cell.rjust(15) for cell in cells[1:]) + "\n")
        sys.stdout.flush()


def _processor() -> str:
    """Its name, where Linux tells it."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text("utf-8").splitlines() if described.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
