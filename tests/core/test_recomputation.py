"""A tape that lets go of all it can gives the same answers, and holds little beside what layers take."""

import gc

import pytest
import torch
from torch import nn

import semiring_widgets as sw
from semiring_widgets.core.anatomy import find_anatomy
from semiring_widgets.core.live_memory import LiveMemory
from semiring_widgets.core.paths.single_paths import graph_of
from semiring_widgets.core.precision import full_precision
from semiring_widgets.core.tape import keeping
from semiring_widgets.core.tape.recomputation import cuts_of, is_repeatable

aten = torch.ops.aten
TOKENS, WIDTH, HEADS = 48, 32, 4
# One hidden state in half precision, and the scores of all heads in float32.
STATE, SCORES = TOKENS * WIDTH * 2, HEADS * TOKENS * TOKENS * 4


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList(nn.RMSNorm(WIDTH) for _ in range(2))
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        q, k, v = (
            part.unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for part in self.qkv(self.norms[0](x)).chunk(3, -1)
        )
        shares = ((q @ k.mT) / 3).softmax(-1, dtype=torch.float32).to(x.dtype)
        x = x + self.out((shares @ v).transpose(1, 2).flatten(2))
        return x + self.down(nn.functional.gelu(self.up(self.norms[1](x))))


class Model(nn.Module):
    """Layers with norms, attention and a feed-forward part, in half precision."""

    def __init__(self, layers):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.to(torch.bfloat16).eval().requires_grad_(requires_grad=False)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0, -1, 3] - x[0, -1, 5]


def recorded(layers=3, model=None, **options):
    model = model or Model(layers)
    x = torch.randn(1, TOKENS, WIDTH, generator=torch.Generator().manual_seed(1)).bfloat16()
    with sw.record(**options) as tape:
        score = model(x)
    return tape, score, x


@pytest.fixture(scope="module")
def whole():
    return recorded()


@pytest.fixture(scope="module")
def lean():
    question = recorded()
    question[0].shrink()
    return question


PART = {"layer": 1, "head": 2, "branch": "value"}
QUESTIONS = {
    **{
        name: lambda q, name=name: list(sw.backprop(*q, semiring=name).parts)
        for name in ("sum", "max", "signed_max", "entropy", "fused", "count", "variance")
    },
    "secant": lambda q: [sw.backprop(*q, rules="secant", reference="zero").value],
    "lrp": lambda q: [sw.backprop(*q, rules="lrp").value],
    "k best": lambda q: [path.weight for path in sw.top_paths(*q, k=3)],
    "sampled": lambda q: [path.weight for path in sw.sample_paths(*q, n=5, seed=0)],
    "routes": lambda q: [(str(route), route.log_weight) for route in sw.top_routes(*q, k=2, samples=20)],
    "set": lambda q: [sw.select_paths(*q, through=PART).log_mass],
    "flow": lambda q: [sw.flow(*q).to_dict()],
    "contributions": lambda q: [sw.contributions(*q, reference="zero").to_dict()],
    "test": lambda q: [sw.test(*q[:2], {q[2]: torch.zeros_like(q[2])}).effect],
    "edges": lambda q: [sw.edges(*q).to_dict()],
    "anatomy": lambda q: [(a.module, a.heads) for a in find_anatomy(graph_of(*q)).attentions],
}


def is_same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one.nan_to_num(), other.nan_to_num())
    return repr(one) == repr(other)


@pytest.mark.parametrize("asked", QUESTIONS)
def test_every_question_is_answered_alike(whole, lean, asked):
    found = [QUESTIONS[asked](question) for question in (whole, lean)]
    assert len(found[0]) == len(found[1]) > 0
    assert all(is_same(one, other) for one, other in zip(*found, strict=True))


def test_every_value_is_the_same_bit_for_bit(whole, lean):
    again = 0
    for one, other in zip(whole[0].ops, lean[0].ops, strict=True):
        for full, let_go in zip(one.outputs, other.outputs, strict=True):
            again += let_go.held is None
            assert torch.equal(full.value, let_go.value)
            assert full.value.stride() == let_go.value.stride()
            assert full.value.dtype == let_go.value.dtype
    assert again > len(lean[0].ops) // 2


def test_a_layer_more_costs_its_inputs():
    """It is cut behind attention and feed-forward part: four hidden states, and means and sums of rows."""
    sizes = []
    for layers in (3, 6):
        tape, *_ = recorded(layers)
        assert tape.nbytes > layers * 3 * SCORES
        tape.shrink()
        sizes.append(tape.nbytes)
    assert 3 * STATE <= sizes[1] - sizes[0] <= 3 * 4.5 * STATE


@pytest.mark.parametrize("semiring", ["sum", "max", "entropy", "fused"])
def test_a_sweep_holds_one_layer_at_a_time(semiring):
    peaks = []
    for layers in (3, 6):
        question = recorded(layers)
        question[0].shrink()
        with full_precision(), LiveMemory() as memory:
            sw.backprop(*question, semiring)
        peaks.append(memory.peak)
    assert peaks[1] - peaks[0] < STATE
    question = recorded(3)
    with full_precision(), LiveMemory() as memory:
        sw.backprop(*question, semiring)
    # Its own scores, what a softmax needs at once, and the rest of a layer.
    assert peaks[0] - memory.peak < 4 * SCORES


def test_a_recording_keeps_to_its_limit_while_it_runs():
    model = Model(6)
    question = recorded(model=model)
    question[0].shrink()
    limit = question[0].nbytes + 8 * SCORES
    with LiveMemory() as memory:
        tape, *_ = recorded(model=model, max_memory=limit)
    assert tape.nbytes <= limit
    assert memory.peak < limit + 4 * SCORES


@pytest.mark.parametrize("free", [0, 20 * SCORES])
def test_where_little_memory_is_free_values_are_let_go_of(monkeypatch, free):
    whole = recorded(6)
    monkeypatch.setattr(keeping, "_LOOK", 8 * SCORES)
    monkeypatch.setattr(keeping, "free_memory", lambda device: free)
    scarce = recorded(6)
    assert scarce[0].nbytes < whole[0].nbytes / 3
    # It may not try anew at each operator: that takes long, and what crosses an end is kept.
    assert len(scarce[0].segments.cuts) < 6 * 5
    for semiring in ("sum", "fused"):
        one, other = (sw.backprop(*question, semiring).parts for question in (whole, scarce))
        assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))


def test_what_fits_into_free_memory_is_kept(monkeypatch):
    whole, *_ = recorded(6)
    monkeypatch.setattr(keeping, "_LOOK", 8 * SCORES)
    monkeypatch.setattr(keeping, "free_memory", lambda device: 2 * whole.nbytes)
    tape, *_ = recorded(6)
    assert tape.nbytes == whole.nbytes
    assert not tape.segments.cuts


def test_the_size_under_a_limit_is_known_without_it():
    free, *_ = recorded(6)
    for share in (0.3, 0.5, 0.8, 2.0):
        limit = int(share * free.nbytes)
        real, *_ = recorded(6, max_memory=limit)
        counted, *_ = recorded(6, max_memory=limit, values=False)
        assert counted.nbytes == real.nbytes <= limit


def test_what_fits_is_kept():
    tape, *_ = recorded(3, max_memory=10**9)
    assert all(out.held is not None for op in tape.ops for out in op.outputs)
    assert not tape.segments.cuts


def test_a_copy_in_more_digits_is_not_kept():
    """The float32 copy of half-precision numbers says nothing that these do not."""
    x = torch.randn(1000).bfloat16()
    with LiveMemory() as memory, sw.record() as tape:
        score = (x.float() * 2).sum()
    assert memory.held == tape.nbytes == 4 * 1000 + 4
    tape.shrink()
    expected = torch.full_like(x, 2.0, dtype=torch.float32)
    assert torch.equal(sw.backprop(tape, score, wrt=x).value.float(), expected)


@pytest.mark.parametrize(
    "view",
    [
        lambda y: y.view(y.shape),
        lambda y: y.expand(y.shape),
        lambda y: torch.ops.aten.alias(y).squeeze(),
        lambda y: y.clone()[:],
    ],
)
def test_a_view_of_a_copy_is_in_its_digits_as_well(view):
    x = torch.randn(6, 8).bfloat16()
    with sw.record() as tape:
        score = (view((x * 2).float()) * 1.001).exp().sin().sum()
    values = [op.outputs[0].value.clone() for op in tape.ops]
    tape.shrink()
    assert all(op.outputs[0].held is None for op in tape.ops[:-1])
    for op, value in zip(tape.ops, values, strict=True):
        assert op.outputs[0].value.dtype == value.dtype
        assert torch.equal(op.outputs[0].value, value)
    assert score.isfinite()


def test_a_view_of_a_copy_does_not_keep_the_tape_alive():
    """Else all memory of a recording would wait for the garbage collector."""
    x = torch.randn(1000).bfloat16()
    gc.disable()
    try:
        with LiveMemory() as memory:
            with sw.record() as tape:
                score = x.float().view(10, 100).exp().sum()
            assert memory.held >= tape.nbytes
            del tape, score
            assert memory.held == 0
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "step",
    [
        lambda y: torch.nn.functional.dropout(y, 0.5),
        lambda y: torch.bernoulli(y.sigmoid()) * y,
        lambda y: y.index_add(0, torch.tensor([0, 0, 1]), y[:3]),
        lambda y: y.clone().mul_(2).as_strided((4,), (1,), 1),
    ],
)
def test_what_cannot_be_repeated_is_kept(step):
    x = torch.linspace(-1, 1, 8)
    with sw.record() as tape:
        score = step(x.tanh().sin()).cos().sum()
    expected = sw.backprop(tape, score, wrt=x).value
    values = [out.value.clone() for op in tape.ops for out in op.outputs]
    tape.shrink()
    found = [out.value for op in tape.ops for out in op.outputs]
    assert all(torch.equal(one, other) for one, other in zip(values, found, strict=True))
    assert torch.equal(sw.backprop(tape, score, wrt=x).value, expected)


@pytest.mark.parametrize(
    ("func", "repeats"),
    [(aten.mm, True), (aten.bernoulli, False), (aten.put, False), (aten.native_batch_norm, False)],
)
def test_what_repeats(func, repeats):
    assert is_repeatable(func.default, exact=True) == repeats
    assert not is_repeatable(func.default, exact=False)


def test_cuts_lie_where_little_is_alive():
    tape, *_ = recorded(3)
    cuts = cuts_of(tape.ops, 0, ())
    assert cuts
    for position in cuts:
        crossing = {
            node
            for op in tape.ops[position:]
            for node in op.inputs()
            if node.op is not None and node.op.index < position
        }
        assert sum(node.shape.numel() * node.dtype.itemsize for node in crossing) <= 3 * STATE


def test_a_changed_weight_is_noticed_wherever_it_was_used():
    """What is computed again may depend on a weight that no path meets."""
    weight, x = torch.ones(4, 4), torch.ones(4)
    with sw.record() as tape:
        factor = (weight @ weight).tanh()
        score = (x * factor.sum(0).sin()).sum()
    del factor
    tape.shrink()
    weight.mul_(2)
    with pytest.raises(sw.errors.TapeError, match="changed in place"):
        sw.backprop(tape, score, wrt=x)


@pytest.mark.parametrize("is_lean", [False, True])
@pytest.mark.parametrize("semiring", ["sum", "max", "entropy", "fused"])
def test_the_estimate_is_within_a_quarter(semiring, is_lean):
    """Of an attention that takes most of the memory, as it does in long texts."""
    long = torch.randn(1, 6 * TOKENS, WIDTH).bfloat16()
    with sw.record() as tape:
        score = Model(2)(long)
    if is_lean:
        tape.shrink()
    estimate = sw.estimate_memory(tape, score, long, semiring)
    with full_precision(), LiveMemory() as memory:
        sw.backprop(tape, score, long, semiring)
    assert 0.75 * memory.peak <= estimate <= 1.25 * memory.peak
