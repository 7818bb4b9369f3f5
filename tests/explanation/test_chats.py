"""Chats: written out by the tokenizer's template, whose signs are told apart from what was said."""

import pytest

import semiring_widgets as sw
from semiring_widgets.errors import InputError
from semiring_widgets.explanation.chats import written_out
from semiring_widgets.explanation.scores import prepare
from semiring_widgets.explanation.text import source_of
from semiring_widgets.question import Question
from tests.explanation.test_continuations import gpt2, llama
from tests.own_tokenizers import byte_level, sentence_piece

TEMPLATE = (
    "{% for m in messages %}{{ '<s>' + m['role'] + '\n' + m['content'] + '</s>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<s>assistant\n' }}{% endif %}"
)
STRICT = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system here') }}{% endif %}" + TEMPLATE
)
WORDS = [" are", " on", " keys", "The", "user", "assistant", "system", " is"]
CHAT = [{"role": "system", "content": "The user"}, {"role": "user", "content": "The keys are"}]


@pytest.fixture(scope="module", params=["byte level", "SentencePiece"])
def pair(request):
    made, model = {"byte level": (byte_level, gpt2), "SentencePiece": (sentence_piece, llama)}[request.param]
    tokenizer = made([*WORDS, "\n"], signs="<s></s>", mask=None)
    tokenizer.chat_template = TEMPLATE
    return model(tokenizer).eval(), tokenizer


def test_the_model_reads_what_the_template_writes(pair):
    model, tokenizer = pair
    asked = prepare(model, tokenizer, Question(CHAT, [5]))
    ids = tokenizer.apply_chat_template(CHAT, add_generation_prompt=True, return_dict=True)["input_ids"]
    assert [token.id for token in asked.streams[0].tokens] == [*ids, 5]
    assert asked.text.endswith("<s>assistant\n")


def test_what_the_template_adds_is_special(pair):
    model, tokenizer = pair
    tokens = prepare(model, tokenizer, Question(CHAT, 5)).streams[0].tokens
    said = "".join(token.raw for token in tokens if not token.special)
    assert said.replace("Ġ", " ").replace("▁", " ").split() in (
        ["The", "userThe", "keys", "are"],
        ["The", "user", "The", "keys", "are"],
    )


def test_the_word_of_a_role_that_is_also_said_is_told_apart():
    tokenizer = byte_level(WORDS, mask=None)
    tokenizer.chat_template = TEMPLATE
    text, written = written_out(tokenizer, CHAT)
    assert [text[start:end] for start, end in written] == ["The user", "The keys are"]


def test_an_answer_that_has_begun_is_gone_on_with():
    tokenizer = byte_level(WORDS, mask=None)
    tokenizer.chat_template = TEMPLATE
    text, _ = written_out(tokenizer, [*CHAT, {"role": "assistant", "content": "The keys"}])
    assert text.endswith("<s>assistant\nThe keys")


def test_who_says_what_is_known(pair):
    model, tokenizer = pair
    stream = prepare(model, tokenizer, Question(CHAT, "The keys are")).streams[0]
    assert [one.name for one in stream.segments] == ["system", "user", "assistant"]
    for segment, word in zip(stream.segments, ("The", "The", "The"), strict=True):
        assert stream.tokens[segment.begins].text.strip() == word
        assert stream.tokens[segment.begins - 1].special
    begun = [*CHAT, {"role": "assistant", "content": "The keys"}]
    stream = prepare(model, tokenizer, Question(begun, "are", piece=0)).streams[0]
    assert [one.name for one in stream.segments] == ["system", "user", "assistant"]


def test_both_texts_of_a_pair_are_told_apart():
    model, tokenizer = sw.load_demo()
    asked = prepare(model, tokenizer, Question(("The keys [MASK] here.", "The cabinet is old."), "are"))
    stream = asked.streams[0]
    begins = {one.name: stream.tokens[one.begins].text for one in stream.segments}
    assert begins == {"first text": "The", "second text": "The"}
    assert stream.tokens[stream.segments[1].begins - 1].text == "[SEP]"
    assert prepare(model, tokenizer, Question("The keys [MASK] here.", "are")).streams[0].segments == ()


def test_an_answer_in_a_chat_is_explained(pair):
    model, tokenizer = pair
    e = sw.explain(model, tokenizer, CHAT, "The keys are", rankings=())
    assert e.score.unit == "nats"
    assert e.score.pieces == ("The", "keys", "are")
    assert set(e.by_token()["of"]) == {"target"}


@pytest.mark.parametrize(
    ("chat", "words"),
    [
        ([{"role": "user"}], "Message 0 of the chat has no content"),
        ([{"role": "user", "content": 3}], "has the content 3"),
        ([{"role": None, "content": "a"}], "has the role None"),
        ([CHAT[0], "The keys"], "Message 1 of the chat is 'The keys'"),
        ([{"role": "user", "content": "  "}], "Message 0 of the chat is empty"),
        (CHAT, "no system here"),
        (["The", "keys"], "a chat as"),
    ],
)
def test_what_is_no_chat_is_refused(chat, words):
    tokenizer = byte_level(WORDS, mask=None)
    tokenizer.chat_template = STRICT
    with pytest.raises(InputError, match=words):
        source_of(tokenizer, chat)


def test_a_tokenizer_without_a_template_says_so():
    with pytest.raises(InputError, match="has no chat template"):
        sw.explain(*sw.load_demo(), CHAT)


def test_a_pair_for_a_causal_model_is_refused():
    tokenizer = byte_level(WORDS, mask=None)
    with pytest.raises(InputError, match="puts nothing between two texts"):
        sw.explain(gpt2(tokenizer).eval(), tokenizer, ("The keys", "The user"))
