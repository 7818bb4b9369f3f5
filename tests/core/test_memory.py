"""Memory is known before it is used, and derivatives that are no longer needed are freed."""

import gc
import weakref

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.graph import GradientGraph, find_nodes
from semiring_widgets.core.sweeps import sweep_backward
from semiring_widgets.errors import MemoryLimitError, NonFiniteError, SemiringWidgetsError
from semiring_widgets.semirings import Abs

MB = 1_000_000


def steps(x, count=6):
    for _ in range(count):
        x = torch.tanh(x) * x
    return x.sum()


def recorded(size=200_000, **options):
    x = torch.linspace(-1, 1, size)
    with sw.record(**options) as tape:
        score = steps(x)
    return tape, score, x


def test_a_tape_counts_what_it_keeps():
    tape, *_ = recorded()
    assert tape.nbytes == 12 * 200_000 * 4 + 4
    x = torch.randn(100)
    with sw.record() as views:
        x.view(10, 10).mT.expand(5, 10, 10)
    assert views.nbytes == 0


def test_recording_stops_at_its_limit():
    recorded(max_memory=10 * MB)
    with pytest.raises(MemoryLimitError, match=r"reached 5\.6 MB after .* more than max_memory=5\.0 MB"):
        recorded(max_memory=5 * MB)
    recorded()  # the recorder is in order again


def test_a_sweep_that_would_not_fit_is_refused():
    question = recorded()
    needed = sw.estimate_memory(*question, "entropy")
    assert needed > sw.estimate_memory(*question, "abs") > 2 * 200_000 * 4
    sw.backprop(*question, "entropy", max_memory=needed)
    with pytest.raises(MemoryLimitError, match=r"entropy sweep needs about .* raise max_memory") as caught:
        sw.backprop(*question, "entropy", max_memory=needed - 1)
    assert isinstance(caught.value, SemiringWidgetsError)
    assert isinstance(caught.value, MemoryError)


def test_the_estimate_grows_with_width_and_not_with_depth():
    def needed(size, count):
        x = torch.linspace(-1, 1, size)
        with sw.record() as tape:
            score = steps(x, count)
        return sw.estimate_memory(tape, score, x, "abs")

    assert needed(20_000, 3) == needed(20_000, 30)
    assert needed(40_000, 3) == pytest.approx(2 * needed(20_000, 3), rel=1e-3)


def test_derivatives_are_freed_as_they_are_used():
    tape, score, x = recorded(1000)
    graph = GradientGraph(tape, *find_nodes(tape, score, [x]))
    alive, most = [], 0

    def look(*_):
        nonlocal most
        gc.collect()
        most = max(most, sum(ref() is not None for ref in alive))

    found = graph.edges

    def edges(op):
        made = found(op)
        alive.extend(weakref.ref(edge) for edge in made)
        return made

    graph.edges = edges
    values = sweep_backward(graph, Abs(), forget=True, progress=look)
    assert len(alive) > 12
    assert most <= 2
    kept = sweep_backward(GradientGraph(tape, *find_nodes(tape, score, [x])), Abs())
    torch.testing.assert_close(values[graph.wrt[0]], kept[graph.wrt[0]], rtol=0, atol=0)


def test_freed_derivatives_are_still_checked():
    x = torch.tensor([0.0, 1.0])
    with sw.record() as tape:
        score = (x.sqrt() * 2).sum()
    with pytest.raises(NonFiniteError, match="sqrt"):
        sw.backprop(tape, score, wrt=x, semiring="abs")


@pytest.mark.parametrize("semiring", ["sum", "fused"])
def test_a_tape_is_freed_without_the_collector(semiring):
    """Nothing refers to itself, so its tensors go when the last name for them goes."""
    inputs = torch.randn(3, 4)
    gc.collect()
    gc.disable()
    try:
        with sw.record() as tape:
            x = inputs.clone()
            y = torch.tanh(x @ torch.randn(4, 4))
            y[0] = 1.0
            score = torch.softmax(y, -1).sum()
        sw.backprop(tape, score, wrt=x, semiring=semiring)
        alive = [weakref.ref(thing) for thing in (tape, score, *tape.ops, *tape.ops[0].outputs)]
        del tape, score, x, y
        assert [ref for ref in alive if ref() is not None] == []
    finally:
        gc.enable()


@pytest.mark.parametrize("on", [True, False])
def test_the_collector_is_left_as_it_was(on):
    was_on = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        recorded(10)
        with pytest.raises(ZeroDivisionError), sw.record():
            raise ZeroDivisionError
        assert gc.isenabled() == on
    finally:
        (gc.enable if was_on else gc.disable)()
