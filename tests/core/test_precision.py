"""Sweeps compute exactly whatever the caller allows torch to do, and leave the settings as they were."""

import ast
import os
import subprocess
import sys
import threading

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.graph import GradientGraph, find_nodes
from semiring_widgets.core.precision import full_precision
from semiring_widgets.core.semirings import Sum
from semiring_widgets.core.sweeps import sweep_backward

# What callers write, in old words and new, alone and contradictory.
SAID = [
    "pass",
    "torch.set_float32_matmul_precision('high')",
    "torch.set_float32_matmul_precision('medium')",
    "torch.backends.cuda.matmul.allow_tf32 = True",
    "torch.backends.fp32_precision = 'tf32'",
    "torch.backends.cuda.matmul.fp32_precision = 'tf32'",
    "torch.backends.cudnn.fp32_precision = 'tf32'",
    "torch.backends.mkldnn.matmul.fp32_precision = 'bf16'",
    "torch.backends.fp32_precision = 'tf32'; torch.backends.cuda.matmul.fp32_precision = 'ieee'",
    "torch.set_float32_matmul_precision('high'); torch.backends.mkldnn.matmul.fp32_precision = 'bf16'",
]
# Contradictory settings cannot be undone: each case is a process, with a twin that never computes.
SCRIPT = """
import contextlib, os, sys
import torch
from semiring_widgets.core.precision import full_precision
backends = torch.backends
places = [backends, backends.cudnn, backends.mkldnn, backends.cuda.matmul, backends.mkldnn.matmul,
          backends.cudnn.conv, backends.mkldnn.conv]
def seen():
    found = [place.fp32_precision for place in places]
    for read in (torch.get_float32_matmul_precision, lambda: backends.cuda.matmul.allow_tf32):
        try:
            found.append(read())
        except RuntimeError:
            found.append("contradiction")
    return found
for said in sys.argv[1:]:
    for guard in (contextlib.nullcontext(), full_precision()):
        if os.fork() == 0:
            exec(said)
            with guard:
                inside = [place.fp32_precision for place in places[:5]]
            after = seen()
            backends.fp32_precision = "ieee"  # who inherits now, inherited before
            print(inside, after, seen(), sep="|", flush=True)
            os._exit(0)
        os.wait()
"""


@pytest.fixture
def problem():
    """A network, an input, and its gradient in float64."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.GELU(), torch.nn.Linear(64, 5))
    x = torch.randn(3, 64)
    leaf = x.double().requires_grad_()
    (wanted,) = torch.autograd.grad(net.double()(leaf)[0, 3], leaf)
    return net.float(), x, wanted


@pytest.mark.skipif(not hasattr(torch.backends, "fp32_precision"), reason="settings by operator: torch 2.9")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork is not here")
def test_every_setting_is_exact_inside_and_as_before_afterwards():
    command = [sys.executable, "-c", SCRIPT, *SAID]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    lines = [line.split("|") for line in done.stdout.splitlines()]
    assert len(lines) == 2 * len(SAID), done.stderr
    loose = 0
    for said, (before, *untouched), (inside, *after) in zip(SAID, lines[::2], lines[1::2], strict=True):
        assert set(ast.literal_eval(inside)) <= {"none", "ieee"}, said
        assert after == untouched, said
        loose += not set(ast.literal_eval(before)) <= {"none", "ieee"}
    assert loose == len(SAID) - 1, "the cases say nothing"


class TestSettings:
    @pytest.fixture(autouse=True)
    def _allowed(self):
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("high")
        yield
        torch.set_float32_matmul_precision(before)

    def test_are_put_back_after_an_error(self, problem):
        net, x, _ = problem
        with sw.record() as tape:
            inside = x.clone()
            score = net(inside)[0, 3]
        graph = GradientGraph(tape, *find_nodes(tape, score, inside))

        def stop(done, total):
            assert torch.get_float32_matmul_precision() == "highest"
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            sweep_backward(graph, Sum(), progress=stop)
        assert torch.get_float32_matmul_precision() == "high"

    def test_wait_for_the_last_of_several_threads(self):
        entered, leave = threading.Event(), threading.Event()

        def other():
            with full_precision():
                entered.set()
                leave.wait(60)

        thread = threading.Thread(target=other)
        with full_precision(), full_precision():
            thread.start()
            assert entered.wait(60)
        assert torch.get_float32_matmul_precision() == "highest"
        leave.set()
        thread.join()
        assert torch.get_float32_matmul_precision() == "high"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_does_not_reach_the_sweep(problem, dtype):
    net, x, wanted = problem
    with sw.record() as tape:
        inside = x.clone()
        score = net(inside)[0, 3]
    with torch.autocast("cpu", dtype=dtype):
        # The control: here, products are rounded to half precision.
        assert (x @ x.mT).dtype == dtype
        found = sw.backprop(tape, score, wrt=inside).value
        assert (x @ x.mT).dtype == dtype
    assert torch.allclose(found.double(), wanted, rtol=1e-5, atol=1e-7)
