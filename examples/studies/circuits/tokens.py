"""A tokenizer of whole words for the sentences of a task; no file is needed, as the words are the task's."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

UNKNOWN = "[UNK]"
_WORD = r"\w+|[^\w\s]"


def numbers_of(tokenizer: PreTrainedTokenizerBase, words: Iterable[str]) -> list[int]:
    """The numbers of some words that a tokenizer knows as a whole; of others that of its unknown word."""
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    return [vocabulary.get(word, tokenizer.unk_token_id) for word in words]


def word_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """A tokenizer that knows the words and signs of some texts, in alphabetical order.

    Args:
        texts: from which the vocabulary is read; the same texts, in any order, give the same numbers.
    """
    split = pre_tokenizers.Split(Regex(_WORD), "removed", invert=True)
    words = {word for text in texts for word, _ in split.pre_tokenize_str(text)}
    numbers = {word: number for number, word in enumerate([UNKNOWN, *sorted(words)])}
    core = Tokenizer(models.WordLevel(numbers, unk_token=UNKNOWN))
    core.pre_tokenizer = split
    return PreTrainedTokenizerFast(tokenizer_object=core, unk_token=UNKNOWN)
