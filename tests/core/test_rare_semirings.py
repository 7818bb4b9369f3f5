"""Many best paths with ties, numbers of hops, and products within products, against all paths one by one."""

import math

import pytest
import torch
from torch import nn

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.semirings import (
    Abs,
    Boolean,
    Count,
    Entropy,
    KBest,
    Max,
    Product,
    SignedMax,
    Sum,
    Variance,
)
from tests.core.oracle import all_paths, jacobians
from tests.core.test_exact import FUNCTIONS, X

NONE = -math.inf


def recorded(function, x=X):
    with sw.record() as tape:
        score = function(x)
    return tape, score, x


def tied(x):
    w = torch.tensor([[1.0, -1.0, 2.0], [0.5, 1.0, -1.0]], dtype=x.dtype)
    return (torch.relu(x @ w) @ w.mT + x).sum() + (x * 2).sum()


def all_equal(x):
    return (x @ torch.ones(2, 3, dtype=x.dtype) @ torch.ones(3, 2, dtype=x.dtype) - x).sum()


def best(weights, k):
    sizes = sorted((math.log(abs(weight)) for weight in weights), reverse=True)[:k]
    return sizes + [NONE] * (k - len(sizes))


@pytest.mark.parametrize("k", [1, 2, 7, 40, 300])
@pytest.mark.parametrize("function", [tied, all_equal, *FUNCTIONS], ids=lambda f: f.__name__)
def test_the_k_best_paths_with_ties_and_with_fewer_than_k(function, k):
    tape, score, x = recorded(function)
    paths = all_paths(tape, score, x)
    result = sw.backprop(tape, score, wrt=x, semiring=KBest(k))
    listed = result.log_weights.reshape(-1, k)
    for element, weights in paths.items():
        assert listed[element].tolist() == pytest.approx(best(weights, k), abs=1e-9)
    everything = [weight for weights in paths.values() for weight in weights]
    assert result.reduce().log_weights.tolist() == pytest.approx(best(everything, k), abs=1e-9)
    found = sw.top_paths(tape, score, wrt=x, k=k)
    assert len(found) == min(k, len(everything))
    assert len({(path.start, tuple((s.op, s.index) for s in path.steps)) for path in found}) == len(found)
    expected = [size for size in best(everything, k) if size > NONE]
    assert [path.log_weight for path in found] == pytest.approx(expected, abs=1e-6)


def test_the_programs_do_have_ties():
    for function in (tied, all_equal):
        weights = [abs(w) for ws in all_paths(*recorded(function)).values() for w in ws]
        assert max(map(weights.count, weights)) > 5


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(2, 2, bias=False) for _ in range(4))

    def forward(self, x):
        q, k, v = (p(x).view(1, -1, 1, 2).transpose(1, 2) for p in (self.q, self.k, self.v))
        mixed = torch.softmax(q @ k.mT, -1) @ v
        return x + self.o(mixed.transpose(1, 2).reshape(x.shape))


class Thinks(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(2, 3), nn.Linear(3, 2)

    def forward(self, x):
        return x + self.down(torch.tanh(self.up(x)))


KINDS = ("attention", "mlp", "skip")


def hops_of_all_paths(tape, score, x):
    """{element: {kind: [sum of |weight| by number of hops]}}; each module adds what it made to the stream."""
    ahead = {}
    for op in tape.ops:
        joins = op.name == "aten.add.Tensor" and op.scope.module in {"0", "1", "2"}
        for source, target, matrix in jacobians(op):
            kind = None
            if joins:
                branch = "mlp" if op.scope.module == "1" else "attention"
                kind = KINDS.index("skip" if source is op.args[0] else branch)
            ahead.setdefault(source, []).append((target, matrix.tolist(), kind))
    end, begin = tape.node(score), tape.first_node(x)

    def follow(node, element, weight, hops, found):
        if node is end:
            for own, count in zip(found, hops, strict=True):
                own.setdefault(count, []).append(abs(weight))
            return
        for target, matrix, kind in ahead.get(node, ()):
            passed = hops if kind is None else tuple(n + (i == kind) for i, n in enumerate(hops))
            for reached, derivative in enumerate(matrix[element]):
                if derivative != 0:
                    follow(target, reached, weight * derivative, passed, found)

    everything = {}
    for element in range(x.numel()):
        found = [{}, {}, {}]
        follow(begin, element, 1.0, (0, 0, 0), found)
        sums = [[math.fsum(own.get(count, ())) for count in range(4)] for own in found]
        everything[element] = dict(zip(KINDS, sums, strict=True))
    return everything


@pytest.fixture(scope="module")
def layered():
    torch.manual_seed(3)
    net = nn.Sequential(Attends(), Thinks(), Attends()).double()
    x = torch.randn(1, 2, 2, dtype=torch.float64)
    with sw.record() as tape:
        score = net(x)[0, 1, 0] * 1.0
    return (tape, score, x), hops_of_all_paths(tape, score, x)


@pytest.mark.parametrize(("of", "most"), [("attention", 2), ("mlp", 1), ("skip", 3)])
def test_path_lengths_are_the_hops_of_all_paths(layered, of, most):
    question, paths = layered
    (result,) = sw.path_lengths(*question, of)
    masses, lengths = result.log_masses.reshape(4, -1), result.length.reshape(-1)
    whole = [0.0] * (most + 1)
    for element, found in paths.items():
        sizes, longer = found[of][: most + 1], found[of][most + 1 :]
        assert not any(longer)
        assert math.fsum(sizes) == pytest.approx(math.fsum(found["skip"]))
        expected = [math.log(size) if size else NONE for size in sizes]
        assert masses[element].tolist() == pytest.approx(expected, abs=1e-9)
        mean = math.fsum(count * size for count, size in enumerate(sizes)) / math.fsum(sizes)
        assert float(lengths[element]) == pytest.approx(mean, abs=1e-9)
        whole = [a + b for a, b in zip(whole, sizes, strict=True)]
    together = result.reduce()
    expected = [math.log(size) if size else NONE for size in whole]
    assert together.log_masses.tolist() == pytest.approx(expected, abs=1e-9)
    mean = math.fsum(count * size for count, size in enumerate(whole)) / math.fsum(whole)
    assert float(together.length) == pytest.approx(mean, abs=1e-9)


def expected_of(weights):
    """Every fact about some paths, by name of the semiring."""
    sizes = [abs(weight) for weight in weights]
    mass = math.fsum(sizes)
    shares = [size / mass for size in sizes]
    entropy = -math.fsum(p * math.log(p) for p in shares)
    mean = math.fsum(p * math.log(size) for p, size in zip(shares, sizes, strict=True))
    spread = math.fsum(p * (math.log(size) - mean) ** 2 for p, size in zip(shares, sizes, strict=True))
    log_mass = math.log(mass) if mass else NONE
    return {
        "sum": {"value": math.fsum(weights)},
        "abs": {"log_mass": log_mass},
        "max": {"log_weight": math.log(max(sizes)) if sizes else NONE},
        "signed_max": {"most_positive": max(0.0, *weights, 0.0), "most_negative": min(0.0, *weights, 0.0)},
        "entropy": {"log_mass": log_mass, "entropy": entropy},
        "variance": {"log_mass": log_mass, "entropy": entropy, "variance": spread},
        "count": {"count": math.log(len(sizes)) if sizes else NONE},
        "boolean": {"reachable": bool(sizes)},
        "3-best": {"log_weights": best(weights, 3)},
    }


NESTED = [
    Product(Product(Max(), KBest(3)), Product(Entropy(), Product(Abs(), Variance())), Sum()),
    Product(Product(Product(Product(SignedMax()))), Abs(), Entropy()),
    Product(Abs(), Product(Abs(), Entropy()), Product(Count(), Product(Boolean(), Abs()))),
]


def leaves(result):
    if isinstance(result.semiring, Product):
        for factor in result.factors:
            yield from leaves(factor)
    else:
        yield result


@pytest.mark.parametrize("semiring", NESTED, ids=repr)
@pytest.mark.parametrize("function", [tied, *FUNCTIONS], ids=lambda f: f.__name__)
def test_products_within_products(function, semiring):
    tape, score, x = recorded(function)
    paths = all_paths(tape, score, x)
    result = sw.backprop(tape, score, wrt=x, semiring=semiring)
    everything = [weight for weights in paths.values() for weight in weights]
    names = []
    for single, together in zip(leaves(result), leaves(result.reduce()), strict=True):
        name = single.semiring.name
        names.append(name)
        for element, weights in paths.items():
            for fact, expected in expected_of(weights)[name].items():
                found = single.facts[fact].reshape(x.numel(), -1)[element].squeeze().tolist()
                assert found == pytest.approx(expected, rel=1e-7, abs=1e-9)
        for fact, expected in expected_of(everything)[name].items():
            assert together.facts[fact].tolist() == pytest.approx(expected, rel=1e-7, abs=1e-9)
    assert all(name in repr(semiring).lower() or name in ("signed_max", "3-best") for name in names)
    with pytest.raises(InputError, match="holds several numbers"):
        semiring.readout(result.parts)
