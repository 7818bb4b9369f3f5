"""Questions about a small model on a GPU are answered on the host; here with the CPU in the GPU's place."""

import numpy as np
import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.tape import host_copy
from semiring_widgets.core.tape.host_copy import bring_to_host, is_quicker_on_host

TEXT = "The keys to the cabinet [MASK] on the table."


@pytest.fixture
def far(monkeypatch):
    monkeypatch.setattr(host_copy, "FAR", {"cpu"})


def explained(**more):
    model, tokenizer = sw.load_demo()
    return sw.explain(model, tokenizer, TEXT, "are", "is", **more)


@pytest.mark.parametrize("more", [{}, {"reference": "The key to the cabinets [MASK] on the table."}])
def test_explain_says_the_same(far, monkeypatch, more):
    calls = []

    def counted(tape):
        calls.append(tape)
        bring_to_host(tape)

    for place in ("run_steps", "effect_numbers"):
        monkeypatch.setattr(f"semiring_widgets.explanation.{place}.bring_to_host", counted)
    monkeypatch.setattr(host_copy, "FAR", set())
    apart = explained(**more)
    assert not calls
    monkeypatch.setattr(host_copy, "FAR", {"cpu"})
    found = explained(**more)
    assert calls
    assert apart.answer == found.answer
    for name, column in apart.dataset.data_vars.items():
        if column.dtype.kind == "f":
            np.testing.assert_allclose(found.dataset[name], column, rtol=2e-5, atol=2e-5)
    # What is asked later is about the same tape.
    part = {"layer": 3, "head": 2}
    assert found.test(part).effect == pytest.approx(apart.test(part).effect, abs=1e-5)


def test_only_what_is_small_and_elsewhere_is_brought(far, monkeypatch):
    def recorded(**more):
        with sw.record(**more) as tape:
            x = torch.ones(8)
            (x * x).sum()
        return tape

    assert is_quicker_on_host(recorded())
    assert not is_quicker_on_host(recorded(values=False))
    with sw.record() as own:
        _Own.apply(torch.ones(3)).sum()
    assert not is_quicker_on_host(own)
    monkeypatch.setattr(host_copy, "SMALL", 16)
    assert not is_quicker_on_host(recorded())
    monkeypatch.setattr(host_copy, "SMALL", 1 << 25)
    monkeypatch.setattr(host_copy, "FAR", {"cuda"})
    assert not is_quicker_on_host(recorded())


class _Own(torch.autograd.Function):
    """What a user wrote, perhaps for a GPU only."""

    @staticmethod
    def forward(ctx, x):
        return x.sign()

    @staticmethod
    def backward(ctx, g):
        return g


def test_views_share_memory_as_before_and_masks_stay_the_same_objects(far):
    with sw.record() as tape:
        x = torch.arange(6.0).reshape(2, 3)
        y = x.T * 2
        score = torch.where(y > 3, y, 0.0).sum()
    expected = sw.backprop(tape, score, x).value
    held = [node.value for op in tape.ops for node in op.inputs()]
    bring_to_host(tape)
    after = [node.value for op in tape.ops for node in op.inputs()]
    assert all(one is not other and torch.equal(one, other) for one, other in zip(held, after, strict=True))
    assert [t.stride() for t in held] == [t.stride() for t in after]
    assert {id(t) for noted in tape.asides.steps for t in noted.results} & {
        id(arg) for op in tape.ops for arg in op.args if isinstance(arg, torch.Tensor)
    }
    assert torch.equal(sw.backprop(tape, score, x).value, expected)
