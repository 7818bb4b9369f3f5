"""Families of routes: one sweep gives what the sum over all their routes gives."""

import math
from collections import defaultdict

import pytest
import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, T5Config, T5ForConditionalGeneration

import semiring_widgets as sw
from semiring_widgets.core.paths import family_contribution
from tests.core.test_path_sets import bert_question
from tests.core.test_routes import EVERYTHING, small
from tests.lanes import slow_but

STAYS = ("skip", "mlp", "mlp_skip")


def recorded(model, **inputs):
    model = model.double().eval()
    with torch.no_grad(), sw.record() as tape:
        score = model(**inputs).logits[0, -1, 3] * 1
    return tape, score


def parallel():
    """A model whose feed-forward part stands beside the attention: a path takes one or the other."""
    torch.manual_seed(0)
    config = GPTNeoXConfig(
        vocab_size=11,
        hidden_size=4,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=4,
        use_parallel_residual=True,
    )
    x = torch.randn(1, 2, 4, dtype=torch.float64)
    return *recorded(GPTNeoXForCausalLM(config), inputs_embeds=x), x


def encoder_decoder():
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=11, d_model=4, d_kv=2, d_ff=4, num_layers=1, num_heads=2, decoder_start_token_id=0
    )
    x, y = (torch.randn(1, tokens, 4, dtype=torch.float64) for tokens in (2, 1))
    return *recorded(T5ForConditionalGeneration(config), inputs_embeds=x, decoder_inputs_embeds=y), [x, y]


QUESTIONS = {
    "one layer": lambda: small(0),
    "two layers": lambda: small(1, layers=2, heads=1),
    "bert": lambda: bert_question(strength=8),
    "parallel": parallel,
    "encoder-decoder": encoder_decoder,
}


@pytest.fixture(scope="module", params=slow_but(QUESTIONS, keep=lambda name: name != "bert"))
def question(request):
    return QUESTIONS[request.param]()


def grouped(routes):
    found = defaultdict(list)
    for route in routes:
        steps = tuple(leg for leg in route.legs if leg.branch not in STAYS)
        found[(route.input, route.token), steps].append(route)
    return found


def direction_of(x):
    many = x if isinstance(x, list) else [x]
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(one.shape, dtype=one.dtype, generator=generator) for one in many]


def test_a_family_is_the_sum_of_its_routes(question):
    tape, score, x = question
    few = sw.paths(tape, score, x)
    search = few.route_search(direction_of(x))
    routes = search.ranked("best", EVERYTHING, width=EVERYTHING)
    assert routes.uncovered == pytest.approx(0, abs=1e-9)
    families = grouped(routes)
    assert any(len(members) > 1 for members in families.values())
    for number, ((start, steps), members) in enumerate(families.items()):
        if number % max(1, len(families) // 15) == 0:
            wanted = math.fsum(route.contribution for route in members)
            assert family_contribution(search, start, steps) == pytest.approx(wanted, rel=1e-9, abs=1e-12)


def test_all_legs_of_a_route_are_the_route_alone(question):
    tape, score, x = question
    search = sw.paths(tape, score, x).route_search(direction_of(x))
    for route in search.ranked("best", 20, width=20):
        found = family_contribution(search, (route.input, route.token), route.legs)
        assert found == pytest.approx(route.contribution, rel=1e-9, abs=1e-12)


def test_of_a_set_of_paths_it_is_that_of_the_set():
    tape, score, x = small(1, layers=2, heads=1, units=1)
    whole = sw.paths(tape, score, x)
    for few in (whole.through({"layer": 0, "branch": "mlp"}), whole.avoiding({"layer": 1, "branch": "mlp"})):
        search = few.route_search(direction_of(x))
        for (start, steps), members in grouped(search.ranked("best", EVERYTHING, width=EVERYTHING)).items():
            wanted = math.fsum(route.contribution for route in members)
            assert family_contribution(search, start, steps) == pytest.approx(wanted, rel=1e-9, abs=1e-12)
