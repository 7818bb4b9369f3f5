"""Convolutions against brute force: all paths, explicit Jacobians, tangents."""

import math

import pytest
import torch
import torch.nn.functional as F

import semiring_widgets as sw
from semiring_widgets.core.graph import GradientGraph, find_nodes
from semiring_widgets.core.jacobian import Chain
from semiring_widgets.core.semirings import Abs, Sum
from semiring_widgets.core.sweeps import sweep_backward, sweep_forward
from tests.core.oracle import jacobians
from tests.core.test_exact import check

CASES = {
    "plain": (F.conv1d, (1, 2, 4), (2, 2, 3), {"padding": 1}),
    "stride, dilation": (F.conv1d, (2, 1, 6), (1, 1, 2), {"stride": 2, "dilation": 2, "padding": 1}),
    "groups": (F.conv1d, (1, 4, 3), (4, 2, 2), {"groups": 2}),
    "depthwise": (F.conv2d, (1, 2, 3, 3), (2, 1, 2, 2), {"groups": 2}),
    "two dimensions": (F.conv2d, (1, 1, 3, 4), (2, 1, 2, 3), {"stride": (1, 2), "padding": (1, 0)}),
    "three dimensions": (F.conv3d, (1, 1, 2, 2, 3), (1, 1, 2, 1, 2), {}),
    "same": (F.conv2d, (1, 1, 3, 3), (1, 1, 3, 3), {"padding": "same"}),
    "transposed": (F.conv_transpose1d, (1, 2, 3), (2, 2, 2), {"stride": 2, "output_padding": 1}),
    "transposed, groups": (F.conv_transpose1d, (1, 2, 3), (2, 1, 3), {"groups": 2, "padding": 1}),
    "transposed, dilation": (F.conv_transpose2d, (1, 1, 2, 2), (1, 2, 2, 2), {"dilation": (2, 1)}),
    "no batch": (F.conv1d, (2, 4), (1, 2, 2), {}),
}


def made(case):
    function, image, kernel, kwargs = CASES[case]
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(image, generator=generator, dtype=torch.float64)
    w = torch.randn(kernel, generator=generator, dtype=torch.float64)
    w.view(-1)[0] = 0.0
    channels = kernel[1] * kwargs.get("groups", 1) if "transpose" in function.__name__ else kernel[0]
    b = torch.randn(channels, generator=generator, dtype=torch.float64)
    return function, x, w, b, kwargs


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("of", ["image", "kernel", "bias"])
def test_all_paths(case, of):
    function, *inputs, kwargs = made(case)
    which = ["image", "kernel", "bias"].index(of)

    def run(given):
        out = function(*(given if i == which else t for i, t in enumerate(inputs)), **kwargs)
        return (out * out).sum() + out.reshape(-1)[0]

    check(run, inputs[which], "primitive")


@pytest.mark.parametrize("case", CASES)
def test_every_edge_against_the_explicit_jacobian(case):
    function, x, w, b, kwargs = made(case)
    with sw.record() as tape:
        score = function(x, w, b, **kwargs).sum()
    graph = GradientGraph(tape, *find_nodes(tape, score, [x, w, b]))
    (op,) = [op for op in graph.ops if op.name == "aten.convolution.default"]
    expected = {source: matrix for source, _, matrix in jacobians(op)}
    chains = [edge for edge in graph.edges(op) if isinstance(edge.block, Chain)]
    assert len(chains) == 3
    for edge in chains:
        matrix = expected[edge.source]
        n_source, n_target = matrix.shape
        reached, derivative = edge.block.out_edges(torch.arange(n_source))
        listed = torch.zeros(n_source, n_target, dtype=torch.float64)
        listed.scatter_add_(1, reached, derivative.double())
        times = torch.zeros(n_source, n_target).scatter_add_(1, reached, (derivative != 0).float())
        torch.testing.assert_close(listed, matrix)
        assert int(times.max()) == 1  # no edge is listed twice
        plain = Sum()
        eye = torch.eye(n_target, dtype=torch.float64)
        pulled = torch.stack(
            [edge.block.pull(plain, (row.reshape(edge.target.shape),))[0] for row in eye], -1
        )
        torch.testing.assert_close(pulled.reshape(n_source, n_target), matrix)
        eye = torch.eye(n_source, dtype=torch.float64)
        pushed = torch.stack([edge.block.push(plain, (row.reshape(edge.source.shape),))[0] for row in eye])
        torch.testing.assert_close(pushed.reshape(n_source, n_target), matrix)


@pytest.mark.parametrize("case", CASES)
def test_inside_and_outside_meet(case):
    function, x, w, b, kwargs = made(case)
    with sw.record() as tape:
        hidden = function(x, w, b, **kwargs)
        score = hidden.tanh().sum()
    graph = GradientGraph(tape, *find_nodes(tape, score, [x, w]))
    inside, outside = sweep_backward(graph, Abs()), sweep_forward(graph, Abs())
    total = torch.logsumexp(torch.cat([inside[n][0].reshape(-1) for n in graph.wrt]), 0)
    cut = tape.node(hidden)
    across = torch.logsumexp((inside[cut][0] + outside[cut][0]).reshape(-1), 0)
    assert float(across) == pytest.approx(float(total), rel=1e-12)


def test_the_number_of_paths_is_the_number_of_products():
    x, w = torch.rand(1, 3, 8, 8) + 0.1, torch.rand(5, 3, 3, 3) + 0.1
    with sw.record() as tape:
        score = F.conv2d(x, w).sum()
    count = sw.backprop(tape, score, wrt=x, semiring="count").reduce((0, 1, 2, 3)).count
    assert math.exp(float(count)) == pytest.approx(3 * 9 * 5 * 36)


def test_half_precision():
    x, w = torch.randn(1, 2, 5), torch.randn(3, 2, 3)
    with sw.record() as tape:
        score = F.conv1d(x.bfloat16(), w.bfloat16()).sum()
    with sw.record() as wide:
        same = F.conv1d(x.bfloat16().float(), w.bfloat16().float()).sum()
    found = sw.backprop(tape, score, wrt=x, semiring="max").log_weight
    torch.testing.assert_close(found, sw.backprop(wide, same, wrt=x, semiring="max").log_weight)
