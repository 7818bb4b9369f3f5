"""Products by groups of rows and by the inverse of a triangle: every edge is one path of the same weight."""

from itertools import product

import pytest
import torch

import semiring_widgets as sw

solve = torch.linalg.solve_triangular


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def follows(call, operands, granularity):
    """Sum, mass and count are those of the Jacobian that autograd writes out."""
    shape = call(*operands).shape
    weights = numbers(*shape, seed=9)
    with sw.record(granularity=granularity) as tape:
        score = (call(*operands) * weights).sum()
    found = sw.backprop(tape, score, wrt=operands)
    masses = sw.backprop(tape, score, wrt=operands, semiring="abs")
    counts = sw.backprop(tape, score, wrt=operands, semiring="count")
    jacobians = torch.autograd.functional.jacobian(call, tuple(operands))
    for value, mass, count, jacobian in zip(found, masses, counts, jacobians, strict=True):
        over = tuple(range(len(shape)))
        scaled = jacobian * weights.reshape(*shape, *(1 for _ in value.value.shape))
        torch.testing.assert_close(value.value, scaled.sum(over), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(mass.log_mass.exp(), scaled.abs().sum(over), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(count.count.exp(), (jacobian != 0).sum(over).float(), rtol=1e-4, atol=0)


@pytest.mark.parametrize("granularity", ["primitive", "operator", "paper"])
@pytest.mark.parametrize(("upper", "left", "unitriangular"), list(product([False, True], repeat=3)))
def test_triangular_systems(granularity, upper, left, unitriangular):
    for several, right in (((4, 4), (4, 3)), ((2, 1, 4, 4), (3, 4, 2))):
        a, b = numbers(*several) + 3 * torch.eye(4), numbers(*right, seed=1)

        def call(a, b):
            return solve(a, b, upper=upper, left=left, unitriangular=unitriangular)

        follows(call, [a, b if left else b.mT.contiguous()], granularity)


@pytest.mark.skipif(not hasattr(torch, "_grouped_mm"), reason="came with torch 2.8")
@pytest.mark.parametrize("granularity", ["primitive", "operator"])
@pytest.mark.parametrize(
    ("a", "b", "ends"),
    [
        ((8, 8), (4, 8, 16), [3, 3, 4, 8]),
        ((2, 3, 8), (2, 8, 16), None),
        ((4, 3, 8), (8, 16), [4, 4, 12, 16]),
        ((3, 8), (8, 16), [4, 8]),
    ],
    ids=["rows", "batches", "columns", "units"],
)
def test_products_by_groups(granularity, a, b, ends):
    offsets = None if ends is None else torch.tensor(ends, dtype=torch.int32)
    follows(
        lambda a, b: torch._grouped_mm(a, b, offs=offsets), [numbers(*a), numbers(*b, seed=1)], granularity
    )


def test_what_was_too_large_to_be_written_out():
    """As wide as a small mixture of experts, and as long as one chunk of a delta rule."""
    x, experts = numbers(40, 256), numbers(4, 256, 512, seed=1) / 16
    a, b = numbers(2, 64, 64) / 64, numbers(2, 64, 32, seed=1)
    offsets = torch.tensor([7, 20, 20, 40], dtype=torch.int32)

    def call(x, a, b):
        mixed = torch._grouped_mm(x, experts, offs=offsets).tanh().sum()
        return mixed + solve(a, b, upper=False, unitriangular=True).tanh().sum()

    leaves = [tensor.clone().requires_grad_() for tensor in (x, a, b)]
    expected = torch.autograd.grad(call(*leaves), leaves)
    with sw.record() as tape:
        score = call(x, a, b)
    for found, gradient in zip(sw.backprop(tape, score, wrt=[x, a, b]), expected, strict=True):
        torch.testing.assert_close(found.value, gradient, rtol=1e-4, atol=1e-5)
