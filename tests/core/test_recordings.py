"""What surrounds a recording: changes after it, other recordings, threads, and inputs of every sort."""

import math
import threading

import pytest
import torch
from torch import nn

import semiring_widgets as sw
from semiring_widgets.core.jacobian.blocks.identity import Identity
from semiring_widgets.core.semirings import Sum
from semiring_widgets.errors import TapeError, UnsupportedOpError
from tests.core.test_programs import X


def changed_input(x, net):
    x.mul_(2)


def changed_weight(x, net):
    with torch.no_grad():
        net.weight.mul_(2)


def changed_index(x, net):
    net.order.add_(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 2))
        self.register_buffer("order", torch.tensor([1, 0]))

    def forward(self, x):
        return torch.tanh(x @ self.weight)[:, self.order]


@pytest.mark.parametrize("change", [changed_input, changed_weight, changed_index])
@pytest.mark.parametrize("ask", [sw.backprop, sw.top_paths, sw.sample_paths])
def test_what_was_changed_after_the_recording_is_refused(change, ask):
    net, x = Net(), X.float()
    with sw.record() as tape:
        score = net(x)[0, 0]
        unrelated = net.weight * 2
    ask(tape, score, wrt=x)
    unrelated.zero_()
    net(x + 1)
    ask(tape, score, wrt=x)
    change(x, net)
    with pytest.raises(TapeError, match="changed in place after the recording"):
        ask(tape, score, wrt=x)


def test_a_linear_layer_is_one_step():
    x, weight, bias = X.float(), torch.randn(3, 4), torch.randn(3)
    with sw.record() as tape:
        torch.nn.functional.linear(x, weight, bias)
        torch.nn.functional.linear(torch.stack([x, x]), weight)
    assert [op.name.split(".")[1] for op in tape.ops] == ["linear", "stack", "linear"]


@pytest.mark.parametrize("product", [torch.nn.functional.linear, torch.matmul, torch.mul])
def test_a_weight_that_shows_another_part_of_its_memory(product):
    """Weights are streamed from one buffer, or turned; a node is what was there when it was used."""
    stack, x = torch.randn(2, 3, 3, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64)
    weight = nn.Parameter(torch.zeros(3, 3, dtype=torch.float64))
    shown = [stack[0], stack[1], stack[1].t()]
    with sw.record() as tape:
        y = x
        for data in shown:
            weight.data = data
            y = product(y, weight)
        score = (y * y).sum()
    leaf = x.clone().requires_grad_()
    y = leaf
    for data in shown:
        y = product(y, data)
    (expected,) = torch.autograd.grad((y * y).sum(), leaf)
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x, semiring="sum").value, expected)
    with pytest.raises(UnsupportedOpError, match="other memory after it was first used"):
        sw.backprop(tape, score, wrt=weight)


@pytest.mark.parametrize("inner", [3, 0])
@pytest.mark.parametrize(
    ("rows", "bias"),
    [((r, 4 // r), bias) for r in (2, 4) for bias in [(), (1,), (2,), (1, 2), (4, 1)]]
    + [((4,), (4, 1)), ((4,), (4, 2)), ((0, 2), (2,)), ((), (2,))],
)
def test_biases_of_any_shape(rows, inner, bias):
    given = [torch.randn(*rows, inner), torch.randn(2, inner), torch.randn(bias)]
    leaves = [tensor.clone().requires_grad_() for tensor in given]
    expected = torch.autograd.grad((torch.nn.functional.linear(*leaves) ** 2).sum(), leaves)
    with sw.record() as tape:
        score = (torch.nn.functional.linear(*given) ** 2).sum()
    for tensor, wanted in zip(given, expected, strict=True):
        torch.testing.assert_close(sw.backprop(tape, score, wrt=tensor, semiring="sum").value, wanted)


@pytest.mark.parametrize("semiring", ["max", "signed_max", "entropy", "fused"])
def test_products_of_nothing(semiring):
    x, weight, batch = torch.randn(0, 3), torch.randn(4, 3), torch.randn(2, 3, 0, 5)
    with sw.record() as tape:
        score = torch.nn.functional.linear(x, weight).sum() + weight.sum()
        score = score + (batch @ torch.randn(2, 3, 5, 4)).sum() + batch.sum()
    facts = sw.backprop(tape, score, wrt=weight, semiring=semiring).facts
    assert all(fact.shape == weight.shape for fact in facts.values())
    sw.backprop(tape, score, wrt=batch, semiring=semiring)


def test_products_of_batches_leave_no_steps_that_change_nothing():
    x, y = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 5, 6)
    with sw.record() as tape:
        product, flat = x @ y, x[0] @ y[0]
        torch.nn.functional.dropout(product, training=False)
        torch.nn.functional.layer_norm(flat, (6,)).to(flat.dtype)
    names = [op.name.split(".")[1] for op in tape.ops]
    assert torch.equal(product, torch.matmul(x, y))
    assert torch.equal(flat, product[0])
    assert names[:4] == ["view", "view", "bmm", "view"]
    assert names[4:7] == ["select", "select", "bmm"]
    assert names[7:] == ["mean", "sub", "pow", "mean", "add", "rsqrt", "mul"]


@pytest.mark.parametrize("late", [False, True])
def test_memory_is_looked_at_when_it_is_first_written(late):
    """What was read before counts as what it was, and views that were made before show what was written."""
    x = X.clone()
    with sw.record() as tape:
        base = x * 1
        row, shown = base[0], base.view(-1)
        before = row.sum() * shown.sum() if late else 0.0
        base[0] *= x[1]
        score = (row * shown[:4]).sum() + before
    leaf = X.clone().requires_grad_()
    base = leaf * 1
    before = base[0].sum() * base.sum() if late else 0.0
    changed = base[0] * leaf[1]
    (expected,) = torch.autograd.grad((changed * changed).sum() + before, leaf)
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x, semiring="sum").value, expected)


def test_inference_tensors():
    with torch.inference_mode():
        x, net = X.float().clone(), Net()
    with sw.record() as tape:
        score = net(x)[0, 0]
    leaf = X.float().requires_grad_()
    weight = net.weight.detach().clone()
    (expected,) = torch.autograd.grad(torch.tanh(leaf @ weight)[:, [1, 0]][0, 0], leaf)
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, expected)


def test_an_autocast_block_does_not_round_the_sweeps():
    torch.manual_seed(0)
    x, w = torch.randn(3, 64), torch.randn(64, 64)
    with sw.record() as tape:
        score = (torch.tanh(x @ w) @ w).softmax(-1)[0, 0]
    for semiring in ("sum", "entropy", "variance", "max"):
        outside = sw.backprop(tape, score, wrt=x, semiring=semiring).parts
        with torch.autocast("cpu", dtype=torch.bfloat16):
            inside = sw.backprop(tape, score, wrt=x, semiring=semiring).parts
        assert all(torch.equal(a, b) for a, b in zip(outside, inside, strict=True))


def test_rounding_is_a_step_of_the_graph():
    """Derivatives are taken at the numbers that the model had, also where it rounded them."""
    x = torch.tensor([1.001, -2.003])
    with sw.record() as tape:
        score = (x.bfloat16().float() ** 2).sum()
    torch.testing.assert_close(
        sw.backprop(tape, score, wrt=x).value, 2 * x.bfloat16().float(), rtol=0, atol=0
    )


def test_recordings_inside_each_other():
    x = X.clone()
    with sw.record() as outer:
        with sw.record() as inner:
            first = (x * x).sum()
        second = first * 3
    torch.testing.assert_close(sw.backprop(inner, first, wrt=x).value, 2 * X)
    torch.testing.assert_close(sw.backprop(outer, second, wrt=x).value, 6 * X)


def test_recordings_side_by_side_in_threads():
    found = {}

    def work(factor):
        x = X.clone()
        with sw.record() as tape:
            score = (x * x * factor).sum()
        found[factor] = sw.backprop(tape, score, wrt=x).value

    threads = [threading.Thread(target=work, args=(factor,)) for factor in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for factor, value in found.items():
        torch.testing.assert_close(value, 2 * factor * X)
    assert len(found) == 4


def test_inputs_that_no_path_leaves():
    x, other = X.clone(), torch.ones(2)
    with sw.record() as tape:
        score = (x * x).sum()
        other * 2
    assert sw.backprop(tape, score, wrt=other).value.tolist() == [0, 0]
    result = sw.backprop(tape, score, wrt=other, semiring="fused")
    assert result.log_mass.tolist() == result.log_weight.tolist() == [-math.inf] * 2
    assert result.entropy.tolist() == [0, 0]
    assert sw.top_paths(tape, score, wrt=other) == sw.sample_paths(tape, score, wrt=other) == []


def test_an_input_that_is_a_view():
    x = X.clone()
    row = x[0]
    with sw.record() as tape:
        score = (x * x).sum() + (row * row).sum()
    # Made outside, the two are leaves of their own, as in autograd.
    torch.testing.assert_close(sw.backprop(tape, score, wrt=row).value, 2 * X[0])
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, 2 * X)
    with sw.record() as tape:
        row = x[0]
        score = (row * row).sum() + x.sum()
    first, second = sw.backprop(tape, score, wrt=[row, x])
    torch.testing.assert_close(first.value, 2 * X[0])
    expected = torch.ones_like(X)
    expected[0] += 2 * X[0]
    torch.testing.assert_close(second.value, expected)


@pytest.mark.parametrize(
    "copied", [lambda x: x.to("meta"), lambda x: torch.empty_like(x, device="meta").copy_(x)]
)
def test_a_copy_on_another_device_is_a_tensor_of_its_own(copied):
    """Its edges are those of the copy, so nothing meets an operand on another device."""
    x = X.clone()
    with sw.record() as tape:
        there = copied(x)
        there * there
    product = tape.ops[-1]
    assert {source.value.device.type for source in product.inputs()} == {"meta"}
    assert [op.name for op in tape.ops].count("aten._to_copy.default") == 1


def test_moved_values_come_back_to_the_device_they_left():
    shape, here, there = torch.Size([2, 3]), torch.device("cpu"), torch.device("meta")
    block = Identity(shape, here, there)
    assert block.weight is None
    value = (torch.ones(2, 3),)
    (pushed,) = block.push(Sum(), value)
    assert pushed.device == there
    assert Identity(shape, there, here).pull(Sum(), value)[0].device == there
    met, weights = Identity(shape, here, here).out_edges(torch.tensor([4, 1]))
    assert met.tolist() == [[4], [1]]
    assert weights.tolist() == [[1], [1]]


def test_a_recording_that_ended_with_an_error():
    x = X.clone()
    with pytest.raises(ZeroDivisionError), sw.record() as tape:
        score = (x * x).sum() / (1 // 0)
    with pytest.raises(TapeError, match="ended with an error"):
        sw.backprop(tape, x, wrt=x)
    with sw.record() as tape:
        score = (x * x).sum()
        with pytest.raises(TapeError, match="still recording"):
            sw.backprop(tape, score, wrt=x)
