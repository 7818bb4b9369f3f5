"""`explain` from end to end on the embedded model: numbers that add up, and sentences for bad input."""

import re

import numpy as np
import pytest
import torch
import transformers

import semiring_widgets as sw
from semiring_widgets.errors import CancelledError, MemoryLimitError
from semiring_widgets.explanation import demo, explain_run
from tests.core.zoo.shrinking import build
from tests.own_tokenizers import sentence_piece

TEXT = demo.DEMO_TEXT


@pytest.fixture(scope="module")
def pair():
    return sw.load_demo()


@pytest.fixture(scope="module")
def result(pair):
    return sw.explain(*pair, TEXT, target="are", contrast="is")


def test_shares_add_up(result):
    branch = result.dataset.branch_mass_share
    assert branch[:, :4].sum(("branch", "token")).values == pytest.approx(1, abs=1e-4)
    assert branch[:, 4:].sum(("branch", "token")).values == pytest.approx(1, abs=1e-4)
    assert result.dataset.node_mass_share.sum("token").values == pytest.approx(1, abs=1e-4)
    assert float(result.dataset.token_mass_share.sum()) == pytest.approx(1, abs=1e-5)


def test_routes_tell_tokens_of_one_text_apart(pair):
    told = sw.explain(*pair, "The keys to the keys [MASK] on the table.", target="are", contrast="is")
    words = [token.text for token in told.tokens]
    several = {place for place, word in enumerate(words) if words.count(word) > 1}
    assert {words[place] for place in several} == {"keys", "the"}
    names = [
        word + ("₀₁₂₃₄₅₆₇₈₉"[place] if place in several else "") for place, word in enumerate(words[:10])
    ]
    routes = [route for by in ("best", "mass", "contribution") for route in told.ranking(by).routes]
    begun = [(route, route.steps[0].source) for route in routes]
    assert several & {place for _, place in begun}
    assert all(route.sentence.startswith(f"{names[place]} ") for route, place in begun)


def test_with_less_memory_the_numbers_are_the_same(pair, result):
    def asked(limit):
        return sw.explain(*pair, TEXT, target="are", contrast="is", max_memory=limit)

    with pytest.raises(MemoryLimitError, match="recording has reached"):
        asked(50_000)
    with pytest.raises(MemoryLimitError, match=r"explain needs about .* beside the .* of the tape") as caught:
        asked(1_200_000)
    needed, tape = (float(number) for number in re.findall(r"([\d.]+) MB", str(caught.value))[:2])
    lean = asked(int((needed + tape + 0.2) * 1e6))
    assert lean.dataset.identical(result.dataset)
    assert lean.totals == result.totals
    chosen = {"layer": 1, "branch": "value", "head": 1, "token": None, "stream": 0}
    full_table, full_share = result.session.conditioned(chosen)
    table, share = lean.session.conditioned(chosen)
    assert table.identical(full_table)
    assert share == full_share
    rankings = [(lean.ranking(by), result.ranking(by)) for by in ("best", "mass", "contribution")]
    rankings.append((lean.session.ranking("best", chosen, 5), result.session.ranking("best", chosen, 5)))
    for few, many in rankings:
        # Fewer trails at a time are summed in another order.
        assert [route.steps for route in few.routes] == [route.steps for route in many.routes]
        for one, other in zip(few.routes, many.routes, strict=True):
            assert one.log_weight == pytest.approx(other.log_weight, abs=1e-5)
            assert one.log_mass == pytest.approx(other.log_mass, abs=1e-5)
            # Of what begins at what is replaced by itself, nothing is left to cancel.
            slack = 1e-6 * abs(other.contribution) / other.cancellation if other.contribution else 0.0
            assert one.contribution == pytest.approx(other.contribution, abs=slack)


def test_best_facts_agree(result):
    best, routes = result.totals.best_log_weight, result.ranking("best").routes
    assert routes[0].log_weight == pytest.approx(best, abs=1e-3)
    assert float(result.dataset.token_best_log_weight.max()) == pytest.approx(best, abs=1e-3)
    assert routes[0].sign == result.totals.best_sign
    weights = [route.log_weight for route in routes]
    assert weights == sorted(weights, reverse=True)
    assert len({route.steps for route in routes}) == len(routes)


def test_every_head_conditions_to_its_own_share(result):
    for layer in range(4):
        for kind, branch in enumerate(("query", "key", "value")):
            chosen = {"layer": layer, "branch": branch, "head": 1, "token": None, "stream": 0}
            table, log_share = result.session.conditioned(chosen)
            routes = result.session.ranking("best", chosen, 2).routes
            expected = float(result.dataset.head_mass_share[layer, 1, kind])
            assert np.exp(log_share) == pytest.approx(expected, rel=1e-3)
            assert table.token_mass_share.sum().item() == pytest.approx(1, abs=1e-4)
            assert any(s.layer == layer and s.branch == branch and s.head == 1 for s in routes[0].steps)


def test_a_head_map_sums_to_its_head(result):
    shares = result.session.head_map(2, 3)
    assert shares.sum((1, 2)) == pytest.approx(result.dataset.head_mass_share[2, 3].values, rel=1e-3)


def test_numbers_are_those_of_backprop(pair, result):
    model, tokenizer = pair
    encoded = tokenizer(TEXT, return_tensors="pt")
    x = model.get_input_embeddings()(encoded["input_ids"]).detach()
    with sw.record() as tape:
        logits = model(inputs_embeds=x, attention_mask=encoded["attention_mask"]).logits[0, 6]
        score = logits[tokenizer.convert_tokens_to_ids("are")] - logits[tokenizer.convert_tokens_to_ids("is")]
    found = sw.backprop(tape, score, wrt=x, semiring="entropy").reduce((0, 2))
    expected = result.dataset.token_entropy.values
    assert found.entropy.numpy() == pytest.approx(expected, rel=1e-4)


def test_results_arrive_layer_by_layer(pair):
    seen = []
    explain_run(*pair, TEXT, "are")(seen.append, lambda: None)
    known = [int((~np.isnan(s.dataset.node_mass_share.values).all(-1)).sum()) for s in seen if s.layers]
    assert known == sorted(known)
    assert set(known) >= {0, 1, 2, 3, 4}
    assert seen[-1].status.state == "done"


def test_cancel_stops_between_operators(pair):
    calls = iter(range(50))

    def check():
        if next(calls) > 20:
            raise CancelledError("stop")

    with pytest.raises(CancelledError):
        explain_run(*pair, TEXT, "are")(lambda _: None, check)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"text": "  "}, "empty"),
        ({"text": "The keys are here."}, r"no \[MASK\]"),
        ({"text": "[MASK] keys [MASK]."}, "2 .MASK. tokens"),
        ({"text": "the " * 70 + "[MASK]"}, "at most 64"),
        ({"target": "語"}, "unknown"),
        ({"target": "are", "contrast": "are"}, "same token"),
        ({"position": 99}, "out of range"),
        ({"target": 10**6}, "out of range"),
        ({"level": "high"}, "unit, branch"),
        ({"granularity": "fine"}, "primitive"),
        ({"score": lambda out: out.logits, "target": None, "contrast": None}, "one number per"),
    ],
)
def test_bad_input_is_a_sentence(pair, changes, says):
    asked = {"text": TEXT, "target": "are", "contrast": "is", **changes}
    with pytest.raises(sw.SemiringWidgetsError, match=says):
        sw.explain(*pair, **asked)


def test_training_mode_and_nan_weights():
    model, tokenizer = sw.load_demo()
    with pytest.raises(sw.SemiringWidgetsError, match="eval"):
        sw.explain(model.train(), tokenizer, TEXT, target="are")
    assert model.training
    with torch.no_grad():
        model.eval().bert.encoder.layer[1].output.dense.weight[0, 0] = float("nan")
    with pytest.raises(sw.SemiringWidgetsError, match=r"encoder.layer.1.output.dense.weight"):
        sw.explain(model, tokenizer, TEXT, target="are")


def test_a_model_without_attention(pair):
    config = transformers.MambaConfig(
        vocab_size=len(pair[1]), hidden_size=16, num_hidden_layers=1, state_size=4
    )
    model = transformers.MambaForCausalLM(config).eval()
    with pytest.raises(sw.SemiringWidgetsError, match=r"attention|rule"):
        sw.explain(model, pair[1], "The keys", target="are")


def test_tokens_of_encoder_and_decoder_are_told_apart_in_a_sentence():
    tokenizer = sentence_piece((" is", " are", " the"), signs="</s>")
    model = build("BartForConditionalGeneration", decoder_start_token_id=2, vocab_size=len(tokenizer))
    found = sw.explain(model, tokenizer, "is the is", "are", paths=4)
    assert all("</s> (decoder)" in route.sentence for route in found.ranking("best").routes)
    mass = " ".join(route.sentence for route in found.ranking("mass").routes)
    assert mass.count("</s>") == mass.count("</s> (decoder)") + mass.count("</s> (encoder)")
