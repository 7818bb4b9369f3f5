"""What people read of a token: its source, or what its bytes stand for, and nothing invisible."""

import json

import pytest
import transformers

from semiring_widgets.explanation.pieces import Pieces
from semiring_widgets.explanation.text import encode, source_of, stream_of
from semiring_widgets.results.visible import graphemes, shortened, visible, width
from tests.own_tokenizers import byte_level, llama, sentence_piece, word_ends, word_piece


def names(tokenizer, text, **given):
    source = source_of(tokenizer, text, **given)
    encoding = encode(source, None)
    return stream_of("input", tokenizer, encoding["input_ids"][0], source.text, encoding["offsets"]).tokens


SMILE = ["🙂⟨f0⟩", "🙂⟨9f⟩", "🙂⟨99⟩", "🙂⟨82⟩"]


@pytest.mark.parametrize(
    ("tokenizer", "text", "shown"),
    [
        (byte_level([" keys", "The", " 世界"]), "The keys 世界", ["The", "keys", "世界"]),
        (byte_level([]), "a \t\n\r", ["a", "␣", "⇥", "⏎", "⟨CR⟩"]),
        (byte_level([]), "a🙂", ["a", *SMILE]),
        (byte_level([" كتب", "a"]), "a كتب", ["a", "كتب"]),
        (byte_level(["\n\n\n"]), "a\n\n\n", ["a", "⏎⏎⏎"]),
        (byte_level(["\u202e", "\u200b"]), "\u202eab\u200b", ["⟨U+202E⟩", "a", "b", "⟨U+200B⟩"]),
        (byte_level(["e", "\u0301"]), "e\u0301", ["e", "◌\u0301"]),
        (byte_level(["👩\u200d👧"]), "👩\u200d👧", ["👩\u200d👧"]),
        (sentence_piece([" keys"]), "世 keys", ["␣", "世", "keys"]),  # a blank put there is no "世"
        (sentence_piece([" keys", " "], byte_fallback=True), "keys 🙂", ["keys", "␣", *SMILE]),
        (llama([" keys", "The"]), "keys 🙂\n", ["<s>", "keys", "␣", *SMILE, "⏎"]),
        (word_piece(["keys", "##s"]), "keyss", ["[CLS]", "keys", "s", "[SEP]"]),
        (word_piece(["cafe", "is"], uncased=True), "cafe\u0301 is", ["[CLS]", "cafe\u0301", "is", "[SEP]"]),
        (word_ends(["keys", "is"]), "is keys", ["is", "keys"]),
        (transformers.ByT5Tokenizer(), "é🙂 \t", ["é⟨c3⟩", "é⟨a9⟩", *SMILE, "␣", "⇥", "</s>"]),
        (transformers.CanineTokenizer(), "é\t🙂", ["⟨U+E000⟩", "é", "⇥", "🙂", "⟨U+E001⟩"]),
    ],
)  # fmt: skip
def test_tokens_are_read_as_text(tokenizer, text, shown):
    assert [token.text for token in names(tokenizer, text)] == shown


def test_the_raw_piece_stays():
    tokens = names(byte_level([" keys"]), "The keys")
    assert tokens[-1].text == "keys"
    assert tokens[-1].raw == "Ġkeys"


def test_both_texts_of_a_pair_are_shown_with_their_own_characters():
    tokens = names(word_piece(["keys", "is", "the"]), ("the keys", "is keys"))
    assert [token.text for token in tokens] == ["[CLS]", "the", "keys", "[SEP]", "is", "keys", "[SEP]"]
    text = "the keys\nis keys"
    assert [text[t.start : t.end] for t in tokens if not t.special] == ["the", "keys", "is", "keys"]


def test_an_added_token_is_no_code_for_bytes():
    tokenizer = byte_level([])
    tokenizer.add_tokens(["é"])  # in the table of bytes, this letter is another one
    assert [token.text for token in names(tokenizer, "aéa")] == ["a", "é", "a"]
    assert Pieces(tokenizer).text(tokenizer.convert_tokens_to_ids("é")) == "é"


def test_pieces_that_say_where_a_word_ends(tmp_path):
    vocabulary = {"<unk>": 0, "a</w>": 1, "is</w>": 2, "is@@": 3, "land": 4}
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    (tmp_path / "merges.txt").write_text("#version: 0.2\ni s</w>\ni s\nl a\nla n\nlan d</w>\n")
    ctrl = transformers.CTRLTokenizer(tmp_path / "vocab.json", tmp_path / "merges.txt")
    assert [(token.text, token.raw) for token in names(ctrl, "island")] == [("is", "is@@"), ("land", "land")]
    assert Pieces(ctrl).goes_on(3)
    gpt = word_ends(["is", "island"])
    assert Pieces(gpt).goes_on(gpt.convert_tokens_to_ids("is"))
    assert not Pieces(gpt).goes_on(gpt.convert_tokens_to_ids("is</w>"))


def test_an_id_without_a_piece():
    assert Pieces(word_piece(["keys"])).label(10**4) == "token 10000"
    assert Pieces(byte_level(["keys"])).label(10**4) == "token 10000"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "⟨empty⟩"),
        (" ", "␣"),
        ("   ", "␣␣␣"),
        (" keys", "keys"),
        ("of the", "of the"),
        ("keys ", "keys␣"),
        ("a\r\nb", "a⟨CR⟩⏎b"),
        ("\x00\x1b[31m", "⟨U+0000⟩⟨U+001B⟩[31m"),
        ("\u00a0", "⟨U+00A0⟩"),
        ("\u3000", "⟨U+3000⟩"),
        ("\u2028", "⟨U+2028⟩"),
        ("\ufeff", "⟨U+FEFF⟩"),
        ("\u200f", "⟨U+200F⟩"),
        ("\u00ad", "⟨U+00AD⟩"),
        ("\ufe0f", "⟨U+FE0F⟩"),
        ("\u3164", "⟨U+3164⟩"),
        ("\ud83d", "⟨U+D83D⟩"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("می\u200cشود", "می\u200cشود"),  # a joiner between two letters belongs to the word
        ("\u200d", "⟨U+200D⟩"),
        ("नि", "नि"),
        ("ि", "◌ि"),
        ("שָׁלוֹם", "שָׁלוֹם"),
        ("<b>&", "<b>&"),
    ],
)
def test_nothing_is_invisible(text, shown):
    assert visible(text) == shown
    assert visible(shown) == shown  # a label is its own label


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("e\u0301a", ["e\u0301", "a"]),
        ("👩\u200d👧x", ["👩\u200d👧", "x"]),
        ("👍🏽👍", ["👍🏽", "👍"]),
        ("🇫🇷🇩🇪", ["🇫🇷", "🇩🇪"]),
        ("각각", ["각", "각"]),
        ("각", ["각"]),
        ("नि", ["नि"]),
        ("❤\ufe0f!", ["❤\ufe0f", "!"]),
    ],
)
def test_graphemes_are_whole(text, units):
    assert graphemes(text) == units


@pytest.mark.parametrize("limit", range(1, 14))
@pytest.mark.parametrize(
    "text", ["straightforward", "世界世界世界世界", "🇫🇷" * 8, "e\u0301" * 16, "👩\u200d👧" * 8]
)
def test_cut_labels_fit_and_hold_whole_graphemes(text, limit):
    short = shortened(text, limit)
    assert width(short) <= max(limit, 1)
    assert set(graphemes(short)) <= {*graphemes(text), "…"}
    assert "…" in short
