"""Sets of paths that share sweeps say what full conditioned sweeps say, in any order and from any thread."""

import gc
import itertools
import math
import random
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.core.anatomy import (
    around,
    as_met,
    branch_edges,
    checked,
    condition,
    cut_of,
    extent_of,
    find_anatomy,
    seeds_of,
)
from semiring_widgets.core.paths import shared_sweeps
from semiring_widgets.core.restriction import Gate
from semiring_widgets.core.semirings import Leaving, find_semiring
from semiring_widgets.core.sweeps import Span, sweep_backward, sweep_forward, zeros
from semiring_widgets.errors import TapeError
from tests.core.test_path_sets import small_bert

CONDITIONS = {
    "layer": ([{"layer": 1}], []),
    "head": ([{"layer": 1, "head": 1}], []),
    "token of the stream": ([{"layer": 1, "token": 0}], []),
    "route": ([{"layer": 1, "head": 0, "branch": "value", "token": 2}], []),
    "skip": ([{"layer": 0, "branch": "skip"}], []),
    "mlp": ([{"layer": 1, "branch": "mlp", "token": 1}], []),
    "input token": ([{"token": 2}], []),
    "two": ([{"layer": 0, "head": 0, "branch": "value"}, {"layer": 1, "branch": "skip"}], []),
    "none like that": ([{"layer": 1, "head": 0}, {"layer": 1, "head": 1}], []),
    "around": ([], [{"layer": 1, "head": 0}]),
    "around below": ([{"layer": 1, "head": 0}], [{"layer": 0, "branch": "mlp"}]),
    "around above": ([{"layer": 0, "head": 0}], [{"layer": 1, "branch": "mlp", "token": 1}]),
    "around beside": ([{"layer": 1, "branch": "value"}], [{"layer": 1, "token": 0}, {"token": 1}]),
}


class Bottleneck(sw.Semiring):
    zero, one = (0.0,), (math.inf,)

    def __init__(self, factor=1.0):
        self.factor = factor

    def lift(self, weight):
        return (weight.abs() * self.factor,)

    def times(self, a, b):
        return (torch.minimum(a[0], b[0]),)

    def plus(self, a, b):
        return (torch.maximum(a[0], b[0]),)


SEMIRINGS = ["sum", "abs", "max", "signed_max", "entropy", "count", "boolean", "variance", "fused",
             sw.semirings.KBest(3), Bottleneck()]  # fmt: skip


@pytest.fixture(scope="module")
def question():
    """With a second input, in the middle: the tensor between the layers."""
    model, inputs = small_bert(strength=3)
    with sw.record() as tape:
        found = model(inputs_embeds=inputs, output_hidden_states=True)
        score = found.last_hidden_state[0, 1, 2] * 1
    return tape, score, [inputs, found.hidden_states[1]]


def swept(question, condition, leaving, semiring):
    """The same by full sweeps over all operators, one for each part to pass."""
    graph = shared_sweeps.ground_of(*question).graph
    anatomy = find_anatomy(graph)
    extent = extent_of(graph, anatomy)
    through, avoiding = ([cut_of(graph, anatomy, s) for s in checked(p, extent)] for p in condition)
    gates = (Gate(dict.fromkeys(branch_edges(graph, anatomy)), 1),) if leaving else ()
    paths = replace(around(avoiding), gates=gates)
    algebra = Leaving(semiring) if leaving else semiring
    values = sweep_backward(graph, algebra, paths=paths)
    for cut in reversed(as_met(through)):
        seeds = seeds_of(algebra, cut, values, paths)
        values = sweep_backward(graph, algebra, Span(seeds), paths)
    found = [values.get(node, zeros(graph, algebra, node)) for node in graph.wrt]
    return [algebra.counted(value) if leaving else value for value in found]


def same(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("semiring", SEMIRINGS, ids=str)
@pytest.mark.parametrize("leaving", [False, True])
def test_every_set_equals_its_full_sweeps(question, semiring, leaving):
    """Asked in an order of its own for each semiring; what is shared depends on it."""
    algebra = find_semiring(semiring)
    names = sorted(CONDITIONS)
    random.Random(str(semiring)).shuffle(names)
    held = []
    for name in names:
        through, avoiding = CONDITIONS[name]
        held.append(sw.select_paths(*question, through=through, avoiding=avoiding, leaving_skip=leaving))
        for result, wanted in zip(
            held[-1].backprop(semiring), swept(question, CONDITIONS[name], leaving, algebra), strict=True
        ):
            same(result.parts, wanted)


@pytest.mark.parametrize("leaving", [False, True])
def test_totals_without_a_sweep_to_the_inputs(question, leaving):
    """Mass, entropy and best path from alpha times beta somewhere in the middle."""
    whole = sw.select_paths(*question)
    for through, avoiding in CONDITIONS.values():
        chosen = sw.select_paths(*question, through=through, avoiding=avoiding, leaving_skip=leaving)
        parts = [
            (sw.semirings.Entropy(), ("log_mass", "entropy"), (chosen.log_mass, chosen.entropy)),
            (sw.semirings.Max(), ("log_weight",), (chosen.log_weight,)),
        ]
        for semiring, names, found in parts:
            values = swept(question, (through, avoiding), leaving, semiring)
            facts = semiring.facts(semiring.total(values))
            assert found == pytest.approx([float(facts[name]) for name in names], abs=1e-9)
        assert chosen.log_share == pytest.approx(chosen.log_mass - whole.log_mass, abs=1e-9)


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("semiring", [sw.semirings.Abs(), sw.semirings.Sum(), sw.semirings.Max()], ids=str)
def test_alpha_times_beta_is_everything_at_every_position(question, semiring, marked):
    ground = shared_sweeps.ground_of(*question)
    wanted = semiring.total(swept(question, ([], []), marked, semiring))
    sweeps = ground.sweeps(semiring, leaving=marked)
    for position in random.Random(0).sample(range(len(ground.graph.ops) + 1), len(ground.graph.ops) + 1):
        same(sweeps.total(position), wanted)


def test_a_click_sweeps_no_more_than_it_must(question, monkeypatch):
    """Once all paths are known, the mass through a part costs no sweep, and its cotangents one below it."""
    whole = sw.select_paths(*question)
    heads = [{"layer": layer, "head": head} for layer, head in itertools.product((0, 1), (0, 1))]
    first = [sw.select_paths(*question, through=part).log_mass for part in heads]
    visited = []

    def counting(sweep):
        def run(graph, semiring, span, *more):
            visited.append(len(graph.ops[slice(*(span.within or (None,)))]))
            return sweep(graph, semiring, span, *more)

        return run

    monkeypatch.setattr(shared_sweeps, "sweep_backward", counting(sweep_backward))
    monkeypatch.setattr(shared_sweeps, "sweep_forward", counting(sweep_forward))
    assert [sw.select_paths(*question, through=part).log_mass for part in heads] == first
    assert visited == []
    assert whole.log_mass > max(first)


def test_semirings_that_change_are_asked_again(question):
    whole, semiring = sw.select_paths(*question), Bottleneck()
    before = whole.backprop(semiring)[0].parts[0]
    semiring.factor = 2.0
    torch.testing.assert_close(whole.backprop(semiring)[0].parts[0], 2 * before)


def test_what_changed_after_the_recording_is_refused_again():
    x, weight = torch.randn(3), torch.randn(3, requires_grad=True)
    with sw.record() as tape:
        score = (x * weight).tanh().sum()
    everything = sw.select_paths(tape, score, x)
    assert everything.log_mass > -math.inf
    with torch.no_grad():
        weight.mul_(2)
    with pytest.raises(TapeError):
        sw.select_paths(tape, score, x).backprop("abs")


def test_the_ground_goes_with_the_last_set(question):
    tape, score, inputs = question
    chosen = sw.select_paths(tape, score, inputs[:1])
    chosen.log_mass  # noqa: B018
    known = weakref.ref(chosen.ground)
    assert sw.select_paths(tape, score, inputs[:1]).ground is known()
    assert sw.select_paths(tape, score, inputs).ground is not known()
    gc.disable()
    try:
        del chosen
        assert known() is None
    finally:
        gc.enable()


def test_many_threads_share_one_ground(question):
    held = sw.select_paths(*question)
    wanted = {name: swept(question, given, False, sw.semirings.Abs()) for name, given in CONDITIONS.items()}

    def ask(name):
        through, avoiding = CONDITIONS[name]
        return name, sw.select_paths(*question, through=through, avoiding=avoiding).backprop("abs")

    with ThreadPoolExecutor(8) as pool:
        for name, results in pool.map(ask, [*CONDITIONS] * 4):
            for result, value in zip(results, wanted[name], strict=True):
                same(result.parts, value)
    assert held.log_mass > -math.inf


@pytest.mark.parametrize("semiring", ["sum", "max", "entropy"])
def test_a_forward_sweep_may_stop_at_what_is_wanted(question, semiring):
    """Leaving out what no wanted node depends on changes no value."""
    graph, algebra = shared_sweeps.ground_of(*question).graph, find_semiring(semiring)
    everything = sweep_forward(graph, algebra)
    nodes = sorted(everything, key=lambda node: node.index)
    for wanted in ({node} for node in nodes):
        found = sweep_forward(graph, algebra, Span(keep=wanted))
        same(*([values[node] for node in wanted] for values in (found, everything)))
    found = sweep_forward(graph, algebra, Span(keep=set(nodes[::3])))
    assert set(nodes[::3]) <= found.keys()


def test_a_cut_sends_on_what_passes_it(question):
    """Both sweeps of a click, restarted from a cut, against full ones from the same elements."""
    graph, algebra = (
        shared_sweeps.ground_of(*question).graph,
        sw.semirings.Product(sw.semirings.Abs(), sw.semirings.Max()),
    )
    anatomy = find_anatomy(graph)
    alpha, beta = sweep_forward(graph, algebra), sweep_backward(graph, algebra)
    for part in ({"layer": 1, "head": 1}, {"layer": 1, "token": 0}, {"layer": 0, "branch": "mlp"}):
        (chosen,) = checked(part, extent_of(graph, anatomy))
        cut = cut_of(graph, anatomy, chosen)
        found = condition(graph, algebra, cut, alpha, beta, keep=anatomy.nodes())
        above, _ = found.pairs[-1]
        seeds = {node: above[node] for node in cut.nodes} or {
            edge.target: edge.push(algebra, alpha[edge.source]) for edge in cut.edges
        }
        wanted = sweep_forward(graph, algebra, Span(seeds))
        shared = anatomy.nodes() & wanted.keys()
        assert shared <= above.keys()
        for node in shared:
            same(above[node], wanted[node])
        same(found.total, algebra.total(swept(question, ([part], []), False, algebra)))
