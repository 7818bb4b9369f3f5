"""Questions about a tape are answered the same in whatever surroundings they are asked, or refused."""

import contextlib

import numpy as np
import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

import semiring_widgets as sw
from semiring_widgets.core.precision import full_precision
from semiring_widgets.errors import InputError, TapeError

SEMIRINGS = ("sum", "signed_max", "count", "boolean", "variance", "fused", "kbest")


class PassingOn(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


class Listening(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def setting(change, value, before):
    change(value)
    try:
        yield
    finally:
        change(before)


def fake():
    from torch._subclasses import FakeTensorMode

    return FakeTensorMode(allow_non_fake_inputs=True)


SURROUNDINGS = {
    "autocast to bfloat16": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "autocast to float16": lambda: torch.autocast("cpu", dtype=torch.float16),
    "default dtype float64": lambda: setting(torch.set_default_dtype, torch.float64, torch.float32),
    "default dtype bfloat16": lambda: setting(torch.set_default_dtype, torch.bfloat16, torch.float32),
    "device meta": lambda: torch.device("meta"),
    "default device meta": lambda: setting(torch.set_default_device, "meta", None),
    "deterministic": lambda: setting(torch.use_deterministic_algorithms, True, False),
    "anomalies": lambda: torch.autograd.set_detect_anomaly(True),
    "saved tensors": lambda: torch.autograd.graph.saved_tensors_hooks(lambda t: t * 2, lambda t: t * 0),
    "dispatch mode": PassingOn,
    "function mode": Listening,
    "flops": lambda: FlopCounterMode(display=False),
    "fake tensors": fake,
    "threads": lambda: setting(torch.set_num_threads, 3, torch.get_num_threads()),
    "dual numbers": torch.autograd.forward_ad.dual_level,
    "inference": torch.inference_mode,
    "recording": sw.record,
}


@pytest.fixture(scope="module")
def question():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, dropout=0.0)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    x = torch.randn(1, 3, 4)
    with sw.record() as tape:
        score = model(x)[0, -1, 3]
    return tape, score, x


def asked(question):
    """Every function that is asked about a tape, as numbers."""
    chosen = sw.select_paths(*question, through={"layer": 1}, leaving_skip=True)
    answers = {name: sw.backprop(*question, semiring=name).parts for name in SEMIRINGS}
    answers["branch"] = sw.backprop(*question, semiring="max", level="branch").parts
    answers["reduced"] = sw.backprop(*question, semiring="entropy").reduce(-1).parts
    answers["sign"] = [sw.backprop(*question, semiring="max").sign]
    answers["memory"] = [sw.estimate_memory(*question)]
    answers["top"] = [path.log_weight for path in sw.top_paths(*question, k=2)]
    answers["drawn"] = [path.log_weight for path in sw.sample_paths(*question, n=3)]
    answers["chosen"] = [chosen.log_mass, chosen.entropy, chosen.log_weight, chosen.log_share]
    answers["chosen"] += [chosen.contribution(), chosen.cancellation(), chosen.top_paths(1)[0].log_weight]
    answers["lengths"] = sw.path_lengths(*question)[0].parts
    answers["flow"] = [table.values for table in sw.flow(*question).data_vars.values()]
    for by in ("best", "mass", "contribution"):
        routes = sw.top_routes(*question, k=2, by=by, width=4, samples=5)
        answers[by] = [(r.log_mass, r.contribution, r.top_paths(1)[0].log_weight) for r in routes]
    return answers


def _number(value):
    return value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


@pytest.fixture(scope="module")
def outside(question):
    return asked(question)


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
@pytest.mark.parametrize("name", SURROUNDINGS)
def test_answers_are_the_same(name, question, outside):
    with SURROUNDINGS[name]():
        found = asked(question)
        if name.startswith("autocast"):
            # The control: here, products of the caller's are rounded.
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype != torch.float32
    for key, values in outside.items():
        for value, expected in zip(found[key], values, strict=True):
            np.testing.assert_array_equal(_number(value), _number(expected), err_msg=key)


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
@pytest.mark.parametrize(
    "name", sorted(set(SURROUNDINGS) - {"fake tensors", "default device meta", "device meta"})
)
def test_gradients_recorded_inside_are_those_of_autograd_there(name):
    weight = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    x = torch.ones(3, 4)
    with SURROUNDINGS[name]():
        with sw.record() as tape:
            score = (torch.softmax(x @ weight, -1) @ weight).float()[0, 1]
        inside = sw.backprop(tape, score, wrt=x).value
    outside = sw.backprop(tape, score, wrt=x).value
    leaf = x.clone().requires_grad_()
    rounded = name.startswith("autocast")
    with SURROUNDINGS[name]() if rounded else contextlib.nullcontext():
        expected = (torch.softmax(leaf @ weight, -1) @ weight).float()[0, 1]
    (expected,) = torch.autograd.grad(expected, leaf)
    assert torch.equal(inside, outside)
    torch.testing.assert_close(
        inside, expected, rtol=0.05 if rounded else 1e-5, atol=0.02 if rounded else 1e-6
    )


def test_scores_without_numbers_are_refused():
    with torch.device("meta"):
        x = torch.ones(3)
        with sw.record() as tape:
            score = (x * x).sum()
    with pytest.raises(InputError, match="it holds no number"):
        sw.backprop(tape, score, wrt=x)
    with fake(), pytest.raises(TapeError, match="fake tensors hold no numbers"), sw.record():
        pass


def test_the_block_leaves_nothing_behind():
    def state():
        modes = torch._C._len_torch_dispatch_stack(), torch._C._len_torch_function_stack()
        keys = repr(torch._C._dispatch_tls_local_exclude_set())
        grad = torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_anomaly_enabled()
        return modes, keys, grad

    for name, enter in SURROUNDINGS.items():
        with enter():
            before = state()
            with pytest.raises(KeyboardInterrupt), full_precision():
                raise KeyboardInterrupt
            assert state() == before, name
