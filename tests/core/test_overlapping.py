"""Recordings that overlap, stay open, or are left by somebody else: right or refused, and torch as before."""

import asyncio
import contextlib
import gc
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.autograd.function import FunctionMeta
from torch.nn.modules import module
from torch.utils import _python_dispatch
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack, is_in_torch_dispatch_mode
from torch.utils.flop_counter import FlopCounterMode

import semiring_widgets as sw
from semiring_widgets.errors import TapeError

X = torch.tensor([1.0, 2.0, -3.0])
FLAGS = ("flash", "mem_efficient", "math", "cudnn")


def state():
    """Everything that a recording changes, as this thread sees it."""
    return {
        "modes": _get_current_dispatch_mode_stack(),
        "excluded": repr(torch._C._dispatch_tls_local_exclude_set()),
        "grad": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "kernels": [getattr(torch._C, f"_get_{flag}_sdp_enabled")() for flag in FLAGS],
        "fastpath": torch.backends.mha.get_fastpath_enabled(),
        "collector": gc.isenabled(),
        "hooks": (len(module._global_forward_hooks), len(module._global_forward_pre_hooks)),
        "functions": sorted(vars(FunctionMeta)),
    }


@pytest.fixture(autouse=True)
def _as_before():
    before = state()
    yield
    assert state() == before
    leaf = X.clone().requires_grad_()
    (leaf * leaf).sum().backward()
    assert torch.equal(leaf.grad, 2 * X)


def recorded(factor=1.0):
    """A recording and its answer."""
    x = X.clone()
    with sw.record() as tape:
        score = (x * x * factor).sum()
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, 2 * factor * X)


def slow(events):
    """A generator that holds a recording open, and returns its tape, score and input."""
    x = X.clone()
    with sw.record() as tape:
        y = x * x
        yield
        score = y.sum()
    events.append((tape, score, x))


def in_thread(act):
    """Run in a thread to its end; what it raised is raised here."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(act).result(60)


def test_two_tasks_of_one_loop():
    async def work(before, after):
        await before.wait()
        found = []
        for _ in slow(found):
            after.set()
            await asyncio.sleep(0.01)
        return found[0]

    async def both():
        now, first = asyncio.Event(), asyncio.Event()
        now.set()
        return await asyncio.gather(work(now, first), work(first, asyncio.Event()), return_exceptions=True)

    (tape, score, x), second = asyncio.run(both())
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, 2 * X)
    assert isinstance(second, TapeError)
    assert "Another task of this thread has a recording open" in str(second)


def test_a_task_made_inside_a_recording():
    async def child():
        recorded()

    async def parent():
        with sw.record():
            with pytest.raises(TapeError, match="Another task"):
                await asyncio.create_task(child())
            await asyncio.to_thread(recorded)
        recorded()
        await asyncio.create_task(child())

    asyncio.run(parent())


def test_a_task_that_ends_with_a_recording_open():
    kept = []

    async def forgetful():
        kept.append(sw.record())
        kept[0].__enter__()

    async def work():
        await asyncio.create_task(forgetful())
        recorded()

    asyncio.run(work())
    with pytest.raises(TapeError, match="was over already"):
        kept[0].__exit__(None, None, None)


@pytest.mark.parametrize("count", [2, 3])
def test_the_first_is_left_first(count):
    """As generators of one thread do; what was entered later is over with it."""
    found = []
    several = [slow(found) for _ in range(count)]
    for one in several:
        next(one)
    assert next(several[0], None) is None
    tape, score, x = found[0]
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, 2 * X)
    for later in several[1:]:
        with pytest.raises(TapeError, match="was over already"):
            next(later)
    assert len(found) == 1


def test_another_mode_lies_on_top(monkeypatch):
    # Torch notes for each mode what the one before had noted, so it is out of date if they take no turns.
    monkeypatch.setattr(_python_dispatch, "_is_in_torch_dispatch_mode", False)
    recording, other = sw.record(), FlopCounterMode(display=False)
    recording.__enter__()
    other.__enter__()
    recording.__exit__(None, None, None)
    torch.ones(2, 2) @ torch.ones(2, 2)
    other.__exit__(None, None, None)
    assert other.get_total_flops() == 16


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_generator_that_is_thrown_away(elsewhere):
    held = [slow([])]
    next(held[0])
    if elsewhere:
        in_thread(held.clear)
        assert torch.equal(X + X, 2 * X)
        with pytest.raises(TapeError, match="autograd is still off here"):
            X.clone().requires_grad_() * 2
        recorded()
    else:
        held.clear()


def test_an_error_is_not_hidden():
    recording = sw.record()
    recording.__enter__()

    def leave():
        raised = ZeroDivisionError()
        assert not recording.__exit__(ZeroDivisionError, raised, None)

    in_thread(leave)
    recorded()


def test_left_in_another_thread():
    recording = sw.record()
    tape = recording.__enter__()
    score = X * 2
    with pytest.raises(TapeError, match="in another thread than it was entered in"):
        in_thread(lambda: recording.__exit__(None, None, None))
    with pytest.raises(TapeError, match="ended with an error"):
        sw.backprop(tape, score, wrt=X)
    recorded()


def test_a_thread_that_ends_with_a_recording_open():
    kept = []

    def forget():
        kept.append(sw.record())
        kept[0].__enter__()

    in_thread(forget)
    recorded()
    in_thread(recorded)
    with pytest.raises(TapeError, match="in another thread"):
        kept[0].__exit__(None, None, None)


def test_a_worker_that_is_waited_for():
    model, tokenizer = sw.load_demo()
    question = model, tokenizer, "The keys [MASK]"
    alone = sw.explain(*question, target="are", rankings="best")
    found = []
    x = X.clone()
    with sw.record() as tape:
        y = x * x
        in_thread(lambda: found.append(sw.explain(*question, target="are", rankings="best")))
        in_thread(recorded)
        score = y.sum()
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, 2 * X)
    assert found[0].dataset.identical(alone.dataset)


def test_threads_in_any_order():
    """The first to enter is the first to leave, and the settings of the process last as long as the last."""
    entered, left = threading.Event(), threading.Event()

    def first():
        x = X.clone()
        with sw.record() as tape:
            score = (x * x).sum()
            entered.wait(60)
        left.set()
        torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, 2 * X)

    thread = threading.Thread(target=first)
    thread.start()
    x = torch.randn(1, 2, 3, 4)
    with sw.record() as tape:
        entered.set()
        assert left.wait(60)
        assert not gc.isenabled()
        torch.nn.functional.scaled_dot_product_attention(x, x, x).sum()
    thread.join()
    assert {"aten.bmm.default", "aten.exp.default"} <= {op.name for op in tape.ops}
    assert not is_in_torch_dispatch_mode()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError])
def test_what_stops_a_model(error):
    class Stopping(torch.nn.Module):
        def forward(self, x):
            raise error

    model = torch.nn.Sequential(torch.nn.Linear(3, 3), Stopping())
    with pytest.raises(error), sw.record() as tape:
        model(X)
    with pytest.raises(TapeError, match="ended with an error"):
        sw.backprop(tape, X, wrt=X)
    recorded()


def endless(timer):
    timer.start()
    with sw.record():
        y = X
        while True:
            y = torch.nn.functional.softmax(y, 0)


@pytest.fixture
def interruptible():
    """As in a terminal: what is started in the background of a shell is told to ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_interrupted_from_outside():
    """Ctrl-C, wherever the recording happens to be."""
    for number in range(10):
        timer = threading.Timer(0.002 + number / 10**4, signal.raise_signal, [signal.SIGINT])
        with pytest.raises(KeyboardInterrupt):
            endless(timer)
        timer.join()
    recorded()


class Recorded(torch.utils.data.Dataset):
    """Items are answers of recordings."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        recorded(1.0 + index)
        return index


@pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork is not here")
class TestForks:
    @pytest.mark.parametrize("inside", [False, True])
    def test_workers_of_a_loader(self, inside):
        """Also where they are forked in a recording."""
        loader = torch.utils.data.DataLoader(
            Recorded(), num_workers=2, multiprocessing_context="fork", timeout=60
        )
        with sw.record() if inside else contextlib.nullcontext():
            assert sorted(int(index) for index in loader) == [0, 1, 2, 3]

    def test_a_child_is_outside_of_the_recording(self):
        context = multiprocessing.get_context("fork")
        answers = context.Queue()
        before = state()

        def report():
            answers.put(state() == before)
            recorded()
            answers.put("recorded")

        x = X.clone()
        with sw.record() as tape:
            y = x * x
            child = context.Process(target=report)
            child.start()
            assert answers.get(timeout=60)
            assert answers.get(timeout=60) == "recorded"
            child.join(60)
            score = y.sum()
        assert child.exitcode == 0
        torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, 2 * X)

    def test_another_thread_records_while_one_forks(self):
        entered, leave = threading.Event(), threading.Event()

        def other():
            with sw.record():
                entered.set()
                leave.wait(60)

        thread = threading.Thread(target=other)
        thread.start()
        assert entered.wait(60)
        child = multiprocessing.get_context("fork").Process(target=recorded)
        child.start()
        child.join(60)
        leave.set()
        thread.join()
        assert child.exitcode == 0
