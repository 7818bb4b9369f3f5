"""Rules on models: what all paths sum to, and that every question can be asked under each."""

import math

import pytest
import torch
import transformers
from torch import nn

import semiring_widgets as sw
from semiring_widgets.errors import InputError, UnsupportedOpError
from semiring_widgets.vocabulary import RULES

WIDTH, HEADS, TOKENS = 16, 2, 5
_SMALL = {"num_hidden_layers": 2, "num_attention_heads": HEADS, "vocab_size": 20, "hidden_size": WIDTH}
_MLP = {"intermediate_size": 24, "max_position_embeddings": 8}


def bert():
    return transformers.BertForMaskedLM(transformers.BertConfig(**_SMALL, **_MLP))


def gpt2():
    return transformers.GPT2LMHeadModel(
        transformers.GPT2Config(n_embd=WIDTH, n_layer=2, n_head=HEADS, vocab_size=20, n_positions=8)
    )


def llama():
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**_SMALL, **_MLP))


class T5(nn.Module):
    """The encoder's embeddings are the inputs; the decoder reads three words."""

    def __init__(self):
        super().__init__()
        self.model = transformers.T5ForConditionalGeneration(
            transformers.T5Config(
                d_model=WIDTH,
                d_kv=8,
                d_ff=24,
                num_layers=2,
                num_heads=HEADS,
                vocab_size=20,
                feed_forward_proj="gated-gelu",
                decoder_start_token_id=0,
            )
        )

    def forward(self, inputs_embeds):
        return self.model(inputs_embeds=inputs_embeds, decoder_input_ids=torch.tensor([[1, 2, 3]]))


class Image(nn.Module):
    """A convolutional network: batch norm, max pooling, two activations."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(4, 4, 3), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)),
        )

    def forward(self, x):
        return self.layers(x)


MODELS = {"BERT": bert, "GPT-2": gpt2, "Llama": llama, "T5": T5, "CNN": Image}


def made(name, dtype=torch.float64):
    """A model in eval mode, the function from its inputs to a score, and its inputs."""
    torch.manual_seed(0)
    model = MODELS[name]().eval().to(dtype)
    for parameter in model.parameters():
        # Biases and scales as after some training.
        parameter.data += 0.2 * torch.randn_like(parameter)
    if name == "CNN":
        return model, lambda x: model(x)[0, 1], torch.randn(1, 2, 8, 8, dtype=dtype)
    x = torch.randn(1, TOKENS, WIDTH, dtype=dtype)
    return model, lambda x: model(inputs_embeds=x).logits[0, -1, 3], x


def elsewhere(x):
    """A reference that shares a token, or a corner, with the inputs."""
    other = x + torch.randn(x.shape, generator=torch.Generator().manual_seed(1), dtype=x.dtype)
    other[..., 0, :] = x[..., 0, :]
    return other


def recorded(name, **more):
    model, run, x = made(name)
    with sw.record(**more) as tape:
        score = run(x)
    return model, run, x, tape, score


@pytest.mark.parametrize("name", MODELS)
def test_all_paths_of_a_secant_graph_sum_to_the_difference_of_the_scores(name):
    _, run, x, tape, score = recorded(name)
    reference = elsewhere(x)
    slopes = sw.backprop(tape, score, x, rules="secant", reference=reference).value
    with torch.no_grad():
        difference = float(score - run(reference))
    assert abs(difference) > 1e-2
    found = float((slopes * (x - reference)).sum())
    assert found == pytest.approx(difference, abs=1e-9)
    gradient = sw.backprop(tape, score, x).value
    assert abs(float((gradient * (x - reference)).sum()) - difference) > 1e-3


@pytest.mark.parametrize("name", ["BERT", "GPT-2", "Llama", "CNN"])
def test_slopes_times_inputs_and_biases_are_the_score_on_a_linear_graph(name):
    model, _, x, tape, score = recorded(name)
    added = [parameter for name, parameter in model.named_parameters() if name.endswith("bias")]
    added += [
        module.weight
        for at, module in model.named_modules()
        if at.endswith(("position_embeddings", "wpe", "type_embeddings"))
    ]
    every = [x, *(bias for bias in added if tape._bindings.find(bias) is not None)]
    results = sw.backprop(tape, score, every, rules="linear")
    total = sum(
        float((result.value * given.detach()).sum()) for result, given in zip(results, every, strict=True)
    )
    assert total == pytest.approx(float(score), abs=1e-6 if name == "Llama" else 1e-9)
    assert abs(float((sw.backprop(tape, score, x).value * x).sum()) - float(score)) > 1e-3


class Written(nn.Module):
    """A pre-norm layer with a gated feed-forward part; `frozen` cuts what the linear graph holds constant."""

    def __init__(self, frozen=False):
        super().__init__()
        self.frozen = frozen
        self.maps = nn.ModuleDict({name: nn.Linear(WIDTH, WIDTH) for name in "qkvogud"})
        self.last = nn.Linear(WIDTH, 1)

    def hold(self, x):
        return x.detach() if self.frozen else x

    def normed(self, x):
        return x * self.hold(torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))

    def ratio(self, x):
        """A gelu as GPT-2 writes it."""
        return x * self.hold(0.5 * (1 + torch.tanh(0.8 * (x + 0.04 * torch.pow(x, 3)))))

    def forward(self, x):
        maps, h = self.maps, self.normed(x)
        q, k, v = (maps[name](h).unflatten(-1, (HEADS, -1)).transpose(1, 2) for name in "qkv")
        weights = self.hold(torch.softmax(q @ k.mT / 4, -1))
        x = x + maps["o"]((weights @ v).transpose(1, 2).flatten(-2))
        h = self.normed(x)
        x = x + maps["d"](self.hold(nn.functional.silu(maps["g"](h))) * maps["u"](h))
        x = nn.functional.layer_norm(x, (WIDTH,)) if not self.frozen else self.layer_norm(x)
        return self.last(self.ratio(x))[0, -1, 0]

    def layer_norm(self, x):
        centred = x - x.mean(-1, keepdim=True)
        return centred * torch.rsqrt(centred.pow(2).mean(-1, keepdim=True) + 1e-5).detach()


def test_linear_is_autograd_through_a_forward_pass_with_what_it_holds_cut_out():
    torch.manual_seed(0)
    model, x = Written().double(), torch.randn(1, TOKENS, WIDTH, dtype=torch.float64)
    with sw.record(rules="linear") as tape:
        score = model(x)
    found = sw.backprop(tape, score, x)
    model.frozen = True
    leaf = x.clone().requires_grad_()
    again = model(leaf)
    (expected,) = torch.autograd.grad(again, leaf)
    assert float(again.detach()) == pytest.approx(float(score))
    torch.testing.assert_close(found.value, expected, rtol=1e-10, atol=1e-12)
    model.frozen = False
    (gradient,) = torch.autograd.grad(model(leaf), leaf)
    assert float((gradient - expected).norm() / expected.norm()) > 0.1


def test_a_matrix_of_attention_weights_held_constant_is_no_path():
    _, _, x, tape, score = recorded("BERT")
    whole = sw.paths(tape, score, x, rules="linear")
    assert len(whole.anatomy.attentions) == 2
    for branch in ("query", "key"):
        assert whole.through({"layer": 1, "branch": branch}).log_mass == -math.inf
    value = whole.through({"layer": 1, "branch": "value"})
    assert 0 < math.exp(value.log_share) < 1
    table = sw.flow(whole)
    assert table.attrs["rules"] == "linear"
    assert float(table.head_mass_share.sel(kind="query").sum()) == 0
    both = table.branch_mass_share.sel(layer=1, branch=["skip", "value"]).sum()
    assert float(both) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", ["BERT", "Llama", "T5"])
@pytest.mark.parametrize("rules", RULES)
def test_flow_and_maps_add_up_under_every_rule(name, rules):
    _, _, x, tape, score = recorded(name, reference=elsewhere(made(name)[2]))
    whole = sw.paths(tape, score, x, rules=rules)
    table = sw.flow(whole)
    assert table.node_mass_share.sum("token").values[0] == pytest.approx(1, abs=1e-3)
    shares, maps = table.head_mass_share.fillna(0), table.map_mass_share.sum(("query", "key"))
    assert maps.values == pytest.approx(shares.values, rel=1e-3, abs=1e-6)
    # Both are read along the same direction: of a secant graph, input minus reference.
    slopes = whole.backprop().value
    direction = x - tape.reference if rules == "secant" else x
    assert float(table.input_contribution.sum()) == pytest.approx(float((slopes * direction).sum()), abs=1e-6)


@pytest.mark.parametrize("rules", RULES)
def test_paths_routes_and_semirings_speak_of_one_graph(rules):
    _, _, x, tape, score = recorded("GPT-2", reference=elsewhere(made("GPT-2")[2]), rules=rules)
    whole = sw.paths(tape, score, x)
    (best,) = whole.best(1)
    assert best.log_weight == pytest.approx(float(whole.backprop("max").log_weight.max()), rel=1e-5)
    assert math.prod(step.derivative for step in best.steps) == pytest.approx(best.weight, rel=1e-5)
    mass, entropy = whole.total("abs").log_mass, whole.total("entropy").entropy
    assert float(mass) >= best.log_weight
    assert 0 <= float(entropy) <= float(whole.total("count").count) + 1e-6
    routes = whole.routes("mass", 3, samples=20)
    assert routes[0].log_mass < float(mass)
    (drawn,) = whole.sample(1)
    assert math.log(drawn.probability) == pytest.approx(drawn.log_weight - float(mass), rel=1e-4)
    parts = [whole.through({"layer": 0, "branch": branch}).total("sum").value for branch in ("skip", "value")]
    others = [whole.through({"layer": 0, "branch": branch}).total("sum").value for branch in ("query", "key")]
    assert float(sum(parts + others)) == pytest.approx(float(whole.total("sum").value), rel=1e-6, abs=1e-8)


def test_a_tape_knows_its_rule_and_every_question_may_have_another():
    x = torch.tensor([1.0, 2.0])
    with sw.record(rules="secant", reference="zero") as tape:
        score = (x * x).sum()
    assert repr(tape) == "Tape(2 ops, granularity='primitive', rules='secant')"
    result = sw.backprop(tape, score, x)
    assert result.value.tolist() == [1.0, 2.0]
    assert result.rules == result.reduce().rules == "secant"
    assert repr(result).endswith("rules secant)")
    assert sw.backprop(tape, score, x, rules="gradient").value.tolist() == [2.0, 4.0]
    assert sw.backprop(tape, score, x, reference=-x).value.tolist() == [0.0, 0.0]
    assert repr(sw.paths(tape, score, x)) == "Paths(all, rules secant)"
    for ask in (sw.top_paths, sw.sample_paths):
        assert {path.weight for path in ask(tape, score, x, 2)} <= {1.0, 2.0}


def test_graphs_of_two_rules_share_nothing_and_of_one_all():
    _, _, x, tape, score = recorded("BERT", reference="zero")
    grounds = {rules: sw.paths(tape, score, x, rules=rules).ground for rules in RULES}
    assert len(set(map(id, grounds.values()))) == len(RULES)
    for rules, ground in grounds.items():
        assert sw.paths(tape, score, x, rules=rules).ground is ground
    assert sw.paths(tape, score, x, rules="secant", reference="mean").ground is not grounds["secant"]


def test_what_is_written_into_a_reference_later_is_not_the_tapes():
    x, other = torch.tensor([3.0]), torch.tensor([1.0])
    with sw.record(rules="secant", reference=other) as tape:
        score = (x * x).sum()
    other.zero_()
    assert sw.backprop(tape, score, x).value.tolist() == [4.0]


class Doubled(sw.rules.Rule):
    """Products count twice; an activation is the identity, the rest as it is."""

    name = "doubled"

    def product(self, step):
        return step.shared(2.0)

    def pointwise(self, step):
        return step.slopes({node: torch.ones(()) for node in step.inputs})


def test_a_rule_of_ones_own():
    x, y = torch.tensor([2.0]), torch.tensor([3.0])
    with sw.record() as tape:
        score = (x * y).sum() + (5 * x).tanh().sum()
    rule = Doubled()
    found = sw.backprop(tape, score, [x, y], rules=rule)
    assert [result.value.tolist() for result in found] == [[11.0], [4.0]]
    assert found[0].rules == "doubled"
    # What it computes may change, so nothing is kept from one set of paths to the next.
    assert sw.paths(tape, score, x, rules=rule).ground is not sw.paths(tape, score, x, rules=rule).ground


@pytest.mark.parametrize(
    ("rules", "more", "words"),
    [
        ("linaer", {}, "rules is 'linaer'"),
        (3, {}, "rules is 3"),
        (Doubled, {}, r"give an object of it, Doubled\(\)"),
        (sw.rules.Rule(), {}, "has no name"),
        ("secant", {}, "compares with a reference, and there is none"),
        ("secant", {"reference": torch.zeros(3)}, r"reference has the shapes \[\[3\]\]"),
    ],
)
def test_refused(rules, more, words):
    x = torch.tensor([2.0])
    with sw.record() as tape:
        score = (x * x).sum()
    with pytest.raises(InputError, match=words):
        sw.backprop(tape, score, x, rules=rules, **more)


def test_a_tape_refuses_an_unknown_rule_at_once():
    with pytest.raises(InputError, match="rules is 'linaer'"), sw.record(rules="linaer"):
        pass


class Broken(sw.rules.Rule):
    """Gives no edges."""

    name = "broken"

    def __init__(self, given):
        self.given = given

    def product(self, step):
        return self.given


@pytest.mark.parametrize(("given", "said"), [([1.0], r"\[1.0\]"), (None, "None"), (3, "3")])
def test_a_rule_that_gives_no_edges_is_refused(given, said):
    x, y = torch.tensor([2.0]), torch.tensor([3.0])
    with sw.record() as tape:
        score = (x * y).sum()
    with pytest.raises(InputError, match=rf"The rule 'broken' gave {said} for aten.mul.Tensor"):
        sw.backprop(tape, score, [x, y], rules=Broken(given))


@pytest.mark.parametrize("granularity", ["operator", "paper"])
def test_rules_need_the_arithmetic_of_softmax_and_norms(granularity):
    x = torch.tensor([2.0, 1.0])
    with sw.record(granularity) as tape:
        score = torch.softmax(x, 0)[0]
    with pytest.raises(InputError, match='Record with granularity="primitive"'):
        sw.backprop(tape, score, x, rules="linear")
    assert sw.backprop(tape, score, x, rules="gradient").value.abs().sum() > 0


@pytest.mark.parametrize("rules", ["linear", "secant", "lrp"])
def test_what_a_rule_does_not_know_is_named(rules):
    x = torch.tensor([2.0, 1.0])
    with sw.record(reference="zero") as tape:
        score = torch.cumprod(x, 0).sum()
    words = f"aten.cumprod.default with input of shape .2. has no slope by rules='{rules}'"
    with pytest.raises(UnsupportedOpError, match=words):
        sw.backprop(tape, score, x, rules=rules)
    assert sw.backprop(tape, score, x, rules="gim").value.tolist() == [2.0, 2.0]


def test_a_step_that_lies_on_no_path_is_not_asked_about():
    x = torch.tensor([[2.0, 1.0]])
    with sw.record() as tape:
        # All that leads through the attention weights is held constant.
        score = (torch.softmax(torch.cumprod(x, -1), -1) * x).sum()
    weights = torch.softmax(torch.cumprod(x, -1), -1)
    for sweep in ("sum", "abs"):
        result = sw.paths(tape, score, x, rules="linear").backprop(sweep)
        torch.testing.assert_close(result.value if sweep == "sum" else result.log_mass.exp(), weights)


def test_a_model_that_takes_another_way_under_the_reference_is_refused():
    x = torch.tensor([2.0, 1.0])
    with sw.record() as tape:
        first = x.argmax()
        score = x.index_select(0, first[None]).sum()
    with pytest.raises(UnsupportedOpError, match=r"aten.index_select.default takes something .* by no path"):
        sw.backprop(tape, score, x, rules="secant", reference=x.flip(0))
    assert sw.backprop(tape, score, x, rules="secant", reference=x - 0.1).value.tolist() == [1.0, 0.0]
    with sw.record() as tape:
        score = (x * 2).sum() if float(x[0]) > 1 else x.sum()
    with pytest.raises(UnsupportedOpError, match="rules='secant' needs the model to take the same steps"):
        sw.backprop(tape, score, x, rules="secant", reference=x.flip(0))


def test_what_is_cut_must_be_the_same_under_the_reference():
    x = torch.tensor([2.0, 1.0])
    with sw.record() as tape:
        score = (x * x.detach()).sum()
    with pytest.raises(UnsupportedOpError, match="or detach cut"):
        sw.backprop(tape, score, x, rules="secant", reference=x.flip(0))


def test_estimates_follow_the_rule_of_the_tape_and_tests_do_not():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    with sw.record(rules="secant") as tape:
        score = (x * x).sum()
    table = sw.effects(tape, score, wrt=x, reference="zero")
    assert table.effect.tolist() == table.contribution.tolist() == [5.0, 25.0]
    assert sw.test(tape, score, [({"token": 0}, "zero")], wrt=x).effect == 5.0
