"""What a text is compared with: words, another text, a tensor; and what cannot be."""

import pytest
import torch

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.explanation import references
from semiring_widgets.explanation.demo import DEMO_TEXT
from semiring_widgets.explanation.references import check_reference, referenced
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.question import Question
from tests.core.zoo.shrinking import WORDS, build
from tests.explanation.tiny import tokenizer_of

OTHER = "The key to the cabinet [MASK] on the table."


@pytest.fixture(scope="module")
def demo():
    return prepare(*sw.load_demo(), Question(DEMO_TEXT, "are", "is"))


@pytest.fixture(scope="module")
def two_streams():
    model = build("T5ForConditionalGeneration").eval()
    model.config.decoder_start_token_id = 0
    tokenizer = tokenizer_of(WORDS)
    return prepare(model, tokenizer, Question("w7 w9 w8", "w5", "w6"))


def embedded(text):
    model, tokenizer = sw.load_demo()
    return model.get_input_embeddings()(tokenizer(text, return_tensors="pt").input_ids).detach()


def test_the_mask_token_stands_in_where_there_is_one(demo):
    model, tokenizer = sw.load_demo()
    found = referenced(demo.call)
    row = model.get_input_embeddings().weight[tokenizer.mask_token_id].detach()
    assert (found.kind, found.label) == ("mask", "[MASK] in the place of every token")
    torch.testing.assert_close(found.inputs[0], row.expand_as(demo.inputs[0]))
    assert found.streams == found.aligned == ()


def test_the_mean_stands_in_where_there_is_none(demo, monkeypatch):
    monkeypatch.setattr(references, "_has_mask", lambda call: False)
    found = referenced(demo.call)
    assert found.kind == "mean"
    torch.testing.assert_close(found.inputs[0][0, 3], demo.inputs[0][0].mean(0))
    with pytest.raises(InputError, match="no mask token; give 'mean', 'zero' or a second text"):
        referenced(demo.call, "mask")


def test_zeros_and_tensors(demo):
    assert not referenced(demo.call, "zero").inputs[0].any()
    row = torch.randn(demo.inputs[0].shape[-1])
    found = referenced(demo.call, row)
    assert found.kind == "tensor"
    torch.testing.assert_close(found.inputs[0], row.expand_as(demo.inputs[0]))


def test_a_text_of_the_same_length_stands_in_token_by_token(demo):
    found = referenced(demo.call, OTHER)
    assert (found.kind, found.label) == ("text", f"“{OTHER}”")
    assert found.aligned == (tuple(range(12)),)
    assert [token.text for token in found.streams[0].tokens][2] == "key"
    torch.testing.assert_close(found.inputs[0], embedded(OTHER))
    with torch.no_grad():
        score = float(demo.run(*found.inputs))
    other = prepare(*sw.load_demo(), Question(OTHER, "are", "is"))
    assert found.told(score).score == pytest.approx(other.score.value)


@pytest.mark.parametrize(
    ("text", "aligned", "label"),
    [
        (
            "The old key to the cabinet [MASK] on the table.",
            (0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
            " (old there is not used)",
        ),
        (
            "The key [MASK] on the table.",
            (0, 1, 2, -1, -1, -1, 3, 4, 5, 6, 7, 8),
            " (to, the, cabinet stay as they are, without a counterpart there)",
        ),
    ],
)
def test_a_text_of_another_length_stands_in_word_by_word(demo, text, aligned, label):
    found = referenced(demo.call, text)
    assert found.aligned == (aligned,)
    assert found.label == f"“{text}”{label}"
    rows, other = found.inputs[0][0], embedded(text)[0]
    for token, row in enumerate(aligned):
        torch.testing.assert_close(rows[token], demo.inputs[0][0, token] if row < 0 else other[row])


def test_each_stream_has_its_reference(two_streams):
    assert [x.shape[1] for x in two_streams.inputs] == [5, 1]
    masked = referenced(two_streams.call)
    torch.testing.assert_close(masked.inputs[0][0, 0], masked.inputs[1][0, 0])
    text = referenced(two_streams.call, "w7 w5 w8")
    assert text.aligned == ((0, 1, 2, 3, 4), (0,))
    assert [stream.name for stream in text.streams] == ["encoder", "decoder"]
    torch.testing.assert_close(text.inputs[1], two_streams.inputs[1])
    only = referenced(two_streams.call, torch.zeros_like(two_streams.inputs[0]))
    torch.testing.assert_close(only.inputs[1], two_streams.inputs[1])


def test_of_a_pair_both_texts():
    model = build("BertForSequenceClassification").eval()
    asked = prepare(model, tokenizer_of(WORDS), Question("w7 w9"))
    with pytest.raises(InputError, match="reference has 2 texts, and the question 1; give as many of both"):
        referenced(asked.call, ("w5", "w6"))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("mena", "reference is 'mena'; did you mean 'mean'"),
        (7, "reference is 7; give one of mask, mean, zero, a second text"),
        ((), "reference is .*; give one of mask"),
        (["a", "b"], "reference is .*; give one of mask"),
        ((torch.zeros(1), "b"), "give one of mask"),
    ],
)
def test_what_can_be_no_reference(given, sentence):
    with pytest.raises(InputError, match=sentence):
        check_reference(given)
    with pytest.raises(InputError, match=sentence):
        sw.explain(*sw.load_demo(), DEMO_TEXT, "are", reference=given)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (torch.zeros(1, 3, 128), "reference has the shapes .*; the embeddings have"),
        (torch.full((128,), torch.nan), "reference holds NaN or infinity"),
        ([torch.zeros(128)] * 2, "reference has 2 tensors, and the text has 1 streams"),
        ("  ", "The text is empty"),
    ],
)
def test_what_does_not_fit_this_text(demo, given, sentence):
    with pytest.raises(InputError, match=sentence):
        referenced(demo.call, given)
