"""Which token a word is at a place: the one that the tokenizer would write there, whatever its kind."""

from functools import cache

import numpy as np
import pytest
import torch
import transformers

from semiring_widgets.errors import InputError
from semiring_widgets.explanation.places import answer, gap, next_place
from semiring_widgets.explanation.targets import mask_position, token_id
from semiring_widgets.explanation.text import encode, source_of, stream_of
from tests.own_tokenizers import byte_level, llama, sentence_piece, word_ends, word_piece

WORDS = (" is", "is", " are", "are", " keys", "keys", "The", " The", "cab", " cab", "inet", " café", "café")
WORDS += (" 猫", "猫", "の", " the", "the", " tables", " (")
BERT = ("is", "are", "keys", "the", "cab", "##inet", "inet", "##s", "世", "é")
MANY = 10**6

TOKENIZERS = {
    "roberta": lambda: byte_level(WORDS),
    "prefixed": lambda: byte_level(WORDS, prefix=True),
    "plain mask": lambda: byte_level(WORDS, swallows=False),
    "xlm-r": lambda: sentence_piece(WORDS),
    "plain mask, pieces": lambda: sentence_piece(WORDS, swallows=False),
    "bert": lambda: word_piece(BERT),
    "uncased": lambda: word_piece(BERT, uncased=True),
    "gpt": lambda: word_ends(["is", "are", "keys", "the", "island"]),
    "llama": lambda: llama(WORDS),
    "gemma": lambda: llama(WORDS, prepends=False),
}


@cache
def made(name):
    return TOKENIZERS[name]()


def place_in(tokenizer, text, position=None, specials=True):
    source = source_of(tokenizer, text, specials)
    encoding = encode(source, None)
    stream = stream_of("input", tokenizer, encoding["input_ids"][0], source.text, encoding["offsets"])
    if tokenizer.mask_token is not None and tokenizer.mask_token in source.text:
        return gap(source, stream, mask_position(tokenizer, stream) if position is None else position)
    return next_place(source, stream, len(stream.tokens) - 1 if position is None else position)


# Tokenizer, text, word, the piece that it is there, and its label.
FITS = [
    # A mask that swallows the blank before it: the word begins there.
    ("roberta", "The keys <mask> the", "is", "Ġis", "is"),
    ("roberta", "The keys <mask> the", " is", "Ġis", "is"),
    ("roberta", "The keys <mask>", "is", "Ġis", "is"),
    ("roberta", "The keys <mask>, the", ",", ",", ","),
    ("roberta", "<mask> keys", "The", "The", "The"),
    ("roberta", "<mask> keys", " The", "ĠThe", "␣The"),
    ("roberta", "The cab<mask> is", "inet", "inet", "inet"),
    ("roberta", "The <mask> the", "猫", "ĠçĮ«", "猫"),
    ("roberta", "猫<mask>", "の", "ãģ®", "の"),
    ("prefixed", "<mask> keys", "The", "ĠThe", "The"),
    # A mask that leaves the blank as a token of its own.
    ("plain mask", "The keys <mask> the", "is", "is", "is"),
    ("plain mask, pieces", "The keys <mask> the", "is", "is", "is"),
    ("xlm-r", "The keys <mask> the", "is", "▁is", "is"),
    ("xlm-r", "<mask> the", "is", "▁is", "is"),
    ("bert", "the keys [MASK] the.", "is", "is", "is"),
    ("bert", "the keys [MASK] the.", " is", "is", "is"),
    ("bert", "the cab[MASK] is", "inet", "##inet", "inet"),
    ("bert", "the cab[MASK] is", " inet", "inet", "inet, as a new word"),
    ("bert", "the keys [MASK]", ".", ".", "."),
    ("bert", "the keys [MASK]", "[SEP]", "[SEP]", "[SEP]"),
    ("uncased", "the keys [MASK]", "ARE", "are", "are"),
    ("uncased", "the keys [MASK]", "É", "e", "e"),
    ("gpt", "the keys <mask>", "is", "is</w>", "is"),
    # The next token of a causal model.
    ("roberta", "The keys", "is", "Ġis", "is"),
    ("roberta", "The keys ", "is", "is", "is"),
    ("roberta", "The keys ", " is", "Ġis", "␣is"),
    ("roberta", "The keys\n", "The", "The", "The"),
    ("roberta", "The keys", ",", ",", ","),
    ("roberta", "The keys", "(", "Ġ(", "("),
    ("roberta", "The (", "keys", "keys", "keys"),
    ("roberta", 'The "', "keys", "keys", "keys"),
    ("roberta", "The “", "keys", "keys", "keys"),
    ("roberta", "The '", "keys", "keys", "keys"),
    ("roberta", "The cab—", "keys", "keys", "keys"),
    ("roberta", "The cab-", "keys", "keys", "keys"),
    ("roberta", "The keys'", "is", "Ġis", "is"),
    ("roberta", "The keys...", "is", "Ġis", "is"),
    ("roberta", "The keys\n<mask> the", "is", "Ġis", "is"),
    ("roberta", "The keys  <mask> the", "is", "Ġis", "is"),
    ("roberta", 'The "keys" ', "is", "is", "is"),
    ("roberta", 'The "keys"', "is", "Ġis", "is"),
    ("roberta", "The keys", "猫", "çĮ«", "猫"),
    ("roberta", "猫", "の", "ãģ®", "の"),
    ("roberta", "The keys", "\n", "Ċ", "⏎"),
    ("roberta", "The keys", " ", "Ġ", "␣"),
    ("roberta", "The keys", "café", "ĠcafÃ©", "café"),
    ("roberta", "The keys", "cafe\u0301", "ĠcafÃ©", "café"),
    ("llama", "The keys", "is", "▁is", "is"),
    ("llama", "The keys ", "is", "is", "is"),
    ("llama", "The keys\n", "The", "The", "The"),
    ("llama", "The keys", "\n", "<0x0A>", "⏎"),
    ("gemma", "The keys", "is", "▁is", "is"),
    ("gemma", "The keys  ", "is", "is", "is"),
    ("xlm-r", "The keys", "is", "▁is", "is"),
    ("xlm-r", "The keys", ",", ",", ","),
    ("bert", "the keys", "is", "is", "is"),
    ("gpt", "the keys", "are", "are</w>", "are"),
]


@pytest.mark.parametrize(("name", "text", "word", "piece", "label"), FITS)
def test_the_word_that_fits(name, text, word, piece, label):
    tokenizer = made(name)
    place = place_in(tokenizer, text, specials=name not in ("bert", "uncased") or "[MASK]" in text)
    number = token_id(place, word, "target", MANY)
    assert tokenizer.convert_ids_to_tokens(number) == piece
    assert place.label(number) == label


@pytest.mark.parametrize(
    ("name", "text", "position", "word", "piece"),
    [
        ("roberta", "The keys is the", 0, "are", "Ġare"),  # a word begins there in the text
        ("roberta", "The cabis the", 1, "are", "are"),  # "cab" goes on
        ("roberta", "The keys, the", 1, "are", "Ġare"),
        ("llama", "The keys is", 0, "The", "▁The"),  # after the sign of the beginning
        ("roberta", "The keys <mask>", 1, "cab", "Ġcab"),  # another token of a masked text
        ("roberta", "The keys <mask>", 0, "cab", "cab"),
        ("roberta", "The <mask> the <mask> is", 3, "keys", "Ġkeys"),
        ("bert", "the keys [MASK] is", 2, "cab", "cab"),
    ],
)
def test_a_position_inside_the_text(name, text, position, word, piece):
    tokenizer = made(name)
    number = token_id(place_in(tokenizer, text, position), word, "target", MANY)
    assert tokenizer.convert_ids_to_tokens(number) == piece


@pytest.mark.parametrize(
    ("name", "text", "piece", "label"),
    [
        ("roberta", "The keys <mask> the", "is", "is, inside a word"),
        ("roberta", "The keys", "is", "is, inside a word"),
        ("roberta", "The keys", "(", "(, no blank before it"),
        ("roberta", "The keys", "Ã", "⟨c3⟩"),
        ("roberta", "The keys ", "Ġis", "␣is"),
        ("xlm-r", "The keys <mask> the", "is", "is, inside a word"),
        ("llama", "The keys", "<0xE4>", "⟨e4⟩"),
        ("bert", "the keys [MASK]", "##inet", "inet, inside a word"),
    ],
)
def test_another_form_is_asked_for_by_its_id_and_named(name, text, piece, label):
    tokenizer = made(name)
    number = tokenizer.convert_tokens_to_ids(piece)
    place = place_in(tokenizer, text)
    assert token_id(place, np.int64(number), "target", MANY) == number
    assert token_id(place, torch.tensor(number), "target", MANY) == number
    assert place.label(number) == label


@pytest.mark.parametrize(
    ("name", "text", "word", "says"),
    [
        (
            "roberta",
            "The keys",
            "é",
            r"2 pieces .*⟨c3⟩.*⟨a9⟩",
        ),  # its bytes; the piece "é" is half a character
        ("roberta", "The keys", "Ġis", "pieces"),
        ("roberta", "The keys", "Ġ", "pieces"),
        ("roberta", "The keys", "Ċ", "pieces"),
        ("roberta", "The keys", "â", "pieces"),
        ("roberta", "The keys <mask>", "inet", r"'inet, inside a word' is token \d+"),
        ("xlm-r", "The keys <mask>", "▁is", "makes of it"),
        ("xlm-r", "The keys <mask>", "▁", "makes of it"),
        ("bert", "the keys [MASK]", "##inet", "unknown"),
        ("bert", "the keys [MASK]", "Is", "unknown"),
        ("uncased", "the keys [MASK]", "é語", "unknown"),
        ("roberta", "The keys", "", "empty"),
        ("roberta", "The keys", "  ", "2 pieces"),
        ("roberta", "The keys", "is not", "pieces"),
        ("roberta", "The keys", True, "give a token as a string, or its id"),
        ("roberta", "The keys", np.bool_(True), "give a token"),
        ("roberta", "The keys", 3.0, "give a token"),
        ("roberta", "The keys", -1, "tokens 0 to 99"),
        ("roberta", "The keys", "is", r"token 2\d\d of the tokenizer.*100 logits"),
    ],
)
def test_what_is_no_single_token_is_refused(name, text, word, says):
    with pytest.raises(InputError, match=says):
        token_id(place_in(made(name), text), word, "contrast", 100 if word in ("is", -1) else MANY)


def test_letters_are_bytes_in_byt5():
    tokenizer = transformers.ByT5Tokenizer(extra_ids=3)
    source = source_of(tokenizer, "é a")
    ids = torch.tensor([tokenizer.pad_token_id])
    place = answer(source, stream_of("decoder", tokenizer, ids), 0)
    assert token_id(place, "a", "target", MANY) == ord("a") + 3
    assert token_id(place, "<extra_id_0>", "target", MANY) == tokenizer.convert_tokens_to_ids("<extra_id_0>")
    assert place.label(0xC3 + 3) == "⟨c3⟩"
    with pytest.raises(InputError, match="2 pieces"):
        token_id(place, "Ã", "target", MANY)


def test_an_answer_begins_with_its_first_word():
    tokenizer = made("xlm-r")
    place = answer(source_of(tokenizer, "The keys"), stream_of("decoder", tokenizer, torch.tensor([0])), 0)
    number = token_id(place, "is", "target", MANY)
    assert tokenizer.convert_ids_to_tokens(number) == "▁is"
    assert place.label(number) == "is"
    assert place.label(tokenizer.convert_tokens_to_ids("is")) == "is, inside a word"
    with pytest.raises(InputError, match=r"inet, inside a word.*is token"):
        token_id(place, "inet", "target", MANY)
