"""Where a token is asked for, and which token a word is there.

The same word is several tokens: ``is`` at the beginning of a text, after a blank, inside another word. Which
one is meant is found as the tokenizer itself would say it: the word is put in its place and the text is read
again; where nothing else changes and one token stands there, that is the one. Where this changes its
neighbours, it is the token that makes the same text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from semiring_widgets.explanation.text import Source
from semiring_widgets.results.parts import Stream

__all__ = ["Place", "answer", "gap", "next_place"]

# Punctuation that stands close to what is before it, or to what comes after it.
_CLOSES = frozenset(".,;:!?%…'’-/")
_OPENS = frozenset("¿¡#@$/\\-_~")
# Writing systems without a blank between words: Thai, Lao, Tibetan, Burmese, Khmer, Chinese and Japanese
# with their punctuation and wide forms.
_UNSPACED = (
    range(0xE00, 0x10A0),
    range(0x1780, 0x1800),
    range(0x2E80, 0x3130),
    range(0x3190, 0xA000),
    range(0xF900, 0xFB00),
    range(0xFE30, 0xFE50),
    range(0xFF01, 0xFFA0),
    range(0x20000, 0x40000),
)


@dataclass(frozen=True)
class Place:
    """A place where one token is asked for.

    Attributes:
        source: the text, and how it is read.
        ids: the tokens that the model gets.
        index: which of them is asked for; one further than the last for the next token.
        before: the text up to there.
        after: the text from there on.
        gap: whether the token fills a gap, which has its blanks already; else it goes on with the text.
        part: which text of a pair it is in.
        answers: whether it begins the answer of an encoder-decoder.
    """

    source: Source
    ids: tuple[int, ...]
    index: int
    before: str
    after: str = ""
    gap: bool = False
    part: int = 0
    answers: bool = False

    def fitting(self, word: str) -> int | None:
        """The one token that a word is here, or None.

        Args:
            word: the word; with a blank before it, that is meant.
        """
        said = self._said(word)
        for read, rest in self._readings(said):
            begun = read[: self.index] == list(self.ids[: self.index])
            if begun and len(read) > self.index and read[self.index + 1 :] == rest:
                number = read[self.index]
                if number in self.source.pieces.candidates(word, [number]):
                    return number
        wanted = self._wanted(said)
        return next((n for n in self.source.pieces.candidates(word) if self._makes(n, wanted)), None)

    def continued(self, text: str) -> tuple[list[int], bool]:
        """The pieces of a longer text that begins here, as it is read together with what stands before it.

        Args:
            text: with a blank before it, that is meant; else one is put there where a word needs it.

        Returns:
            Their ids, and whether all before them stays the tokens that it is.
        """
        read, _ = next(self._readings(self._said(text)))
        end = len(read) - (0 if self.answers else self.source.appended)
        return read[self.index : end], read[: self.index] == list(self.ids[: self.index])

    def filled(self, text: str) -> list[int] | None:
        """The pieces of a text in this gap; None where tokens around it become others.

        Args:
            text: what fills the gap.
        """
        for read, rest in self._readings(self._said(text)):
            end = len(read) - len(rest)
            if read[: self.index] == list(self.ids[: self.index]) and read[end:] == rest and end > self.index:
                return read[self.index : end]
        return None

    def label(self, number: int) -> str:
        """A token as people read it; it says so if the token is not the one that its word is here."""
        pieces = self.source.pieces
        shown, text = pieces.label(number), pieces.text(number)
        if pieces.special(number) or text is None:
            return shown
        if pieces.goes_on(number):
            shown += "…"
        return self._form(number, shown, text) + self._twin(number, text)

    def _form(self, number: int, shown: str, text: str) -> str:
        """The label with what makes it another token than that of its word, if it is one."""
        if not text.strip() or shown.startswith("␣") or self.fitting(text.removeprefix(" ")) == number:
            return shown
        if text[0] == " ":
            return f"␣{shown}" if self.source.pieces.carries_blanks else f"{shown}, as a new word"
        return f"{shown}, inside a word" if text[0].isalnum() else f"{shown}, no blank before it"

    def _twin(self, number: int, text: str) -> str:
        """The id, where the vocabulary writes the same text in another way: Llama's ``<0x41>`` is an A."""
        pieces = self.source.pieces
        others = (n for n in pieces.candidates(text) if n != number)
        twin = any(pieces.text(n) == text and pieces.goes_on(n) == pieces.goes_on(number) for n in others)
        first = twin and self.fitting(text.removeprefix(" ") or text) == number
        return f", token {number}" if twin and not first else ""

    def _said(self, word: str) -> str:
        """The word with the blank that belongs between it and what stands before it."""
        if self.gap:
            return word.removeprefix(" ") if self.before[-1:].isspace() else word
        if word[:1].isspace() or not self.before:
            return word
        inside = self.before[-1].isalnum() and self.after[:1].isalnum() and not _unspaced(self.after[0])
        return word if inside or not _blank_between(self.before, word) else f" {word}"

    def _readings(self, said: str) -> Iterator[tuple[list[int], list[int]]]:
        """The text with the word in it, read again, and what must come after the token of the word."""
        source = self.source
        if self.answers:
            yield [*self.ids, *source.answer_ids(said)], []
            return
        if self.gap:
            yield source.ids(self._parts(said + self.after)), list(self.ids[self.index + 1 :])
        read = source.ids(self._parts(said)[: self.part + 1])
        yield read, [number for number in read[self.index + 1 :] if source.pieces.special(number)]

    def _parts(self, rest: str) -> list[str]:
        parts = list(self.source.parts)
        close = self._swallowed and _closes(rest)
        parts[self.part] = (self.before.rstrip(" ") if close else self.before) + rest
        return parts

    @property
    def _swallowed(self) -> bool:
        """Whether the blank before the place belongs to the token that is asked for."""
        pieces = self.source.pieces
        if not pieces.carries_blanks or not self.before[-1:].isspace():
            return False
        return not pieces.data(self.ids[self.index - 1])[-1:].isspace()

    def _wanted(self, said: str) -> str:
        """What the token must add to the text of the tokens before it."""
        pieces, word = self.source.pieces, said.removeprefix(" ")
        if not pieces.carries_blanks:
            goes_on = bool(self.before[-1:].isalnum() and said[:1].isalnum())
            return word if goes_on else f" {word}"
        if said[:1].isspace():
            return said
        if not self.before:
            read = self.source.answer_ids(said) if self.answers else self.source.ids([said], special=False)
            first = pieces.text(read[0]) if read else None
            return f" {word}" if first is not None and first[0] == " " else word
        # A tokenizer may have made a token of the blank, or not: then the next token brings it.
        return f" {word}" if self._swallowed and not _closes(word) else word

    def _makes(self, number: int, wanted: str) -> bool:
        text = self.source.pieces.text(number)
        if text is None:
            return False
        # Where blanks are forgotten, "." adds no blank either, whatever stands before it.
        free = not self.source.pieces.carries_blanks and not wanted.strip()[:1].isalnum()
        return free or (text[0] == " ") == (wanted[:1] == " ")


def gap(source: Source, stream: Stream, index: int) -> Place:
    """The place of a token that a masked model is asked to name."""
    ids = tuple(token.id for token in stream.tokens)
    part, start, end = _span(source, stream, index)
    text = source.parts[part]
    return Place(source, ids, index, text[:start], text[end:], gap=True, part=part)


def next_place(source: Source, stream: Stream, last: int) -> Place:
    """The place after a token, of which a causal model is asked what comes there."""
    ids = tuple(token.id for token in stream.tokens)
    if source.written is not None and last == len(stream.tokens) - 1:  # the template's last sign begins none
        return Place(source, ids, last + 1, source.text)
    if stream.tokens[last].special:  # a text begins
        return Place(source, ids, last + 1, "", source.text)
    if all(token.special for token in stream.tokens[last + 1 :]):  # blanks at the end count
        part = len(source.parts) - 1
        return Place(source, ids, last + 1, source.parts[part], part=part)
    part, _, end = _span(source, stream, last)
    text = source.parts[part]
    return Place(source, ids, last + 1, text[:end], text[end:], part=part)


def answer(source: Source, stream: Stream, last: int) -> Place:
    """The place where the answer of an encoder-decoder begins."""
    return Place(source, tuple(token.id for token in stream.tokens), last + 1, "", answers=True)


def _span(source: Source, stream: Stream, index: int) -> tuple[int, int, int]:
    """Which text a token is in, and its first and last character there, blanks around it left out."""
    token = stream.tokens[index]
    mask = getattr(source.tokenizer, "mask_token", None)
    same = [other.index for other in stream.tokens if other.id == token.id]
    if mask is not None and token.raw == mask and source.text.count(mask) == len(same):
        start = -1
        for _ in same[: same.index(index) + 1]:
            start = source.text.index(mask, start + 1)
        return _within(source, start, start + len(mask))
    if token.end > token.start:
        said = source.text[token.start : token.end]
        start = token.start + len(said) - len(said.lstrip())
        return _within(source, start, max(start, token.end - len(said) + len(said.rstrip())))
    # Without offsets: as many characters as the tokens before it make.
    made = [b"" if other.special else source.pieces.data(other.id) for other in stream.tokens[: index + 1]]
    ends = [len(b"".join(part).decode("utf-8", "ignore").lstrip()) for part in (made[:-1], made)]
    return _within(source, *ends)


def _within(source: Source, start: int, end: int) -> tuple[int, int, int]:
    """Characters of the joined text as characters of one of its parts."""
    second = len(source.parts[0]) + 1
    if len(source.parts) == 2 and start >= second:
        return 1, start - second, end - second
    return 0, start, end


def _blank_between(before: str, word: str) -> bool:
    """Whether a word that goes on with a text is set off by a blank."""
    last, first = before[-1], word[0]
    if last.isspace() or _unspaced(last) or _unspaced(first):
        return False
    if first == '"' or last == '"':
        # The quotation mark that is open takes no blank after it, the one that closes it none before it.
        opened = before.count('"') % 2 == 1
        return not opened
    if last == "'" and not before[-2:-1].strip():
        return False
    opens = last in _OPENS or unicodedata.category(last) in ("Ps", "Pi", "Pd")
    return not opens and not _closes(word)


def _closes(word: str) -> bool:
    """Whether a word is punctuation that takes no blank before it."""
    return word[:1] in _CLOSES or unicodedata.category(word[0]) in ("Pe", "Pf", "Pd")


def _unspaced(character: str) -> bool:
    return any(ord(character) in block for block in _UNSPACED)
