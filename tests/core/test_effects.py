"""Tests and estimates of parts: equal to the model itself, patched by hooks."""

import numpy as np
import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.effects import effect_rows
from semiring_widgets.errors import CancelledError, InputError, TapeError
from tests.core.patched import MODELS, WIDTH, close, in_head, in_row, recorded
from tests.core.test_programs import X, shifted_within_itself

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module", params=MODELS)
def case(request):
    return recorded(request.param)


def test_heads_as_patched_by_hooks(case):
    model, tape, score, reference = case
    tests, expected = [], []
    for layer, module in enumerate(model.projections):
        z, z_r = model.seen(module, model.inputs), model.seen(module, reference)
        for head in range(4):
            part = {"layer": layer, "head": head}
            own = slice(head * WIDTH, (head + 1) * WIDTH)
            changes = [
                ([(part, "zero")], lambda x, h=head: in_head(x, h, 0.0)),
                ([(part, "mean")], lambda x, h=head, z=z, own=own: in_head(x, h, z[..., own].mean(1, True))),
                ([(part, "reference")], lambda x, h=head, z=z_r, own=own: in_head(x, h, z[..., own])),
                ([(part, z_r[..., own])], lambda x, h=head, z=z_r, own=own: in_head(x, h, z[..., own])),
                ([({**part, "token": 1}, 0.3)], lambda x, h=head: in_head(x, h, 0.3, 1)),
            ]
            for one, change in changes:
                tests.append(one)
                with model.hooked(module, change), torch.no_grad():
                    expected.append(float(model.score(model.inputs)))
    found = sw.test(tape, score, tests, wrt=model.inputs, reference=reference)
    for one, number in zip(found, expected, strict=True):
        close(one.after, number, score)
        assert one.before == float(score)
        assert one.effect == one.before - one.after
    assert np.std([one.effect for one in found]) > 1e-3


def test_feed_forward_parts_streams_and_tokens_as_patched_by_hooks(case):
    model, tape, score, reference = case
    tests, expected = [], []

    def expect(test, module, change, *, output=False):
        tests.append(test)
        with model.hooked(module, change, output=output), torch.no_grad():
            expected.append(float(model.score(model.inputs)))

    for layer, module in enumerate(model.mlps):
        if module is not None:
            m_r = model.seen(module, reference, output=True)
            part = {"layer": layer, "branch": "mlp"}
            expect([(part, "reference")], module, lambda x, m=m_r: m, output=True)
            expect([({**part, "token": 2}, "zero")], module, lambda x: in_row(x, 2, 0.0), output=True)
    for layer, module in enumerate(model.blocks):
        if module is not None:
            x_r = model.seen(module, reference)
            part = {"layer": layer, "token": 1}
            expect([(part, "reference")], module, lambda x, r=x_r: in_row(x, 1, r[:, 1]))
    for stream, (x, x_r) in enumerate(zip(model.inputs, reference, strict=True)):
        changed = list(model.inputs)
        changed[stream] = in_row(x, 1, x_r[:, 1])
        tests += [
            [({"token": 1, "stream": stream}, "reference")],
            [({"token": 1, "stream": stream}, x_r[:, 1])],
        ]
        with torch.no_grad():
            expected += [float(model.score(changed))] * 2
    found = sw.test(tape, score, tests, wrt=model.inputs, reference=reference)
    for one, number in zip(found, expected, strict=True):
        close(one.after, number, score)


def test_several_parts_at_once(case):
    model, tape, score, _ = case
    first, second = model.projections[:2]
    together = [
        ({"layer": 0, "head": 1}, 0.0),
        ({"layer": 0, "head": 2}, 0.5),
        ({"layer": 1, "head": 3}, 0.0),
    ]
    with (
        model.hooked(first, lambda x: in_head(in_head(x, 1, 0.0), 2, 0.5)),
        model.hooked(second, lambda x: in_head(x, 3, 0.0)),
        torch.no_grad(),
    ):
        expected = model.score(model.inputs)
    close(sw.test(tape, score, together, wrt=model.inputs).after, expected, score)


def test_the_table_is_made_of_tests_and_of_gradients(case):
    model, tape, score, reference = case
    rows = effect_rows(tape, score, wrt=model.inputs, reference=reference, kind=["heads", "mlps", "tokens"])
    heads = [row for row in rows if row["kind"] == "head"]
    assert len(heads) == 4 * len(model.projections)
    parts = [[({"layer": row["layer"], "head": row["head"]}, "reference")] for row in heads]
    tested = sw.test(tape, score, parts, wrt=model.inputs, reference=reference)
    for row, one in zip(heads, tested, strict=True):
        close(row["after"], one.after, score)
        assert row["effect"] == row["before"] - row["after"]
    for layer, module in enumerate(model.projections):
        z, z_r = model.seen(module, model.inputs), model.seen(module, reference)
        leaf = z.clone().requires_grad_()
        with model.hooked(module, lambda x, leaf=leaf: leaf):
            (gradient,) = torch.autograd.grad(model.score(model.inputs), leaf)
        expected = (gradient * (z - z_r)).unflatten(-1, (4, WIDTH)).sum((0, 1, 3))
        for row in heads[4 * layer : 4 * layer + 4]:
            close(row["contribution"], expected[row["head"]], score)
    tokens = [row for row in rows if row["kind"] == "token"]
    leaves = [x.clone().requires_grad_() for x in model.inputs]
    gradients = torch.autograd.grad(model.score(leaves), leaves)
    moved = [(g * (x - r)).sum((0, 2)) for g, x, r in zip(gradients, model.inputs, reference, strict=True)]
    for row in tokens:
        close(row["contribution"], moved[row["stream"]][row["token"]], score)


def test_one_step_is_the_slope_half_way(case):
    model, tape, score, reference = case
    rows = effect_rows(tape, score, model.inputs, reference, kind="tokens", tested=False, steps=2)
    total = [torch.zeros_like(x) for x in model.inputs]
    for share in (0.25, 0.75):
        leaves = [
            (r + share * (x - r)).requires_grad_() for x, r in zip(model.inputs, reference, strict=True)
        ]
        gradients = torch.autograd.grad(model.score(leaves), leaves)
        total = [t + g / 2 for t, g in zip(total, gradients, strict=True)]
    moved = [(g * (x - r)).sum((0, 2)) for g, x, r in zip(total, model.inputs, reference, strict=True)]
    for row in rows:
        assert row["effect"] is None
        close(row["contribution"], moved[row["stream"]][row["token"]], score)
    many = effect_rows(tape, score, model.inputs, reference, kind="tokens", tested=False, steps=64)
    with torch.no_grad():
        whole = float(score) - float(model.score(reference))
    assert sum(row["contribution"] for row in many) == pytest.approx(whole, rel=0.02, abs=0.02)


def test_the_model_and_the_tape_stay_as_they_are(case):
    model, tape, score, reference = case
    values = {node: node.value.clone() for op in tape.ops for node in op.outputs if node is not None}
    hooks = [dict(m._forward_hooks) | dict(m._forward_pre_hooks) for m in model.model.modules()]

    def cancel(done, total):
        if done > total // 2:
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        effect_rows(tape, score, model.inputs, reference, progress=cancel)
    seen = []
    effect_rows(tape, score, model.inputs, reference, kind="mlps", progress=lambda *at: seen.append(at))
    assert seen
    assert all(0 <= done < total for done, total in seen)
    assert all(torch.equal(node.value, value) for node, value in values.items())
    assert hooks == [dict(m._forward_hooks) | dict(m._forward_pre_hooks) for m in model.model.modules()]
    assert all(p.grad is None for p in model.model.parameters())


def test_little_memory_gives_the_same(case):
    model, tape, score, reference = case
    plenty = effect_rows(tape, score, model.inputs, reference, kind="heads")
    little = effect_rows(tape, score, model.inputs, reference, kind="heads", max_memory=1)
    for one, other in zip(plenty, little, strict=True):
        close(one["after"], other["after"], score)


def linear(x):
    hidden = x * 2 + 1
    return hidden, (hidden @ torch.tensor([[1.0], [-2.0]])).sum()


def test_of_a_linear_model_estimate_and_effect_are_one():
    x = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    with sw.record() as tape:
        _, score = linear(x)
    rows = effect_rows(tape, score, wrt=x, reference=torch.tensor([[0.5, 0.0], [1.0, 1.0]]))
    assert [row["effect"] for row in rows] == [row["contribution"] for row in rows] == [-7.0, -12.0]


def test_tensors_and_numbers():
    x = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    with sw.record() as tape:
        hidden, score = linear(x)
    one, two = sw.test(tape, score, [{hidden: 0.0}, {hidden: torch.ones(2, 2), x: 7.0}])
    assert (one.before, one.after, two.after) == (float(score), 0.0, -2.0)
    assert sw.test(tape, score, [(x, torch.tensor([1.0, 0.0]))]).after == 2.0
    assert sw.test(tape, score, []) == []


def test_one_pair_is_a_test():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    with sw.record() as tape:
        score = (x * x).sum()
    assert sw.test(tape, score, ({"token": 0}, "zero"), wrt=x).effect == 5
    assert sw.test(tape, score, {sw.Selection(token=0): "zero"}, wrt=x).effect == 5
    with pytest.raises(InputError, match=r"which is a part, .* \(\{'token': 0\}, 'zero'\)"):
        sw.test(tape, score, {"token": 0}, wrt=x)


def test_the_reference_of_the_tape_is_that_of_its_questions():
    x, reference = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    with sw.record(rules="secant", reference=reference) as tape:
        score = (x * x).sum()
    assert sw.test(tape, score, ({"token": 1}, "reference"), wrt=x).effect == 23
    assert sw.test(tape, score, {x: 0.0}).effect == 30
    found = sw.effects(tape, score, x)
    assert found.effect.tolist() == found.contribution.tolist() == [4, 23]
    assert sw.contributions(tape, score, x, "zero").contribution.tolist() == [5, 25]


def test_words_that_do_not_fit():
    x = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    with sw.record() as tape:
        hidden, score = linear(x)
        several = hidden.sum(-1)
    wrong = [
        ({"layer": 0}, {}, InputError, "not said what comes in its place"),
        ({hidden: "nought"}, {}, InputError, "choose one of zero, mean, reference"),
        ({hidden: "reference"}, {}, InputError, "give reference="),
        ({hidden: torch.ones(3)}, {}, InputError, r"give the shape \[2, 2\]"),
        ({hidden: torch.full((2, 2), torch.nan)}, {}, InputError, "NaN"),
        ({hidden: None}, {}, InputError, "give a tensor, a number"),
        ({torch.ones(2): 0.0}, {}, TapeError, "does not occur on this tape"),
        ([({"token": 0}, 0.0)], {}, InputError, "give wrt="),
        ([({"token": 9}, 0.0)], {"wrt": x}, InputError, "token is 9"),
        ([({}, 0.0)], {"wrt": x}, InputError, "or a part"),
        ([({"layer": 0, "head": 0}, 0.0)], {"wrt": x}, InputError, "layer is 0"),
        (3, {}, InputError, "A test is 3"),
        ([[3]], {}, InputError, "A test is"),
        ({hidden: 0.0}, {"wrt": x, "reference": torch.ones(3, 2)}, InputError, "of the same shape"),
        ({hidden: 0.0}, {"wrt": x, "reference": "none"}, InputError, "choose one of zero, mean"),
        ({hidden: 0.0}, {"reference": "zero"}, InputError, "give wrt="),
    ]
    for tests, more, error, says in wrong:
        with pytest.raises(error, match=says):
            sw.test(tape, score, tests, **more)
    with pytest.raises(InputError, match="one number"):
        sw.test(tape, several, {hidden: 0.0})
    with pytest.raises(InputError, match="give reference="):
        effect_rows(tape, score, x)
    with pytest.raises(InputError, match="choose one of tokens"):
        effect_rows(tape, score, x, "zero", kind="words")


def test_a_tape_whose_numbers_have_changed_is_refused():
    x = torch.tensor([[1.0, 2.0]])
    with sw.record() as tape:
        hidden = x * 2
        score = (hidden * x).sum()
    x.add_(1)
    with pytest.raises(TapeError, match="changed in place"):
        sw.test(tape, score, {hidden: 0.0})


def test_what_does_not_repeat_is_refused():
    """PyTorch leaves undefined what a copy onto a part of itself gives."""
    x = X.clone()
    with sw.record() as tape:
        score = shifted_within_itself(x)
    with pytest.raises(TapeError, match="does not repeat"):
        sw.test(tape, score, {x: x * 1})
