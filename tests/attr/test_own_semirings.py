"""A user's semiring as an attribution: in Captum's classes and in a comparison."""

import numpy as np
import pytest
import torch
from captum.attr import NoiseTunnel

import semiring_widgets as sw
from semiring_widgets.attr import LayerSemiringGradient, SemiringGradient
from semiring_widgets.errors import InputError
from semiring_widgets.semirings import Abs, KBest, Max, Product, Sum, Variance
from tests.own_semirings import Bottleneck, Collision


def test_inputs_and_layers(mlp, x):
    """Against the list of all paths: input, hidden unit, output."""
    found = SemiringGradient(mlp, semiring=Bottleneck()).attribute(x, target=1)
    layer = LayerSemiringGradient(mlp, mlp.act, semiring=Bottleneck()).attribute(x, target=1)
    torch.testing.assert_close(layer, mlp.second.weight[1].abs().detach().expand(2, -1))
    for row, example in enumerate(x):
        on = mlp.first(example) > 0
        # relu's derivative is an edge of weight 1 on every path.
        widths = torch.minimum(mlp.first.weight.abs(), mlp.second.weight[1].abs()[:, None]).clamp(max=1)
        expected = (widths * on[:, None]).amax(0).detach()
        torch.testing.assert_close(found[row], expected)
    spread = SemiringGradient(mlp, semiring=Collision(), aggregate=True).attribute(x, target=1)
    weights = mlp.path_weights(x[0], 1).detach()
    expected = 2 * weights.abs().sum().log() - weights.square().sum().log()
    torch.testing.assert_close(spread[0], torch.tensor([float(expected), 0, 0, 0], dtype=x.dtype))


def test_a_noise_tunnel_takes_it(mlp, x):
    tunnel = NoiseTunnel(SemiringGradient(mlp, semiring=Bottleneck()))
    assert tunnel.attribute(x, nt_samples=2, stdevs=0.1, target=1).shape == x.shape


def test_without_a_path_the_number_is_0():
    found = SemiringGradient(lambda x: x[:, 1] * 2, semiring=Collision()).attribute(torch.ones(1, 3))
    assert found.tolist() == [[0.0, 0.0, 0.0]]


def test_objects_and_names_are_the_same(mlp, x):
    for name, semiring in {"max": Max(), "abs": Abs(), "sum": Sum(), "variance": Variance()}.items():
        expected, found = (
            SemiringGradient(mlp, semiring=given).attribute(x, target=1) for given in (name, semiring)
        )
        torch.testing.assert_close(found, expected)


def test_a_product_needs_a_readout(mlp, x):
    both = Product(Sum(), Bottleneck())
    with pytest.raises(InputError, match=r"one of its factors, Sum\(\), Bottleneck\(\)"):
        SemiringGradient(mlp, semiring=both)
    found = SemiringGradient(mlp, semiring=both, readout=lambda r: r.Bottleneck).attribute(x, target=1)
    torch.testing.assert_close(found, SemiringGradient(mlp, semiring=Bottleneck()).attribute(x, target=1))


def test_a_comparison_takes_objects_and_all_names(bert, tokenizer):
    asked = [Bottleneck(), Collision(), KBest(2), "variance", "boolean", "hops", "kbest", Max(),
             SemiringGradient(bert, semiring=Bottleneck())]  # fmt: skip
    result = sw.compare(bert, tokenizer, "the keys to the [MASK]", target="are", methods=asked)
    assert [method.error for method in result.methods] == [None] * len(asked)
    assert [method.name for method in result.methods] == [
        *("path Bottleneck", "path collision entropy", "path 2-best", "path spread", "path reach"),
        *("path length", "best paths", "best path", "SemiringGradient(Bottleneck)"),
    ]
    scores = dict(zip((m.name for m in result.methods), result.dataset["scores"].values, strict=True))
    np.testing.assert_allclose(scores["path Bottleneck"], scores["SemiringGradient(Bottleneck)"], rtol=1e-5)
    explained = sw.explain(bert, tokenizer, "the keys to the [MASK]", target="are", semiring="hops")
    np.testing.assert_allclose(scores["path length"], explained.dataset.token_statistic.values[0], rtol=1e-4)
    asked = Product(Bottleneck(), Collision())
    explained = sw.explain(bert, tokenizer, "the keys to the [MASK]", target="are", semiring=asked)
    for number, name in enumerate(("path Bottleneck", "path collision entropy")):
        np.testing.assert_allclose(scores[name], explained.dataset.token_statistic.values[number], rtol=1e-4)


@pytest.mark.parametrize(
    ("method", "says"),
    [
        (Bottleneck, r"Bottleneck is a class; pass an object of it: Bottleneck\("),
        (Product(Sum(), Max()), "holds several numbers"),
        ("fused", "There is no attribution method 'fused'"),
    ],
)
def test_what_gives_no_number_is_refused(bert, tokenizer, method, says):
    with pytest.raises(InputError, match=says):
        sw.compare(bert, tokenizer, "the keys to the [MASK]", methods=[method])
