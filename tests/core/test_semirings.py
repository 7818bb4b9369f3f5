"""The laws of a semiring, for every built-in one, and that the fast methods mean what the laws say."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semiring_widgets.core.semirings import (
    Abs,
    Batch,
    Boolean,
    Count,
    Entropy,
    Hops,
    KBest,
    Leaving,
    Max,
    Passing,
    Product,
    Semiring,
    SignedMax,
    Sum,
    Variance,
    Weight,
)  # fmt: skip

SEMIRINGS = [Sum(), Abs(), Max(), SignedMax(), Entropy(), Count(), Boolean(), Variance(), KBest(3), Hops(2),
             Product(Sum(), Entropy(), Max()), Batch(Entropy(), 3), Leaving(Entropy()),
             Passing(Entropy(), 2)]  # fmt: skip
numbers = st.one_of(st.just(0.0), st.floats(-4, 4).filter(lambda v: abs(v) > 1e-3))
ALL = pytest.mark.parametrize("semiring", SEMIRINGS, ids=lambda s: s.name)


def value(semiring, weights):
    """A value that some graph could have: paths of two edges side by side."""
    first, second, third = (semiring.lift(torch.tensor(w, dtype=torch.float64)) for w in weights)
    return semiring.mark(semiring.plus(semiring.times(first, second), third))


def same(semiring, a, b):
    """Equal facts; the mean of *no path* is no fact."""
    for name, fact in semiring.facts(a).items():
        torch.testing.assert_close(fact, semiring.facts(b)[name], rtol=1e-9, atol=1e-9)


triples = st.tuples(numbers, numbers, numbers)


@ALL
@given(triples, triples, triples)
@settings(max_examples=30, deadline=None)
def test_laws(semiring, x, y, z):
    a, b, c = (value(semiring, v) for v in (x, y, z))
    like = torch.zeros((), dtype=torch.float64)
    zero, one = semiring.full(semiring.zero, (), like), semiring.full(semiring.one, (), like)
    plus, times = semiring.plus, semiring.times
    same(semiring, plus(a, b), plus(b, a))
    same(semiring, plus(plus(a, b), c), plus(a, plus(b, c)))
    same(semiring, times(times(a, b), c), times(a, times(b, c)))
    same(semiring, times(plus(a, b), c), plus(times(a, c), times(b, c)))
    same(semiring, plus(a, zero), a)
    same(semiring, times(a, one), a)
    same(semiring, times(a, zero), zero)


EXTREMES = [s for s in SEMIRINGS if "sum" not in s.name]  # of plain numbers, floats lose small terms
extremes = st.one_of(
    st.just(0.0),
    st.tuples(st.sampled_from([-1, 1]), st.integers(-30, 30)).map(lambda at: at[0] * 10.0 ** at[1]),
)
extreme_triples = st.tuples(extremes, extremes, extremes)


@pytest.mark.parametrize("semiring", EXTREMES, ids=lambda s: s.name)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@given(extreme_triples, extreme_triples, extreme_triples)
@settings(max_examples=40, deadline=None)
def test_laws_at_extreme_weights_zeros_and_ties(semiring, dtype, x, y, z):
    a, b, c = (tuple(part.to(dtype) for part in value(semiring, v)) for v in (x, y, z))
    like = torch.zeros((), dtype=dtype)
    zero, one = semiring.full(semiring.zero, (), like), semiring.full(semiring.one, (), like)
    plus, times = semiring.plus, semiring.times
    # Logarithms of up to 500 nats: of their digits float32 keeps seven.
    near = {"rtol": 1e-9, "atol": 1e-9} if dtype == torch.float64 else {"rtol": 1e-5, "atol": 2e-3}
    pairs = [
        (plus(a, b), plus(b, a)),
        (plus(plus(a, b), c), plus(a, plus(b, c))),
        (times(times(a, b), c), times(a, times(b, c))),
        (times(plus(a, b), c), plus(times(a, c), times(b, c))),
        (plus(a, zero), a),
        (times(a, one), a),
        (times(a, zero), zero),
        (plus(plus(a, a), a), semiring.sum(tuple(part.expand(3) for part in a), (0,))),
    ]
    for left, right in pairs:
        left, right = (tuple(part.reshape(()) for part in side) for side in (left, right))
        facts, expected = semiring.facts(left), semiring.facts(right)
        # Where a logarithm is given, too, the number is its exponential: a rounding of it, magnified.
        for name in facts.keys() - {name.removeprefix("log_") for name in facts if name.startswith("log_")}:
            torch.testing.assert_close(facts[name], expected[name], **near)


@pytest.mark.parametrize("semiring", EXTREMES, ids=lambda s: s.name)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("method", ["contract", "sum", "scatter"])
def test_fast_methods_at_extreme_weights(semiring, dtype, method):
    noise = torch.Generator().manual_seed(4)

    def drawn(*shape):
        sizes = 10.0 ** torch.randint(-30, 31, shape, generator=noise).double()
        signs = torch.randint(-1, 2, shape, generator=noise)
        return (sizes * signs).to(dtype)

    left = semiring.plus(semiring.lift(drawn(6, 8)), semiring.mark(semiring.lift(drawn(6, 8))))
    left = tuple(
        part.index_fill(0, torch.tensor([2]), none) for part, none in zip(left, semiring.zero, strict=True)
    )
    flat = tuple(part.reshape(-1) for part in left)
    arguments = {
        "contract": (left, Weight(drawn(8, 7))),
        "sum": (left, (1,)),
        "scatter": (flat, torch.arange(48) % 5, 6),
    }[method]
    fast = semiring.facts(getattr(semiring, method)(*arguments))
    slow = semiring.facts(getattr(Semiring, method)(semiring, *arguments))
    near = {"rtol": 1e-9, "atol": 1e-9} if dtype == torch.float64 else {"rtol": 1e-4, "atol": 1e-3}
    for name, fact in fast.items():
        assert not bool(fact.isnan().any())
        torch.testing.assert_close(fact, slow[name], **near)


@ALL
@pytest.mark.parametrize("method", ["contract", "sum", "scatter", "scale"])
def test_fast_methods_mean_the_generic_ones(semiring, method):
    noise = torch.Generator().manual_seed(3)

    def drawn(*shape):
        values = torch.randn(*shape, generator=noise, dtype=torch.float64)
        return values * (torch.rand(shape, generator=noise) > 0.3)

    left = semiring.times(semiring.lift(drawn(3, 4)), semiring.lift(drawn(3, 4)))
    left = semiring.plus(left, semiring.mark(semiring.lift(drawn(3, 4))))
    flat = tuple(part.reshape(-1) for part in left)
    arguments = {
        "contract": (left, Weight(drawn(4, 5))),
        "sum": (left, (0, 1)),
        "scatter": (flat, torch.tensor([0, 2, 2, 1, 0, 5, 5, 5, 2, 0, 0, 1]), 6),
        "scale": (left, Weight(drawn(3, 4))),
    }[method]
    same(semiring, getattr(semiring, method)(*arguments), getattr(Semiring, method)(semiring, *arguments))
