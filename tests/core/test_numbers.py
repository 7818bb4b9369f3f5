"""Numbers at their limits: deep models, huge and tiny weights, exact zeros, masks, ties, narrow dtypes."""

import math

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.errors import InputError, MemoryLimitError, NonFiniteError
from semiring_widgets.semirings import KBest
from tests.core.test_models import bert, gpt2, recorded

TOLERANCE = 1e-4  # relative, of log mass and entropy in float32 against float64


def scaled(layers, width, low, high):
    """Matrices whose entries are spread over powers of ten, some of them exactly 0."""
    noise = torch.Generator().manual_seed(0)
    shape = (layers, width, width)
    sizes = 10 ** (low + (high - low) * torch.rand(shape, generator=noise, dtype=torch.float64))
    signs = torch.sign(torch.randn(shape, generator=noise, dtype=torch.float64))
    return sizes * signs * (torch.rand(shape, generator=noise) >= 0.2)


def logarithms(weights, reads):
    """Log mass, best log weight, entropy and variance at every input of a chain, by explicit log matrices."""
    mass = best = reads.abs().log()
    entropy, variance = torch.zeros_like(mass), torch.zeros_like(mass)
    for weight in weights.flip(0):
        log = weight.abs().log()
        terms = log + mass
        best = (log + best).amax(-1)
        mass = torch.logsumexp(terms, -1)
        own = terms - mass[:, None]
        p = own.exp()
        mean = torch.where(p > 0, own - entropy, 0.0)  # of log weight, relative to the mass
        entropy = -(p * mean).sum(-1)
        off = torch.where(p > 0, mean + entropy[:, None], 0.0)
        variance = (p * (variance + off * off)).sum(-1)
    return mass, best, entropy, variance


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("low", "high"), [(-30, 30), (-30, -28), (28, 30), (-1, 1)])
def test_a_chain_of_96_layers(low, high, dtype):
    weights = scaled(96, 6, low, high).to(dtype)
    reads = torch.tensor([1.0, -2.0, 0.5, 0.0, 3.0, -0.25], dtype=dtype)
    x = torch.zeros(1, 6, dtype=dtype)  # the values stay 0, so that only the derivatives are extreme
    with sw.record() as tape:
        h = x
        for weight in weights:
            h = h @ weight
        score = (h * reads).sum()
    mass, best, entropy, variance = logarithms(weights.double(), reads.double())
    narrow = dtype == torch.float32
    exact = {"rtol": 2e-6 if narrow else 1e-12, "atol": 0}
    near = {"rtol": TOLERANCE if narrow else 1e-9, "atol": 1e-5 if narrow else 1e-9}
    found = sw.backprop(tape, score, wrt=x, semiring="entropy")
    torch.testing.assert_close(found.log_mass[0].double(), mass, **exact)
    torch.testing.assert_close(found.entropy[0].double(), entropy, **near)
    for semiring in ("abs", "variance"):
        other = sw.backprop(tape, score, wrt=x, semiring=semiring)
        torch.testing.assert_close(other.log_mass[0].double(), mass, **exact)
    torch.testing.assert_close(other.entropy[0].double(), entropy, **near)
    torch.testing.assert_close(other.variance[0].double(), variance, **near)
    for semiring in ("max", "signed_max", KBest(3)):
        other = sw.backprop(tape, score, wrt=x, semiring=semiring)
        torch.testing.assert_close(other.log_weight[0].double(), best, **exact)


@pytest.mark.parametrize("family", [bert, gpt2])
def test_float32_is_float64_within_tolerance(family):
    narrow = recorded(family)
    wide = recorded(family, dtype=torch.float64)
    for semiring in ("abs", "entropy", "variance", "max"):
        few, many = (sw.backprop(*case[:3], semiring=semiring) for case in (narrow, wide))
        for name in few.facts:
            torch.testing.assert_close(few.facts[name].double(), many.facts[name], rtol=TOLERANCE, atol=1e-4)


def test_few_digits_in_float32_are_many_in_float64():
    """A second sweep, which has to fit into the memory, too."""
    weights = scaled(96, 6, 20, 30).float()
    x = torch.zeros(1, 6)
    with sw.record() as tape:
        h = x
        for weight in weights:
            h = h @ weight
        score = h.sum()
    mass, _, entropy, _ = logarithms(weights.double(), torch.ones(6, dtype=torch.float64))
    for semiring in ("entropy", "fused"):
        found = sw.backprop(tape, score, wrt=x, semiring=semiring)
        torch.testing.assert_close(found.entropy[0].double(), entropy, rtol=1e-9, atol=1e-9)
    assert float(mass.min()) > 1000
    needed = sw.estimate_memory(tape, score, x, "entropy")
    with pytest.raises(MemoryLimitError):
        sw.backprop(tape, score, wrt=x, semiring="entropy", max_memory=needed)


@pytest.mark.slow
def test_96_layers_of_a_model():
    narrow = recorded(bert, num_hidden_layers=96)
    wide = recorded(bert, dtype=torch.float64, num_hidden_layers=96)
    few, many = (sw.backprop(*case[:3], semiring="variance") for case in (narrow, wide))
    assert float(many.log_mass.min()) > 100
    for name in ("log_mass", "entropy"):
        torch.testing.assert_close(few.facts[name].double(), many.facts[name], rtol=TOLERANCE, atol=0)
    torch.testing.assert_close(few.variance.double(), many.variance, rtol=5 * TOLERANCE, atol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("family", [bert, gpt2])
def test_half_precision_models(family, dtype):
    """Derivatives are taken at the half-precision activations, so they are those of the model as it ran."""
    tape, score, x, call = recorded(family, dtype=dtype)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(call(leaf).float(), leaf)
    found = sw.backprop(tape, score, wrt=x)
    assert found.value.dtype == dtype
    scale = float(gradient.abs().max())
    torch.testing.assert_close(found.value / scale, gradient / scale, rtol=0, atol=0.05)
    exact = sw.backprop(*recorded(family, dtype=torch.float64)[:3], semiring="entropy").reduce()
    entropy = sw.backprop(tape, score, wrt=x, semiring="entropy").reduce()
    assert float(entropy.entropy) == pytest.approx(float(exact.entropy), rel=0.01)
    assert float(entropy.log_mass) == pytest.approx(float(exact.log_mass), rel=0.01)


def test_zeros_masks_and_ties():
    x = torch.tensor([[0.0, 0.0, 1.0, 1.0]], dtype=torch.float64)
    masked = torch.tensor([[True, False, False, False]])
    with sw.record() as tape:
        p = torch.softmax(x.masked_fill(masked, -math.inf), -1)
        score = (p * torch.tensor([5.0, 0.0, 2.0, 2.0])).sum()
    for semiring in ("abs", "entropy", "max", "signed_max", "count", "variance", KBest(2), "fused"):
        for fact in sw.backprop(tape, score, wrt=x, semiring=semiring).facts.values():
            assert not bool(fact.isnan().any())
    best = sw.backprop(tape, score, wrt=x, semiring=KBest(2)).log_weights[0]
    assert bool(best[0].isneginf().all())
    torch.testing.assert_close(best[2], best[3])
    assert float(sw.backprop(tape, score, wrt=x, semiring="count").count[0, 0]) == -math.inf


def test_an_entropy_of_equal_paths_is_the_logarithm_of_their_number():
    x = torch.zeros(1, 8)
    with sw.record() as tape:
        score = (x @ torch.ones(8, 8) @ torch.ones(8, 8)).sum()
    result = sw.backprop(tape, score, wrt=x, semiring="entropy").reduce()
    assert float(result.entropy) == pytest.approx(math.log(8**3), rel=1e-6)


def grown(dtype, factor, steps):
    x = torch.zeros(2, dtype=dtype)
    with sw.record() as tape:
        h = x
        for _ in range(steps):
            h = h * factor
        score = h.sum()
    return tape, score, x


def test_weights_that_float32_does_not_have():
    result = sw.backprop(*grown(torch.float32, -1e10, 5), semiring="signed_max")
    assert result.most_negative.dtype == torch.float64
    assert result.most_negative.tolist() == pytest.approx([-1e50] * 2, rel=1e-4)
    assert result.most_positive.tolist() == [0, 0]
    assert result.log_most_negative.tolist() == pytest.approx([50 * math.log(10)] * 2)
    assert bool(result.log_most_positive.isneginf().all())
    assert sw.backprop(*grown(torch.float32, -1e10, 5)).value.tolist() == [-math.inf] * 2  # as autograd


def test_weights_that_float64_does_not_have():
    result = sw.backprop(*grown(torch.float64, 1e100, 5), semiring="signed_max")
    with pytest.raises(NonFiniteError, match=r"read \.log_most_positive"):
        _ = result.most_positive
    assert result.log_most_positive.tolist() == pytest.approx([500 * math.log(10)] * 2)


def test_reduce():
    x = torch.randn(2, 3, 4, dtype=torch.float64)
    with sw.record() as tape:
        score = (x.sin() * x).sum()
    for semiring in ("sum", "abs", "max", "signed_max", "entropy", "count", "fused", KBest(2)):
        result = sw.backprop(tape, score, wrt=x, semiring=semiring)
        for name, fact in result.reduce().facts.items():
            torch.testing.assert_close(fact, result.reduce((0, -1, 1)).facts[name])
            torch.testing.assert_close(fact, result.reduce(-1).reduce(0).reduce(0).facts[name])
        assert result.reduce([]).parts[0].shape == x.shape
    best = sw.backprop(tape, score, wrt=x, semiring="max")
    place = int(best.log_weight.argmax())
    assert float(best.reduce().sign) == float(best.sign.flatten()[place])
    with pytest.raises(InputError, match=r"dims is 3; the result has shape \[2, 3, 4\]"):
        best.reduce(3)
    with pytest.raises(InputError, match="no dimension left"):
        best.reduce().reduce(0)


def test_a_fact_of_another_semiring_is_a_sentence():
    result = sw.backprop(*grown(torch.float32, 2.0, 2), semiring="max")
    for name in ("log_mass", "entropy", "value", "most_positive", "log_weights"):
        with pytest.raises(
            AttributeError, match=f"max semiring does not give '{name}'. It gives: log_weight"
        ):
            getattr(result, name)
