"""What methods are held against: every number again, by plain calls of the model and of Captum."""

import captum.metrics
import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, Lime, NoiseTunnel, Saliency

from semiring_widgets.attr.comparing import compare, compare_run
from semiring_widgets.attr.gradient import SemiringGradient
from semiring_widgets.attr.methods import resolve
from semiring_widgets.attr.replacing import Replacing
from semiring_widgets.core import backprop, record
from semiring_widgets.core.effects import effect_rows
from semiring_widgets.errors import CancelledError, InputError
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.question import Question
from semiring_widgets.results.comparison import TENTHS, counted
from semiring_widgets.vocabulary import METRICS

TEXT = "the keys to the cabinet [MASK] on the table"
NAMES = ["tested effect", "contribution", "Saliency", "InputXGradient", "path mass"]
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture
def classifier(bert):
    from transformers import BertForSequenceClassification

    torch.manual_seed(1)
    return BertForSequenceClassification(bert.config).eval()


@pytest.fixture
def t5(tokenizer):
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=8,
        d_kv=4,
        d_ff=16,
        num_layers=2,
        num_heads=2,
        decoder_start_token_id=0,
    )
    return T5ForConditionalGeneration(config).eval()


ASKED = {
    "bert": (TEXT, {"target": "are", "contrast": "is"}),
    "gpt2": ("the keys to the cabinet", {"target": "are"}),
    "classifier": ("the dog barks loudly", {"target": 1}),
    "t5": ("the keys to the cabinet", {"target": "are", "contrast": "is"}),
}


@pytest.fixture(params=ASKED)
def asked(request, tokenizer):
    """Model, text, what is asked, and the question as a function of embeddings."""
    model = request.getfixturevalue(request.param)
    text, more = ASKED[request.param]
    return model, text, more, prepare(model, tokenizer, Question(text, **more))


def score_with(prepared, replaced, reference):
    """The score with some tokens replaced, by one call of the model."""
    changed = prepared.inputs_embeds.clone()
    for token in replaced:
        changed[0, token] = reference[0, token]
    with torch.no_grad():
        return float(prepared.forward(changed))


def by_hand(model, tokenizer, prepared, kind):
    """Embeddings of a reference."""
    x = prepared.inputs_embeds.detach()
    if kind == "zero":
        return torch.zeros_like(x)
    if kind == "mean":
        return x.mean(1, keepdim=True).expand_as(x)
    with torch.no_grad():
        mask = model.get_input_embeddings()(torch.tensor(tokenizer.mask_token_id))
    reference = mask.expand_as(x).clone()
    for token in prepared.streams[0].tokens:
        if token.special:
            reference[0, token.index] = x[0, token.index]
    return reference


@pytest.mark.parametrize("kind", ["mask", "mean"])
def test_effects_and_curves_are_those_of_single_calls(asked, tokenizer, kind):
    model, text, more, prepared = asked
    found = compare(model, tokenizer, text, **more, methods=NAMES, reference=kind)
    assert [method.error for method in found.methods] == [None] * len(NAMES)
    reference = by_hand(model, tokenizer, prepared, kind)
    tokens = range(len(found.tokens))
    words = [token.index for token in found.tokens if not token.special]
    full = score_with(prepared, [], reference)
    effects = [full - score_with(prepared, [token], reference) for token in tokens]
    np.testing.assert_allclose(found.dataset.token_effect, effects, **CLOSE)
    np.testing.assert_allclose(found.dataset.scores[0], effects, **CLOSE)
    assert found.reference.score == pytest.approx(score_with(prepared, tokens, reference), abs=1e-5)
    for row, method in enumerate(found.methods):
        scores = found.dataset.scores.values[row]
        keys = np.abs(scores) if method.ranked_by_size else scores
        order = sorted(words, key=lambda word: -keys[word])
        for tenth in range(TENTHS + 1):
            count = max(1, int(tenth / TENTHS * len(words) + 0.5)) if tenth else 0
            gone, kept = order[:count], order[count:]
            drops = [full - score_with(prepared, replaced, reference) for replaced in (gone, kept)]
            np.testing.assert_allclose(found.dataset.comprehensiveness[row, tenth], drops[0], **CLOSE)
            np.testing.assert_allclose(found.dataset.sufficiency[row, tenth], drops[1], **CLOSE)
        assert method.comprehensiveness == pytest.approx(float(found.dataset.comprehensiveness[row, 2]))
        assert method.sufficiency == pytest.approx(float(found.dataset.sufficiency[row, 2]))


def test_effects_and_contributions_are_those_of_the_core(asked, tokenizer):
    model, text, more, prepared = asked
    found = compare(model, tokenizer, text, **more, methods=NAMES[:2], reference="zero")
    x = prepared.inputs_embeds
    with record() as tape:
        score = prepared.forward(x)
    rows = effect_rows(tape, score, wrt=x, reference="zero", kind="tokens")
    np.testing.assert_allclose(found.dataset.scores[0], [row["effect"] for row in rows], **CLOSE)
    np.testing.assert_allclose(found.dataset.scores[1], [row["contribution"] for row in rows], **CLOSE)


def test_secant_contributions_add_up_to_the_change(asked, tokenizer):
    model, text, more, _ = asked
    found = compare(model, tokenizer, text, **more, methods=["contribution (secant)", "contribution"])
    assert [method.error for method in found.methods] == [None, None]
    change = found.score.value - found.reference.score
    assert float(found.dataset.scores[0].sum()) == pytest.approx(change, rel=1e-3, abs=1e-4)
    assert float(found.dataset.scores[1].sum()) != pytest.approx(change, rel=1e-3, abs=1e-4)


def test_contributions_under_other_rules_are_those_of_the_core(bert, tokenizer):
    named = compare(bert, tokenizer, TEXT, "are", methods=["contribution", "contribution (linear)"])
    prepared = prepare(bert, tokenizer, Question(TEXT, "are"))
    x = prepared.inputs_embeds.detach()
    with record(rules="linear") as tape:
        score = prepared.forward(x)
    slopes = backprop(tape, score, wrt=x).value
    change = x - by_hand(bert, tokenizer, prepared, "mask")
    np.testing.assert_allclose(named.dataset.scores[1], (slopes * change).sum(-1)[0].detach(), **CLOSE)
    assert not np.allclose(named.dataset.scores[0], named.dataset.scores[1], rtol=0.01)
    whole = compare(bert, tokenizer, TEXT, "are", methods=["contribution", "Saliency"], rules="linear")
    np.testing.assert_allclose(whole.dataset.scores[0], named.dataset.scores[1], **CLOSE)
    labels = [method.label for method in (*named.methods, *whole.methods)]
    assert labels == ["contribution", "contribution (linear)", "contribution (rules linear)", "Saliency"]


def test_rank_correlation_is_spearmans(bert, tokenizer):
    found = compare(bert, tokenizer, TEXT, "are", methods=NAMES)
    words = list(counted(found.tokens))
    effects = found.dataset.token_effect.values[words]
    for row, method in enumerate(found.methods):
        scores = found.dataset.scores.values[row, words]
        pair = (np.abs(scores), np.abs(effects)) if method.ranked_by_size else (scores, effects)
        places = [np.argsort(np.argsort(values)) for values in pair]
        # Without ties: 1 - 6 sum d² / (n (n² - 1)).
        n, squares = len(words), float(((places[0] - places[1]) ** 2).sum())
        assert method.effect_correlation == pytest.approx(1 - 6 * squares / (n * (n * n - 1)))


def test_infidelity_is_captums(bert, tokenizer):
    found = compare(bert, tokenizer, TEXT, "are", methods=NAMES)
    prepared = prepare(bert, tokenizer, Question(TEXT, "are"))
    reference = by_hand(bert, tokenizer, prepared, "mask")
    x = prepared.inputs_embeds.detach()
    words = list(counted(found.tokens))

    def score(kept):
        return prepared.forward(torch.where(kept[..., None] > 0.5, x, reference)).double()

    def perturbed(kept):
        gone = torch.zeros_like(kept)
        gone[:, words] = torch.bernoulli(torch.full((len(kept), len(words)), 0.5, dtype=kept.dtype))
        return gone, kept - gone

    for row, method in enumerate(found.methods):
        torch.manual_seed(0)
        scores = torch.from_numpy(found.dataset.scores.values[row : row + 1]).double()
        kept = torch.ones_like(scores)
        direct = captum.metrics.infidelity(
            score, perturbed, kept, scores, n_perturb_samples=32, normalize=True
        )
        assert method.infidelity == pytest.approx(float(direct), rel=1e-3)


def test_sensitivity_is_captums(bert, tokenizer):
    found = compare(bert, tokenizer, TEXT, "are", methods=["Saliency", "path sum"], metrics="sensitivity")
    prepared = prepare(bert, tokenizer, Question(TEXT, "are"))
    x = prepared.inputs_embeds.detach()

    def norms(given):
        embeds = (given[0] if isinstance(given, tuple) else given).clone().requires_grad_()
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(prepared.forward(embeds).sum(), embeds)
        return (gradient.norm(dim=-1),)

    torch.manual_seed(0)
    radius = 0.02 * float(x.square().mean().sqrt())
    direct = float(captum.metrics.sensitivity_max(norms, x, perturb_radius=radius, n_perturb_samples=3))
    assert direct > 0
    for method in found.methods:
        assert method.sensitivity == pytest.approx(direct, rel=1e-3)
        assert (method.effect_correlation, method.comprehensiveness) == (None, None)


def test_a_method_that_fails_beside_the_text_keeps_its_row(bert, tokenizer):
    calls = []

    def once(forward, inputs, baselines):
        calls.append(1)
        if len(calls) > 1:
            raise ArithmeticError
        return inputs[..., 0]

    found = compare(bert, tokenizer, TEXT, "are", methods=once, metrics=METRICS)
    assert found.methods[0].error is None
    assert found.methods[0].sensitivity is None
    assert found.methods[0].comprehensiveness is not None


@pytest.mark.parametrize("metrics", [(), *METRICS])
def test_only_what_was_asked_for_is_measured(bert, tokenizer, metrics):
    found = compare(bert, tokenizer, TEXT, "are", methods="Saliency", metrics=metrics)
    for name in METRICS:
        assert (getattr(found.methods[0], name) is not None) == (name == metrics)
    for name in ("comprehensiveness", "sufficiency"):
        assert np.isnan(found.dataset[name].values).all() == (name != metrics)
    assert np.isfinite(found.dataset.token_effect).all()
    assert found.to_pandas("methods").loc["Saliency"].seconds > 0


def test_a_second_text_changes_only_what_differs(bert, tokenizer):
    other = TEXT.replace("keys", "dog")
    found = compare(bert, tokenizer, TEXT, "are", methods=NAMES, reference=other)
    place = [token.text for token in found.tokens].index("keys")
    for row in found.dataset.scores.values[:2]:
        assert np.flatnonzero(row).tolist() == [place]
    assert found.reference.streams[0].tokens[place].text == "dog"
    swapped = prepare(bert, tokenizer, Question(other, "are")).score.value
    assert found.reference.score == pytest.approx(swapped, abs=1e-5)
    assert found.dataset.token_effect[place] == pytest.approx(found.score.value - swapped, abs=1e-5)


def test_captums_baselines_are_the_reference(bert, tokenizer):
    seen = []

    def spy(forward, inputs, baselines):
        seen.append(baselines)
        return inputs[..., 0]

    given = torch.randn(1, 11, 8)
    found = compare(
        bert, tokenizer, TEXT, "are", methods=[spy, "Occlusion", "tested effect"], reference=given
    )
    assert torch.equal(seen[0], given)
    np.testing.assert_allclose(found.dataset.scores[1], found.dataset.scores[2], **CLOSE)
    assert found.reference.kind == "tensor"


def test_where_there_is_no_mask_token_the_mean_stands_in(gpt2, tokenizer):
    from copy import deepcopy

    maskless = deepcopy(tokenizer)
    maskless.mask_token = None
    found = compare(gpt2, maskless, "the keys to the cabinet", "are", methods="tested effect")
    assert found.reference.kind == "mean"


def test_every_set_of_tokens_is_run_once():
    rows = []

    def forward(embeds):
        rows.append(len(embeds))
        return embeds.sum((1, 2))

    x = torch.arange(6.0).reshape(1, 3, 2)
    replacing = Replacing(forward, x, torch.where(torch.tensor([1.0, 1.0, 0.0])[:, None] > 0, 0.0, x))
    masks = np.array([[1, 0, 0], [0, 1, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=bool)
    assert replacing.drops(masks).tolist() == [1.0, 5.0, 5.0, 1.0, 0.0]
    assert replacing.effects.tolist() == [1.0, 5.0, 0.0]
    # Nothing, the first and the second: the third is as in the reference.
    assert sum(rows) == 3


def test_many_sets_are_run_in_several_batches():
    sizes = []

    def forward(embeds):
        sizes.append(len(embeds))
        return embeds.sum((1, 2))

    x = torch.ones(1, 300, 1)
    replacing = Replacing(forward, x, torch.zeros_like(x))
    assert replacing.effects.tolist() == [1.0] * 300
    assert sum(sizes) == 301
    assert max(sizes) * 300 <= 2048


@pytest.mark.parametrize(
    ("method", "by_size"),
    [
        ("tested effect", False),
        ("contribution", False),
        ("Saliency", True),
        (Saliency, True),
        ("InputXGradient", False),
        (IntegratedGradients, False),
        (IntegratedGradients(sum, multiply_by_inputs=False), True),
        ("Occlusion", False),
        (Lime(sum), False),
        (NoiseTunnel(Saliency(sum)), True),
        ("best path", True),
        ("path entropy", True),
        (SemiringGradient(sum, "sum", multiply_by_inputs=True), False),
        (SemiringGradient(sum, "max"), True),
    ],
)
def test_sizes_and_slopes_rank_by_absolute_score(method, by_size):
    assert resolve(method)[0].by_size is by_size


@pytest.mark.parametrize("stop", [2, 5, 9])
def test_cancelling_stops_while_a_method_is_measured(bert, tokenizer, stop):
    calls, seen = [], []

    def check():
        calls.append(1)
        if len(calls) > stop:
            raise CancelledError("stop")

    run = compare_run(bert, tokenizer, TEXT, "are", methods=["DeepLift", "Saliency"], metrics=METRICS)
    with pytest.raises(CancelledError):
        run(seen.append, check)
    assert len(calls) == stop + 1
    assert not any(module._forward_hooks for module in bert.modules())


def test_effects_are_there_before_the_first_method(bert, tokenizer):
    seen = []
    compare_run(bert, tokenizer, TEXT, "are", methods=["Saliency", "best path"])(seen.append, lambda: None)
    assert np.isfinite(seen[0].dataset.token_effect).all()
    assert [np.isfinite(one.dataset.sufficiency.values).all(1).sum() for one in seen] == [0, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"metrics": "fidelity"}, "metrics is 'fidelity'; choose one of effect_correlation"),
        ({"metrics": ["sufficiency", 3]}, "metrics is 3"),
        ({"reference": 3}, "reference is 3; give one of mask, mean, zero"),
        ({"reference": "maks"}, "did you mean 'mask'"),
        ({"reference": torch.zeros(1, 3, 8)}, "give a tensor of that shape"),
    ],
)
def test_wrong_arguments_are_refused(bert, tokenizer, arguments, words):
    with pytest.raises(InputError, match=words):
        compare(bert, tokenizer, TEXT, "are", methods="Saliency", **arguments)
