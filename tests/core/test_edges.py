"""Edges between components: edge attribution patching by hand, and every single path of a small model."""

import math

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.anatomy import find_anatomy
from semiring_widgets.core.circuits import edge_values
from semiring_widgets.core.graph import GradientGraph, find_nodes
from semiring_widgets.core.semirings import find_semiring
from semiring_widgets.errors import InputError, MemoryLimitError
from tests.core.oracle import jacobians
from tests.core.transformers_by_hand import MODELS, attribution_patching
from tests.core.zoo.feeding import feed
from tests.core.zoo.shrinking import build

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module", params=MODELS)
def case(request):
    by_hand = MODELS[request.param]()
    with sw.record() as tape:
        score = by_hand.score(by_hand.inputs)
    return by_hand, tape, score


def named(found, table):
    """A table of edges as {(source, target): number}."""
    where = found.there.nonzero().tolist()
    return {(found.sources[i].name, found.targets[j].name): float(table[i, j]) for i, j in where}


def compare(found, expected):
    assert found.keys() == expected.keys()
    largest = max(map(abs, expected.values()))
    assert largest > 1e-3
    for edge, number in expected.items():
        assert found[edge] == pytest.approx(number, rel=1e-5, abs=1e-5 * largest), edge


def test_contributions_are_edge_attribution_patching(case):
    by_hand, tape, score = case
    found = edge_values(tape, score, by_hand.inputs, by_hand.reference)
    assert not found.facts
    compare(named(found, found.contribution), attribution_patching(by_hand, [1.0]))


def test_steps_are_integrated_gradients(case):
    by_hand, tape, score = case
    found = edge_values(tape, score, by_hand.inputs, by_hand.reference, steps=3)
    expected = attribution_patching(by_hand, [1 / 6, 1 / 2, 5 / 6])
    compare(named(found, found.contribution), expected)


CLASSES = {
    "BertForMaskedLM": "embeds",
    "GPT2LMHeadModel": "embeds",
    "LlamaForCausalLM": "embeds",
    "GPTNeoXForCausalLM": "embeds",
    "OPTForCausalLM": "embeds",
    "T5ForConditionalGeneration": "seq2seq",
}


@pytest.fixture(scope="module", params=CLASSES)
def recorded(request):
    model = build(request.param)
    inputs, call = feed(CLASSES[request.param], model)
    with sw.record() as tape:
        logits = call(inputs).logits[0]
        score = logits[-1, 3] - logits[-1, 4]
    return tape, score, inputs


@pytest.mark.parametrize("semiring", ["sum", "abs", "max", "entropy", "count", "signed_max"])
def test_what_arrives_at_a_head_is_all_that_passes_it(recorded, semiring):
    tape, score, inputs = recorded
    found = edge_values(tape, score, inputs, semiring=semiring)
    whole = sw.paths(tape, score, inputs)
    algebra = find_semiring(semiring)
    for column, target in enumerate(found.targets):
        if target.kind == "head" and target.head % 3 == 0:
            part = {"layer": target.layer, "head": target.head, "branch": target.branch}
            expected = whole.through(part).total(semiring)
            own = tuple(part[:, column][found.there[:, column]] for part in found.value)
            for name, fact in algebra.facts(algebra.total([own])).items():
                torch.testing.assert_close(fact, expected.facts[name], rtol=1e-4, atol=1e-4)


UNITS, TOKENS = 2, 2


def tiny(x, norm, steps):
    """Attentions of two heads and feed-forward parts, with norms beside the stream, on it, or none."""
    generator = torch.Generator().manual_seed(3)

    def weight(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    def attend(x):
        q, k, v = ((x @ weight(UNITS, 2)).T[:, :, None] for _ in range(3))
        z = torch.bmm(torch.softmax(torch.bmm(q, k.mT), -1), v)
        return z[:, :, 0].T @ weight(2, UNITS)

    def feed_forward(x):
        return torch.tanh(x @ weight(UNITS, 1)) @ weight(1, UNITS)

    for step in steps:
        branch = (attend if step == "a" else feed_forward)(normed(x) if norm == "beside" else x)
        x = normed(x + branch) if norm == "on" else x + branch
    return (x @ weight(UNITS, 1))[-1, 0]


def normed(x):
    return x * (x * x).mean(-1, keepdim=True).rsqrt()


def every_path(tape, score, x):
    """Of every path its derivatives, and the (node, element, operator) that it passes; by full Jacobians."""
    ahead = {}
    for op in tape.ops:
        for source, target, matrix in jacobians(op):
            ahead.setdefault(source, []).append((op, target, matrix))

    def follow(node, element, weights, passed):
        if node is end:
            yield weights, passed
        for op, target, matrix in ahead.get(node, ()):
            for reached in matrix[element].nonzero().flatten().tolist():
                step = (node, element, op)
                weight = float(matrix[element, reached])
                yield from follow(target, reached, [*weights, weight], [*passed, step])

    end, begin = tape.node(score), tape.first_node(x)
    for element in range(begin.value.numel()):
        yield from follow(begin, element, [], [])


def edges_along(anatomy, passed):
    """The edges that a path uses, in the words of circuits."""
    last = "input"
    for node, element, op in passed:
        for attention in anatomy.attentions:
            layer = attention.index
            for branch, operand in attention.operands.items():
                reader = attention.context_op if branch == "value" else attention.scores_op
                if node is operand.node and op is reader:
                    yield last, f"a{layer}.h{operand.locate(element)[0]}<{branch[0]}>"
            if node is attention.context_op.outputs[0]:
                last = f"a{layer}.h{element // TOKENS}"
            if attention.mlp is not None and node is attention.mlp.branch:
                yield last, f"m{layer}"
                last = f"m{layer}"
    yield last, "logits"


class Bottleneck(sw.Semiring):
    zero, one = (0.0,), (float("inf"),)

    def lift(self, weight):
        return (weight.abs(),)

    def times(self, a, b):
        return (torch.minimum(a[0], b[0]),)

    def plus(self, a, b):
        return (torch.maximum(a[0], b[0]),)


def entropy_of(weights):
    total = sum(map(abs, weights))
    return -sum(p * math.log(p) for p in (abs(one) / total for one in weights))


@pytest.mark.parametrize(("norm", "steps"), [(None, "aa"), (None, "mam"), ("beside", "am"), ("on", "am")])
def test_every_path_one_by_one(norm, steps):
    x = torch.tensor([[0.3, -0.8], [1.1, 0.4]], dtype=torch.float64)
    with sw.record() as tape:
        score = tiny(x, norm, steps)
    node, starts = find_nodes(tape, score, x)
    anatomy = find_anatomy(GradientGraph(tape, node, starts))
    weights, narrowest = {}, {}
    for factors, passed in every_path(tape, score, x):
        for edge in edges_along(anatomy, passed):
            weights.setdefault(edge, []).append(math.prod(factors))
            narrowest.setdefault(edge, []).append(min(map(abs, factors)))
    assert len(weights) > 10
    facts = {
        "value": sum,
        "log_mass": lambda own: math.log(sum(map(abs, own))),
        "log_weight": lambda own: math.log(max(map(abs, own))),
        "entropy": entropy_of,
        "count": lambda own: math.log(len(own)),
    }
    algebras = [*map(find_semiring, ("sum", "abs", "max", "entropy", "count")), Bottleneck()]
    found = edge_values(tape, score, x, semiring=sw.semirings.Product(*algebras))
    for name, fact in facts.items():
        numbers = named(found, found.facts[name])
        assert numbers == pytest.approx({edge: fact(own) for edge, own in weights.items()}, abs=1e-9), name
    numbers = named(found, found.facts["Bottleneck"])
    assert numbers == pytest.approx({edge: max(own) for edge, own in narrowest.items()})


@pytest.mark.parametrize("rules", ["linear", "secant"])
def test_rules(recorded, rules):
    tape, score, inputs = recorded
    reference = [0.5 * x for x in inputs]
    found = edge_values(tape, score, inputs, reference, semiring="abs", rules=rules)
    whole = sw.paths(tape, score, inputs, rules=rules, reference=reference)
    for column, target in enumerate(found.targets):
        own = found.there[:, column]
        if target.kind == "head" and target.head == 0:
            part = {"layer": target.layer, "head": 0, "branch": target.branch}
            expected = whole.through(part).total("abs").log_mass
            arrived = found.facts["log_mass"][own, column].logsumexp(0)
            torch.testing.assert_close(arrived, expected, rtol=1e-4, atol=1e-4)


def test_secant_contributions_to_the_score_are_its_change(case):
    """Of every path from an input the last edge is one to the score."""
    by_hand, tape, score = case
    x, x0 = by_hand.inputs, by_hand.reference
    found = edge_values(tape, score, x, x0, rules="secant")
    with torch.no_grad():
        change = float(score) - float(by_hand.score(x0))
    assert float(found.contribution[:, -1].sum()) == pytest.approx(change, rel=1e-3, abs=1e-4)


def test_a_reference_and_a_semiring_together(case):
    by_hand, tape, score = case
    both = edge_values(tape, score, by_hand.inputs, by_hand.reference, semiring="max")
    alone = edge_values(tape, score, by_hand.inputs, by_hand.reference)
    assert torch.equal(both.contribution, alone.contribution)
    assert both.facts.keys() == {"log_weight"}


def test_sums_that_are_asked_for_wrongly(case):
    by_hand, tape, score = case
    x, x0 = by_hand.inputs, by_hand.reference
    with pytest.raises(InputError, match="give reference="):
        edge_values(tape, score, x, steps=3)
    with pytest.raises(InputError, match="unit level"):
        edge_values(tape, score, x, semiring=find_semiring("max", "branch"))
    with pytest.raises(InputError, match="steps"):
        edge_values(tape, score, x, x0, steps=0)
    with pytest.raises(InputError, match="same shape"):
        edge_values(tape, score, x, torch.ones(3))
    with pytest.raises(MemoryLimitError, match="edges needs"):
        edge_values(tape, score, x, x0, max_memory=10)
    y = torch.ones(3, 2)
    with sw.record() as other:
        plain = (y * y).sum()
    with pytest.raises(InputError, match="no attention"):
        edge_values(other, plain, y, "zero")
