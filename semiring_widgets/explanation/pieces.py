"""What a tokenizer's pieces stand for, whatever they look like.

A piece is a key of the tokenizer's vocabulary, and every kind of tokenizer writes its keys in its own way:
``Ġis`` and ``▁is`` begin a word, ``##s`` goes on with one, ``<0xE4>`` is a byte, and so is ``Ã`` in some of
them. Here all of them become bytes of text, by what the tokenizer itself makes of them, so that no other file
has to know the signs.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, groupby, islice, repeat
from typing import Any

from semiring_widgets.results.visible import bytes_label, visible

__all__ = ["Pieces", "is_of_word", "texts_of"]

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
# Its letters look the same in no two of the ways in which bytes are written.
_PROBE = "€"


def is_of_word(letter: str) -> bool:
    """Whether a character stands inside of words: also accents, vowel signs and halves of characters.

    Example:
        >>> [is_of_word(letter) for letter in ("a", "4", "\u0301", "\ufffd", " ", "-", "")]
        [True, True, True, True, False, False, False]
    """
    return bool(letter) and (
        letter.isalnum() or letter == "\ufffd" or unicodedata.category(letter).startswith("M")
    )


@dataclass(frozen=True)
class Pieces:
    """The vocabulary of one tokenizer.

    Attributes:
        tokenizer: of the transformers library, fast or slow.
    """

    tokenizer: Any
    _known: dict[int, bytes] = field(default_factory=dict, repr=False)

    def raw(self, number: int) -> str:
        """The key of the vocabulary; ``""`` for an id that it does not have."""
        piece = self._piece(number)
        return piece.decode("utf-8", "replace") if isinstance(piece, bytes) else piece

    def data(self, number: int) -> bytes:
        """The bytes (UTF-8) that a piece stands for; with a blank first where it begins a word."""
        if number not in self._known:
            self._known[number] = self._data(number)
        return self._known[number]

    def text(self, number: int) -> str | None:
        """The text that a piece stands for, or None where that is no whole number of characters."""
        try:
            return self.data(number).decode("utf-8", "surrogatepass") or None
        except UnicodeDecodeError:
            return None

    def special(self, number: int) -> bool:
        """Whether it is a sign of the tokenizer's own, such as ``[SEP]``."""
        return number in self._special

    def goes_on(self, number: int) -> bool:
        """Whether the word goes on after it, where pieces mark the end of a word and not its beginning."""
        raw = self.raw(number)
        if raw.endswith("@@"):
            return "@@" not in self._join([raw, self._anchor])
        return self._ends_words and not raw.endswith("</w>")

    def candidates(self, word: str, among: Sequence[int] | None = None) -> list[int]:
        """Ids of the tokens that stand for a word, with and without a blank before it.

        A piece counts for what it stands for, never for its looks: in GPT-2, ``é`` is half a character.

        Args:
            word: the word; letters may be another form of what the tokenizer makes of them (``É``, ``e``).
            among: the ids to choose from; None: all that can be found.
        """
        if among is None:
            plain = word.removeprefix(" ")
            spoken = [plain, f" {plain}", *self._normal(plain)]
            read = [ids[0] for text in spoken if len(ids := self._split(text)) == 1]
            keys = [key for text in (plain, *self._normal(plain)) for key in self._keys(text)]
            held = [(key, self.tokenizer.convert_tokens_to_ids(key)) for key in keys]
            among = [*read, *(n for key, n in held if n is not None and self.raw(n) == key)]
        unknown = getattr(self.tokenizer, "unk_token_id", None)
        kept = [number for number in among if number != unknown and self._stands_for(number, word)]
        return list(dict.fromkeys(int(number) for number in kept))

    def _stands_for(self, number: int, word: str) -> bool:
        text = self.text(number)
        if text is None:
            return False
        if not word.strip():
            return text == word
        return _folded(text.removeprefix(" ")) == _folded(word.removeprefix(" "))

    def _keys(self, word: str) -> list[str]:
        """How the vocabulary may write a word."""
        keys = [word, f"▁{word}", f"##{word}", f"{word}</w>", f"{word}@@"]
        if self._coding is not None:
            signs = {byte: sign for sign, byte in self._coding.items()}
            keys = ["".join(signs[byte] for byte in _encoded(said)) for said in (f" {word}", word)]
        return keys

    def _normal(self, word: str) -> list[str]:
        """What the tokenizer makes of the letters, as far as it says so."""
        normalizer = getattr(getattr(self.tokenizer, "backend_tokenizer", None), "normalizer", None)
        return [] if normalizer is None else [normalizer.normalize_str(word).lstrip("▁ ")]

    @cached_property
    def carries_blanks(self) -> bool:
        """Whether a blank is a part of pieces; elsewhere (WordPiece) the tokenizer forgets where it was."""
        if self._coding is not None:
            return not self._ends_words
        pieces = "".join(map(self.raw, self._split("a b")))
        return any(blank in pieces for blank in "▁ ") or any("▁" in state for state in self._states)

    def label(self, number: int) -> str:
        """The piece as people read it, without what stands around it."""
        if self.special(number):
            return visible(self.raw(number))
        data = self.data(number)
        return texts_of([data])[0] if data else f"token {number}"

    def special_ids(self) -> dict[str, int]:
        """The special tokens, which are asked for by their names."""
        return {self.raw(number): number for number in self._special}

    @cached_property
    def _special(self) -> frozenset[int]:
        return frozenset(getattr(self.tokenizer, "all_special_ids", ()))

    @cached_property
    def _added(self) -> dict[int, str]:
        added = getattr(self.tokenizer, "added_tokens_decoder", None) or {}
        return {int(number): str(content) for number, content in added.items()}

    def _piece(self, number: int) -> str | bytes:
        # Models have more logits than their tokenizer has pieces, to round the number.
        try:
            piece = self.tokenizer.convert_ids_to_tokens(int(number))
        except (IndexError, KeyError, OverflowError, ValueError):
            return ""
        # The first tokenizer of Qwen gives bytes.
        return piece if isinstance(piece, bytes) else "" if piece is None else str(piece)

    def _data(self, number: int) -> bytes:
        if isinstance(piece := self._piece(number), bytes):
            return piece
        # CLIP ends words although its pieces are bytes.
        raw = piece.removesuffix("</w>") if self._ends_words and self._coding is not None else piece
        if number in self._added or self.special(number):
            return _encoded(raw)
        if self._coding is not None and all(sign in self._coding for sign in raw):
            return bytes(self._coding[sign] for sign in raw)
        byte = _BYTE.fullmatch(raw)
        if byte is not None and self._falls_back:
            return bytes([int(byte[1], 16)])
        return _encoded(self._decoded(raw.removesuffix("@@") if self.goes_on(number) else raw))

    def _decoded(self, raw: str) -> str:
        """What a piece adds to a text: the decoder is asked, with a word before it."""
        if not raw or (not raw.strip("▁") and self.carries_blanks):
            return raw.replace("▁", " ")
        before, both = self._join([self._anchor]), self._join([self._anchor, raw])
        return both.removeprefix(before) if both.startswith(before) else self._join([raw])

    def _join(self, pieces: list[str]) -> str:
        try:
            return str(self.tokenizer.convert_tokens_to_string(pieces))
        except Exception:  # noqa: BLE001  (a tokenizer of somebody's own may not know how)
            return " ".join(pieces)

    @cached_property
    def _anchor(self) -> str:
        """A piece that is a word."""
        ids = self._split("a")
        return self.raw(ids[-1]) if ids else "a"

    @cached_property
    def _ends_words(self) -> bool:
        """Whether the end of a word is marked, and not its beginning."""
        model = getattr(getattr(self.tokenizer, "backend_tokenizer", None), "model", None)
        return getattr(model, "end_of_word_suffix", None) == "</w>" or self._anchor.endswith("</w>")

    @cached_property
    def _falls_back(self) -> bool:
        """Whether ``<0x41>`` is a byte, and not six letters."""
        return self._join(["<0x41>"]).strip() == "A"

    @cached_property
    def _coding(self) -> dict[str, int] | None:
        """Which letter of a piece stands for which byte, if they do."""
        from transformers.convert_slow_tokenizer import bytes_to_unicode

        table = {str(sign): int(byte) for byte, sign in bytes_to_unicode().items()}
        if getattr(self.tokenizer, "backend_tokenizer", None) is not None:
            return table if any('"ByteLevel"' in state for state in self._states) else None
        pieces = "".join(map(self.raw, self._split(_PROBE)))
        for coding in (table, {chr(byte): byte for byte in range(256)}):
            if len(pieces) == 3 and bytes(coding.get(sign, 0) for sign in pieces) == _PROBE.encode():
                return coding
        return None

    @cached_property
    def _states(self) -> list[str]:
        """How a fast tokenizer splits and joins, in its own words (JSON)."""
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        parts = (getattr(backend, name, None) for name in ("decoder", "pre_tokenizer"))
        states = (getattr(part, "__getstate__", lambda: None)() for part in parts)
        return [state.decode("utf-8") for state in states if isinstance(state, bytes)]

    def _split(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def texts_of(data: Sequence[bytes]) -> list[str]:
    r"""Labels of pieces that follow each other.

    Args:
        data: the bytes of each piece. A character may be spread over several.

    >>> texts_of([b" a\xf0\x9f", b"\x99", b"\x82"])
    ['a🙂⟨f0 9f⟩', '🙂⟨99⟩', '🙂⟨82⟩']
    >>> texts_of([b"\xf0\x9f"])
    ['⟨f0 9f⟩']
    """
    # Bytes that are no text become surrogates of their own, one each, so nothing is lost.
    characters = b"".join(data).decode("utf-8", "surrogateescape")
    sizes = [len(character.encode("utf-8", "surrogateescape")) for character in characters]
    owners = chain.from_iterable(repeat(number, size) for number, size in enumerate(sizes))
    labels = []
    for piece in data:
        rest, segments = piece, []
        for number, count in Counter(islice(owners, len(piece))).items():
            part, rest = rest[:count], rest[count:]
            broken = "\udc80" <= characters[number] <= "\udcff"
            known = "" if broken else characters[number]
            segments.append((count == sizes[number] and not broken, known, part))
        labels.append("".join(_written(list(run)) for _, run in groupby(segments, key=_kind)))
    return labels


_Segment = tuple[bool, str, bytes]  # whole character or not, which one if any, its bytes in this piece


def _kind(segment: _Segment) -> str:
    whole, character, _ = segment
    return "text" if whole else character


def _written(run: list[_Segment]) -> str:
    whole, character, _ = run[0]
    if whole:
        return visible("".join(character for _, character, _ in run))
    return bytes_label(b"".join(part for _, _, part in run), character)


def _folded(text: str) -> str:
    """Letters without case, accents and compatibility forms."""
    letters = unicodedata.normalize("NFKD", text)
    bare = "".join(letter for letter in letters if unicodedata.category(letter)[0] != "M")
    return (bare or letters).casefold()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
