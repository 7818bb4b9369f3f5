"""Complex numbers against brute force: each is two scalars of the graph, its real and its imaginary part."""

import pytest
import torch

import semiring_widgets as sw
from tests.core.oracle import all_paths
from tests.core.test_exact import check

X = torch.tensor([[0.3, -1.2, 0.7], [0.9, 0.4, -0.5]], dtype=torch.float64)
W = X.sin()
Z = torch.complex(X[:, :2], X[:, 1:])


def spectrum(x):
    return (torch.fft.fft(x).abs() * W).sum()


def round_trip(x):
    halved = torch.fft.rfft(x)
    return torch.fft.irfft(halved * halved, n=3)[1, 0]


def over_two_dimensions(x):
    return torch.fft.fft2(x, norm="ortho").imag[1, 2]


def rotated(x):
    """Positions by complex numbers, as in Llama 4."""
    turned = torch.view_as_complex(x[:, :2].contiguous()) * torch.polar(torch.ones(2, dtype=x.dtype), W[:, 0])
    return torch.view_as_real(turned).flatten(1).prod(-1).sum()


def products(x):
    z = torch.complex(x[:, :2], x[:, 1:])
    return (z @ z.mH).real[0, 1] + (z @ z).imag[1, 1]


def by_a_vector(x):
    z = torch.complex(x[:, :2], x[:, 1:])
    return torch.addmv(z[0], z, z[1], beta=2).prod().abs()


def chosen(x):
    z = torch.complex(x[:, :2], x[:, 1:])
    kept = torch.where(z.real > 0.5, z, x[:, :2] * 1j).masked_fill(z.imag > 0.6, 2j)
    return (kept[0] * z[1]).logsumexp(0).abs()


def in_polar_form(x):
    z = torch.polar(x[0], x[1])
    return (z.log() / (1 + z)).angle().sum()


def in_place(x):
    z = torch.complex(x[0], x[1])
    z.real.add_(x[1])
    z[0] *= x[1, 2]
    return (z.conj() * z[1]).imag.sum()


def added_up(x):
    z = torch.complex(x[:, :2], x[:, 1:])
    whole = torch.zeros(3, dtype=z.dtype).index_add(0, torch.tensor([2, 2]), z[0])
    return (whole * z[1, 0]).sum().abs()


def of_two_types(x):
    z = x.to(torch.complex128)
    return (z * (1 - 2j) + x).sum(0).imag.prod() + (z * 1j).mean().abs()


FUNCTIONS = [spectrum, round_trip, over_two_dimensions, rotated, products, by_a_vector, chosen,
             in_polar_form, in_place, added_up, of_two_types]  # fmt: skip


@pytest.mark.parametrize("granularity", ["primitive", "operator"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_every_statistic(function, granularity):
    check(function, X, granularity)


def test_a_complex_input_is_two():
    """d/d re + i d/d im where numbers add up; a last dimension of two where they do not."""

    def function(z):
        return (z * z.roll(1, 0)).prod(1).real.sum()

    with sw.record() as tape:
        score = function(Z)
    total, entropy = (sw.backprop(tape, score, wrt=Z, semiring=name) for name in ("sum", "entropy"))
    leaf = Z.clone().requires_grad_()
    torch.testing.assert_close(total.value, torch.autograd.grad(function(leaf), leaf)[0])
    assert entropy.entropy.shape == (2, 2, 2)
    for element, weights in all_paths(tape, score, Z).items():
        sizes = torch.tensor(weights, dtype=torch.float64).abs()
        assert float(total.parts[0].reshape(-1)[element]) == pytest.approx(sum(weights))
        assert float(entropy.log_mass.reshape(-1)[element]) == pytest.approx(float(sizes.sum().log()))
        expected = torch.special.entr(sizes / sizes.sum()).sum()
        assert float(entropy.entropy.reshape(-1)[element]) == pytest.approx(float(expected))
    per_row = total.reduce((1, 2)).value
    assert not per_row.is_complex()
    torch.testing.assert_close(per_row, torch.view_as_real(total.value).sum((1, 2)))


@pytest.mark.parametrize("name", ["sum", "mean"])
def test_a_reduction_to_complex_numbers(name):
    """Autograd fails here; a conversion before it is the same."""
    with sw.record() as tape:
        total = getattr(X, name)(1, dtype=torch.complex128)
        score = (total * (1 - 2j)).real.prod()
    leaf = X.clone().requires_grad_()
    (expected,) = torch.autograd.grad((getattr(leaf + 0j, name)(1) * (1 - 2j)).real.prod(), leaf)
    torch.testing.assert_close(sw.backprop(tape, score, wrt=X).value, expected)


def test_numbers_are_those_of_the_model():
    """This kernel conjugates inside, which PyTorch leaves out in any dispatch mode."""
    matrix = Z @ Z.mH
    with sw.record():
        inverse = torch.linalg.pinv(matrix)
    torch.testing.assert_close(inverse, torch.linalg.pinv(matrix))


def test_paths_name_real_and_imaginary_part():
    with sw.record() as tape:
        score = (Z * (2 + 3j)).imag.sum()
    best = sw.top_paths(tape, score, wrt=Z, k=8)
    assert sorted(path.weight for path in best) == pytest.approx([2] * 4 + [3] * 4)
    assert {path.start[-1] for path in best} == {0, 1}
