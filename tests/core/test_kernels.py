"""The C kernel against the torch version: equal to the last bit, for any shape, stride and -inf."""

import pytest
import torch

from semiring_widgets.core import kernels

SHAPES = [
    (1, 1, 1),
    (8, 32, 32),
    (7, 5, 33),
    (9, 1, 31),
    (3, 70, 64),
    (17, 0, 4),
    (0, 3, 4),
    (2, 3, 0),
    (64, 257, 129),
]


@pytest.mark.skipif(not kernels.accelerated(), reason="the C library is not built here")
class TestLibrary:
    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("turned", [False, True])
    def test_equals_torch(self, shape, turned):
        m, k, n = shape
        noise = torch.Generator().manual_seed(m + k + n)
        a = torch.randn(2, m, k, generator=noise)
        w = torch.randn(2, n, k, generator=noise).mT if turned else torch.randn(2, k, n, generator=noise)
        a = a.masked_fill(torch.rand(a.shape, generator=noise) < 0.2, float("-inf"))
        for left, right in ((a, w), (a, w[0]), (a[0], w[0]), (a[:1], w), (a[:, ::2], w)):
            assert torch.equal(kernels.maxplus(left, right), kernels._with_torch(left, right))

    def test_large_enough_for_threads(self):
        a, w = torch.randn(96, 300), torch.randn(300, 500)
        assert torch.equal(kernels.maxplus(a, w), kernels._with_torch(a, w))


def test_no_path_stays_no_path():
    none = torch.full((3, 4), float("-inf"))
    assert bool((kernels.maxplus(none, torch.randn(4, 5)) == float("-inf")).all())


def test_signs_multiply():
    two, three = torch.tensor([[2.0]]).log(), torch.tensor([[3.0]]).log()
    none = torch.full((1, 1), float("-inf"))
    positive, negative = kernels.maxplus_signed(none, two, none, three)
    assert float(positive.exp()) == pytest.approx(6)
    assert float(negative) == float("-inf")
