"""The table of a GPU in a few minutes: what `bench_gpu --quick` does.

For each of a few models: recording and sweeps as multiples of autograd's backward pass for the input, and
both together replayed (`semiring_widgets.repeated`); the kernels and how long they keep the GPU busy, how
often the host waits for a number, and the most memory beside the weights, with what was estimated before.
Before that `explain` of the demo model, first and again, and values of small models beside those of the CPU.
What fails or finds no time is named at the end.
"""

from __future__ import annotations

import copy
import gc
import itertools
import time
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import DeviceType

import semiring_widgets as sw
from semiring_widgets.core.kernels import cuda_logs, gpu_contractions
from semiring_widgets.core.precision import full_precision
from semiring_widgets.core.semirings import find_semiring
from semiring_widgets.core.sweeps import _DOUBTED
from semiring_widgets.errors import NonFiniteError
from tests.benchmarks import bench_gpu
from tests.benchmarks.measuring import Report

SECONDS = 280
CASES = [
    ("BERT-base", torch.float32, 128),
    ("BERT-base", torch.float32, 512),
    ("Llama 1B", torch.bfloat16, 1024),
]
SWEEPS = ("sum", "max", "entropy", "fused")
CHECKED = ("sum", "abs", "max", "signed_max", "entropy", "count", "variance", "kbest", "fused")
SMALL: dict[str, dict[str, int]] = {
    "BERT-base": {"hidden_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
                  "intermediate_size": 160, "vocab_size": 50},
    "Llama 1B": {"hidden_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
                 "num_key_value_heads": 2, "intermediate_size": 160, "vocab_size": 50},
}  # fmt: skip
# Between processors, of numbers that are sums of thousands or logarithms of them.
TOLERANCE = 2e-3
_MIB = 1 << 20


class Question(NamedTuple):
    """A recorded score, and the tensor that paths start from."""

    tape: sw.Tape
    score: Tensor
    x: Tensor


class Run:
    """What was found, what was not, and how long it may take.

    Attributes:
        failed: sentences.
        wrong: whether a value was not that of the CPU.
    """

    def __init__(self, seconds: float) -> None:
        self.failed: list[str] = []
        self.wrong = False
        self._end = time.perf_counter() + seconds

    @contextmanager
    def part(self, name: str) -> Any:
        """A part whose failure leaves the others alone."""
        start = time.perf_counter()
        try:
            yield
        except Exception as error:  # noqa: BLE001  (whatever a card, a driver or a missing package says)
            lines = str(error).strip().splitlines() or [""]
            self.failed.append(f"{name}: {type(error).__name__}: {lines[0]}")
        print(f"  [{name}: {time.perf_counter() - start:.1f} s]", flush=True)

    def late(self, name: str) -> bool:
        """Whether there is no time left for a part; then says so."""
        if time.perf_counter() < self._end:
            return False
        self.failed.append(f"{name}: no time left")
        return True


def measure(device: torch.device, rounds: int = 3, seconds: float = SECONDS) -> bool:
    """All parts in order; whether every value was right.

    Args:
        device: a GPU.
        rounds: of each time; medians are printed.
        seconds: after which no part is begun.
    """
    run = Run(seconds)
    with run.part("explain"):
        explain_twice(device)
    with run.part("values beside those of the CPU"):
        run.wrong |= not same_values(device)
    report = Report("gpu_quick")
    for name, dtype, tokens in CASES:
        label = f"{name} {str(dtype).removeprefix('torch.')} x {tokens}"
        if not run.late(label):
            with run.part(label):
                case(report, label, model_of(name, dtype, tokens, device), tokens, rounds, run)
            gc.collect()
            torch.cuda.empty_cache()
    print(report.write())
    for sentence in run.failed:
        print(f"not done: {sentence}")
    return not run.wrong


def explain_twice(device: torch.device) -> None:
    """Seconds of `explain` on the demo model, in this process for the first time, and again."""
    start = time.perf_counter()
    torch.zeros(1, device=device).item()
    print(f"context of the GPU: {time.perf_counter() - start:.2f} s")
    model, tokenizer = sw.load_demo()
    model = model.to(device)
    for turn in ("first", "second", "third", "another length", "again"):
        text = "The keys to the cabinet [MASK] on the table."
        if turn in ("another length", "again"):
            text = "The keys to the old cabinet [MASK] on the table."
        start = time.perf_counter()
        sw.explain(model, tokenizer, text, "are", "is")
        torch.cuda.synchronize()
        print(f"explain of the demo model, {turn}: {time.perf_counter() - start:.2f} s")


def same_values(device: torch.device) -> bool:
    """Compare all facts of small models, swept here and there."""
    right = True
    for name, sizes in SMALL.items():
        torch.manual_seed(0)
        model = bench_gpu.MODELS[name](64, **sizes).eval().requires_grad_(requires_grad=False)
        inputs = torch.randn(1, 24, sizes["hidden_size"])
        here = recorded(model, inputs)
        there = recorded(copy.deepcopy(model).to(device), inputs.to(device))
        for semiring in CHECKED:
            worst = 0.0
            for _ in range(3):  # what repeats may go another way
                ours, theirs = (sw.backprop(*asked, semiring=semiring).facts for asked in (here, there))
                worst = max(worst, *(distance(ours[fact], theirs[fact].cpu()) for fact in ours))
            right &= worst < TOLERANCE
            again = "" if type(find_semiring(semiring)) not in _DOUBTED.get(there.tape, ()) else ", with care"
            print(f"{name}, {semiring}: {'' if worst < TOLERANCE else 'WRONG, '}off by {worst:.1e}{again}")
    for kernels in (cuda_logs, gpu_contractions):
        for why in kernels._failures:
            print(f"{kernels.__name__.rpartition('.')[2]} does without its kernels: {why}")
    return right & refuses(device)


def refuses(device: torch.device) -> bool:
    """Whether NaN and infinite weights are refused there, wherever they are."""
    right = True
    for place, number in itertools.product(((0, 0), (40, 30), (299, 299)), (float("nan"), float("inf"))):
        weight = torch.randn(300, 300, device=device)
        weight[place] = number
        with sw.record() as tape:
            x = torch.randn(4, 300, device=device)
            score = (x @ weight).tanh().sum()
        for semiring in ("max", "abs", "entropy"):
            try:
                sw.backprop(tape, score, x, semiring)
            except NonFiniteError:
                continue
            print(f"WRONG: a weight that is {number} at {place} is not refused by {semiring}")
            right = False
    return right


def distance(a: Tensor, b: Tensor) -> float:
    """The largest difference relative to the largest number; infinite where one is infinite alone."""
    a, b = a.double(), b.double()
    known = a.isfinite()
    if not torch.equal(a[~known].nan_to_num(), b[~known].nan_to_num()) or not bool(b[known].isfinite().all()):
        return float("inf")
    scale = a[known].abs().amax().clamp(min=1e-30) if bool(known.any()) else a.new_ones(())
    return float((a - b)[known].abs().amax() / scale) if bool(known.any()) else 0.0


def model_of(name: str, dtype: torch.dtype, tokens: int, device: torch.device) -> nn.Module:
    """A model of a shape, with random weights."""
    torch.manual_seed(0)
    with device:
        model = bench_gpu.MODELS[name](tokens)
    return model.to(dtype).eval().requires_grad_(requires_grad=False)


def score_of(model: nn.Module, x: Tensor) -> Tensor:
    """A difference of two logits in the middle."""
    logits = model(inputs_embeds=x).logits[0, x.shape[1] // 2]
    return logits[3] - logits[5]


def recorded(model: nn.Module, inputs: Tensor) -> Question:
    """A tape, its score and what paths start from."""
    with sw.record() as tape:
        x = inputs.clone()
        score = score_of(model, x)
    return Question(tape, score, x)


def case(report: Report, label: str, model: nn.Module, tokens: int, rounds: int, run: Run) -> None:
    """The rows of one model: autograd, recording, and each sweep."""
    weights = model.get_input_embeddings().weight
    device = weights.device
    inputs = torch.randn(1, tokens, weights.shape[1], dtype=weights.dtype, device=device)
    beside = torch.cuda.memory_allocated(device)

    def forward() -> tuple[Tensor, Tensor]:
        x = inputs.clone().requires_grad_()
        return score_of(model, x), x

    def row(
        what: str, act: Callable[[Any], object], prepare: Callable[[], Any] = lambda: None, estimated: int = 0
    ) -> float:
        made = prepare()
        torch.cuda.synchronize()
        start = time.perf_counter()
        act(made)
        torch.cuda.synchronize()
        first = time.perf_counter() - start
        taken = bench_gpu.timed(act, device, rounds, prepare)
        torch.cuda.reset_peak_memory_stats(device)
        act(prepare())
        most = torch.cuda.max_memory_allocated(device) - beside
        made = prepare()
        kernels, busy = profiled(lambda: act(made))
        made = prepare()
        with full_precision(), bench_gpu.HostReads() as reads:
            act(made)
        report.add(
            model=label, what=what, ms=taken * 1e3, ratio=taken / (unit or taken), kernels=kernels,
            busy_ms=busy, host_reads=reads.count, MiB=most // _MIB, estimated_MiB=estimated // _MIB,
            first_s=first,
        )  # fmt: skip
        return taken

    unit = 0.0
    unit = row("backward", lambda pair: torch.autograd.grad(*pair), forward)
    row("record", lambda _: recorded(model, inputs))
    question = recorded(model, inputs)
    for semiring in SWEEPS:
        if not run.late(f"{label}, {semiring}"):
            needed = question.tape.nbytes + sw.estimate_memory(*question, semiring)
            row(semiring, lambda _, s=semiring: sw.backprop(*question, semiring=s), estimated=needed)
    for semiring in SWEEPS:
        if not run.late(f"{label}, {semiring} replayed"):
            torch.cuda.empty_cache()
            replayed(semiring, partial(score_of, model), inputs, row, run)


def replayed(
    semiring: str, score: Callable[[Tensor], Tensor], inputs: Tensor, row: Callable[..., float], run: Run
) -> None:
    """The row of a recording and a sweep that are replayed together, its numbers compared with theirs."""
    ask = sw.repeated(score, semiring)
    for _ in range(2):
        ask(inputs)
    if not ask.captured:
        run.failed.append(f"record + {semiring} replayed: {'; '.join(ask.refusals)}")
        return
    row(f"record + {semiring} replayed", lambda _: ask(inputs))
    # Other numbers than it was captured with.
    other = inputs.roll(1, 1)
    with sw.record() as tape:
        x = other.clone()
        end = score(x)
    ours, theirs = ask(other).facts, sw.backprop(tape, end, x, semiring).facts
    worst = max(distance(ours[fact], theirs[fact]) for fact in ours)
    run.wrong |= worst >= TOLERANCE
    print(f"    off by {worst:.1e}; {ask.nbytes // _MIB} MiB reserved; captured: {ask.captured}")


def profiled(act: Callable[[], object]) -> tuple[int, float]:
    """How many kernels and copies run on the GPU, and for how many milliseconds in all."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as seen:
        act()
        torch.cuda.synchronize()
    times = [e.time_range.elapsed_us() for e in seen.events() if e.device_type == DeviceType.CUDA]
    return len(times), sum(times) / 1e3
