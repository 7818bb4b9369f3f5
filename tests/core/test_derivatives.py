"""Derivatives that are read off instead of taken by autograd are the ones that autograd takes."""

import pytest
import torch

import semiring_widgets as sw

FUNCTIONS = {
    "quotient": lambda x: x / (x.sum(-1, keepdim=True) + 7),
    "by itself": lambda x: x / x,
    "by a number": lambda x: x / 3,
    "number by": lambda x: 2 / x,
    "rounded": lambda x: x + torch.div(x, 0.3, rounding_mode="floor"),
    "square": lambda x: x**2,
    "cube": lambda x: x**3,
    "tensor exponent": lambda x: x ** torch.tensor([2, 3, 1]),
    "exp": torch.exp,
    "tanh": torch.tanh,
    "rsqrt": torch.rsqrt,
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_equal_autograd(name, dtype):
    values = torch.tensor([[0.4, 1.5, 2.5], [3.0, 0.7, 1.1]], dtype=dtype)
    with sw.record() as tape:
        x = values.clone()
        score = (FUNCTIONS[name](x) * torch.tensor([1.0, -2.0, 3.0], dtype=dtype)).sum()
    got = sw.backprop(tape, score, wrt=x).parts[0]
    # Half precision is widened, so the reference is autograd in float32.
    tolerance = 2e-2 if dtype == torch.bfloat16 else 1e-5
    leaf = (values.float() if dtype == torch.bfloat16 else values).clone().requires_grad_()
    (FUNCTIONS[name](leaf) * torch.tensor([1.0, -2.0, 3.0])).sum().backward()
    assert torch.allclose(got.double(), leaf.grad.double(), rtol=tolerance, atol=1e-6)


def test_division_by_zero_is_refused():
    with sw.record() as tape:
        x = torch.ones(3)
        score = (x / 0).sum()
    with pytest.raises(sw.errors.NonFiniteError, match=r"aten\.div"):
        sw.backprop(tape, score, wrt=x, semiring="max")


QUESTIONS = {
    "mass": lambda paths: paths.log_mass,
    "part": lambda paths: paths.avoiding({"token": 0}).log_mass,
    "best": lambda paths: paths.best(1),
    "sample": lambda paths: paths.sample(2),
    "flow": lambda paths: paths.flow().total,
}


@pytest.mark.parametrize("first", QUESTIONS.values(), ids=QUESTIONS)
def test_what_was_refused_once_is_refused_again(first):
    """Sets of paths share derivatives; those that are no numbers are not looked at only once."""
    x = torch.tensor([[0.0], [1.0]])
    with sw.record() as tape:
        score = x.sqrt().sum()
    paths = sw.paths(tape, score, x)
    for ask in (first, *QUESTIONS.values()):
        with pytest.raises(sw.errors.NonFiniteError, match=r"aten\.sqrt"):
            ask(paths)


def test_products_where_few_rows_and_terms_have_paths():
    """The first look takes a few rows and columns; what it sees there must not decide for the others."""
    generator = torch.Generator().manual_seed(3)
    first, second = torch.randn(300, 300, generator=generator), torch.randn(300, 300, generator=generator)
    for kept in (torch.arange(300) % 8 == 0, torch.arange(300) % 8 == 1, torch.arange(300) < 151):
        with sw.record() as tape:
            x = torch.ones(20, 300)
            score = ((x @ first) @ (second * kept))[::3].sum()
        total = (first.double().abs() @ (second * kept).double().abs()).sum(1)
        got = sw.backprop(tape, score, wrt=x, semiring="abs").log_mass
        assert torch.allclose(got[::3].double(), total.log().expand(7, 300), rtol=1e-5)
        assert bool((got[1::3] == float("-inf")).all())
