"""What a large model takes beside its weights: measured peak and estimate, for each semiring.

``python -m tests.benchmarks.large_memory --layers 16 --tokens 1024 4096`` is the shape of Llama 3.2 1B, and
``--explain --device cpu --tokens 32`` one whole explanation of it. On a GPU peaks are those of PyTorch's
allocator; on a CPU those of resident memory, of a process in which freed tensors go back to the system at
once (``MALLOC_MMAP_THRESHOLD_``; Linux only).
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import torch

import semiring_widgets as sw
from tests.benchmarks.large_explain import explained, model_of
from tests.benchmarks.large_peaks import MB, Peak
from tests.benchmarks.measuring import Report

SEMIRINGS = ("sum", "max", "entropy", "fused")
KEPT = ("all", "least")
_THRESHOLD = "MALLOC_MMAP_THRESHOLD_"
# With more tokens than this a tape that keeps everything fits nowhere.
_MANY_TOKENS = 2048


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tokens", type=int, nargs="+", default=[1024])
    options.add_argument("--layers", type=int, default=16)
    options.add_argument("--hidden", type=int, default=2048)
    options.add_argument("--vocabulary", type=int, default=128256)
    options.add_argument("--semirings", nargs="+", default=list(SEMIRINGS), choices=SEMIRINGS)
    options.add_argument("--kept", nargs="+", choices=KEPT, help="by default both, of many tokens the least")
    options.add_argument("--explain", action="store_true", help="one explanation instead of sweeps")
    options.add_argument("--max-memory", type=float, help="bytes, of the explanation")
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
    device = torch.device(chosen.device)
    limit = None if chosen.max_memory is None else int(chosen.max_memory)
    for tokens in chosen.tokens:
        if chosen.explain:
            explained(report, tokens, device, limit, **sizes)
        else:
            kept = chosen.kept or (KEPT if tokens <= _MANY_TOKENS else KEPT[1:])
            rows(report, tokens, device, chosen.semirings, kept, **sizes)
    print(report.write())


def rows(
    report: Report,
    tokens: int,
    device: torch.device,
    semirings: Sequence[str] = SEMIRINGS,
    kept: Sequence[str] = KEPT,
    **sizes: int,
) -> None:
    """One row for recording and each sweep, on a tape that keeps everything and one that keeps the least.

    In MB beside the weights: the measured ``peak`` with the tape, and the ``estimate`` of it.

    Args:
        report: gets the rows as soon as they are known.
        tokens: how many.
        device: where.
        semirings: whose sweeps.
        kept: what tapes keep.
        **sizes: of the model, as `LlamaConfig` calls them.
    """
    model = model_of(tokens, device, **sizes)
    inputs = torch.randn(1, tokens, model.config.hidden_size, dtype=torch.bfloat16, device=device)

    def recorded(**options: Any) -> tuple[sw.Tape, torch.Tensor, torch.Tensor]:
        with sw.record(**options) as tape:
            x = inputs.clone()
            logits = model(inputs_embeds=x).logits[0, tokens // 2]
            score = logits[3] - logits[5]
        return tape, score, x

    free = recorded(values=False)[0].nbytes
    for which in kept:
        case = f"{tokens} tokens, keeping {which}"
        limit = None if which == "all" else max(1 << 28, free // (4 * sizes["num_hidden_layers"]))
        try:
            (question, limit), peak = _peak(lambda limit=limit: _within(recorded, limit), device)
            if which == "least":
                question[0].shrink()
            tape = question[0].nbytes
            estimate = recorded(values=False, max_memory=limit)[0].nbytes
            report.add(**_row(case, "recording", peak, estimate))
            for semiring in semirings:
                needed = tape + sw.estimate_memory(*question, semiring)
                _, peak = _peak(lambda s=semiring, q=question: sw.backprop(*q, semiring=s), device)
                report.add(**_row(case, semiring, tape + peak, needed))
        except torch.OutOfMemoryError as error:
            report.add(**_row(case, type(error).__name__, math.nan, math.nan))
        question = None


def _within(recorded: Callable[..., Any], limit: int | None) -> tuple[Any, int | None]:
    """A recording with a limit, or with nearly the least that it can do with."""
    try:
        return recorded(max_memory=limit), limit
    except sw.errors.MemoryLimitError:
        return _within(recorded, limit + limit // 2)


def _row(case: str, of: str, peak: float, estimate: float) -> dict[str, Any]:
    return {"case": case, "of": of, "peak": peak / MB, "estimate": estimate / MB, "ratio": estimate / peak}


def _peak(act: Callable[[], Any], device: torch.device) -> tuple[Any, int]:
    """What something gives, and the most that it takes beside what is there."""
    peak = Peak(device)
    result = act()
    return result, peak.beside


if __name__ == "__main__":
    main()
