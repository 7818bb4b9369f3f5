"""Tests of routes: path patching by hand for BERT and GPT-2, contributions in the limit, plain tests."""

import itertools

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.errors import CancelledError, InputError
from tests.core.zoo.feeding import feed
from tests.core.zoo.shrinking import build

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
HEADS, SIZE, TOKENS = 4, 8, 7


class ByHand:
    """A model as its own modules, one layer at a time, with what each of them gave on the clean text."""

    def __init__(self, name):
        self.model = build(name).double()
        self.inputs = [x.double() for x in feed("embeds", self.model)[0]]
        self.clean = []
        x = self.embed(self.inputs[0])
        for layer in self.layers:
            q, k, v = self.operands(layer, x)
            branch = self.out(layer, self.gather(q, k, v))
            middle = self.after_attention(layer, x + branch)
            added = self.mlp(layer, middle)
            self.clean.append((x, q, k, v, branch, middle, added))
            x = self.after_mlp(layer, middle + added)
        self.top = x

    def gather(self, q, k, v, mask=True):
        scores = q @ k.mT / SIZE**0.5
        if self.causal:
            seen = torch.ones(TOKENS, TOKENS, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, float("-inf"))
        return torch.softmax(scores, -1) @ v

    def heads(self, x):
        return x.unflatten(-1, (HEADS, SIZE)).transpose(1, 2)

    def merged(self, z):
        return z.transpose(1, 2).flatten(2)

    def patched(self, token, legs, value):
        """The score when the change of one input row is carried along a route."""
        start = self.inputs[0].clone()
        start[:, token] = value
        x = self.embed(start)
        middle = None
        for leg in legs:
            layer = self.layers[leg["layer"]]
            own = self.clean[leg["layer"]]
            if leg["branch"] in ("mlp", "mlp_skip"):
                only = at(own[5], middle, leg["source"])
                both = (own[5] + self.mlp(layer, only)) if leg["branch"] == "mlp" else (only + own[6])
                # What is added up is changed at this token alone.
                x = self.after_mlp(layer, at(own[5] + own[6], both, leg["source"]))
                continue
            if leg["branch"] == "skip":
                middle = self.after_attention(layer, at(own[0], x, leg["source"]) + own[4])
                continue
            changed = dict(zip(("query", "key", "value"), self.operands(layer, x), strict=True))
            given = dict(zip(("query", "key", "value"), own[1:4], strict=True))
            mixed = given[leg["branch"]].clone()
            mixed[:, leg["head"], leg["source"]] = changed[leg["branch"]][:, leg["head"], leg["source"]]
            given[leg["branch"]] = mixed
            branch = self.out(layer, self.gather(*given.values()))
            middle = self.after_attention(layer, own[0] + at(own[4], branch, leg["target"]))
        return self.score(self.logits(x))

    def score(self, logits):
        return logits[0, -1, 3] - logits[0, -1, 4] + 0.5 * logits[0, 1, 5]

    def recorded(self):
        with sw.record() as tape:
            score = self.score(self.model(inputs_embeds=self.inputs[0]).logits)
        return tape, score


class Bert(ByHand):
    causal = False

    @property
    def layers(self):
        return list(self.model.bert.encoder.layer)

    def embed(self, x):
        return self.model.bert.embeddings(inputs_embeds=x)

    def operands(self, layer, x):
        own = layer.attention.self
        return tuple(self.heads(part(x)) for part in (own.query, own.key, own.value))

    def out(self, layer, z):
        return layer.attention.output.dense(self.merged(z))

    def after_attention(self, layer, x):
        return layer.attention.output.LayerNorm(x)

    def mlp(self, layer, x):
        return layer.output.dense(layer.intermediate(x))

    def after_mlp(self, layer, x):
        return layer.output.LayerNorm(x)

    def logits(self, x):
        return self.model.cls(x)


class GPT2(ByHand):
    causal = True

    @property
    def layers(self):
        return list(self.model.transformer.h)

    def embed(self, x):
        return x + self.model.transformer.wpe.weight[:TOKENS]

    def operands(self, layer, x):
        return tuple(self.heads(part) for part in layer.attn.c_attn(layer.ln_1(x)).chunk(3, -1))

    def out(self, layer, z):
        return layer.attn.c_proj(self.merged(z))

    def after_attention(self, layer, x):
        return x

    def mlp(self, layer, x):
        return layer.mlp(layer.ln_2(x))

    def after_mlp(self, layer, x):
        return x

    def logits(self, x):
        return self.model.lm_head(self.model.transformer.ln_f(x))


def at(clean, changed, token):
    """A tensor with the row of one token changed."""
    mixed = clean.clone()
    mixed[:, token] = changed[:, token]
    return mixed


def step(layer, branch, source, target=None, head=None):
    return {"layer": layer, "branch": branch, "head": head, "source": source, "target": target}


def routes():
    """Through two layers by each branch, ending where the score is read."""
    ways = itertools.product(("query", "key", "value", "skip"), ("mlp", "mlp_skip"))
    for (first, then), (second, last) in itertools.product(ways, repeat=2):
        a = 2 if first in ("query", "skip") else 1
        b = 3 if first in ("key", "value") else a
        c = 6 if second in ("key", "value") else b
        heads = [None if branch == "skip" else h for branch, h in ((first, 1), (second, 3))]
        yield (
            a,
            [
                step(0, first, a, b, heads[0]),
                step(0, then, b, b),
                step(1, second, b, c, heads[1]),
                step(1, last, c, c),
            ],
        )


@pytest.mark.parametrize("kind", [Bert, GPT2])
def test_routes_as_patched_by_hand(kind):
    case = kind("BertForMaskedLM" if kind is Bert else "GPT2LMHeadModel")
    tape, score = case.recorded()
    torch.testing.assert_close(case.score(case.logits(case.top)), score.detach())
    reference = case.inputs[0] + 3 * torch.randn(case.inputs[0].shape, dtype=torch.float64)
    given = list(routes())
    found = sw.test(
        tape,
        score,
        [{sw.RouteSteps(token, legs): "reference"} for token, legs in given],
        wrt=case.inputs,
        reference=reference,
    )
    with torch.no_grad():
        expected = [case.patched(token, legs, reference[:, token]) for token, legs in given]
    for (_, legs), one, number in zip(given, found, expected, strict=True):
        assert one.after == pytest.approx(float(number), abs=1e-13), legs
    # All that end at the last token, and so are seen by the score, change it.
    ending = [one.effect for (_, legs), one in zip(given, found, strict=True) if legs[-1]["source"] == 6]
    assert len(ending) >= 16
    assert min(abs(effect) for effect in ending) > 1e-12


@pytest.fixture(
    scope="module",
    params=["BertForMaskedLM", "GPT2LMHeadModel", "LlamaForCausalLM", "T5ForConditionalGeneration"],
)
def question(request):
    model = in_double(build(request.param))
    inputs, call = feed("seq2seq" if "T5" in request.param else "embeds", model)
    inputs = [x.double() for x in inputs]
    with sw.record() as tape:
        logits = call(inputs).logits[0]
        score = logits[-1, 3] - logits[-1, 4]
    generator = torch.Generator().manual_seed(11)
    changes = [torch.randn(x.shape, dtype=torch.float64, generator=generator) for x in inputs]
    return tape, score, inputs, changes


CLOSE = {"rel": 1e-5, "abs": 1e-8}
SIZE_OF_STEP = 1e-4


def in_double(model):
    """Llama and T5 compute their norms in float32 whatever else they compute in; these do not."""
    for module in model.double().modules():
        for name, norm in module.named_children():
            if hasattr(norm, "variance_epsilon"):
                exact = torch.nn.RMSNorm(norm.weight.shape, eps=norm.variance_epsilon, dtype=torch.float64)
                exact.weight.data = norm.weight.data
                setattr(module, name, exact)
    return model


def slope(question, steps):
    """How the score changes with a small change along a route, to third order."""
    tape, score, inputs, changes = question
    size = SIZE_OF_STEP
    stream = steps.stream if isinstance(steps, sw.RouteSteps) else steps.input
    x, change = inputs[stream], changes[stream]
    ahead, behind = sw.test(tape, score, [{steps: x - size * change}, {steps: x + size * change}], wrt=inputs)
    return (ahead.effect - behind.effect) / (2 * size)


@pytest.mark.parametrize("by", ["contribution", "mass"])
def test_of_a_small_change_a_route_does_what_it_contributes(question, by):
    tape, score, inputs, changes = question
    for route in sw.paths(tape, score, inputs).routes(by, k=6, direction=changes, samples=50):
        assert slope(question, route) == pytest.approx(route.contribution, **CLOSE)
        assert slope(question, sw.RouteSteps.of(route)) == pytest.approx(route.contribution, **CLOSE)


def test_what_is_left_out_is_any(question):
    """Without legs: all paths from a token that go by no attention, as the sets of paths have it."""
    tape, score, inputs, changes = question
    whole = sw.paths(tape, score, inputs)
    layers = range(len(whole.anatomy.attentions))
    last = len(inputs) - 1
    token = inputs[last].shape[1] - 1
    plain = whole.through({"token": token, "stream": last}).avoiding([{"layer": layer} for layer in layers])
    expected = plain.contribution(changes)
    assert slope(question, sw.RouteSteps(token, (), last)) == pytest.approx(expected, **CLOSE)
    assert expected != 0
    top = layers[-1]
    legs = [{"layer": top, "branch": "value"}]
    own = whole.avoiding([{"layer": layer} for layer in layers[:-1]])
    expected = own.through({"layer": top, "branch": "value"}).contribution(changes)
    total = sum(slope(question, sw.RouteSteps(None, legs, stream)) for stream in range(len(inputs)))
    assert total == pytest.approx(expected, **CLOSE)


def test_a_route_may_begin_at_some_tokens(question):
    _, _, inputs, _ = question
    last, top = len(inputs) - 1, inputs[-1].shape[1] - 1
    apart = [slope(question, sw.RouteSteps(token, (), last)) for token in (0, top)]
    assert slope(question, sw.RouteSteps((0, top), (), last)) == pytest.approx(sum(apart), **CLOSE)
    assert sum(apart) != 0


def test_one_step_is_a_plain_test():
    """In a model of one layer what a token gives to the head that the score reads by is a part of its own."""
    model = build("BertForMaskedLM", num_hidden_layers=1).double()
    x = feed("embeds", model)[0][0].double()
    with sw.record() as tape:
        logits = model(inputs_embeds=x).logits[0, 6]
        score = logits[3] - logits[4]
    for branch, source in (("value", 2), ("key", 2), ("query", 6)):
        reference = x.clone()
        reference[:, source] = 1.0
        steps = sw.RouteSteps(source, [step(0, branch, source, 6, 1)])
        part = sw.Selection(0, branch, 1, source)
        route, plain = sw.test(
            tape, score, [{steps: "reference"}, {part: "reference"}], wrt=x, reference=reference
        )
        assert route.after == pytest.approx(plain.after, abs=1e-12)
        assert route.effect != 0
    elsewhere = sw.RouteSteps(2, [step(0, "value", 2, 5, 1)])
    assert sw.test(tape, score, {elsewhere: "zero"}, wrt=x).effect == 0


def test_wrong_steps(question):
    tape, score, inputs, _ = question
    wrong = [
        (lambda: sw.RouteSteps(0, [3]), "A step of a route is 3"),
        (lambda: sw.RouteSteps(0, [{"layer": 1}]), "with layer, branch"),
        (lambda: sw.RouteSteps(0, [{"layer": 1, "branch": "skip", "word": 1}]), "with layer, branch"),
        (lambda: {sw.RouteSteps(0, [step(9, "skip", 0)]): 0.0}, "layer is 9"),
        (lambda: {sw.RouteSteps(0, [step(0, "by", 0)]): 0.0}, "branch is 'by'"),
        (lambda: {sw.RouteSteps(0, [step(0, "value", 0, 77, 1)]): 0.0}, "target is 77"),
        (lambda: {sw.RouteSteps(99): 0.0}, "token is 99"),
        (lambda: {sw.RouteSteps((0, 99)): 0.0}, "token is 99"),
        (lambda: {sw.RouteSteps(()): 0.0}, "begins at no token"),
        (lambda: {sw.RouteSteps(None, (), 9): 0.0}, "stream is 9"),
        (lambda: {sw.RouteSteps(0): 0.0, inputs[0]: 0.0}, "a test of its own"),
        (lambda: {sw.RouteSteps(0): "reference"}, "give reference="),
    ]
    for make, says in wrong:
        with pytest.raises(InputError, match=says):
            sw.test(tape, score, make(), wrt=inputs)
    with pytest.raises(InputError, match="give wrt="):
        sw.test(tape, score, {sw.RouteSteps(0): 0.0})

    def cancel(done, total):
        if done == 1:
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        sw.test(tape, score, [{sw.RouteSteps(0): 0.0}] * 2, wrt=inputs, progress=cancel)
