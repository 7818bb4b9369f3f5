"""The tasks about what a sequence contains: a token, a set of tokens, neighbours that are equal, a count.

What is said of their difficulty is read from the outputs that the paper's authors published: a BERT with two
layers, three seeds, MDL as in `mdl_as_published`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from semiring_widgets.checks import truth, whole_number
from semiring_widgets.errors import InputError
from semiring_widgets.tasks.drawing import Integers, integers
from semiring_widgets.tasks.sequences import SequenceTask, any_token

__all__ = [
    "AdjacentDuplicate",
    "BinCountOnes",
    "Contains1",
    "Contains1FirstToken",
    "ContainsTokenSet",
    "ContainsTokenSetOOD",
]

# How often sequences that happen to contain a whole set are drawn anew.
_ROUNDS = 1000


@dataclass(frozen=True)
class AdjacentDuplicate(SequenceTask):
    """Label 1: somewhere two neighbouring tokens are equal."""

    name = "AdjacentDuplicate"
    definition = "1 if any two neighbouring tokens are equal."
    difficulty = (
        "The hardest: the published models stay at chance (173 to 202 of 360 wrong; MDL 16.5 to "
        "17.6 nats at vocabulary 60, length 36)."
    )

    def draw(self, generator: np.random.Generator, labels: Integers) -> Integers:
        """One input for each label."""
        n, tokens = len(labels), self.vocabulary - 1
        # Steps of 1 to tokens - 1 around the circle of tokens never stand still; so all sequences without
        # a duplicate are equally likely.
        steps = generator.integers(1, tokens, (n, self.length), dtype=np.int64)
        steps[:, 0] = generator.integers(0, tokens, n, dtype=np.int64)
        without = steps.cumsum(1) % tokens + 1
        within = any_token(generator, (n, self.length), self.vocabulary)
        rows, place = np.arange(n), generator.integers(1, self.length, n, dtype=np.int64)
        within[rows, place] = within[rows, place - 1]
        return np.where(labels[:, None] == 1, within, without)

    def _label(self, inputs: Integers) -> Integers:
        """Whether a token equals the next one."""
        return integers((inputs[:, 1:] == inputs[:, :-1]).any(1))


@dataclass(frozen=True)
class Contains1(SequenceTask):
    """Label 1: token 1 occurs, at any place and any number of times."""

    name = "Contains1"
    definition = "1 if token 1 occurs."
    difficulty = "The easiest (none of 360 wrong); MDL 15.0 nats (vocabulary 60, length 36)."
    least_length = 1

    def draw(self, generator: np.random.Generator, labels: Integers) -> Integers:
        """One input for each label."""
        inputs, n = _with_and_without_1(generator, labels, self.length, self.vocabulary), len(labels)
        rows, place = np.flatnonzero(labels), generator.integers(0, self.length, n, dtype=np.int64)
        inputs[rows, place[rows]] = 1
        return inputs

    def _label(self, inputs: Integers) -> Integers:
        """Whether token 1 occurs."""
        return integers((inputs == 1).any(1))


@dataclass(frozen=True)
class Contains1FirstToken(SequenceTask):
    """Label 1: token 1 stands at the first place.

    As published, a sequence of class 0 has no token 1 at all, so a model may learn `Contains1` instead.
    """

    name = "Contains1FirstToken"
    definition = "1 if the first token is 1; in class 0 token 1 does not occur."
    difficulty = "No figure is published; not harder than Contains1, which solves it too."
    least_length = 1

    def draw(self, generator: np.random.Generator, labels: Integers) -> Integers:
        """One input for each label."""
        inputs = _with_and_without_1(generator, labels, self.length, self.vocabulary)
        inputs[labels == 1, 0] = 1
        return inputs

    def _label(self, inputs: Integers) -> Integers:
        """Whether the first token is 1."""
        return integers(inputs[:, 0] == 1)


@dataclass(frozen=True)
class ContainsTokenSet(SequenceTask):
    """Label 1: every one of the tokens 1 to ``size`` occurs.

    Class 0 is any sequence that lacks one of them, so most lack many: for a large set a model need not look
    for all of it. `ContainsTokenSetOOD` tests that.

    Attributes:
        size: number of tokens in the set.
    """

    length: int = 15
    size: int = 5

    name = "ContainsTokenSet"
    definition = "1 if all of the tokens 1 to size occur."
    difficulty = (
        "Learned for sets of 1 to 35 tokens (0 to 8 of 360 wrong, but 189 in one run; vocabulary 60, "
        "length 36)."
    )
    least_length = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        # At least one token lies outside the set, so that a sequence can do without all of it.
        whole_number(self.size, "size", most=min(self.length, self.vocabulary - 2))

    def draw(self, generator: np.random.Generator, labels: Integers) -> Integers:
        """One input for each label.

        Raises:
            InputError: almost every sequence contains the set, so that none is found for class 0.
        """
        inputs = any_token(generator, (len(labels), self.length), self.vocabulary)
        positive = labels == 1
        inputs[positive, : self.size] = np.arange(1, self.size + 1)
        inputs[positive] = generator.permuted(inputs[positive], axis=1)
        for _ in range(_ROUNDS):
            wrong = np.flatnonzero(self._label(inputs) != labels)
            if not len(wrong):
                return inputs
            inputs[wrong] = any_token(generator, (len(wrong), self.length), self.vocabulary)
        raise InputError(
            f"Almost every sequence of {self.length} tokens out of {self.vocabulary - 1} contains the set of "
            f"{self.size}, so no examples of class 0 were found; take a larger vocabulary or set, or a "
            f"shorter length."
        )

    def overlap(self, inputs: Integers) -> Integers:
        """How many tokens of the set occur, for each input: shape (n,)."""
        found = [(inputs == token).any(1) for token in range(1, self.size + 1)]
        return integers(np.sum(found, axis=0))

    def _label(self, inputs: Integers) -> Integers:
        """Whether the whole set occurs."""
        return integers(self.overlap(inputs) == self.size)


@dataclass(frozen=True)
class ContainsTokenSetOOD(ContainsTokenSet):
    """The same question with examples in validation and test of a kind that training did not have.

    In class 0, sequences with 0, 1, 2, ... tokens of the set are equally frequent; in training none lacks
    exactly one token, in validation and test some do. `split` draws both.

    Attributes:
        held_out: whether sequences that lack one token are among the examples.
    """

    held_out: bool = False

    name = "ContainsTokenSetOOD"
    definition = "1 if all of the tokens 1 to size occur; only held-out examples lack exactly one of them."
    difficulty = (
        "Training is learned (MDL 15.4 to 16.0 nats); of 360 held-out examples the published models get 6 to "
        "50 wrong."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number(self.size, "size", least=2, most=min(self.length, self.vocabulary - 2))
        truth(self.held_out, "held_out")

    def draw(self, generator: np.random.Generator, labels: Integers) -> Integers:
        """One input for each label."""
        n = len(labels)
        overlap = np.full(n, self.size, dtype=np.int64)
        negative = np.flatnonzero(labels == 0)
        overlap[negative] = np.arange(len(negative)) % (self.size if self.held_out else self.size - 1)
        members = generator.random((n, self.size)).argsort(1, kind="stable").astype(np.int64) + 1
        # Where a place is free, any token may stand that is outside the set or among those that occur.
        outside = self.vocabulary - 1 - self.size
        drawn = generator.integers(0, (overlap + outside)[:, None], (n, self.length), dtype=np.int64)
        inside = drawn < overlap[:, None]
        member = np.take_along_axis(members, np.where(inside, drawn, 0), 1)
        inputs = np.where(inside, member, drawn - overlap[:, None] + self.size + 1)
        required = np.arange(self.size) < overlap[:, None]
        inputs[:, : self.size] = np.where(required, members, inputs[:, : self.size])
        return generator.permuted(inputs, axis=1)

    def out_of_distribution(self, inputs: Integers) -> NDArray[np.bool_]:
        """Which inputs lack exactly one token of the set, so that training had none of their kind."""
        return np.asarray(self.overlap(inputs) == self.size - 1, dtype=np.bool_)

    def _held_out(self) -> ContainsTokenSetOOD:
        return replace(self, held_out=True)


@dataclass(frozen=True)
class BinCountOnes(SequenceTask):
    """Label: into which of some equal bins of 1 to ``length`` the number of 1s falls.

    With length 12 and 4 classes, 1 to 3 ones are class 0, 4 to 6 class 1, and so on. Within a class every
    count is equally likely.

    Attributes:
        classes: number of bins; divides the length.
    """

    length: int = 12
    classes: int = 2

    name = "BinCountOnes"
    definition = "The bin, of some equal ones, into which the number of 1s (at least one) falls."
    difficulty = "1 or 2 of 360 wrong with 2 classes, 5 to 8 with 12 (vocabulary 60, length 36)."
    least_length = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number(self.classes, "classes", most=self.length)
        if self.length % self.classes:
            raise InputError(
                f"classes is {self.classes}, which does not divide the length {self.length} into equal bins; "
                f"take another number of classes, or another length."
            )

    @property
    def number_of_classes(self) -> int:
        """How many labels there are."""
        return self.classes

    def draw(self, generator: np.random.Generator, labels: Integers) -> Integers:
        """One input for each label."""
        n, width = len(labels), self.length // self.classes
        ones = labels * width + generator.integers(1, width + 1, n, dtype=np.int64)
        others = generator.integers(2, self.vocabulary, (n, self.length), dtype=np.int64)
        inputs = np.where(np.arange(self.length) < ones[:, None], np.int64(1), others)
        return generator.permuted(inputs, axis=1)

    def _label(self, inputs: Integers) -> Integers:
        """The bin of the number of 1s; -1 where there is none."""
        count = (inputs == 1).sum(1)
        return integers((count - 1) // (self.length // self.classes))


def _with_and_without_1(
    generator: np.random.Generator, labels: Integers, length: int, vocabulary: int
) -> Integers:
    """Any tokens for label 1, any but 1 for label 0."""
    low = np.where(labels == 1, 1, 2)[:, None]
    return generator.integers(low, vocabulary, (len(labels), length), dtype=np.int64)
