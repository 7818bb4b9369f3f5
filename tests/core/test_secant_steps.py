"""Finite differences of single operators: exact, whatever these do between the two ends."""

import pytest
import torch
from torch.nn import functional

import semiring_widgets as sw
from semiring_widgets.errors import NonFiniteError, UnsupportedOpError

A = torch.tensor([[0.3, -1.2, 2.0, 0.7], [1.1, 0.4, -0.6, 2.5]], dtype=torch.float64)
# Shares an element, and takes other maxima.
B = torch.tensor([[0.9, -1.2, -0.5, 1.4], [0.2, 2.4, 0.1, -0.3]], dtype=torch.float64)
WEIGHT = torch.tensor([[1.0, -2.0, 0.5, 3.0], [0.2, 0.1, -1.0, 2.0]], dtype=torch.float64)

STEPS = {
    "activation": functional.gelu,
    "kink": lambda x: x.relu() + x.clamp(-0.5, 0.8) + x.abs(),
    "steps": lambda x: x.round() + x.sign(),
    "product": lambda x: x[0] * x[1],
    "square": lambda x: x * x,
    "product of three": lambda x: torch.addcmul(x[0], x[1], x[0].tanh(), value=2),
    "matrix product": lambda x: x @ x.exp().mT,
    "convolution": lambda x: functional.conv1d(x[None], x.sigmoid()[None, :, :2]),
    "quotient": lambda x: x[0] / (1 + x[1].square()),
    "reciprocal": lambda x: 1 / (x.square() + 1),
    "power": lambda x: (x.square() + 0.1) ** -0.5,
    "interpolation": lambda x: torch.lerp(x[0], x[1], x[0].sigmoid()),
    "angle": lambda x: torch.atan2(x[0], x[1]),
    "larger of two": lambda x: torch.maximum(x[0], x[1]),
    "maximum of a row": lambda x: x.amax(-1),
    "minimum of a column": lambda x: x.min(0).values,
    "maximum of all": lambda x: x.max(),
    "max pooling": lambda x: functional.max_pool2d(x[None, None], 2),
    "variance": lambda x: x.var(-1),
    "deviation": lambda x: x.std(-1),
    "length": lambda x: torch.linalg.vector_norm(x, dim=-1),
    "cosine": lambda x: functional.normalize(x, dim=-1)[0] * x[1],
    "softmax": lambda x: torch.softmax(x, -1),
    "log-softmax": lambda x: torch.log_softmax(x, -1),
    "logsumexp": lambda x: torch.logsumexp(x, -1),
    "layer norm": lambda x: functional.layer_norm(x, (4,)),
    "group norm": lambda x: functional.group_norm(x[None], 1),
    "gated linear unit": lambda x: functional.glu(x, -1),
    "leaky": lambda x: functional.prelu(x, torch.tensor([0.1], dtype=x.dtype)),
}


def total(x, reference, step, rules="secant"):
    with sw.record() as tape:
        made = step(x)
        score = (made * torch.arange(1, made.numel() + 1).reshape(made.shape)).sum()
    slopes = sw.backprop(tape, score, x, rules=rules, reference=reference).value
    with sw.record():
        other = step(reference)
    change = (made - other) * torch.arange(1, made.numel() + 1).reshape(made.shape)
    return float((slopes * (x - reference)).sum()), float(change.sum())


@pytest.mark.parametrize("name", STEPS)
def test_slopes_times_differences_are_the_difference(name):
    found, expected = total(A, B, STEPS[name])
    assert expected != 0
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", STEPS)
def test_a_reference_next_to_the_text_gives_the_gradient(name):
    with sw.record() as tape:
        score = (STEPS[name](A)).sum()
    gradient = sw.backprop(tape, score, A).value
    for reference in (A.clone(), A + 1e-6 * B):
        slopes = sw.backprop(tape, score, A, rules="secant", reference=reference).value
        torch.testing.assert_close(slopes, gradient, rtol=1e-5, atol=1e-5)


def test_of_a_product_the_mean_of_the_other_factor():
    with sw.record() as tape:
        score = (A[0] * A[1]).sum()
    slopes = sw.backprop(tape, score, A, rules="secant", reference=B).value
    torch.testing.assert_close(slopes, (A.flip(0) + B.flip(0)) / 2)


def test_of_a_maximum_a_mean_of_what_is_taken_in_the_two():
    x, reference = torch.tensor([3.0, 1.0, 0.0]), torch.tensor([0.0, 2.0, 0.0])
    with sw.record() as tape:
        score = x.amax()
    # 3 - 2 = share * (3 - 0) + (1 - share) * (1 - 2)
    slopes = sw.backprop(tape, score, x, rules="secant", reference=reference).value
    assert slopes.tolist() == [0.5, 0.5, 0.0]


def test_single_precision_differences_have_the_digits_of_double_precision():
    x = torch.full((3,), 1.0)
    with sw.record() as tape:
        score = x.exp().sum()
    reference = x + torch.tensor([1e-7, 1e-6, 0.0])
    slopes = sw.backprop(tape, score, x, rules="secant", reference=reference).value
    torch.testing.assert_close(slopes, x.exp(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_rounds_and_its_slopes_know(dtype):
    x, reference = A.to(dtype), B.to(dtype)

    def step(x):
        return functional.gelu(x * x.sigmoid() + 1).mean(-1)

    found, expected = total(x, reference, step)
    assert found == pytest.approx(expected, rel=4e-3)


def test_a_complex_step_is_refused():
    with sw.record() as tape:
        score = torch.view_as_complex(A.reshape(2, 2, 2)).abs().sum()
    with pytest.raises(UnsupportedOpError, match=r"aten.abs.default .* rules='secant'"):
        sw.backprop(tape, score, A, rules="secant", reference=B)


def test_another_order_is_refused():
    with sw.record() as tape:
        score = (A.sort(-1).values * WEIGHT).sum()
    with pytest.raises(UnsupportedOpError, match="under the reference it takes other elements"):
        sw.backprop(tape, score, A, rules="secant", reference=B)
    same = sw.backprop(tape, score, A, rules="secant", reference=A * 2).value
    torch.testing.assert_close(same, sw.backprop(tape, score, A).value)


@pytest.mark.parametrize("offset", [-500.0, 500.0])
def test_logits_too_far_from_those_of_the_reference(offset):
    x = torch.tensor([0.0, 1.0])
    with sw.record() as tape:
        score = torch.softmax(x, 0)[0]
    with pytest.raises(NonFiniteError, match="record in float64, or take a nearer reference"):
        sw.backprop(tape, score, x, rules="secant", reference=x + offset)


@pytest.mark.parametrize("softmax", [torch.softmax, torch.log_softmax])
@pytest.mark.parametrize("offset", [-300.0, -40.0, 40.0, 300.0])
def test_softmax_is_exact_however_far_the_logits_lie_apart(softmax, offset):
    reference = B.clone()
    reference[0] += offset
    reference[1, 2] += offset

    def weights(x):
        return softmax(x, -1) * WEIGHT

    found, expected = total(A, reference, weights)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)
