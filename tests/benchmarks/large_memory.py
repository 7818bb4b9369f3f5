"""What a large model takes beside its weights: measured peak and estimate, for each semiring.

``python -m tests.benchmarks.large_memory --layers 16 --tokens 1024 4096`` is the shape of Llama 3.2 1B. On a
GPU peaks are those of PyTorch's allocator; on a CPU those of resident memory, of a process in which freed
tensors go back to the system at once (``MALLOC_MMAP_THRESHOLD_``; Linux only).
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import semiring_widgets as sw
from tests.benchmarks.bench_gpu import llama
from tests.benchmarks.bench_memory import resident
from tests.benchmarks.measuring import Report

SEMIRINGS = ("sum", "max", "entropy", "fused")
_THRESHOLD = "MALLOC_MMAP_THRESHOLD_"
MB = 1e6


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tokens", type=int, nargs="+", default=[1024])
    options.add_argument("--layers", type=int, default=16)
    options.add_argument("--hidden", type=int, default=2048)
    options.add_argument("--vocabulary", type=int, default=128256)
    options.add_argument("--semirings", nargs="+", default=list(SEMIRINGS), choices=SEMIRINGS)
    options.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    chosen = options.parse_args()
    if chosen.device == "cpu" and _THRESHOLD not in os.environ:
        os.execve(
            sys.executable,
            [sys.executable, "-m", __spec__.name, *sys.argv[1:]],
            os.environ | {_THRESHOLD: "65536"},
        )
    report = Report("large_memory")
    sizes = {
        "num_hidden_layers": chosen.layers,
        "hidden_size": chosen.hidden,
        "intermediate_size": 4 * chosen.hidden,
        "num_attention_heads": chosen.hidden // 64,
        "num_key_value_heads": chosen.hidden // 256,
        "vocab_size": chosen.vocabulary,
    }
    for tokens in chosen.tokens:
        for row in rows(tokens, torch.device(chosen.device), chosen.semirings, **sizes):
            report.add(**row)
    print(report.write())


def rows(
    tokens: int, device: torch.device, semirings: tuple[str, ...] = SEMIRINGS, **sizes: int
) -> list[dict[str, Any]]:
    """One row for recording and each sweep, on a tape that keeps everything and one that keeps the least.

    Args:
        tokens: how many.
        device: where.
        semirings: whose sweeps.
        **sizes: of the model, as `LlamaConfig` calls them.

    Returns:
        In MB beside the weights: ``tape``, the measured ``peak`` with the tape, and ``estimate`` of it.
    """
    torch.manual_seed(0)
    with device:
        model = llama(tokens, **sizes).bfloat16().eval().requires_grad_(requires_grad=False)
        inputs = torch.randn(1, tokens, model.config.hidden_size, dtype=torch.bfloat16)

    def recorded(**options: Any) -> tuple[sw.Tape, torch.Tensor, torch.Tensor]:
        with sw.record(**options) as tape:
            x = inputs.clone()
            logits = model(inputs_embeds=x).logits[0, tokens // 2]
            score = logits[3] - logits[5]
        return tape, score, x

    free, found = recorded(values=False)[0].nbytes, []
    for kept in ("all", "least"):
        limit = None if kept == "all" else max(1 << 28, free // 8)
        try:
            question, peak = _peak(lambda limit=limit: recorded(max_memory=limit), device)
            if kept == "least":
                question[0].shrink()
            tape = question[0].nbytes
            case = f"{tokens} tokens, keeping {kept}"
            estimate = recorded(values=False, max_memory=limit)[0].nbytes
            found.append(_row(case, "recording", peak, estimate))
            for semiring in semirings:
                needed = tape + sw.estimate_memory(*question, semiring)
                _, peak = _peak(lambda s=semiring, q=question: sw.backprop(*q, semiring=s), device)
                found.append(_row(case, semiring, tape + peak, needed))
        except (torch.OutOfMemoryError, sw.errors.MemoryLimitError) as error:
            found.append(_row(f"{tokens} tokens, keeping {kept}", type(error).__name__, math.nan, math.nan))
        question = None
    return found


def _row(case: str, of: str, peak: float, estimate: float) -> dict[str, Any]:
    return {"case": case, "of": of, "peak": peak / MB, "estimate": estimate / MB, "ratio": estimate / peak}


def _peak(act: Callable[[], Any], device: torch.device) -> tuple[Any, int]:
    """What something gives, and the most that it takes beside what is there."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        result = act()
        return result, torch.cuda.max_memory_allocated(device) - before
    Path("/proc/self/clear_refs").write_text("5")
    held = resident("VmRSS")
    result = act()
    return result, 1024 * (resident("VmHWM") - held)


if __name__ == "__main__":
    main()
