"""Targets of several pieces: the log-probability of a continuation, and the difference of two."""

import io
from contextlib import contextmanager

import numpy as np
import pytest
import torch
import transformers
from rich.console import Console

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.explanation import explain_run
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.question import Question
from semiring_widgets.terminal import show
from tests.own_tokenizers import byte_level, sentence_piece

WORDS = [" are", " on", " the", " table", " is", " keys", "The", " there", "are", "is"]
TEXT, TARGET, CONTRAST = "The keys", " are on the table", " is there"


def gpt2(tokenizer):
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer), n_positions=64, n_embd=16, n_layer=2, n_head=2, eos_token_id=2
    )
    return transformers.GPT2LMHeadModel(config)


def llama(tokenizer):
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
        )
    )


def t5(tokenizer):
    config = transformers.T5Config(
        vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2,
        decoder_start_token_id=0, pad_token_id=0, eos_token_id=2,
    )  # fmt: skip
    return transformers.T5ForConditionalGeneration(config)


MODELS = {
    "GPT-2": (gpt2, lambda: byte_level(WORDS, mask=None)),
    "GPT-2, signs around": (gpt2, lambda: byte_level(WORDS, signs="<s></s>", mask=None)),
    "Llama": (llama, lambda: sentence_piece(WORDS, mask=None)),
    "T5": (t5, lambda: sentence_piece(WORDS, signs="</s>", mask=None)),
}


@pytest.fixture(scope="module")
def made():
    """A model and its tokenizer, by name, made once."""
    known = {}

    def make(name):
        if name not in known:
            model, tokenizer = MODELS[name]
            torch.manual_seed(3)
            known[name] = (model(words := tokenizer()).eval(), words)
        return known[name]

    return make


@pytest.fixture(scope="module")
def explained(made):
    """Explanations of the target alone and beside the contrast, made once."""
    known = {}

    def explain(name, **asked):
        key = (name, *sorted(asked.items()))
        if key not in known:
            known[key] = sw.explain(*made(name), TEXT, rankings=(), **asked)
        return known[key]

    return explain


def said(model, tokenizer, pieces, embeds=None):
    """Log-probability of the pieces after the text by the model alone, and what it read."""
    ids = tokenizer(TEXT).input_ids
    if model.config.is_encoder_decoder:
        read = torch.tensor([[0, *pieces]])
        given = {"input_ids": torch.tensor([ids]), "decoder_input_ids": read}
        logits, first = model(**given).logits, 0
    else:
        ids = ids[:-1] if ids[-1] == 2 else ids
        read = torch.tensor([[*ids, *pieces]])
        embeds = model.get_input_embeddings()(read) if embeds is None else embeds
        logits, first = model(inputs_embeds=embeds).logits, len(ids) - 1
    each = logits[0, first : first + len(pieces)].log_softmax(-1)
    return each[range(len(pieces)), list(pieces)].sum(), read


def pieces_of(tokenizer, text):
    return tokenizer(text, add_special_tokens=False).input_ids


def without_blank(name, text):
    """SentencePiece puts a blank before what it is given."""
    return text.removeprefix(" ") if name in ("Llama", "T5") else text


@pytest.mark.parametrize("name", MODELS)
def test_the_score_is_the_sum_over_pieces(made, explained, name):
    model, tokenizer = made(name)
    e = explained(name, target=TARGET)
    pieces = pieces_of(tokenizer, without_blank(name, TARGET))
    assert len(pieces) == 4
    assert e.score.value == pytest.approx(float(said(model, tokenizer, pieces)[0].detach()), abs=1e-4)
    assert (e.score.unit, e.score.target) == ("nats", "are on the table")
    last = e.streams[-1].tokens
    assert [token.id for token in last[e.score.continuation :]] == pieces
    assert "log-probability" in e.sentences[0].text


@pytest.mark.parametrize("name", MODELS)
def test_a_contrast_is_the_difference_of_two_sums(made, explained, name):
    model, tokenizer = made(name)
    e = explained(name, target=TARGET, contrast=CONTRAST)
    one, other = (
        said(model, tokenizer, pieces_of(tokenizer, without_blank(name, text)))[0].item()
        for text in (TARGET, CONTRAST)
    )
    assert e.score.value == pytest.approx(one - other, abs=1e-4)
    assert e.score.label.startswith("log p(are on the table) - log p(is there) after ")
    assert len(e.layers) == len(explained(name, target=TARGET).layers)
    assert [token.text for token in e.streams[-1].tokens[-2:]] == ["the / –", "table / –"]


@pytest.mark.parametrize("name", ["GPT-2", "Llama"])
def test_its_gradient_is_autograds(made, explained, name):
    model, tokenizer = made(name)
    pieces = pieces_of(tokenizer, without_blank(name, TARGET))
    embeds = model.get_input_embeddings()(said(model, tokenizer, pieces)[1]).detach().requires_grad_()
    said(model, tokenizer, pieces, embeds)[0].backward()
    found = explained(name, target=TARGET).dataset.token_gradient_norm.values
    np.testing.assert_allclose(found, embeds.grad[0].norm(dim=-1), rtol=2e-4, atol=1e-7)


@pytest.mark.parametrize("name", MODELS)
def test_the_pieces_of_a_token_add_up(explained, name):
    table = explained(name, target=TARGET, contrast=CONTRAST, reference="zero").by_token()
    signs = table["of"].map({"target": 1, "contrast": -1})
    e = explained(name, target=TARGET, contrast=CONTRAST, reference="zero")
    for stream, variable in enumerate(("token",) if len(e.streams) == 1 else ("token", "decoder")):
        own = table["stream"] == stream
        for what in ("effect", "contribution"):
            summed = (table[what] * signs)[own].groupby(table["token"]).sum()
            known = e.dataset[f"{variable}_{what}"].values[summed.index]
            np.testing.assert_allclose(summed, known, rtol=1e-3, atol=1e-5)
    scores = table.groupby(["of", "piece"])["log_probability"].first()
    assert scores["target"].sum() - scores["contrast"].sum() == pytest.approx(e.score.value, abs=1e-4)


@pytest.mark.parametrize("name", ["GPT-2", "Llama"])
def test_a_piece_has_the_numbers_of_its_own_question(made, explained, name):
    model, tokenizer = made(name)
    table = explained(name, target=TARGET, reference="zero").by_token()
    last = table[table["piece"] == 3]
    pieces = pieces_of(tokenizer, without_blank(name, TARGET))
    alone = sw.explain(model, tokenizer, TEXT + " are on the", pieces[3:], reference="zero", rankings=())
    np.testing.assert_allclose(last["effect"], alone.dataset.token_effect[:-1], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(
        last["contribution"], alone.dataset.token_contribution[:-1], rtol=1e-3, atol=1e-5
    )
    assert last["text"].tolist()[-5:] == ["The", "keys", "are", "on", "the"]
    assert table.groupby("piece").size().diff().tolist()[1:] == [1, 1, 1]


def test_pieces_are_told_as_they_come_and_kept_in_the_file(made, tmp_path):
    seen = []
    run = explain_run(*made("GPT-2"), TEXT, TARGET, rankings=())
    e = run(seen.append, lambda: None)
    known = [int(np.isfinite(s.dataset.piece_contribution).any("token").sum()) for s in seen
             if "piece_effect" in s.dataset]  # fmt: skip
    assert known == sorted(known)
    assert {1, 2, 3, 4} <= set(known)
    e.save(tmp_path / "long.npz")
    loaded = sw.load(tmp_path / "long.npz")
    assert loaded.by_token().equals(e.by_token())
    assert loaded.score == e.score


def test_a_terminal_says_what_made_each_piece(explained):
    e = explained("GPT-2", target=TARGET, contrast=CONTRAST)
    console = Console(file=io.StringIO(), width=100)
    show(e, console)
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    begins = next(n for n, line in enumerate(lines) if line[:1] == ["piece"])
    # Log-probability and first word of every piece, in the order of the table.
    table = e.by_token()
    for line, (_, rows) in zip(lines[begins + 1 :], table.groupby(["of", "piece"], sort=False), strict=False):
        first = rows.loc[rows["effect"].abs().idxmax()]
        told = line[1:] if first["of"] == "target" else line[2:]
        assert (line[0], told[1]) == (first["piece_text"], first["text"])
        assert float(told[0].replace("−", "-")) == pytest.approx(first["log_probability"], rel=1e-3)


@pytest.mark.parametrize("name", MODELS)
def test_effects_of_a_difference_are_differences_of_effects(explained, name):
    """A part replaced in both readings at once does to each what it does to it alone."""
    answers = [
        explained(name, reference="zero", **asked)
        for asked in ({"target": TARGET, "contrast": CONTRAST}, {"target": TARGET}, {"target": CONTRAST})
    ]
    both, one, other = (answer.dataset for answer in answers)
    for what in ("head_effect", "head_contribution", "mlp_effect", "mlp_contribution"):
        np.testing.assert_allclose(both[what], one[what] - other[what], rtol=1e-3, atol=2e-5)
    shared = 2 if "signs" not in name else 3
    for what in ("token_effect", "token_contribution"):
        parts = [each[what].values[:shared] for each in (both, one, other)]
        np.testing.assert_allclose(parts[0], parts[1] - parts[2], rtol=1e-3, atol=2e-5)


def test_mass_of_a_difference_is_that_of_both(explained):
    both = explained("GPT-2", target=TARGET, contrast=CONTRAST)
    alone = [explained("GPT-2", target=text) for text in (TARGET, CONTRAST)]
    assert both.totals.log_mass == pytest.approx(np.logaddexp(*(e.totals.log_mass for e in alone)), abs=1e-5)


def test_a_word_keeps_its_logit(made):
    model, tokenizer = made("GPT-2")
    e = prepare(model, tokenizer, Question(TEXT, "are", "is"))
    logits = model(**tokenizer(TEXT, return_tensors="pt")).logits[0, -1]
    good, bad = tokenizer.convert_tokens_to_ids(["Ġare", "Ġis"])
    assert e.score.value == pytest.approx((logits[good] - logits[bad]).item(), abs=1e-5)
    assert (e.score.unit, e.score.continuation) == ("logit", None)


def test_a_list_of_ids_is_a_continuation_also_of_one(made):
    model, tokenizer = made("GPT-2")
    number = tokenizer.convert_tokens_to_ids("Ġare")
    e = prepare(model, tokenizer, Question(TEXT, [number]))
    logits = model(**tokenizer(TEXT, return_tensors="pt")).logits[0, -1]
    assert e.score.value == pytest.approx(logits.log_softmax(-1)[number].item(), abs=1e-5)
    spoken = prepare(model, tokenizer, Question(TEXT, TARGET)).score
    assert prepare(model, tokenizer, Question(TEXT, pieces_of(tokenizer, TARGET))).score == spoken


@pytest.mark.parametrize("text", ["are on", " are on"])
def test_the_blank_before_a_continuation_is_put_where_it_belongs(made, text):
    for name in ("GPT-2", "Llama"):
        model, tokenizer = made(name)
        call = prepare(model, tokenizer, Question(TEXT, text)).call
        assert [tokenizer.convert_ids_to_tokens(n)[1:] for n in call.source.answer] == ["are", "on"]


@pytest.mark.parametrize("name", MODELS)
def test_generated_words_are_the_models_own(made, name):
    model, tokenizer = made(name)
    asked = prepare(model, tokenizer, Question(TEXT, generate=3))
    pieces = asked.call.source.answer
    assert 1 <= len(pieces) <= 3
    for length in range(len(pieces)):
        read = asked.call.arguments.get("decoder_input_ids", asked.call.arguments["input_ids"])
        shorter = read[:, : read.shape[1] - len(pieces) + length]
        given = {"decoder_input_ids": shorter} if "decoder_input_ids" in asked.call.arguments else {}
        inputs = asked.call.arguments["input_ids"] if given else shorter
        assert int(model(input_ids=inputs, **given).logits[0, -1].argmax()) == pieces[length]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"target": []}, "empty list"),
        ({"target": [3, "are"]}, r"target\[1\] is 'are'"),
        ({"target": [3, 10**5]}, "out of range"),
        ({"target": TARGET, "position": 0}, "shorten the text"),
        ({"contrast": TARGET}, "no target was given"),
        ({"target": TARGET, "contrast": TARGET}, "same pieces"),
        ({"target": TARGET, "generate": 2}, "generate= asks for the model's own words"),
        ({"generate": 0}, "generate is 0"),
        ({"target": {"word": 1}}, "list of ids"),
    ],
)
def test_what_cannot_be_a_continuation_is_refused(made, asked, words):
    with pytest.raises(InputError, match=words):
        sw.explain(*made("GPT-2"), TEXT, **asked)


def test_a_text_that_becomes_other_tokens_is_refused(made):
    """``▁`` at the end of a text is a token, and with a word behind it a part of that word's."""
    model, tokenizer = made("Llama")
    with pytest.raises(InputError, match="End the text where a word ends"):
        prepare(model, tokenizer, Question(f"{TEXT} ", target="are on"))


def test_a_model_that_sees_its_answer_is_refused(made):
    _, tokenizer = made("GPT-2")
    bert = transformers.BertLMHeadModel(
        transformers.BertConfig(
            vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=16, is_decoder=False,
        )
    ).eval()  # fmt: skip
    with pytest.raises(InputError, match="sees what it is asked for"):
        prepare(bert, tokenizer, Question(TEXT, TARGET))


def test_methods_are_compared_on_a_continuation(made):
    model, tokenizer = made("GPT-2")
    found = sw.compare(model, tokenizer, TEXT, TARGET, methods=["InputXGradient"], metrics=())
    e = sw.explain(model, tokenizer, TEXT, TARGET, rankings=())
    np.testing.assert_allclose(
        found.dataset["scores"].values[0], e.dataset.token_gradient_x_input, rtol=1e-3, atol=1e-6
    )
    with pytest.raises(InputError, match=r"leave contrast= out"):
        sw.compare(model, tokenizer, TEXT, TARGET, CONTRAST, methods=["InputXGradient"])


def test_the_recording_of_the_pieces_lies_beside_the_first_and_counts(made, monkeypatch):
    from semiring_widgets.explanation import piece_numbers, run_steps
    from semiring_widgets.explanation.estimate import estimate_explain

    limits, tapes = [], []

    def watched(module):
        record = module.record

        @contextmanager
        def spy(*args, **kwargs):
            limits.append(kwargs["max_memory"])
            with record(*args, **kwargs) as tape:
                tapes.append(tape)
                yield tape

        monkeypatch.setattr(module, "record", spy)

    watched(run_steps)
    watched(piece_numbers)
    plenty = 1 << 30
    sw.explain(*made("GPT-2"), TEXT, target=TARGET, max_memory=plenty, rankings=())
    first, second = tapes
    assert limits[0] == plenty
    # What is kept of the first sweeps counts, too.
    assert 0 < limits[1] < plenty - first.nbytes
    assert estimate_explain(*made("GPT-2"), TEXT, target=TARGET) >= first.nbytes + second.nbytes
