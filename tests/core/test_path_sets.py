"""Paths through and around parts of a model: parts of a partition add up, and single paths agree."""

import itertools
import math

import pytest
import torch
from transformers import BertConfig, BertModel

import semiring_widgets as sw
from semiring_widgets.errors import InputError

BRANCHES = ("skip", "query", "key", "value")


@pytest.fixture(scope="module")
def question():
    return bert_question(strength=1)


@pytest.fixture(scope="module")
def many(question):
    """The best paths of all, in order."""
    return sw.top_paths(*question, k=3000)


@pytest.fixture(scope="module")
def strong():
    """With larger weights, so that the best paths do leave the skips."""
    return bert_question(strength=8)


def small_bert(strength):
    """Two layers, their weights multiplied, and its inputs."""
    torch.manual_seed(1)
    config = BertConfig(hidden_size=8, intermediate_size=8, num_hidden_layers=2, num_attention_heads=2,
                        vocab_size=10, max_position_embeddings=8)  # fmt: skip
    model = BertModel(config).double().eval()
    for parameter in model.parameters():
        parameter.data.mul_(strength)
    return model, torch.randn(1, 3, 8, dtype=torch.float64)


def bert_question(strength):
    model, inputs = small_bert(strength)
    with sw.record() as tape:
        score = model(inputs_embeds=inputs).last_hidden_state[0, 1, 2] * 1
    return tape, score, inputs


def log_sum(numbers):
    return float(torch.logsumexp(torch.tensor(numbers, dtype=torch.float64), 0))


def test_a_partition_adds_up(question):
    """Every path takes one branch of each layer."""
    whole = sw.select_paths(*question)
    sets = [
        sw.select_paths(*question, through=[{"layer": 0, "branch": a}, {"layer": 1, "branch": b}])
        for a, b in itertools.product(BRANCHES, BRANCHES)
    ]
    assert log_sum([s.log_mass for s in sets]) == pytest.approx(whole.log_mass, abs=1e-9)
    assert sum(math.exp(s.log_share) for s in sets) == pytest.approx(1, abs=1e-9)
    assert max(s.log_weight for s in sets) == pytest.approx(whole.log_weight, abs=1e-9)
    gradient = sw.backprop(*question).value
    torch.testing.assert_close(sum(s.backprop()[0].value for s in sets), gradient)


@pytest.mark.parametrize("part", [
    {"layer": 0}, {"layer": 1, "head": 1}, {"layer": 1, "head": 0, "branch": "value", "token": 2},
    {"layer": 1, "token": 0}, {"token": 2}, {"layer": 0, "branch": "mlp"},
    {"layer": 1, "branch": "skip", "token": 1},
])  # fmt: skip
def test_through_and_around_make_all(question, part):
    through, around = sw.select_paths(*question, through=part), sw.select_paths(*question, avoiding=part)
    whole = sw.select_paths(*question)
    assert log_sum([through.log_mass, around.log_mass]) == pytest.approx(whole.log_mass, abs=1e-9)
    gradient = through.backprop("sum")[0].value + around.backprop("sum")[0].value
    torch.testing.assert_close(gradient, sw.backprop(*question).value)
    p = math.exp(through.log_share)
    mixed = p * through.entropy + (1 - p) * around.entropy - sum(q * math.log(q) for q in (p, 1 - p) if q > 0)
    assert mixed == pytest.approx(whole.entropy, abs=1e-7)


def fits(path, through, avoiding):
    """Whether the described steps say that a path takes these (layer, head, route)s."""
    taken = {(step.layer, step.head, step.route) for step in path.steps}
    return through <= taken and not (avoiding & taken)


def test_single_paths_belong(question):
    chosen = sw.select_paths(
        *question, through={"layer": 0, "head": 1, "branch": "value"}, avoiding={"layer": 1, "head": 0}
    )
    found = chosen.top_paths(20)
    assert found[0].log_weight == pytest.approx(chosen.log_weight, abs=1e-9)
    assert [p.log_weight for p in found] == sorted((p.log_weight for p in found), reverse=True)
    heads = {(1, 0, name) for name in ("query", "key", "value")}
    assert all(fits(path, {(0, 1, "value")}, heads) for path in found)


@pytest.mark.parametrize("parts", [
    {"avoiding": {"layer": 0, "head": 0}}, {"through": {"layer": 1, "branch": "skip"}},
    {"through": [{"layer": 0, "branch": "skip"}, {"layer": 1, "branch": "skip"}]},
])  # fmt: skip
def test_single_paths_come_in_order(question, many, parts):
    """The best paths of a set are the best of all paths that belong to it."""
    found = sw.select_paths(*question, **parts).top_paths(30)
    through = parts.get("through", [])
    wanted = {(p["layer"], None, "skip") for p in ([through] if isinstance(through, dict) else through)}
    heads = {(0, 0, name) for name in ("query", "key", "value")} if "avoiding" in parts else set()
    expected = [p.log_weight for p in many if fits(p, wanted, heads)][:30]
    assert len(expected) == 30
    assert [p.log_weight for p in found] == pytest.approx(expected, abs=1e-9)


def test_gates_in_any_order(question):
    parts = [{"layer": 1, "branch": "skip"}, {"layer": 0, "head": 0, "branch": "value"}, {"token": 2}]
    sets = [sw.select_paths(*question, through=order) for order in itertools.permutations(parts)]
    assert len({round(s.log_mass, 9) for s in sets}) == 1
    best = sets[0].top_paths(1)[0]
    assert best.start[1] == 2
    assert best.log_weight == pytest.approx(sets[0].log_weight, abs=1e-9)


PARTS = [
    {"token": 1}, {"layer": 0, "token": 1}, {"layer": 0, "branch": "skip"},
    {"layer": 0, "branch": "skip", "token": 1}, {"layer": 0, "branch": "mlp"},
    {"layer": 0, "branch": "mlp", "token": 1}, {"layer": 1, "head": 1}, {"layer": 1, "branch": "value"},
]  # fmt: skip


@pytest.mark.parametrize("pair", list(itertools.combinations(PARTS, 2)), ids=str)
def test_the_order_of_parts_does_not_matter(question, pair):
    there, back = (sw.select_paths(*question, through=parts) for parts in (pair, pair[::-1]))
    assert there.log_mass == back.log_mass > -math.inf
    assert there.log_weight == back.log_weight


@pytest.mark.parametrize(("parts", "same"), [
    (({"layer": 0, "token": 1}, {"layer": 0, "branch": "skip"}), {"layer": 0, "branch": "skip", "token": 1}),
    (({"layer": 0, "branch": "skip"}, {"layer": 0, "branch": "skip", "token": 1}),
     {"layer": 0, "branch": "skip", "token": 1}),
    (({"layer": 1, "branch": "mlp", "token": 0}, {"layer": 1, "branch": "mlp"}),
     {"layer": 1, "branch": "mlp", "token": 0}),
    (({"layer": 1, "head": 1}, {"layer": 1, "branch": "value"}), {"layer": 1, "head": 1, "branch": "value"}),
])  # fmt: skip
def test_parts_of_one_place_are_what_they_share(question, parts, same):
    both, one = sw.select_paths(*question, through=parts), sw.select_paths(*question, through=same)
    assert both.log_mass == pytest.approx(one.log_mass, abs=1e-12)
    torch.testing.assert_close(both.backprop()[0].value, one.backprop()[0].value)


@pytest.mark.parametrize("semiring", ["max", "fused"])
def test_best_paths_have_their_signs(question, semiring):
    found = sw.select_paths(*question, through={"layer": 1, "head": 1})
    (result,) = found.backprop(semiring)
    (pair,) = found.backprop("signed_max")
    assert torch.equal(result.sign, pair.sign)
    (everything,) = sw.select_paths(*question).backprop(semiring)
    assert torch.equal(everything.sign, sw.backprop(*question, semiring).sign)


def test_an_impossible_set_is_empty(question):
    nothing = sw.select_paths(*question, through=[{"layer": 1, "head": 0}, {"layer": 1, "head": 1}])
    assert nothing.log_mass == -math.inf
    assert nothing.top_paths(3) == []
    assert nothing.entropy == 0


@pytest.mark.parametrize(("part", "words"), [
    ({"layer": 2}, "layer is 2; there are 2"), ({"layer": 0, "head": 5}, "head is 5"),
    ({"head": 1}, "no layer"), ({"layer": 0, "branch": "sideways"}, "choose one of"),
    ({"token": 9}, "token is 9"), ({"word": 1}, "no part"),
    ({"layer": 0, "branch": "mlp", "head": 1}, "no heads"),
    ({"token": 0, "stream": 3}, "stream is 3"),
])  # fmt: skip
def test_mistakes_are_sentences(question, part, words):
    with pytest.raises(InputError, match=words):
        sw.select_paths(*question, through=part)


def test_lengths(question):
    (hops,) = sw.path_lengths(*question)
    whole = sw.backprop(*question, semiring="abs")
    torch.testing.assert_close(hops.log_mass, whole.log_mass)
    none = sw.select_paths(*question, avoiding=[{"layer": 0}, {"layer": 1}])
    assert float(hops.log_masses[..., 0].flatten().logsumexp(0)) == pytest.approx(none.log_mass, abs=1e-9)
    both = sw.select_paths(*question, through=[{"layer": 0}, {"layer": 1}])
    assert float(hops.log_masses[..., 2].flatten().logsumexp(0)) == pytest.approx(both.log_mass, abs=1e-9)
    (skips,) = sw.path_lengths(*question, of="skip")
    assert 0 <= float(skips.length.min()) <= float(skips.length.max()) <= 4
    with pytest.raises(InputError, match="choose one of"):
        sw.path_lengths(*question, of="miles")


def test_leaving_the_skip(strong):
    """All paths but those that stay on the skips: exactly what remains without them."""
    inputs = strong[2]
    leaving, whole = sw.select_paths(*strong, leaving_skip=True), sw.select_paths(*strong)
    skips = [{"layer": layer, "branch": branch} for layer in (0, 1) for branch in ("skip", "mlp_skip")]
    staying = sw.select_paths(*strong, through=skips)
    assert log_sum([leaving.log_mass, staying.log_mass]) == pytest.approx(whole.log_mass, abs=1e-9)
    assert leaving.contribution() + staying.contribution() == pytest.approx(whole.contribution(), abs=1e-12)
    gradient = sw.backprop(*strong).value
    torch.testing.assert_close(leaving.backprop()[0].value + staying.backprop()[0].value, gradient)
    assert whole.contribution() == pytest.approx(float((gradient * inputs).sum()), abs=1e-12)
    p = math.exp(leaving.log_share)
    mixed = p * leaving.entropy + (1 - p) * staying.entropy - p * math.log(p) - (1 - p) * math.log(1 - p)
    assert mixed == pytest.approx(whole.entropy, abs=1e-7)
    found = leaving.top_paths(20)
    assert found[0].log_weight == pytest.approx(leaving.log_weight, abs=1e-9)
    expected = [p.log_weight for p in sw.top_paths(*strong, k=3000) if leaves(p)][:20]
    assert len(expected) == 20
    assert [p.log_weight for p in found] == pytest.approx(expected, abs=1e-9)


def leaves(path):
    """Whether the described steps of a path take an attention or a feed-forward part."""
    return not {step.route for step in path.steps} <= {"embedding", "skip", "mlp_skip", "output"}


def test_leaving_the_skip_elsewhere(strong):
    """Together with a part to pass and one to avoid; a set that must leave by what it avoids is empty."""
    parts = {"through": {"layer": 1, "branch": "skip"}, "avoiding": {"layer": 0, "head": 0}}
    leaving = sw.select_paths(*strong, **parts, leaving_skip=True)
    found = leaving.top_paths(10)
    paths = sw.select_paths(*strong, **parts).top_paths(2000)
    expected = [p.log_weight for p in paths if leaves(p)][:10]
    assert [p.log_weight for p in found] == pytest.approx(expected, abs=1e-9)
    assert leaving.log_weight == pytest.approx(expected[0], abs=1e-9)
    branches = [{"layer": layer, **more} for layer in (0, 1) for more in ({}, {"branch": "mlp"})]
    nothing = sw.select_paths(*strong, avoiding=branches, leaving_skip=True)
    assert nothing.log_mass == -math.inf
    assert nothing.top_paths(3) == []


@pytest.mark.slow
def test_a_part_then_another(strong):
    """Through the value of one head, then along the skip of the next layer."""
    both = [{"layer": 0, "head": 1, "branch": "value"}, {"layer": 1, "branch": "skip"}]
    chosen = sw.select_paths(*strong, through=both)
    for path in chosen.top_paths(5):
        assert fits(path, {(0, 1, "value"), (1, None, "skip")}, set())
    routes = [r for r in sw.top_routes(*strong, k=10**6, by="mass") if
              (r.legs[0].branch, r.legs[0].head, r.legs[2].branch) == ("value", 1, "skip")]  # fmt: skip
    assert log_sum([r.log_mass for r in routes]) == pytest.approx(chosen.log_mass, abs=1e-9)
    assert max(r.log_weight for r in routes) == pytest.approx(chosen.log_weight, abs=1e-9)
    assert math.fsum(r.contribution for r in routes) == pytest.approx(chosen.contribution(), abs=1e-9)
