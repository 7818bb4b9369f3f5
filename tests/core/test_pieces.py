"""Large steps taken in pieces, and weights that are widened only where they are asked for."""

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.jacobian.blocks import column_pieces
from semiring_widgets.core.live_memory import LiveMemory
from semiring_widgets.core.precision import full_precision
from semiring_widgets.core.semirings import Weight
from semiring_widgets.core.semirings.edge_weight import Stored, measure
from tests.core.zoo.feeding import normal
from tests.core.zoo.shrinking import build

SEMIRINGS = ["sum", "abs", "max", "signed_max", "entropy", "count", "variance"]


def asked(model, x):
    logits = model(inputs_embeds=x).logits[0]
    return logits[-1, 3] - logits[-1].logsumexp(-1) + logits[2, 5]


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def question(request):
    dtype = getattr(torch, request.param)
    model, x = build("LlamaForCausalLM", "sdpa").to(dtype), normal(1, 7, 32).to(dtype)
    with sw.record() as tape:
        score = asked(model, x)
    return tape, score, x


@pytest.mark.parametrize("semiring", SEMIRINGS)
def test_pieces_change_no_number(question, semiring, monkeypatch):
    whole = sw.backprop(*question, semiring=semiring).parts
    cut, pieces_of = [], column_pieces.pieces_of
    monkeypatch.setattr(column_pieces, "VAST", 256)
    monkeypatch.setattr(column_pieces, "_PIECE", 200)

    def watched(count, size):
        found = pieces_of(count, size)
        cut.append(len(found))
        return found

    monkeypatch.setattr(column_pieces, "pieces_of", watched)
    found = sw.backprop(*question, semiring=semiring).parts
    assert max(cut) > 3
    for one, other in zip(whole, found, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-5, atol=1e-6)


def test_what_is_pushed_in_pieces_is_the_same(question, monkeypatch):
    whole = sw.flow(*question)
    monkeypatch.setattr(column_pieces, "VAST", 256)
    monkeypatch.setattr(column_pieces, "_PIECE", 200)
    found = sw.flow(*question)
    for name in whole.data_vars:
        torch.testing.assert_close(
            torch.from_numpy(found[name].values), torch.from_numpy(whole[name].values), rtol=1e-4, atol=1e-6
        )


@pytest.mark.parametrize("semiring", ["sum", "max", "entropy"])
def test_a_vocabulary_is_not_widened_for_two_of_its_words(semiring):
    weight = torch.linspace(-1, 1, 20_000 * 64).reshape(20_000, 64).bfloat16()
    x = torch.linspace(-1, 1, 2 * 64).reshape(2, 64).bfloat16()
    with sw.record() as tape:
        logits = torch.nn.functional.linear(x, weight)
        score = logits[1, 3] - logits[1, 7]
    with full_precision(), LiveMemory() as memory:
        found = sw.backprop(tape, score, wrt=x, semiring=semiring)
    assert memory.peak < weight.numel()  # a quarter of what it is in float32
    expected = (weight[3].float() - weight[7].float()) * torch.tensor([[0.0], [1.0]])
    if semiring == "sum":
        torch.testing.assert_close(found.value.float(), expected, rtol=1e-2, atol=1e-3)


def test_stored_weights_are_the_weights():
    stored = torch.tensor([[1.0, -3.0], [0.0, 2.0]], dtype=torch.bfloat16)
    plain, few = Weight(stored.float()), Stored(stored, torch.float32)
    for one, other in ((plain, few), (plain.mT, few.mT), (plain.negated, few.negated)):
        assert torch.equal(one.value, other.value)
        assert torch.equal(one.log, other.log)
        assert float(one.peak) == float(other.peak) == 3
        assert torch.equal(one.part(0).value, other.part(0).value)
        assert one.dtype == other.dtype == torch.float32
    assert few.mT.mT is few
    assert few.mT.value.data_ptr() == few.value.data_ptr()
    again = Stored(stored, torch.float32)
    measure([again])
    assert float(again.extreme) == 3


def test_factors_are_swept_in_turn_where_a_tape_lets_go(question):
    model, x = build("LlamaForCausalLM", "sdpa"), normal(1, 7, 32)
    with sw.record() as tape:
        score = asked(model, x)
    whole = sw.backprop(tape, score, x, "fused")
    together = sw.estimate_memory(tape, score, x, "fused")
    tape.shrink()
    found = sw.backprop(tape, score, x, "fused")
    assert all(torch.equal(one, other) for one, other in zip(whole.parts, found.parts, strict=True))
    most = max(sw.estimate_memory(tape, score, x, name) for name in ("sum", "max", "entropy"))
    assert sw.estimate_memory(tape, score, x, "fused") == most != together


@pytest.mark.parametrize("outer", [(4,), (1, 4), (3, 1)])
def test_heads_are_cut_wherever_they_lie(outer, monkeypatch):
    monkeypatch.setattr(column_pieces, "VAST", 64)
    monkeypatch.setattr(column_pieces, "_PIECE", 150)
    seen = []

    def act(value, weight):
        seen.append(value[0].shape[:-2].numel())
        return tuple(part @ weight.value for part in value)

    left, right = torch.randn(2, *outer, 3, 4), Weight(torch.randn(*outer, 4, 5))
    found = column_pieces.by_heads(act, tuple(left), right)
    assert max(seen) < max(outer)
    for one, other in zip(found, left, strict=True):
        torch.testing.assert_close(one, other @ right.value)
    seen.clear()
    column_pieces.by_heads(act, tuple(left), right, among=range(len(outer)))
    assert seen == [max(outer)]
