"""How much a GPU is told to do in a sweep over BERT-base or a Llama, and how often the host waits for it.

Counted without one: every operator of torch is a launch, unless it only shows memory in another way, and so
is every kernel of our own, which torch stands in for here. The counts depend neither on width nor on length.
Where most launches come from tells `python -m tests.core.test_launches`.
"""

from collections import Counter
from contextlib import contextmanager
from functools import cache, partial
from sys import _getframe

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import BertConfig, BertForMaskedLM, LlamaConfig, LlamaForCausalLM

import semiring_widgets as sw
from semiring_widgets.core import kernels
from semiring_widgets.core.jacobian.blocks import contraction
from semiring_widgets.core.kernels import cuda_logs
from semiring_widgets.core.precision import full_precision
from semiring_widgets.core.semirings import Abs, Entropy, Max, Norm, Number, Weight, late_judge

LAYERS = 12
MOST = {"sum": 500, "abs": 1400, "max": 1200, "entropy": 1800, "fused": 2500}
READING = {"_local_scalar_dense", "nonzero", "equal", "masked_select", "bincount", "is_nonzero"}
STANDING_BY = {"empty", "empty_like", "new_empty", "empty_strided", "new_empty_strided", "_unsafe_view"}


SIZES = {"hidden_size": 24, "num_attention_heads": 2, "intermediate_size": 40, "vocab_size": 50}


def bert():
    return BertForMaskedLM(BertConfig(num_hidden_layers=LAYERS, **SIZES))


def llama():
    """In bfloat16, where a number of a query may well be 0: then no path leads from it to the last key."""
    model = LlamaForCausalLM(LlamaConfig(num_hidden_layers=4, num_key_value_heads=1, **SIZES))
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.q_proj.weight[[0, 6]] = 0  # a pair that positions rotate
    return model.bfloat16()


@cache
def question(made=bert):
    torch.manual_seed(0)
    model = made().eval().requires_grad_(False)
    x = torch.randn(1, 6, 24, dtype=model.dtype)
    with sw.record() as tape:
        x = x.clone()
        logits = model(inputs_embeds=x).logits[0, 2]
        score = logits[3] - logits[5]
    return tape, score, x


class Launches(TorchDispatchMode):
    """Counts what a GPU would be told, by the line of the package that tells it, and what it is asked."""

    def __init__(self):
        super().__init__()
        self.lines, self.reads = Counter(), Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        masks = args[1] if name.startswith("index") and len(args) > 1 and isinstance(args[1], list) else ()
        if name in READING or any(m is not None and m.dtype == torch.bool for m in masks):
            self.reads[self.line(name)] += 1
        elif not func.is_view and name not in STANDING_BY and not _is_nowhere(args, kwargs):
            self.lines[self.line(name)] += 1
        return func(*args, **(kwargs or {}))

    def kernel(self, name, act, *args, **kwargs):
        """One launch of ours, done by torch, and one for each operand that has to be copied first."""
        operands = [t for each in args for t in (each if isinstance(each, tuple) else [each])]
        copies = sum(isinstance(t, torch.Tensor) and not t.is_contiguous() for t in operands)
        self.lines[self.line(name)] += 1
        # The kernel that reads left operands takes them as they lie.
        self.lines[self.line("copies")] += 0 if act is relative else copies
        with torch._C._DisableTorchDispatch(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(cuda_logs, "fits", lambda *tensors: False)
            return act(*args, **kwargs)

    def contraction(self, left, w):
        """Maxima of products; where there are few tiles, their parts join in what was set to 0 before."""
        self.lines[self.line("zeros")] += 1
        return self.kernel("contraction", lambda: [(left[0].unsqueeze(-1) * w.abs().unsqueeze(-3)).amax(-2)])

    def __repr__(self):
        return "\n".join(f"{times:5} {line}" for line, times in (self.lines + self.reads).most_common(30))

    @staticmethod
    def line(name):
        frame = _getframe(2)
        while frame.f_back is not None and "semiring_widgets/core/" not in frame.f_code.co_filename:
            frame = frame.f_back
        code = frame.f_code
        place = code.co_filename.rpartition("core/")[2]
        return f"{place}:{frame.f_lineno} {code.co_name}: {name}"


def _is_nowhere(args, kwargs):
    return "meta" in str((kwargs or {}).get("device", "")) or any(
        isinstance(arg, torch.Tensor) and arg.is_meta for arg in args
    )


VERDICT = late_judge.Judge.verdict
SEMIRINGS = {"max": Max(), "mass": Abs(), "expectation": Entropy()}


def relative(name, value):
    log = value[0]
    top = log.amax(-1, keepdim=True).clamp(min=torch.finfo(log.dtype).min)
    p = (log - top).exp()
    return top, (p, torch.special.xlogy(p, p) - p * value[-1])[: len(value)]


def restored(name, made, top):
    log = made[0].log()
    entropy = torch.where(made[0] > 0, log - made[-1] / made[0], 0.0)
    return (log + top, entropy)[: len(made)], made[0].amin(-1, keepdim=True)


def softmax(name, value, result, dims):
    return SEMIRINGS[name].through_softmax(value, Weight(result), dims)


def norm(name, value, result, scale, dims, *, centred, forward):
    share = Number(-scale.numel() / result.numel(), result.dtype, result.device)
    facts = Norm(Weight(result), Weight(scale), share, result, dims, centred)
    return SEMIRINGS[name].through_norm(value, facts, forward=forward)


OURS = {
    "relative": relative,
    "restored": restored,
    "softmax": softmax,
    "norm": norm,
    "join": lambda name, a, b: SEMIRINGS[name].plus(a, b),
    "sum_rows": lambda name, value, dims: SEMIRINGS[name].sum(value, dims),
    "magnitude": lambda x: x.abs().log(),
}


@contextmanager
def as_on_a_gpu():
    """Sweeps on the CPU go the way of a GPU, and are counted."""
    counter = Launches()

    def look(judge, others):
        """The judge's look at all that has to be known."""
        counter.reads["the judge"] += 1
        return VERDICT(judge, others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels.c_library, "library", lambda: None)
        patch.setattr(cuda_logs, "fits", lambda *tensors: tensors[0].numel() > 0)
        for name, act in OURS.items():
            patch.setattr(cuda_logs, name, partial(counter.kernel, name, act))
        patch.setattr(
            kernels, "_run", lambda name, left, w: counter.contraction(left, w) if name == "max" else None
        )
        patch.setattr(late_judge, "FAR", {"cpu"})
        patch.setattr(late_judge.Judge, "verdict", look)
        with full_precision(), counter:
            yield counter


def counted(semiring, made=bert):
    """The launches of a sweep, and its result."""
    asked = question(made)
    with as_on_a_gpu() as launches:
        found = sw.backprop(*asked, semiring=semiring)
    return launches, found


@pytest.mark.parametrize("semiring", MOST)
def test_launches_and_host_reads(semiring):
    launches, found = counted(semiring)
    assert launches.lines.total() <= MOST[semiring], launches
    # The sweep is judged by one look at its end; another one asks whether float32 was too coarse.
    assert launches.reads.total() <= 2, launches
    for name, fact in sw.backprop(*question(), semiring=semiring).facts.items():
        torch.testing.assert_close(found.facts[name], fact, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("semiring", MOST)
def test_what_few_digits_cancel_to_is_no_reason_to_wait(semiring):
    launches, found = counted(semiring, llama)
    assert launches.reads.total() <= 2, launches
    for name, fact in sw.backprop(*question(llama), semiring=semiring).facts.items():
        torch.testing.assert_close(found.facts[name], fact, rtol=2e-5, atol=2e-5)


def test_a_large_matrix_is_looked_at_once(monkeypatch):
    """Of the vocabulary, two entries at one position."""
    monkeypatch.setattr(contraction, "_WORTH_WAITING", 1)
    few, found = counted("max")
    assert any("edge_weight.py" in line and "part: index" in line for line in few.lines)
    torch.testing.assert_close(found.log_weight, sw.backprop(*question(), semiring="max").log_weight)


if __name__ == "__main__":
    for asked_for in MOST:
        told, _ = counted(asked_for)
        print(f"{asked_for}: {told.lines.total()} launches, {told.reads.total()} host reads")
        for line, times in told.lines.most_common(20):
            print(f"    {times:5} {line}")
