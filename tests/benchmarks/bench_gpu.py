"""On a GPU: what sweeps take beside autograd, and how near contractions come to what the card can do.

Sweeps are those of models of three shapes with random weights, at primitive granularity, the tape recorded
once. Times are milliseconds, ratios are to autograd's backward pass for the input alone; "host reads" counts
how often a sweep asks the GPU for a number and waits.

The share of a maximum is that of its roofline: an SM issues 64 maxima a clock (compute capability 8 and 9,
CUDA C++ Programming Guide, arithmetic instructions), one for each product, so the peak is ``SMs x highest SM
clock x 64`` products a second; a signed pair compares four times, its peak is a quarter of it.
Without a GPU this says so and ends. ``--quick`` is a table within five minutes (`quick_gpu`).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
)

import semiring_widgets as sw
from semiring_widgets.core import kernels
from semiring_widgets.core.precision import full_precision
from tests.benchmarks.measuring import Report

TOKENS = [128, 512, 1024, 2048]
SWEEPS = ("sum", "max", "signed_max", "entropy", "fused")
MAXIMA_PER_CLOCK = 64
# Rows, inner, columns; the last ones are attention's: heads, query tokens, units, key tokens.
SHAPES = [(128, 768, 768), (128, 768, 3072), (512, 768, 3072), (512, 3072, 768), (2048, 768, 3072),
          (128, 2048, 8192), (512, 2048, 8192), (2048, 2048, 8192), (2048, 8192, 2048),
          (16, 3072, 768)]  # fmt: skip
ATTENTION = [(12, 128, 64, 128), (12, 512, 64, 512), (32, 2048, 64, 2048), (32, 2048, 2048, 64)]


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tokens", type=int, nargs="+", default=TOKENS)
    options.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--quick", action="store_true", help="the short table, with values checked")
    chosen = options.parse_args()
    if not torch.cuda.is_available():
        print("There is no CUDA device here, so nothing was measured on a GPU.")
        return
    device = torch.device("cuda")
    print(f"{torch.cuda.get_device_name()}; peak {peak() / 1e12:.1f} T maxima/s")
    if chosen.quick:
        from tests.benchmarks import quick_gpu  # which uses this file

        sys.exit(0 if quick_gpu.measure(device, min(chosen.rounds, 3)) else 1)
    contractions(device, chosen.rounds, SHAPES, ATTENTION, peak())
    report = Report("gpu_sweeps")
    for name in chosen.models:
        for dtype in (torch.float32, torch.bfloat16):
            for tokens in chosen.tokens:
                try:
                    report.add(**sweeps(name, dtype, tokens, device, chosen.rounds))
                except torch.OutOfMemoryError:
                    print(f"{name}, {dtype}, {tokens} tokens: more than the memory of this GPU")
                torch.cuda.empty_cache()
    print(report.write())


def bert(tokens: int, **sizes: int) -> nn.Module:
    """BERT-base, or less."""
    return BertForMaskedLM(BertConfig(**{"max_position_embeddings": max(512, tokens), **sizes}))


def gpt2(tokens: int, **sizes: int) -> nn.Module:
    """GPT-2 (124 million parameters), or less."""
    return GPT2LMHeadModel(GPT2Config(**{"n_positions": max(1024, tokens), **sizes}))


def llama(tokens: int, **sizes: int) -> nn.Module:
    """The shape of Llama 3.2 1B, or less."""
    shape = {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "vocab_size": 128256,
             "num_attention_heads": 32, "num_key_value_heads": 8, "tie_word_embeddings": True,
             "max_position_embeddings": max(2048, tokens)}  # fmt: skip
    return LlamaForCausalLM(LlamaConfig(**{**shape, **sizes}))


MODELS: dict[str, Callable[..., nn.Module]] = {"BERT-base": bert, "GPT-2": gpt2, "Llama 1B": llama}


def sweeps(
    name: str, dtype: torch.dtype, tokens: int, device: torch.device, rounds: int, **sizes: int
) -> dict[str, Any]:
    """One row: a model's forward and backward pass, recording, and every sweep."""
    torch.manual_seed(0)
    with device:
        model = MODELS[name](tokens, **sizes).to(dtype).eval().requires_grad_(requires_grad=False)
        width = model.get_input_embeddings().weight.shape[1]
        inputs = torch.randn(1, tokens, width, dtype=dtype)

    def score(x: Tensor) -> Tensor:
        logits = model(inputs_embeds=x).logits[0, tokens // 2]
        return logits[3] - logits[5]

    def record() -> tuple[sw.Tape, Tensor, Tensor]:
        with sw.record() as tape:
            x = inputs.clone()
            end = score(x)
        return tape, end, x

    def forward() -> tuple[Tensor, Tensor]:
        x = inputs.clone().requires_grad_()
        return score(x), x

    unit = timed(lambda pair: torch.autograd.grad(*pair), device, rounds, forward)
    question = record()
    row: dict[str, Any] = {"model": f"{name} {str(dtype).removeprefix('torch.')} x {tokens}"}
    row |= {"forward": timed(lambda _: forward(), device, rounds) * 1e3, "backward": unit * 1e3}
    row["record"] = timed(lambda _: record(), device, rounds) * 1e3
    for semiring in SWEEPS:
        taken = timed(lambda _, s=semiring: sw.backprop(*question, semiring=s), device, rounds)
        row |= {semiring: taken * 1e3, f"{semiring} / backward": taken / unit}
    # A sweep lifts the modes of its caller, unless it is inside of another one.
    with full_precision(), HostReads() as reads:
        sw.backprop(*question, semiring="max")
    row["host reads of max"] = reads.count
    return row


def contractions(
    device: torch.device,
    rounds: int,
    shapes: list[tuple[int, int, int]],
    attention: list[tuple[int, int, int, int]],
    most: float,
) -> None:
    """The kernels beside cuBLAS in float32, and their shares of ``most`` products a second."""
    report = Report("gpu_contractions")
    for shape in [*shapes, *attention]:
        *batch, m, k, n = shape
        with device:
            p, w, turned = torch.rand(*batch, m, k), torch.randn(*batch, k, n), torch.randn(*batch, n, k).mT
        low, q = -p, p * 3
        cases = {
            "mm": lambda p=p, w=w: p @ w,
            "max": lambda p=p, w=w: kernels.max_times(p, w),
            "max, w.T": lambda p=p, w=turned: kernels.max_times(p, w),
            "signed": lambda p=p, low=low, w=w: kernels.signed_max_times(p, low, w),
            "expectation": lambda p=p, q=q, w=w: kernels.expectation(p, q, w),
            "expectation, cuBLAS": lambda p=p, q=q, w=w: by_products(p, q, w),
        }
        with full_precision():
            taken = {name: timed(lambda _, run=run: run(), device, rounds) for name, run in cases.items()}
        products = m * k * n * (batch[0] if batch else 1)
        shares = {
            "max, share": products / taken["max"] / most,
            "w.T, share": products / taken["max, w.T"] / most,
            "signed, share": 4 * products / taken["signed"] / most,
        }
        report.add(shape="x".join(map(str, shape)), **{n: t * 1e3 for n, t in taken.items()}, **shares)
    print(report.write())


def by_products(p: Tensor, q: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """The expectation as three products with whole matrices."""
    size = w.abs()
    return p @ size, q @ size + p @ torch.special.xlogy(size, size)


def peak() -> float:
    """Maxima that the current GPU can issue in a second."""
    properties = torch.cuda.get_device_properties()
    return float(properties.multi_processor_count * properties.clock_rate * 1e3 * MAXIMA_PER_CLOCK)


def timed(
    act: Callable[[Any], object],
    device: torch.device,
    rounds: int,
    prepare: Callable[[], Any] = lambda: None,
) -> float:
    """Median seconds of ``act``, given what ``prepare`` makes untimed each round; one round more warms up."""

    def finish() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    times = []
    for _ in range(rounds + 1):
        made = prepare()
        finish()
        start = time.perf_counter()
        act(made)
        finish()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


class HostReads(TorchDispatchMode):
    """Counts operators that make the host wait for a GPU, because Python needs their result or its size."""

    _ALWAYS = frozenset(
        (torch.ops.aten._local_scalar_dense, torch.ops.aten.nonzero, torch.ops.aten.equal,
         torch.ops.aten.masked_select, torch.ops.aten.bincount, torch.ops.aten._unique2)
    )  # fmt: skip
    _WITH_MASKS = frozenset((torch.ops.aten.index, torch.ops.aten.index_put, torch.ops.aten.index_put_))

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operator, counted."""
        name = func.overloadpacket
        masks = args[1] if name in self._WITH_MASKS else ()
        waits = name in self._ALWAYS or any(m is not None and m.dtype == torch.bool for m in masks)
        self.count += waits
        return func(*args, **(kwargs or {}))


if __name__ == "__main__":
    main()
