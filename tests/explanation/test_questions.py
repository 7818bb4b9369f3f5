"""The score is that of the question asked: which logit, where, of which text; and its label says so."""

import numpy as np
import pytest
import torch
import transformers

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.question import Question
from tests.export.reading import payload_of
from tests.own_tokenizers import byte_level, sentence_piece, word_piece

WORDS = (" is", "is", " are", "are", " keys", "The", " the")
SIZES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


def with_seed(build, config):
    torch.manual_seed(0)
    return build(config).eval()


@pytest.fixture(scope="module")
def masked():
    tokenizer = byte_level(WORDS, signs="<s></s>")
    config = transformers.RobertaConfig(
        vocab_size=len(tokenizer), max_position_embeddings=64, pad_token_id=0, **SIZES
    )
    return with_seed(transformers.RobertaForMaskedLM, config), tokenizer


@pytest.fixture(scope="module")
def causal():
    tokenizer = byte_level(WORDS, signs="</s>")
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=16,
        n_layer=1,
        n_head=2,
        n_positions=64,
        bos_token_id=1,
        eos_token_id=2,
    )
    return with_seed(transformers.GPT2LMHeadModel, config), tokenizer


@pytest.fixture(scope="module")
def paired():
    tokenizer = word_piece(["is", "are", "keys", "the"])
    config = transformers.BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **SIZES)
    return with_seed(transformers.BertForMaskedLM, config), tokenizer


def classifier(names, count=3):
    tokenizer = word_piece(["is", "are", "keys", "the"])
    config = transformers.BertConfig(
        vocab_size=len(tokenizer), max_position_embeddings=64, num_labels=count, **SIZES
    )
    model = with_seed(transformers.BertForSequenceClassification, config)
    model.config.id2label = names
    return model, tokenizer


def logits_of(model, tokenizer, *texts, **given):
    with torch.no_grad():
        return model(**tokenizer(*texts, return_tensors="pt", **given)).logits[0]


def test_the_word_at_a_mask_that_swallows_the_blank(masked):
    model, tokenizer = masked
    asked = prepare(model, tokenizer, Question("The keys <mask> the", "is", "are"))
    row = logits_of(model, tokenizer, "The keys <mask> the")[3]
    good, bad = tokenizer.convert_tokens_to_ids(["Ġis", "Ġare"])
    assert asked.score.value == pytest.approx(float(row[good] - row[bad]), abs=1e-5)
    assert asked.score.label == "logit(is) - logit(are) at <mask>"
    other = tokenizer.convert_tokens_to_ids("is")
    asked = prepare(model, tokenizer, Question("The keys <mask> the", other, "is"))
    assert asked.score.label == "logit(is, inside a word) - logit(is) at <mask>"
    assert asked.score.value == pytest.approx(float(row[other] - row[good]), abs=1e-5)


def test_the_models_own_choice_is_called_what_it_is(masked):
    model, tokenizer = masked
    best = int(logits_of(model, tokenizer, "The keys <mask> the")[3].argmax())
    asked = prepare(model, tokenizer, Question("The keys <mask> the"))
    assert asked.score.target == prepare(model, tokenizer, Question("The keys <mask> the", best)).score.target


def test_one_token_under_two_names_is_no_contrast(masked):
    with pytest.raises(InputError, match="same token, 'are'"):
        prepare(*masked, Question("The keys <mask>", "are", " are"))


def test_which_of_two_masks_is_said(masked):
    asked = prepare(*masked, Question("The <mask> is <mask> the", "keys", position=np.int64(4)))
    assert asked.score.label == "logit(keys) at <mask> (position 4)"
    assert asked.score.position == 4


@pytest.mark.parametrize(
    ("text", "given", "place", "label"),
    [
        ("The keys", {}, 1, "logit(are) after keys, before the tokenizer's </s>"),
        ("The keys", {"add_special_tokens": False}, 1, "logit(are) after keys"),
        ("The keys", {"position": 1}, 1, "logit(are) after keys"),
        ("The keys", {"position": -1}, 2, "logit(are) after </s>"),
        ("The keys</s>", {"add_special_tokens": False}, 2, "logit(are) after </s>"),
    ],
)
def test_a_causal_model_whose_tokenizer_ends_the_text(causal, text, given, place, label):
    model, tokenizer = causal
    asked = prepare(model, tokenizer, Question(text, tokenizer.convert_tokens_to_ids("Ġare"), **given))
    row = logits_of(model, tokenizer, text, add_special_tokens=given.get("add_special_tokens", True))[place]
    assert asked.score.position == place
    assert asked.score.value == pytest.approx(float(row[tokenizer.convert_tokens_to_ids("Ġare")]), abs=1e-5)
    assert asked.score.label.replace("␣", "") == label


@pytest.mark.parametrize("text", ["<s>The <mask>", "The <mask></s>"])
def test_special_tokens_are_not_read_twice(masked, text):
    with pytest.raises(InputError, match=r"adds another one.*add_special_tokens=False"):
        prepare(*masked, Question(text, "are"))


def test_special_tokens_of_the_text(masked):
    asked = prepare(*masked, Question("<s>The <mask></s>", "are", add_special_tokens=False))
    assert [token.text for token in asked.streams[0].tokens] == ["<s>", "The", "<mask>", "</s>"]
    with pytest.raises(InputError, match="add_special_tokens is 'no'"):
        prepare(*masked, Question("The <mask>", "are", add_special_tokens="no"))


def test_a_pair_is_read_with_its_token_types(paired):
    model, tokenizer = paired
    pair = ("the keys", "is [MASK]")
    asked = prepare(model, tokenizer, Question(pair, "are"))
    row = logits_of(model, tokenizer, *pair)[5]
    assert asked.score.value == pytest.approx(float(row[tokenizer.convert_tokens_to_ids("are")]), abs=1e-5)
    joined = prepare(model, tokenizer, Question("the keys[SEP]is [MASK]", "are"))
    assert [t.id for t in joined.streams[0].tokens] == [t.id for t in asked.streams[0].tokens]
    assert abs(joined.score.value - asked.score.value) > 1e-4  # other token types
    assert asked.text == "the keys\nis [MASK]"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (["the keys", "is"], "text is a list; give one string, or two as"),
        (("the", "keys", "is"), "give one string, or two as"),
        (("the", 3), "give one string, or two as"),
        (("the", " "), "One of the two texts is empty"),
        ((), "give one string"),
    ],
)
def test_what_is_no_pair(paired, text, says):
    with pytest.raises(InputError, match=says):
        prepare(*paired, Question(text, "are"))


def test_a_tokenizer_that_knows_no_pairs(causal):
    with pytest.raises(InputError, match="puts nothing between two texts"):
        prepare(causal[0], byte_level(WORDS), Question(("The", "keys")))


def test_a_model_with_too_few_token_types(paired):
    config = transformers.BertConfig(vocab_size=len(paired[1]), type_vocab_size=1, **SIZES)
    model = with_seed(transformers.BertForMaskedLM, config)
    with pytest.raises(InputError, match=r"token types \[0, 1\], and this model knows 1"):
        prepare(model, paired[1], Question(("the keys", "is [MASK]"), "are"))


def test_a_pair_that_only_token_types_would_separate(causal):
    tokenizer = word_piece(["is", "are", "keys", "the"], signs="")
    config = transformers.DistilBertConfig(
        vocab_size=len(tokenizer), dim=16, n_layers=1, n_heads=2, hidden_dim=16
    )
    model = with_seed(transformers.DistilBertForMaskedLM, config)
    with pytest.raises(InputError, match="read as one"):
        prepare(model, tokenizer, Question(("the keys", "is [MASK]"), "are"))


def test_an_explained_pair_is_saved_and_shown(paired, tmp_path):
    found = sw.explain(*paired, ("the keys", "is [MASK]"), "are", paths=2)
    found.save(tmp_path / "pair.nc")
    again = sw.load(tmp_path / "pair.nc")
    assert again.text == found.text
    assert again.tokens == found.tokens
    words = [found.text[t.start : t.end] for t in found.tokens if not t.special]
    assert words == ["the", "keys", "is"]
    page = found.to_html(tmp_path / "pair.html", chart=False).read_text()
    assert payload_of(page)["summary"]["text"] == "the keys\nis [MASK]"
    compared = sw.compare(*paired, ("the keys", "is [MASK]"), "are", methods=["best path"])
    assert compared.tokens == found.tokens
    assert compared.score.value == pytest.approx(found.score.value)


@pytest.mark.parametrize(
    ("asked", "number"),
    [("1", 0), ("0", 1), ("x", 2), ("X", 2), ("2", 2), (1, 1), (np.int64(0), 0), (torch.tensor(2), 2)],
)
def test_a_class_is_its_name_before_it_is_a_number(asked, number):
    model, tokenizer = classifier({0: "1", 1: "0", 2: "x"})
    found = prepare(model, tokenizer, Question("the keys", asked))
    assert found.score.value == pytest.approx(
        float(logits_of(model, tokenizer, "the keys")[number]), abs=1e-5
    )
    assert found.score.label == f"logit({model.config.id2label[number]})"


@pytest.mark.parametrize(
    ("names", "asked", "says"),
    [
        ({0: "a", 1: "a", 2: "A"}, "a", r"several classes, a \(0\), a \(1\), A \(2\)"),
        ({0: "a", 1: "A", 2: "b"}, "B", None),
        ({0: "aa", 1: "AA", 2: "b"}, "Aa", "several classes"),
        ({0: "a", 1: "b", 2: "c"}, True, "a class by name or number"),
        ({0: "a", 1: "b", 2: "c"}, 3, "no class of this model"),
        ({0: "a", 1: "b", 2: "c"}, -1, "no class of this model"),
        ({0: "a", 1: "b", 2: "c"}, "7", "no class of this model"),
        (None, 1, None),
    ],
)
def test_classes_that_are_not_clear(names, asked, says):
    model, tokenizer = classifier(names)
    if says is None:
        assert prepare(model, tokenizer, Question("the keys", asked)).score.position is None
        return
    with pytest.raises(InputError, match=says):
        prepare(model, tokenizer, Question("the keys", asked))


def test_classes_of_one_name_are_told_apart():
    model, tokenizer = classifier({0: "a", 1: "a", 2: "b"})
    assert (
        prepare(model, tokenizer, Question("the keys", 1, 0)).score.label
        == "logit(a, class 1) - logit(a, class 0)"
    )
    with pytest.raises(InputError, match="same class, 'b'"):
        prepare(model, tokenizer, Question("the keys", "b", 2))


def test_the_answer_of_an_encoder_decoder():
    tokenizer = sentence_piece(WORDS, signs="</s>")
    config = transformers.T5Config(
        vocab_size=len(tokenizer),
        d_model=16,
        d_kv=8,
        d_ff=16,
        num_layers=1,
        num_heads=2,
        decoder_start_token_id=0,
    )
    model = with_seed(transformers.T5ForConditionalGeneration, config)
    asked = prepare(model, tokenizer, Question("The keys", "is"))
    given = tokenizer("The keys", return_tensors="pt")
    with torch.no_grad():
        row = model(**given, decoder_input_ids=torch.tensor([[0]])).logits[0, 0]
    assert asked.score.value == pytest.approx(float(row[tokenizer.convert_tokens_to_ids("▁is")]), abs=1e-5)
    assert asked.score.label == "logit(is) after <pad>"


@pytest.mark.parametrize(("text", "place"), [("世界", 2), ("the 世界", 3), ("[MASK] [MASK]", 2)])
def test_unknown_words_and_masks_at_the_end_are_the_texts_own(causal, text, place):
    tokenizer = word_piece(["the"])
    asked = prepare(causal[0], tokenizer, Question(text, 7))
    assert asked.score.position == place
    assert asked.score.label.endswith("before the tokenizer's [SEP]")


@pytest.mark.parametrize("text", ["世 界", "世 界 the", "the 世 界"])
@pytest.mark.parametrize("signs", ["", "<s></s>", "</s>"])
def test_two_unknown_words_are_no_special_tokens_that_are_there_twice(causal, text, signs):
    asked = prepare(causal[0], sentence_piece(WORDS, signs=signs), Question(text, 7))
    assert sum(token.raw == "<unk>" for token in asked.streams[0].tokens) == 2


def test_classes_that_look_alike_are_told_apart():
    model, tokenizer = classifier({0: "a", 1: " a", 2: "b"})
    assert (
        prepare(model, tokenizer, Question("the keys", 1, 0)).score.label
        == "logit(a, class 1) - logit(a, class 0)"
    )
