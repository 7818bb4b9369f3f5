"""What each granularity counts: numbers of paths against closed formulas, and the branch-level rule."""

import math

import pytest
import torch
import transformers
from torch import nn
from torch.nn import functional as F

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.semirings import KBest, Max, Product, SignedMax, Sum

SIZES = [2, 3, 5]


def counted(function, x, granularity):
    """Number of paths from every element of x."""
    with sw.record(granularity=granularity) as tape:
        score = function(x)
    return sw.backprop(tape, score, wrt=x, semiring="count").count.exp()


def drawn(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


# Paths from the element read and from each other one. Softmax: e_i/s directly, and through the sum. A norm
# of n elements: (1 + n) ways into d (or one, if d = x), each then on directly, and through v by its own d.
NORMS = {
    "softmax": lambda x: F.softmax(x, -1),
    "log_softmax": lambda x: F.log_softmax(x, -1),
    "layer_norm": lambda x: F.layer_norm(x, x.shape[-1:]),
    "rms_norm": lambda x: F.rms_norm(x, x.shape[-1:]),
    "group_norm": lambda x: F.group_norm(x, 1),
    "batch_norm": lambda x: F.batch_norm(x.T, None, None, training=True).T,
}


def primitive(name, n):
    """(paths from the element that is read, from another one)."""
    if name in ("softmax", "log_softmax"):
        return 2, 1
    if name == "rms_norm":
        return 2, 1
    # x_j -> d_k: one path, and one more for k = j. d_i is left directly; v is reached from all n of them.
    return 2 + (n + 1), 1 + (n + 1)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", NORMS)
def test_primitive(name, n):
    x = drawn(2, n)
    found = counted(lambda x: NORMS[name](x)[1, 0], x, "primitive")
    own, other = primitive(name, n)
    expected = torch.tensor([[0.0] * n, [own] + [other] * (n - 1)], dtype=torch.float64)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "layer_norm", "rms_norm"])
def test_operator_is_one_step(name, n):
    found = counted(lambda x: NORMS[name](x)[1, 0], drawn(2, n), "operator")
    torch.testing.assert_close(found, torch.tensor([[0.0] * n, [1.0] * n], dtype=torch.float64))


@pytest.mark.parametrize("n", SIZES)
def test_paper_layer_norm_has_3n_plus_1_paths(n):
    found = counted(lambda x: F.layer_norm(x, (n,))[0, 0], drawn(1, n), "paper")
    assert float(found.sum()) == pytest.approx(3 * n + 1)
    # The element itself, its mean twice (subtracted, and squared in the variance), its square.
    assert float(found[0, 0]) == pytest.approx(4)
    torch.testing.assert_close(found[0, 1:], torch.full((n - 1,), 3.0, dtype=torch.float64))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", ["layer_norm", "group_norm", "batch_norm"])
def test_every_norm_of_the_paper_has_the_variance_of_squares(name, n):
    found = counted(lambda x: NORMS[name](x)[1, 0], drawn(2, n), "paper")
    expected = torch.tensor([[0.0] * n, [4.0] + [3.0] * (n - 1)], dtype=torch.float64)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", NORMS)
def test_granularities_give_the_same_numbers(name):
    x = drawn(3, 4)
    leaf = x.clone().requires_grad_()
    value = (NORMS[name](leaf) * drawn(3, 4)).sum()
    (gradient,) = torch.autograd.grad(value, leaf)
    for granularity in ("primitive", "operator", "paper"):
        with sw.record(granularity=granularity) as tape:
            score = (NORMS[name](x) * drawn(3, 4)).sum()
        torch.testing.assert_close(score, value.detach())
        torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, gradient)


@pytest.mark.parametrize("granularity", ["primitive", "operator", "paper"])
def test_the_kind_of_attention_does_not_matter(granularity):
    """A fused attention calls another softmax than an eager one; both are cut alike."""
    torch.manual_seed(0)
    x, mask = drawn(1, 5, 16), torch.tensor([[1, 1, 1, 1, 0]])
    facts = []
    for attention in ("eager", "sdpa"):
        config = transformers.BertConfig(
            vocab_size=20, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
        )
        config._attn_implementation = attention
        torch.manual_seed(1)
        model = transformers.BertForMaskedLM(config).eval().double()
        with sw.record(granularity=granularity) as tape:
            score = model(inputs_embeds=x, attention_mask=mask).logits[0, 1, 3]
        facts.append([sw.backprop(tape, score, wrt=x, semiring=name).parts for name in ("count", "entropy")])
    torch.testing.assert_close(*facts)


def test_paper_softmax_of_masked_rows():
    x = drawn(3, 3)
    mask = torch.tensor([[False, False, True], [True, True, True], [False, False, False]])

    def attended(x):
        scores = x.masked_fill(mask, -math.inf)
        return (torch.ops.aten._safe_softmax(scores, -1) * drawn(3, 3)).sum()

    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(attended(leaf), leaf)
    with sw.record(granularity="paper") as tape:
        score = attended(x)
        empty = torch.logsumexp(torch.full((2,), -math.inf), 0)
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, gradient)
    assert float(empty) == -math.inf
    assert bool(sw.backprop(tape, score, wrt=x, semiring="entropy").log_mass[1].isneginf().all())


@pytest.mark.parametrize("n", SIZES)
def test_paper_softmax_keeps_the_path_through_the_maximum(n):
    x = drawn(1, n)
    found = counted(lambda x: F.softmax(x, -1)[0, 0], x, "paper")[0]
    # exp(x_0 - (top + log sum exp(x - top))): x_j in the sum; the largest is also in top, once by itself
    # and once for each of the n terms it is subtracted from.
    expected = torch.ones(n, dtype=torch.float64)
    expected[0] += 1
    expected[x[0].argmax()] += 1 + n
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("granularity", ["primitive", "operator", "paper"])
def test_activations_and_parallel_edges_are_one_step(granularity):
    x = drawn(3)
    for function in (F.gelu, F.silu, torch.tanh, lambda x: x * x, lambda x: x + x, torch.square):
        found = counted(lambda x, f=function: f(x).sum(), x, granularity)
        torch.testing.assert_close(found, torch.ones_like(x))


def test_the_shift_of_softmax_is_a_constant():
    """With the shift on a path, the largest element would have more paths than the others."""
    x = torch.tensor([[0.0, 9.0, -3.0]], dtype=torch.float64)
    found = counted(lambda x: F.softmax(x, -1)[0, 2], x, "primitive")[0]
    assert found.tolist() == pytest.approx([1, 1, 2])


class Block(nn.Module):
    """One attention and one feed-forward part, all of ordinary modules."""

    def __init__(self, width):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x):
        mix = torch.tanh(self.q(x) @ self.k(x).mT) @ self.v(x)
        h = x + mix
        return h + self.down(torch.tanh(self.up(h)))


def by_branch(parts, top):
    """The rule: linear inside a consumer, then max and min over the consumers of a tensor.

    ``parts``: functions of the tensor, one per consumer, each with the pair (highest, lowest) that arrives.
    """
    pairs = [(pull(high), pull(low)) for pull, (high, low) in zip(parts, top, strict=True)]
    highs = [torch.maximum(p, q) for p, q in pairs]
    lows = [torch.minimum(p, q) for p, q in pairs]
    return torch.stack(highs).amax(0), torch.stack(lows).amin(0)


def linear(function, at):
    """The ordinary backward of a function at a point, as a function of the cotangent."""
    leaf = at.detach().clone().requires_grad_()
    out = function(leaf)
    return lambda cotangent: torch.autograd.grad(out, leaf, cotangent, retain_graph=True)[0]


def emulated(block, x, seed):
    """Highest and lowest by hand, for one block: tensors with several consumers are h and x."""
    q, k, v = block.q(x), block.k(x), block.v(x)
    raw = q @ k.mT
    weights = torch.tanh(raw)
    h = x + weights @ v
    seed_pair = (seed, seed)
    at_h = by_branch(
        [lambda c: c, linear(lambda h: block.down(torch.tanh(block.up(h))), h)], [seed_pair, seed_pair]
    )
    # The mixture feeds one consumer (the addition) and passes the pair on to its two operands.
    one = lambda function, at, pair: by_branch([linear(function, at)], [pair])  # noqa: E731
    at_v = one(lambda v: weights @ v, v, at_h)
    at_raw = one(torch.tanh, raw, one(lambda w: w @ v, weights, at_h))
    at_q, at_k = one(lambda q: q @ k.mT, q, at_raw), one(lambda k: q @ k.mT, k, at_raw)
    return by_branch(
        [lambda c: c, linear(block.q, x), linear(block.k, x), linear(block.v, x)], [at_h, at_q, at_k, at_v]
    )


@pytest.mark.parametrize("seed", range(4))
def test_branch_level_follows_the_rule(seed):
    torch.manual_seed(seed)
    block = Block(4).double()
    x = torch.randn(3, 4, dtype=torch.float64)
    reads = torch.randn(3, 4, dtype=torch.float64)
    with sw.record(granularity="paper") as tape:
        score = (block(x) * reads).sum()
    high, low = emulated(block, x, reads)
    found = sw.backprop(tape, score, wrt=x, semiring="signed_max", level="branch")
    torch.testing.assert_close(found.most_positive, high.detach(), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(found.most_negative, low.detach(), rtol=1e-12, atol=1e-14)
    best = sw.backprop(tape, score, wrt=x, semiring="max", level="branch")
    larger = torch.where(high.abs() >= low.abs(), high, low).detach()
    torch.testing.assert_close(best.log_weight.exp() * best.sign, larger, rtol=1e-12, atol=1e-14)


def test_branch_level_without_branches_is_the_gradient():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1)).double()
    x = torch.randn(1, 4, dtype=torch.float64)
    with sw.record() as tape:
        score = net(x)[0, 0]
    found = sw.backprop(tape, score, wrt=x, semiring="signed_max", level="branch")
    gradient = sw.backprop(tape, score, wrt=x).value
    torch.testing.assert_close(found.most_positive, gradient)
    torch.testing.assert_close(found.most_negative, gradient)
    assert math.isfinite(float(found.most_positive.sum()))


def test_branch_level_of_products_and_objects():
    torch.manual_seed(0)
    block = Block(4).double()
    x = torch.randn(3, 4, dtype=torch.float64)
    with sw.record() as tape:
        score = block(x).sum()

    def asked(semiring):
        return sw.backprop(tape, score, wrt=x, semiring=semiring, level="branch")

    branch = asked("max").log_weight
    assert not torch.equal(branch, sw.backprop(tape, score, wrt=x, semiring="max").log_weight)
    assert torch.equal(asked("fused").log_weight, branch)
    assert torch.equal(asked(Max()).log_weight, branch)
    several = asked(Product(Sum(), Product(SignedMax(), Max())))
    assert torch.equal(several.factors[1].factors[1].log_weight, branch)
    assert torch.equal(several.most_positive, asked("signed_max").most_positive)
    assert torch.equal(several.value, sw.backprop(tape, score, wrt=x).value)
    with pytest.raises(InputError, match="k best paths are scalar paths"):
        asked(KBest(3))


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_updates_its_buffers_and_gives_the_gradient(training):
    layer = nn.BatchNorm2d(3).double().train(training)
    twin = nn.BatchNorm2d(3).double().train(training)
    x = drawn(2, 3, 2, 2)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad((twin(leaf) ** 3).sum(), leaf)
    with sw.record() as tape:
        score = (layer(x) ** 3).sum()
    torch.testing.assert_close(sw.backprop(tape, score, wrt=x).value, gradient)
    torch.testing.assert_close(layer.running_mean, twin.running_mean)
    torch.testing.assert_close(layer.running_var, twin.running_var)
