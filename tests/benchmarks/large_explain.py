"""What `explain` takes of a large model: the peak of each of its parts."""

from __future__ import annotations

import time
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from semiring_widgets.explanation import explain_run
from semiring_widgets.explanation.estimate import estimate_explain
from tests.benchmarks.bench_gpu import llama
from tests.benchmarks.large_peaks import MB, Peak
from tests.benchmarks.measuring import Report

__all__ = ["explained", "model_of", "words"]


def words(count: int) -> PreTrainedTokenizerFast:
    """A tokenizer of as many words, ``w0`` and so on.

    Args:
        count: how many.
    """
    tokenizer = Tokenizer(models.WordLevel({f"w{n}": n for n in range(count)}, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="w0")


def model_of(tokens: int, device: torch.device, **sizes: int) -> torch.nn.Module:
    """A model of the shape of Llama 3.2 1B, or less, in bfloat16 from the beginning, with random weights.

    Args:
        tokens: it can read.
        device: where.
        **sizes: as `LlamaConfig` calls them.
    """
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with device:
            return llama(tokens, **sizes).eval().requires_grad_(requires_grad=False)
    finally:
        torch.set_default_dtype(before)


def explained(
    report: Report, tokens: int, device: torch.device, max_memory: int | None = None, **sizes: int
) -> None:
    """One row for each part of an explanation: the most that was there, and that beside the model.

    Args:
        report: gets the rows, in MB, as soon as they are known.
        tokens: of the text.
        device: where.
        max_memory: as in `explain`.
        **sizes: of the model, as `LlamaConfig` calls them.
    """
    model = model_of(tokens, device, **sizes)
    question = (words(max(64, tokens)), " ".join(f"w{n}" for n in range(tokens)), "w3", "w5")
    estimate = estimate_explain(model, *question) / MB
    run = explain_run(model, *question, reference="zero", max_memory=max_memory)
    phase, peak, began = "calling the model", Peak(device), time.perf_counter()
    model_alone, most = peak.before, 0

    def tell() -> None:
        nonlocal most
        most = max(most, peak.total)
        add(phase, peak.total, time.perf_counter() - began)

    def add(of: str, there: int, seconds: float) -> None:
        beside = (there - model_alone) / MB
        report.add(
            case=f"{tokens} tokens",
            of=of,
            peak=there / MB,
            beside=beside,
            estimate=estimate,
            ratio=estimate / beside,
            seconds=seconds,
        )

    def watch(draft: Any) -> None:
        nonlocal phase, peak, began
        if draft.status.message != phase:
            tell()
            phase, peak, began = draft.status.message, Peak(device), time.perf_counter()

    started = began
    run(watch, lambda: None)
    add("everything", most, time.perf_counter() - started)
