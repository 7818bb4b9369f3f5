"""One question to a language model, as text: which of two words belongs at the mask?"""

from __future__ import annotations

from dataclasses import dataclass

from semiring_widgets.errors import InputError

__all__ = ["MASK", "Prompt", "words_of"]

# What stands for the asked word in `Prompt.text`.
MASK = "[MASK]"


def words_of(text: str) -> tuple[str, ...]:
    """A text, split at blanks."""
    return tuple(text.split())


@dataclass(frozen=True)
class Prompt:
    """A text with one word left out, the right word and a wrong one.

    A masked model is asked with `masked`, a causal one with `prefix`; the score is
    logit(target) - logit(contrast) in both:

        sw.explain(model, tokenizer, prompt.masked(), target=prompt.target, contrast=prompt.contrast)

    Attributes:
        kind: which sort of sentence it is.
        text: with ``[MASK]`` in place of the asked word.
        target: the right word.
        contrast: a wrong one.
        counterfactual: the same text, with as many words, changed so that the target is wrong (or no better
            than others); None where none is known.
    """

    kind: str
    text: str
    target: str
    contrast: str
    counterfactual: str | None = None

    def __post_init__(self) -> None:
        for name, text in (("text", self.text), ("counterfactual", self.counterfactual)):
            if text is not None and text.count(MASK) != 1:
                raise InputError(f"{name} is {text!r}; give a text with {MASK} once, for the asked word.")

    @property
    def good(self) -> str:
        """The text with the right word."""
        return self.masked(self.target)

    @property
    def bad(self) -> str:
        """The text with the wrong word."""
        return self.masked(self.contrast)

    @property
    def prefix(self) -> str:
        """What a causal model reads: the text before the asked word."""
        return _before(self.text)

    @property
    def counterfactual_prefix(self) -> str | None:
        """What a causal model reads of the counterfactual."""
        return None if self.counterfactual is None else _before(self.counterfactual)

    @property
    def words(self) -> tuple[str, ...]:
        """The text, split at blanks; places are counted in these, from 0 on."""
        return words_of(self.text)

    @property
    def place(self) -> int:
        """The word that is the asked one, with the signs that are written close to it."""
        return next(number for number, word in enumerate(self.words) if MASK in word)

    def masked(self, mask: str = MASK) -> str:
        """The text with another mask, such as ``tokenizer.mask_token``."""
        return self.text.replace(MASK, mask)


def _before(text: str) -> str:
    return text.partition(MASK)[0].rstrip()
