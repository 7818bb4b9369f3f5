"""Values side by side: blocks repeated, and values that meet, are what each one is by itself."""

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.graph import GradientGraph, find_nodes
from semiring_widgets.core.semirings import Semiring, find_semiring
from tests.core.zoo.feeding import feed
from tests.core.zoo.shrinking import build

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module", params=["BertForMaskedLM", "GPT2LMHeadModel", "LlamaForCausalLM"])
def graph(request):
    inputs, call = feed("embeds", build(request.param))
    with sw.record() as tape:
        logits = call(inputs).logits[0]
        score = logits[-1, 3] - logits[-1, 4]
    node, starts = find_nodes(tape, score, inputs)
    return GradientGraph(tape, node, starts)


def drawn(semiring, shape, generator):
    value = semiring.lift(torch.randn(shape, generator=generator))
    none = torch.rand(shape, generator=generator) < 0.2
    return tuple(part.masked_fill(none, zero) for part, zero in zip(value, semiring.zero, strict=True))


@pytest.mark.parametrize("name", ["sum", "abs", "entropy"])
def test_repeated_edges(graph, name):
    semiring, generator = find_semiring(name), torch.Generator().manual_seed(1)
    kinds = set()
    for op in graph.ops:
        for edge in graph.edges(op):
            many = edge.repeated(3)
            kinds.add(type(many.block).__name__)
            for carry, own in (("pull", edge.target), ("push", edge.source)):
                value = drawn(semiring, (3, *own.shape), generator)
                found = getattr(many, carry)(semiring, value)
                each = [getattr(edge, carry)(semiring, tuple(v[i] for v in value)) for i in range(3)]
                for part, expected in zip(found, map(torch.stack, zip(*each, strict=True)), strict=True):
                    torch.testing.assert_close(part, expected, rtol=1e-5, atol=1e-5)
    assert len(kinds) > 2


def test_edges_that_leave_repeated_blocks(graph):
    generator = torch.Generator().manual_seed(1)
    for op in graph.ops[:60]:
        for edge in graph.edges(op):
            one, many = edge.block, edge.block.repeated(2)
            element = torch.randint(one.source.numel(), (4,), generator=generator)
            reached, derivative = one.out_edges(element)
            further, again = many.out_edges(element + one.source.numel())
            assert torch.equal(again, derivative)
            there = derivative != 0
            assert torch.equal(further[there], reached[there] + one.target.numel())


@pytest.mark.parametrize("far", [1.0, 100.0])
@pytest.mark.parametrize("name", ["sum", "abs", "max", "entropy", "count", "signed_max", "fused"])
def test_values_that_meet(name, far):
    """With logarithms so far apart that their numbers are none beside each other, too."""
    semiring, generator = find_semiring(name), torch.Generator().manual_seed(2)
    a, b = (drawn(semiring, shape, generator) for shape in ((3, 9), (9, 4)))
    if name not in ("sum", "fused"):
        spread = torch.linspace(0, far, 9)
        a, b = (a[0] - spread, *a[1:]), (b[0] + spread[:, None], *b[1:])
    many = [tuple(part[:1] for part in a), tuple(part[1:] for part in a)]
    expected = Semiring.meet(semiring, many, b)
    for part, wanted in zip(semiring.meet(many, b), expected, strict=True):
        torch.testing.assert_close(part, wanted, rtol=1e-5, atol=1e-5)
