"""`repeated` where questions are captured and replayed, on a stand-in for CUDA graphs (`emulated_graph`)."""

import gc
import threading
import weakref
from contextlib import contextmanager

import pytest
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
)

import semiring_widgets as sw
from semiring_widgets.core.capture import repetition
from semiring_widgets.core.looks import Noted, indices_of_few, noting
from semiring_widgets.errors import InputError, NonFiniteError
from tests.core.emulated_graph import EmulatedGraph, emulated_graphs

SIZES = {"num_attention_heads": 2, "intermediate_size": 40, "vocab_size": 50, "num_hidden_layers": 2}
IDS = {"bos_token_id": 0, "eos_token_id": 0}
MODELS = {
    "bert": lambda: BertForMaskedLM(BertConfig(hidden_size=24, **SIZES)),
    "gpt2": lambda: GPT2LMHeadModel(GPT2Config(n_embd=24, n_head=2, n_layer=2, vocab_size=50, **IDS)),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(hidden_size=24, num_key_value_heads=1, **SIZES, **IDS)),
}


@pytest.fixture(autouse=True)
def as_on_a_gpu():
    with emulated_graphs():
        yield


def ordinary(function, x, *others, semiring="sum", **more):
    with sw.record() as tape:
        own = x.clone()
        score = function(own, *others)
    return score, sw.backprop(tape, score, own, semiring, **more)


def assert_same(found, expected):
    assert found.facts.keys() == expected.facts.keys()
    for name, fact in expected.facts.items():
        assert torch.equal(found.facts[name], fact), name


class Net(nn.Module):
    """Two layers and a score."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(5, 7), nn.Linear(7, 1)
        self.requires_grad_(requires_grad=False).eval()

    def forward(self, x):
        return self.second(nn.functional.dropout(self.first(x).tanh(), 0.5, self.training)).sum()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_replays_are_the_ordinary_numbers(name, masked):
    torch.manual_seed(0)
    model = MODELS[name]().eval().requires_grad_(requires_grad=False)
    mask = torch.ones(2, 6, dtype=torch.long)
    mask[1, 4:] = 0

    def scores(x, *mask):
        logits = model(inputs_embeds=x, attention_mask=mask[0] if mask else None).logits
        return logits[:, 2, 3] - logits[:, 2, 5]

    for semiring in ("max", "fused"):
        ask = sw.repeated(scores, semiring)
        for turn in range(3):
            given = (torch.randn(2, 6, 24), *([mask] if masked else []))
            score, found = ask.scored(*given)
            right, expected = ordinary(scores, *given, semiring=semiring)
            assert torch.equal(score, right)
            assert_same(found, expected)
            assert ask.captured == (turn > 0), ask.refusals
            assert all(shape.doubts == 0 for shape in ask._shapes.values())
        # One mask more: nothing of the first one was kept.
        if masked:
            other = (torch.randn(2, 6, 24), mask.flip(0))
            assert_same(ask(*other), ordinary(scores, *other, semiring=semiring)[1])


@pytest.mark.parametrize("semiring", ["abs", "count", "kbest", "signed_max", "variance"])
def test_other_semirings(semiring):
    net = Net()
    ask = sw.repeated(net, semiring)
    for _ in range(3):
        x = torch.randn(3, 5)
        assert_same(ask(x), ordinary(net, x, semiring=semiring)[1])


def test_results_last_and_signs_belong_to_their_own_inputs():
    net = Net()
    ask = sw.repeated(net, "max")
    xs = [torch.randn(3, 5) for _ in range(5)]
    found = []
    for x in xs:
        given = x.clone()
        found.append(ask(given))
        given.zero_()
    for x, result in zip(xs, found, strict=True):
        expected = ordinary(net, x, semiring="max")[1]
        assert_same(result, expected)
        assert torch.equal(result.sign, expected.sign)
    (shape,) = ask._shapes.values()
    assert (shape.captured._graph.graph.replays, shape.doubts) == (4, 0)


def test_several_inputs_and_plain_arguments():
    def score(x, power, y):
        return (x**power * y).sum()

    ask = sw.repeated(score, "abs", wrt=[2, 0])
    for _ in range(3):
        for power in (2, 3):
            x, y = torch.randn(4), torch.randn(4)
            of_y, of_x = ask(x, power, y)
            torch.testing.assert_close(of_y.log_mass.exp(), (x**power).abs())
            torch.testing.assert_close(of_x.log_mass.exp(), (power * x ** (power - 1) * y).abs())
    assert ask.captured == 2


def test_weights_may_change_in_place():
    net = Net()
    ask = sw.repeated(net)
    for _ in range(4):
        x = torch.randn(3, 5)
        assert_same(ask(x), ordinary(net, x)[1])
        net.first.weight.add_(1.0)
    assert next(iter(ask._shapes.values())).captures == 1


@pytest.mark.parametrize("change", ["parameter", "data", "module", "buffer", "train", "hook"])
def test_what_is_replaced_is_noticed(change):
    net = Net()
    net.register_buffer("shift", torch.ones(5))
    ask = sw.repeated(lambda x: net(x + net.shift))
    for turn in range(5):
        x = torch.randn(3, 5)
        if change == "train":
            torch.manual_seed(turn)
        found = ask(x)
        if change == "train":
            torch.manual_seed(turn)
        assert_same(found, ordinary(lambda x: net(x + net.shift), x)[1])
        if turn == 2:
            match change:
                case "parameter":
                    net.first.weight = nn.Parameter(torch.randn(7, 5), requires_grad=False)
                case "data":
                    net.first.weight.data = torch.randn(7, 5)
                case "module":
                    net.first = nn.Linear(5, 7).requires_grad_(requires_grad=False)
                case "buffer":
                    net.shift = torch.zeros(5)
                case "train":
                    net.train()
                case "hook":
                    net.first.register_forward_hook(lambda module, args, output: output * 2)
    assert ask.captured == (change != "train"), ask.refusals


def test_what_cannot_be_captured_is_asked_the_ordinary_way():
    net = Net()
    functions = {
        "draws random numbers": lambda x: net(x * torch.bernoulli(torch.ones_like(x))),
        "makes the host wait": lambda x: net(x) * (2.0 if (x > -100).all() else 1.0),
        "size that the host": lambda x: net(x[x > -100].reshape(x.shape)),
        "makes the host wait for": lambda x: x.sum() * float(x.shape[0]) + float(x.sum()),
    }
    for function in functions.values():
        ask = sw.repeated(function)
        for _ in range(3):
            x = torch.randn(3, 5)
            assert_same(ask(x), ordinary(function, x)[1])
        assert (ask.captured, len(ask.refusals)) == (0, 1)


def test_rules_with_a_reference_are_not_captured():
    net = Net()
    ask = sw.repeated(net, rules="secant", reference="zero")
    for _ in range(3):
        x = torch.randn(3, 5)
        expected = ordinary(net, x, rules="secant", reference="zero")[1]
        assert_same(ask(x), expected)
    assert ask.captured == 0
    linear = sw.repeated(net, rules="linear")
    for _ in range(3):
        x = torch.randn(3, 5)
        assert_same(linear(x), ordinary(net, x, rules="linear")[1])
    assert linear.captured == 1


def test_what_is_in_doubt_is_computed_with_care():
    """A weight so small that float32 would lose the product; then, one that is no number."""
    scale = torch.ones(5)

    def score(x, scale):
        return (x @ torch.ones(5, 4) @ (torch.ones(4, 3) * scale[0])).sum()

    ask = sw.repeated(score, "abs")
    for factor in (1.0, 1.0, 1.0, 1e-37, 1.0):
        x, scale = torch.randn(2, 5), torch.full((5,), factor)
        assert_same(ask(x, scale), ordinary(score, x, scale, semiring="abs")[1])
    assert ask.captured == 1
    with pytest.raises(NonFiniteError):
        ask(torch.randn(2, 5), torch.full((5,), float("nan")))
    for _ in range(2):
        x, scale = torch.randn(2, 5), torch.full((5,), 1e-37)
        assert_same(ask(x, scale), ordinary(score, x, scale, semiring="abs")[1])
    assert ask.captured == 0  # three times in a row
    assert len(ask.refusals) == 1


def test_few_shapes_are_kept_those_used_last():
    ask = sw.repeated(lambda x: (x * x).sum(), keep=2)
    for size in (1, 2, 3, 2, 3, 1):
        assert torch.equal(ask(torch.ones(size)).value, torch.full((size,), 2.0))
    assert [shape.captured is not None for shape in ask._shapes.values()] == [True, False]
    assert ask.nbytes > 0
    ask.reset()
    assert (ask.nbytes, ask.captured) == (0, 0)


def test_a_shape_that_comes_once_is_not_captured():
    ask = sw.repeated(lambda x: (x * x).sum())
    for size in (1, 2, 3):
        ask(torch.ones(size))
    assert ask.captured == 0


def test_the_tape_is_let_go_and_all_memory_with_the_model(monkeypatch):
    tapes = []
    record = repetition.record

    @contextmanager
    def recorded(*args, **kwargs):
        with record(*args, **kwargs) as tape:
            tapes.append(weakref.ref(tape))
            yield tape

    monkeypatch.setattr(repetition, "record", recorded)
    net = Net()
    known = weakref.ref(net)
    ask = sw.repeated(weakref.proxy(net), "max")
    for _ in range(3):
        ask(torch.randn(3, 5))
    gc.collect()
    assert len(tapes) == 2
    assert not any(tape() is not None for tape in tapes)
    shape = next(iter(ask._shapes.values()))
    assert shape.captured.is_current
    del net
    gc.collect()
    assert known() is None
    assert shape.captured._graph is None
    with pytest.raises(ReferenceError):
        ask(torch.randn(3, 5))


def test_graphs_do_not_wait_for_the_garbage_collector():
    net = Net()
    gc.collect()
    gc.disable()
    try:
        ask = sw.repeated(net, "max")
        for _ in range(3):
            ask(torch.randn(3, 5))
        (shape,) = ask._shapes.values()
        known = weakref.ref(shape.captured._graph.graph)
        assert known() is not None
        del ask, shape
        assert known() is None
    finally:
        gc.enable()


def test_several_threads_ask_at_once():
    net = Net()
    ask = sw.repeated(net, "max")
    ask(torch.randn(3, 5))
    ask(torch.randn(3, 5))
    xs = [torch.randn(3, 5) for _ in range(12)]
    found = {}

    def work(numbers):
        for number in numbers:
            found[number] = ask(xs[number])

    threads = [threading.Thread(target=work, args=(range(start, 12, 3),)) for start in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, x in enumerate(xs):
        assert_same(found[number], ordinary(net, x, semiring="max")[1])


def test_large_outputs_are_read_where_few_entries_count(monkeypatch):
    """Which rows and columns of a vocabulary count may change from call to call, but not by much how many."""
    monkeypatch.setattr("semiring_widgets.core.jacobian.blocks.contraction._WORTH_WAITING", 1)
    weight = torch.randn(12, 400)

    def score(x, rows, words):
        logits = x @ weight
        return logits[rows, words].sum()

    ask = sw.repeated(score, "max")
    for turn in range(5):
        rows = torch.arange(20) if turn == 3 else torch.tensor([turn, 30]).repeat(10)
        words = torch.randint(400, rows.shape)
        x = torch.randn(40, 12)
        assert_same(ask(x, rows, words), ordinary(score, x, rows, words, semiring="max")[1])
    assert ask.captured == 1, ask.refusals


def test_looks_are_noted():
    noted = Noted()
    with noting(noted):
        few, many = indices_of_few(torch.tensor([True, False, False]), torch.tensor([True, True, False]))
    assert few.tolist() == [0]
    assert many is None
    assert noted.counts == [1, None]


def test_wrong_arguments():
    ask = sw.repeated(lambda x, n: (x * n).sum())
    with pytest.raises(InputError, match="neither a tensor nor hashable"):
        ask(torch.ones(2), [1])
    with pytest.raises(InputError, match="wrt names argument 0, which is 3"):
        ask(3, torch.ones(2))
    with pytest.raises(InputError, match="wrt names argument 2, and there are 1"):
        sw.repeated(lambda x: x.sum(), wrt=2)(torch.ones(2))
    with pytest.raises(InputError, match="function is 3"):
        sw.repeated(3)


def test_the_stand_in_poisons_what_it_does_not_compute():
    """The control: a graph that misses a step would show."""
    ask = sw.repeated(lambda x: (x * x).sum())
    for _ in range(2):
        ask(torch.ones(2))
    (shape,) = ask._shapes.values()
    graph = shape.captured._graph.graph
    assert isinstance(graph, EmulatedGraph)
    ask(torch.ones(2))
    assert (graph.replays, shape.doubts) == (2, 0)
    graph.log = []
    ask(torch.ones(2))
    assert (graph.replays, shape.doubts) == (3, 1)
