"""Subject-verb agreement: sentence pairs that differ in the number of one verb.

    The doctor near the trucks [MASK] laughing.      is / are

Before the verb there may be other nouns; one whose number is not the subject's is an *attractor* (Linzen,
Dupoux and Goldberg 2016, arXiv 1611.01368, who count those after the subject). The kinds of sentences are
those of Marvin and Linzen (2018, arXiv 1808.09031), in words and templates of our own. All other verbs
before the mask are in the past tense, so only the subject's noun tells the number (but in
``verb_phrase_coordination``, where the first verb does, too), and the counterfactual changes this one word.

The embedded model knows the words, but its own grammar had no ``within_object_relative_clause`` and no
``sentential_complement``: there it follows the wrong noun as often as not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from semiring_widgets.checks import choice, shown, whole_number
from semiring_widgets.errors import InputError
from semiring_widgets.tasks.agreement_words import (
    FINAL,
    PAST,
    PEOPLE,
    PREPOSITIONS,
    SAID,
    THINGS,
    TRANSITIVE,
    predicates,
)
from semiring_widgets.tasks.drawing import random_numbers
from semiring_widgets.tasks.prompts import MASK, Prompt

__all__ = ["AGREEMENT_KINDS", "AgreementPair", "agreement_pairs"]

_T = TypeVar("_T")

_NUMBERS = ("singular", "plural")
_PREDICATES = predicates()
# How often a sentence that is there already is drawn anew.
_TRIES = 1000


@dataclass(frozen=True)
class AgreementPair(Prompt):
    """A sentence in which one of two forms of a verb is right.

    Places are those of `words`, from 0 on. What is None was not told (sentences that are read from files).

    Attributes:
        number: of the subject and the right verb, ``"singular"`` or ``"plural"``.
        subject: place of the subject's noun.
        nouns: places of the other nouns before the verb.
        attractors: those of them whose number is not the subject's.
    """

    number: str | None = None
    subject: int | None = None
    nouns: tuple[int, ...] | None = None
    attractors: tuple[int, ...] | None = None


def agreement_pairs(
    n: int = 1000,
    kinds: Sequence[str] | None = None,
    attractors: int | None = None,
    seed: int = 0,
) -> list[AgreementPair]:
    """Different sentences about agreement; the same seed gives the same ones on every machine.

    Kinds take turns, and so do singular and plural subjects: the first sentences of a long list are those of
    a short one, and as balanced. No sentence comes twice, so slices of one list are a split without overlap.

    Args:
        n: how many sentences.
        kinds: some of `AGREEMENT_KINDS`; None for all that can have so many attractors.
        attractors: how many nouns before the verb have the number that the subject has not; the other nouns
            have its number. None: the number of each noun is left to chance.
        seed: a whole number.

    Raises:
        InputError: an argument cannot be used, or there are not so many different sentences.

    >>> pair = agreement_pairs(1, kinds=["prepositional_phrase"], attractors=1)[0]
    >>> pair.text, pair.target, pair.contrast
    ('The actress behind the mountains [MASK] there.', 'was', 'were')
    >>> pair.counterfactual, pair.words[pair.subject], pair.words[pair.attractors[0]]
    ('The actresses behind the mountains [MASK] there.', 'actress', 'mountains')
    """
    n = whole_number(n, "n")
    if attractors is not None:
        attractors = whole_number(attractors, "attractors", least=0, most=max(map(_nouns, _KINDS)))
    chosen = _chosen(kinds, attractors)
    generator = random_numbers(seed)
    pairs: list[AgreementPair] = []
    seen: set[str] = set()
    for turn in range(n):
        kind, number = chosen[turn % len(chosen)], turn // len(chosen) % 2
        for _ in range(_TRIES):
            pair = _sentence(_Draft(generator, number), kind, attractors)
            if pair.good not in seen:
                break
        else:
            raise InputError(
                f"Only {turn:,} of {n:,} different sentences were found, then no more of kind {kind}; ask "
                f"for fewer or for more kinds."
            )
        seen.add(pair.good)
        pairs.append(pair)
    return pairs


@dataclass
class _Draft:
    """A sentence that is being written, and beside it the one with a subject of the other number."""

    generator: np.random.Generator
    number: int
    words: list[str] = field(default_factory=list)
    flipped: list[str] = field(default_factory=list)
    subject: int = -1
    others: list[tuple[int, int]] = field(default_factory=list)
    verb: tuple[str, str] = ("", "")

    def pick(self, options: Sequence[_T]) -> _T:
        return options[int(self.generator.integers(len(options)))]

    def say(self, text: str) -> None:
        """Words that do not depend on the subject."""
        self.words += text.split()
        self.flipped += text.split()

    def agree(self, forms: tuple[str, str]) -> None:
        """A word that has the subject's number."""
        self.words.append(forms[self.number])
        self.flipped.append(forms[1 - self.number])

    def subject_noun(self) -> None:
        forms = self._new(PEOPLE)
        self.say("the")
        self.subject = len(self.words)
        self.agree(forms)

    def other_noun(self, number: int, nouns: Sequence[tuple[str, str]] = PEOPLE) -> None:
        forms = self._new(nouns)
        self.say("the")
        self.others.append((len(self.words), number))
        self.say(forms[number])

    def ask(self, forms: tuple[str, str], rest: str) -> None:
        self.verb = forms
        self.say(f"{MASK} {rest}")

    def _new(self, nouns: Sequence[tuple[str, str]]) -> tuple[str, str]:
        """A noun that is not in the sentence yet, so that each is told from the others by its word."""
        forms = self.pick(nouns)
        while not set(forms).isdisjoint(self.words):
            forms = self.pick(nouns)
        return forms


def _simple(draft: _Draft, numbers: Sequence[int]) -> None:
    draft.subject_noun()
    draft.ask(*draft.pick(_PREDICATES))


def _coordination(draft: _Draft, numbers: Sequence[int]) -> None:
    draft.subject_noun()
    alone = [verb for verb, rest in _PREDICATES if not rest]
    first = draft.pick(alone)
    draft.agree(first)
    draft.say("and")
    draft.ask(draft.pick([verb for verb in alone if verb != first]), "")


def _prepositional(draft: _Draft, numbers: Sequence[int]) -> None:
    draft.subject_noun()
    for number in numbers:
        draft.say(draft.pick(PREPOSITIONS))
        draft.other_noun(number, THINGS)
    draft.ask(*draft.pick(_PREDICATES))


def _subject_relative(draft: _Draft, numbers: Sequence[int]) -> None:
    draft.subject_noun()
    draft.say(f"that {draft.pick(PAST)}")
    draft.other_noun(numbers[0])
    draft.ask(*draft.pick(_PREDICATES))


def _object_relative(draft: _Draft, numbers: Sequence[int], pronoun: str = "that") -> None:
    draft.subject_noun()
    draft.say(pronoun)
    draft.other_noun(numbers[0])
    draft.say(draft.pick(PAST))
    draft.ask(*draft.pick(_PREDICATES))


def _reduced_relative(draft: _Draft, numbers: Sequence[int]) -> None:
    _object_relative(draft, numbers, pronoun="")


def _within_relative(draft: _Draft, numbers: Sequence[int]) -> None:
    draft.other_noun(numbers[0])
    draft.say("that")
    draft.subject_noun()
    draft.ask(draft.pick(TRANSITIVE), draft.pick(FINAL))


def _complement(draft: _Draft, numbers: Sequence[int]) -> None:
    draft.other_noun(numbers[0])
    draft.say(f"{draft.pick(SAID)} that")
    draft.subject_noun()
    draft.ask(*draft.pick(_PREDICATES))


# How each kind is written, and how many nouns beside the subject come before the verb.
_KINDS: dict[str, tuple[Callable[[_Draft, Sequence[int]], None], int]] = {
    "simple": (_simple, 0),
    "verb_phrase_coordination": (_coordination, 0),
    "prepositional_phrase": (_prepositional, 1),
    "two_prepositional_phrases": (_prepositional, 2),
    "three_prepositional_phrases": (_prepositional, 3),
    "four_prepositional_phrases": (_prepositional, 4),
    "subject_relative_clause": (_subject_relative, 1),
    "object_relative_clause": (_object_relative, 1),
    "reduced_object_relative_clause": (_reduced_relative, 1),
    "within_object_relative_clause": (_within_relative, 1),
    "sentential_complement": (_complement, 1),
}
AGREEMENT_KINDS = tuple(_KINDS)


def _nouns(kind: str) -> int:
    return _KINDS[kind][1]


def _chosen(kinds: Any, attractors: int | None) -> list[str]:
    """The kinds that are asked for, in turn."""
    least = attractors or 0
    if kinds is None:
        return [kind for kind in _KINDS if _nouns(kind) >= least]
    if isinstance(kinds, str) or not isinstance(kinds, Sequence) or not kinds:
        raise InputError(f"kinds is {shown(kinds)}; give a list of some of {', '.join(_KINDS)}.")
    for kind in kinds:
        if _nouns(choice(kind, "kinds", _KINDS)) < least:
            raise InputError(
                f"The kind {kind} has {_nouns(kind)} nouns before the verb beside the subject, fewer than "
                f"attractors={attractors}; ask for fewer attractors or for another kind."
            )
    return list(kinds)


def _sentence(draft: _Draft, kind: str, attractors: int | None) -> AgreementPair:
    write, nouns = _KINDS[kind]
    if attractors is None:
        numbers = draft.generator.integers(0, 2, nouns, dtype=np.int64)
    else:
        opposite = draft.generator.permutation(np.arange(nouns) < attractors)
        numbers = np.where(opposite, 1 - draft.number, draft.number)
    write(draft, numbers.tolist())
    return AgreementPair(
        kind=kind,
        text=_written(draft.words),
        target=draft.verb[draft.number],
        contrast=draft.verb[1 - draft.number],
        counterfactual=_written(draft.flipped),
        number=_NUMBERS[draft.number],
        subject=draft.subject,
        nouns=tuple(place for place, _ in draft.others),
        attractors=tuple(place for place, number in draft.others if number != draft.number),
    )


def _written(words: Sequence[str]) -> str:
    sentence = " ".join(words)
    return f"{sentence[0].upper()}{sentence[1:]}."
