"""Writes that autograd does not see, and tensors that cannot be recorded: its number, or a sentence."""

import copy
import io

import pytest
import torch
from torch import nn

import semiring_widgets as sw
from semiring_widgets.errors import InputError, UnsupportedOpError


def gradients(function, x):
    """By sum-product and by autograd."""
    with sw.record() as tape:
        score = function(x)
    found = sw.backprop(tape, score, wrt=x).value
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(function(leaf), leaf)
    return found, expected


def write_without_grad(x):
    y = x * 3
    with torch.no_grad():
        y.mul_(2)
    return (y * y).sum()


def write_through_a_view_without_grad(x):
    y = x * 3
    with torch.no_grad():
        y[:2].clamp_(max=1.0)
    return (y * y).sum()


def copy_into_without_grad(x):
    y = x * 3
    with torch.no_grad():
        y.copy_(x)
    return (y * y).sum()


@pytest.mark.parametrize("function", [write_without_grad, copy_into_without_grad])
def test_a_write_without_grad_changes_numbers_but_not_the_history(function):
    found, expected = gradients(function, torch.tensor([0.5, -1.0, 2.0, 4.0], dtype=torch.float64))
    torch.testing.assert_close(found, expected)
    assert found.abs().min() > 0


def test_a_write_through_a_view_made_without_grad_is_refused():
    with pytest.raises(UnsupportedOpError, match="overwritten"), sw.record():
        write_through_a_view_without_grad(torch.tensor([0.5, -1.0, 2.0]))


def positions_filled_without_grad(x):
    with torch.no_grad():
        table = torch.zeros(2, 3, dtype=x.dtype)
        table[:, :2] = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        first = table[0]
        first[2] = table[1, 0] * table[0, 1]
    return (x * first * table[0] * table[1].sum()).sum()


def test_a_view_made_without_grad_may_fill_what_was_not_used():
    found, expected = gradients(positions_filled_without_grad, torch.tensor([0.5, -1.0, 2.0]))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(expected, torch.tensor([7.0, 28.0, 252.0]))


@pytest.mark.parametrize(
    "loss", [nn.functional.cosine_similarity, lambda a, b: nn.functional.gaussian_nll_loss(a, b, a.exp())]
)
def test_losses_that_clamp_without_grad(loss):
    other = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(3, 4)
    found, expected = gradients(lambda x: loss(x, other).sum(), torch.cos(other * 5))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("function", [torch.softmax, torch.log_softmax, torch.cumsum])
@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3), ()])
def test_nothing_and_single_numbers(function, shape):
    x = torch.ones(shape, dtype=torch.float64)
    found, expected = gradients(lambda x: (2 * function(x, 0)).sum(), x)
    torch.testing.assert_close(found, expected)


def test_dropout_of_whole_channels_uses_the_drawn_mask():
    x = torch.ones(1, 8, 2, 2)
    with sw.record() as tape:
        out = nn.functional.dropout2d(x, 0.5, training=True)
        score = out.sum()
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, out.detach())


def test_an_operator_that_writes_several_tensors_is_refused():
    x = torch.randn(5)
    with pytest.raises(UnsupportedOpError, match=r"rrelu_with_noise_.*writes several"), sw.record():
        nn.functional.rrelu(x, training=True, inplace=True)


def test_sparse_tensors_are_refused():
    x = torch.randn(3, 3)
    with pytest.raises(UnsupportedOpError, match="to_dense"), sw.record():
        torch.sparse.mm(torch.eye(3).to_sparse(), x)


def write_under_a_conjugated_view(x):
    turned = x.conj()
    x.mul_(2)
    return turned * x


def test_a_conjugated_view_of_memory_that_is_written_is_refused():
    x = torch.randn(4, dtype=torch.complex64)
    with pytest.raises(UnsupportedOpError, match="resolve_conj"), sw.record():
        write_under_a_conjugated_view(x)


def loaded_from_a_file(x):
    file = io.BytesIO()
    torch.save(torch.ones(2), file)
    file.seek(0)
    return torch.load(file)


@pytest.mark.parametrize(
    "function", [copy.deepcopy, lambda x: copy.deepcopy({"past": x * 2}), loaded_from_a_file]
)
def test_deep_copies_inside_the_recording_are_refused(function):
    x = torch.ones(2)
    with (
        pytest.raises(UnsupportedOpError, match=r"copy\.deepcopy .* Copy tensors by `x\.clone\(\)`"),
        sw.record(),
    ):
        function(x)
    with sw.record() as tape:
        score = (copy.deepcopy(nn.Linear(2, 1, bias=False))(x) * x.clone()).sum()  # parameters are cloned
    assert sw.backprop(tape, score, wrt=x).value.shape == (2,)


def test_operators_that_call_functions_are_refused():
    x = torch.ones(2)
    with pytest.raises(UnsupportedOpError, match=r"torch\.cond"), sw.record():
        torch.cond(x.sum() > 0, lambda x: x * 2, lambda x: x, (x,))


def test_integers_are_no_inputs():
    ids, table = torch.tensor([0, 1]), torch.randn(3)
    with sw.record() as tape:
        score = table[ids].sum()
    with pytest.raises(InputError, match=r"torch\.int64.*have no derivative.*pass the embeddings"):
        sw.backprop(tape, score, wrt=ids)


def write_through_integers(x):
    y = x * 2
    before = (y * y).sum()
    y.view(torch.int64).zero_()
    return before


def test_a_write_through_integers_into_recorded_numbers_is_refused():
    x = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
    with pytest.raises(UnsupportedOpError, match=r"torch.int64 tensor.*Write into a clone"), sw.record():
        write_through_integers(x)
    found, expected = gradients(lambda x: (x * (x.view(torch.int64).clone().zero_() + 1)).sum(), x)
    torch.testing.assert_close(found, expected)
