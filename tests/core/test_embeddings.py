"""Tables of rows: autograd's conventions for padding and frequent rows, alone and in bags."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional

import semiring_widgets as sw

# Row 2 is looked up three times, row 6 never.
INDICES = torch.tensor([1, 2, 4, 5, 4, 2, 2, 0])
# The second bag is empty.
OFFSETS = torch.tensor([0, 4, 4, 6])
CONVENTIONS = [
    dict(zip(("padding_idx", "scale_grad_by_freq"), c, strict=True))
    for c in itertools.product((None, 2, -2), (False, True))
]
BAGS = [
    {"mode": mode, **conventions, "weighted": weighted, "last": last}
    for mode, conventions, weighted, last in itertools.product(
        ("sum", "mean", "max"), CONVENTIONS, (False, True), (False, True)
    )
    if not (weighted and mode != "sum") and not (mode == "max" and conventions["scale_grad_by_freq"])
]


def numbers(*shape, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3), dtype=dtype)


def agrees(call, *inputs):
    """Compare with autograd, whether the inputs require gradients or not; gives the tape of the latter."""
    leaves = [tensor.clone().requires_grad_() for tensor in inputs]
    expected = torch.autograd.grad(call(*leaves), leaves)
    for given in (leaves, inputs):
        with sw.record() as tape:
            score = call(*given)
        for result, gradient in zip(sw.backprop(tape, score, wrt=list(given)), expected, strict=True):
            torch.testing.assert_close(result.value, gradient)
    return tape


@pytest.mark.parametrize("conventions", CONVENTIONS, ids=str)
def test_a_look_up_is_what_autograd_makes_of_it(conventions):
    factor = numbers(2, 4, 3)
    agrees(
        lambda table: (functional.embedding(INDICES.view(2, 4), table, **conventions) ** 2 * factor).sum(),
        numbers(7, 3),
    )


def test_a_look_up_of_the_padding_row_is_no_path():
    table = nn.Embedding(7, 3, padding_idx=2)
    with torch.no_grad():
        table.weight.normal_()
    with sw.record() as tape:
        score = table(INDICES).sum()
    count = sw.backprop(tape, score, wrt=table.weight, semiring="count").count
    assert torch.equal(count[:, 0].exp(), torch.tensor([1.0, 1.0, 0.0, 0.0, 2.0, 1.0, 0.0]))
    assert not sw.backprop(tape, score, wrt=table.weight).value[2].any()


def test_a_frequent_row_shares_its_weight():
    table = nn.Embedding(7, 1, scale_grad_by_freq=True)
    with sw.record() as tape:
        score = table(INDICES).sum()
    weights = sw.backprop(tape, score, wrt=table.weight, semiring="max")
    torch.testing.assert_close(weights.log_weight[2].exp(), torch.tensor([1 / 3]))
    torch.testing.assert_close(weights.log_weight[1].exp(), torch.tensor([1.0]))
    path = sw.top_paths(tape, score, wrt=table.weight, k=8)[-1]
    assert path.weight == pytest.approx(1 / 3)


@pytest.mark.parametrize("how", BAGS, ids=str)
def test_a_bag_is_what_autograd_makes_of_it(how):
    how = dict(how)
    weighted, last = how.pop("weighted"), how.pop("last")
    offsets = torch.cat([OFFSETS, torch.tensor([len(INDICES)])]) if last else OFFSETS
    factor = numbers(4, 3)

    def call(table, weights=None):
        bags = functional.embedding_bag(
            INDICES, table, offsets, per_sample_weights=weights, include_last_offset=last, **how
        )
        return (bags**2 * factor).sum()

    tape = agrees(call, numbers(7, 3), *([numbers(8)] if weighted else []))
    assert sum("embedding_bag" in op.name for op in tape.ops) == 1


def test_the_module_of_bags():
    bag = nn.EmbeddingBag(7, 3, mode="max", padding_idx=2).double()
    rows = torch.tensor([[1, 2], [4, 5], [2, 2]])
    agrees(
        lambda table: torch.func.functional_call(bag, {"weight": table}, (rows,)).pow(2).sum(), numbers(7, 3)
    )
