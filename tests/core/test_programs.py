"""Small programs that do what models do to their tensors: exact in every statistic, or refused."""

import math

import pytest
import torch
import torch._dynamo  # which a checkpoint of PyTorch 2.8 imports, and operators run meanwhile
from torch import nn
from torch.nn import functional as F

import semiring_widgets as sw
from semiring_widgets.errors import UnsupportedOpError
from tests.core.test_exact import check

X = torch.tensor(
    [[1.54, -0.29, -2.18, 0.57], [-1.08, -1.4, 0.4, 0.84], [-0.72, -0.41, -0.6, 0.18]], dtype=torch.float64
)


def through_overlapping_views(x):
    y = x * 2
    low, high = y[:2], y[1:]
    low.add_(x[1:])
    high.mul_(3)
    low[0] = high[1]
    return (y * y).sum() + low.sum()


def through_a_chain_of_views(x):
    y = x * 2
    window = y.view(-1)[2:9]
    window[1:5].mul_(x[0])
    window[0] = x[1, 1]
    return (y * y).sum()


def through_a_transpose(x):
    y = x * 2
    y.T[0, 1:] = x[0, 1:3]
    y.t()[1].add_(x[:, 0])
    return (y * y).sum()


def base_of_an_expanded_tensor(x):
    row = x[:1] * 2
    wide = row.expand(3, 4)
    row.mul_(x[1:2])
    return (wide * x).sum()


def element_of_an_expanded_tensor(x):
    row = x[:1] * 2
    wide = row.expand(3, 4)
    row[0, 0] = x[1, 1]
    return (wide * row).sum()


def filled_with_an_element(x):
    y = x * 2
    y[0].fill_(x[1, 1])
    y[1:, 2] = x[2, 2]
    y[2, 0] = x[0, 0] * 2
    return (y * x).sum()


def filled_by_index_and_mask(x):
    y = (x * 2).index_fill(1, torch.tensor([0, 2]), x[0, 1])
    y.masked_fill_(x > 0.5, x[2, 1] * 3)
    return (y * x).sum()


def shifted_within_itself(x):
    y = x * 2
    y[:, 1:] = y[:, :-1]
    return (y * x).sum()


def rows_swapped(x):
    y = x * 2
    kept = y[0].clone()
    y[0] = y[1]
    y[1] = kept
    return (y * x).sum()


def rotated_in_place(x):
    """As rotary embeddings: ``even`` is a view, so it has changed when it is read again."""
    y = x * 1
    even, odd = y[..., ::2], y[..., 1::2]
    y[..., ::2] = even * 2 - odd
    y[..., 1::2] = odd * 2 + even
    return (y * x).sum()


def turned_in_place(x):
    y = x * 2
    flat = y.view(-1)
    y.t_()
    y[0] = x[:, 1]
    return (flat * x.view(-1)).sum()


def written_with_gaps_in_the_index(x):
    y = torch.zeros(3, 4, dtype=x.dtype)
    y[[0, 2], 1:3] = x[:2, :2] * 2
    y[:, [3, 0]] += x[:, :2]
    return (y * x).sum()


def scattered_and_copied(x):
    y = x * 1
    y.scatter_(1, torch.tensor([[0], [2], [3]]), x[:, :1] * 2)
    y.index_copy_(0, torch.tensor([2, 0]), x[:2] * 3)
    return (y * x).sum()


def branch_of_nan(x):
    return (torch.where(x > 0, torch.log(x), x * 3) * x).sum()


def masked_by_minus_infinity(x):
    mask = torch.zeros(3, 4, dtype=torch.bool)
    mask[:, 1] = True
    return F.softmax(x.masked_fill(mask, -math.inf), -1)[0, 0] + F.log_softmax(x, -1)[1, 1]


def without_grad_in_between(x):
    with torch.no_grad():
        factor = x * 5
    y = x * 2
    with torch.no_grad():
        y.add_(factor)
    return (y * factor * x).sum()


def detached_in_place(x):
    y = x * 2
    fixed = y * 1
    fixed.detach_()
    return (fixed * x + y).sum()


def mapped_by_functorch(x):
    def row(r):
        r = r * 1
        r[0] = r[1] * 2
        return r

    gradient = torch.func.grad(lambda z: (z**3).sum())(x)
    return (torch.func.vmap(row)(x) * x).sum() + (gradient * x).sum()


def with_hooks(x):
    module = nn.Identity()
    module.register_forward_pre_hook(lambda _, given: (given[0] * given[0],))
    module.register_forward_hook(lambda _module, _given, out: out * 3)
    return module(x).sum()


def inside_a_checkpoint(x):
    again = torch.utils.checkpoint.checkpoint(lambda z: (z * z).sin(), x, use_reentrant=False)
    return (again * x).sum()


def with_given_weights(x):
    layer = nn.Linear(4, 2).double()
    with torch.no_grad():
        layer.weight.copy_(x[:2] * 2)
        layer.bias.zero_()
    return (layer(x) ** 2).sum()


def with_weights_replaced(x):
    layer = nn.Linear(4, 4, bias=False).double()
    layer.weight.data = torch.eye(4, dtype=x.dtype) * 2
    first = layer(x)
    layer.weight.data = torch.eye(4, dtype=x.dtype) * 3
    return (first * layer(x)).sum()


SITUATIONS = [
    through_overlapping_views,
    through_a_chain_of_views,
    through_a_transpose,
    base_of_an_expanded_tensor,
    element_of_an_expanded_tensor,
    filled_with_an_element,
    filled_by_index_and_mask,
    shifted_within_itself,
    rows_swapped,
    rotated_in_place,
    turned_in_place,
    written_with_gaps_in_the_index,
    scattered_and_copied,
    branch_of_nan,
    masked_by_minus_infinity,
    without_grad_in_between,
    detached_in_place,
    mapped_by_functorch,
    with_hooks,
    inside_a_checkpoint,
    with_given_weights,
    with_weights_replaced,
]


@pytest.mark.parametrize("function", SITUATIONS, ids=lambda f: f.__name__)
def test_every_statistic(function):
    check(function, X.clone(), "primitive")


def moving_position(x):
    position, total = torch.tensor([0]), 0
    for turn in range(3):
        total = total + (x[position] * (turn + 1)).sum()
        position += 1
    return total


def changing_mask(x):
    mask = x > 0
    first = x.masked_fill(mask, 0.0)
    mask.logical_not_()
    second = x.masked_fill(mask, 0.0)
    torch.gt(x, 1, out=mask)
    return (first * 2 + second * 3 + x.masked_fill(mask, 0.0) * 5).sum()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (moving_position, lambda x: torch.tensor([1.0, 2.0, 3.0])[:, None].expand(3, 4)),
        (changing_mask, lambda x: torch.where(x > 0, 3.0, 2.0) + torch.where(x > 1, 0.0, 5.0)),
    ],
)
def test_indices_and_masks_count_as_they_were(function, expected):
    """Autograd refuses these programs: what it saved has changed."""
    x = X.clone()
    with sw.record() as tape:
        score = function(x)
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, expected(X).double())


def write_twice(x):
    y = torch.zeros(4, dtype=x.dtype)
    y[torch.tensor([1, 1, 2])] = x[:, 0]
    return y.sum()


def scatter_twice(x):
    return (x * 1).scatter(1, torch.tensor([[0, 0]]), x[:1, :2]).sum()


def copy_twice(x):
    return x.index_copy(0, torch.tensor([1, 1]), x[:2] * 3).sum()


def write_lists(x):
    several = [x * 2, x * 3]
    torch._foreach_mul_(several, 2.0)
    return (several[0] * several[1]).sum()


def replace_memory(x):
    y = x * 2
    y.data = x.detach() * 3
    return (y * x).sum()


class Sub(torch.Tensor):
    pass


def use_a_subclass(x):
    return ((x * 1).as_subclass(Sub) * 2).as_subclass(torch.Tensor).sum()


def ask_autograd(x):
    leaf = x.detach().clone().requires_grad_()
    return torch.autograd.grad((leaf**3).sum(), leaf)[0].sum()


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (write_twice, "two values to one place"),
        (scatter_twice, "two values to one place"),
        (copy_twice, "two values to one place"),
        (write_lists, "a list of tensors in place"),
        (replace_memory, "given other memory"),
        (use_a_subclass, "A Sub of shape"),
        (ask_autograd, r"Use torch\.func\.grad"),
    ],
)
def test_what_would_be_wrong_is_refused(function, says):
    x = X.clone()

    def ask():
        with sw.record() as tape:
            score = function(x)
        sw.backprop(tape, score, wrt=x)

    with pytest.raises(UnsupportedOpError, match=says):
        ask()
    check(through_a_transpose, X.clone(), "primitive")  # the recorder is in order again
