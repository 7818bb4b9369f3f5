"""Rows that no score reads are not computed, and the score is the same."""

import pytest
import torch
from torch.nn import functional as F

import semiring_widgets as sw
from semiring_widgets.core.precision import full_precision
from semiring_widgets.core.replay import Patch, Program, run, run_batched
from semiring_widgets.core.replay.narrowing import Narrowing

X = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
W = torch.randn(4, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def layer(x):
    heads = x.unflatten(-1, (2, 2)).transpose(1, 2)
    mixed = F.softmax(heads @ heads.transpose(-1, -2), -1) @ heads
    x = x + F.linear(mixed.transpose(1, 2).flatten(2), W)
    return F.layer_norm(x + F.gelu(x @ W), (4,))


def one_row(x):
    return layer(layer(x))[0, 3, 1]


def two_rows(x):
    y = layer(x)
    return y[0, 3, 1] - y[1, -1].sum() + y[0, 2, 0]


def a_slice(x):
    return (layer(x)[:, 1:4:2] * W[0]).sum()


def rows_of_a_product(x):
    return torch.addmm(W[0], x[0] * 2, W).t()[1, 2] + torch.mm(x[1] * 3, W)[4].prod()


def columns(x):
    return ((x * 2) @ W.exp()).unsqueeze(1).expand(2, 3, 5, 4)[0, 2, :, 3].prod()


def reduced_the_same_way(x):
    y = (x * 2).exp()
    return y.sum(-1)[0, 1] + y.mean(0, keepdim=True)[0, 2, 1] + y.amax(-1, keepdim=True)[1, 4, 0]


def reduced_over_the_rows(x):
    return (
        (x * 2).cumsum(1)[0, 3].sum()
        + F.softmax(x * 3, 1)[0, 2, 1]
        + (x.exp() - x.exp().mean(1, True))[0, 1, 1]
    )


def masked(x):
    mask = torch.ones(5, 4).tril().bool()
    return (x * 2).masked_fill(mask, -1.0)[1, 2].prod() + torch.where(x * 2 > 0.3, x.exp(), x * 5)[0, 4].sum()


def permuted(x):
    return (x * 2).permute(2, 0, 1).reshape(4, 10)[:, 7].prod() + (x * 3).transpose(0, 1).reshape(5, 8)[2, 5]


def once_and_whole(x):
    y = x * 2
    return y[0, 1].sum() * y.sin().sum() + y[0, 4].prod()


FUNCTIONS = [
    *(one_row, two_rows, a_slice, rows_of_a_product, columns, reduced_the_same_way, reduced_over_the_rows),
    *(masked, permuted, once_and_whole),
]


@pytest.mark.parametrize("granularity", ["primitive", "operator", "paper"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_the_score_is_the_same(function, granularity):
    x = X.clone()
    with sw.record(granularity) as tape:
        score = function(x)
    program, node = Program(tape, tape.node(score)), tape.first_node(x)
    narrowing = Narrowing.of(program.steps, program.reached({node}), {node, program.score})
    # A norm in one step has three results, and is run whole.
    assert narrowing.stored or function is reduced_over_the_rows or granularity == "operator"
    many = [{node: torch.randn_like(X)} for _ in range(3)]
    many.append({node: Patch(torch.tensor([False, True, False, False, True])[:, None], torch.randn_like(X))})
    with torch.no_grad(), full_precision():
        expected = torch.stack([run(program, one)[program.score] for one in many])
        found = run_batched(program, many)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    whole = torch.stack([function(one[node]) for one in many[:3]])
    torch.testing.assert_close(found[:3], whole, rtol=1e-12, atol=1e-12)


def test_of_the_last_layer_and_the_words_one_row_is_computed():
    x = X[:1].clone()
    words = torch.randn(1000, 4, dtype=torch.float64)
    with sw.record() as tape:
        score = F.linear(layer(x) * 2, words)[0, 3, 7]
    program, node = Program(tape, tape.node(score)), tape.first_node(x)
    narrowing = Narrowing.of(program.steps, program.reached({node}), {node, program.score})
    (logits,) = (n for n in narrowing.stored if n.shape[-1] == 1000 and len(n.shape) == 3)
    assert len(narrowing.stored[logits].places) == 1
    # All but keys and values: those of the linear maps, the norm, and the activation.
    assert len(narrowing.steps) > len(program.steps) * 0.6
