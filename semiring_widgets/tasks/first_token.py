"""The tasks about the first token: does it occur again, and where?

What is said of their difficulty is read from the outputs that the paper's authors published: a BERT with two
layers, three seeds, MDL as in `mdl_as_published`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from semiring_widgets.errors import InputError
from semiring_widgets.tasks.drawing import Integers, integers
from semiring_widgets.tasks.sequences import SequenceTask, any_token, any_token_but

__all__ = [
    "FirstTokenRepeatedImmediately",
    "FirstTokenRepeatedLast",
    "FirstTokenRepeatedOnce",
    "FirstTokenRepeatedOnceImmediately",
]


@dataclass(frozen=True)
class FirstTokenRepeatedOnce(SequenceTask):
    """Label 1: the first token occurs once more, at any later place; label 0: it does not.

    The task of the paper's top-path experiment. Other tokens are drawn with replacement.
    """

    name = "FirstTokenRepeatedOnce"
    definition = "1 if the first token occurs exactly once more; in class 0 it does not occur again."
    difficulty = "A one-layer BERT reaches 100 % (vocabulary 20, length 10)."

    def draw(self, generator: np.random.Generator, labels: Integers) -> Integers:
        """One input for each label."""
        n = len(labels)
        first = any_token(generator, (n, 1), self.vocabulary)
        inputs = any_token_but(generator, first, (n, self.length), self.vocabulary)
        inputs[:, :1] = first
        again = generator.integers(1, self.length, n, dtype=np.int64)
        rows = np.flatnonzero(labels)
        inputs[rows, again[rows]] = first[rows, 0]
        return inputs

    def _label(self, inputs: Integers) -> Integers:
        """Whether the first token occurs exactly twice."""
        return integers((inputs == inputs[:, :1]).sum(1) == 2)


@dataclass(frozen=True)
class FirstTokenRepeatedImmediately(SequenceTask):
    """Label 1: the second token equals the first. Repeats elsewhere say nothing of the label.

    As published, the rest of a sequence of class 1 is drawn without the first token and that of class 0 with
    it. So a model may also learn that a late repeat means 0.
    """

    name = "FirstTokenRepeatedImmediately"
    definition = "1 if the second token equals the first."
    difficulty = "Learned (2 to 9 of 360 wrong); MDL 16.4 and 16.7 nats (vocabulary 60, length 36)."

    def draw(self, generator: np.random.Generator, labels: Integers) -> Integers:
        """One input for each label."""
        n = len(labels)
        positive = labels[:, None] == 1
        first = any_token(generator, (n, 1), self.vocabulary)
        others = any_token_but(generator, first, (n, self.length), self.vocabulary)
        inputs = np.where(positive, others, any_token(generator, (n, self.length), self.vocabulary))
        inputs[:, :1] = first
        inputs[:, 1:2] = np.where(positive, first, others[:, 1:2])
        return inputs

    def _label(self, inputs: Integers) -> Integers:
        """Whether the first two tokens are equal."""
        return integers(inputs[:, 0] == inputs[:, 1])


@dataclass(frozen=True)
class FirstTokenRepeatedOnceImmediately(SequenceTask):
    """Label 1: the second token equals the first, and all others differ from it and from one another.

    In class 0 all tokens differ from one another.
    """

    name = "FirstTokenRepeatedOnceImmediately"
    definition = "1 if the second token equals the first; no other token of a sequence occurs twice."
    difficulty = "No figure is published; any repeat at all gives the label away."

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.length > self.vocabulary - 1:
            raise InputError(
                f"{self.name} needs {self.length} different tokens, and vocabulary {self.vocabulary} has "
                f"{self.vocabulary - 1} beside the padding; take a larger vocabulary or a shorter length."
            )

    def draw(self, generator: np.random.Generator, labels: Integers) -> Integers:
        """One input for each label."""
        n = len(labels)
        # The first so many of a random order are different tokens.
        order = generator.random((n, self.vocabulary - 1)).argsort(1, kind="stable")
        different = order[:, : self.length].astype(np.int64) + 1
        repeated = np.concatenate([different[:, :1], different[:, :-1]], 1)
        return np.where(labels[:, None] == 1, repeated, different)

    def _label(self, inputs: Integers) -> Integers:
        """Whether the first two tokens are equal."""
        return integers(inputs[:, 0] == inputs[:, 1])


@dataclass(frozen=True)
class FirstTokenRepeatedLast(SequenceTask):
    """Label 1: the last token equals the first. What stands between says nothing of the label."""

    name = "FirstTokenRepeatedLast"
    definition = "1 if the last token equals the first."
    difficulty = "Learned (2 to 5 of 360 wrong); MDL 16.6 nats (vocabulary 60, length 36)."

    def draw(self, generator: np.random.Generator, labels: Integers) -> Integers:
        """One input for each label."""
        n = len(labels)
        inputs = any_token(generator, (n, self.length), self.vocabulary)
        first = inputs[:, 0].copy()
        other = any_token_but(generator, first, (n,), self.vocabulary)
        inputs[:, -1] = np.where(labels == 1, first, other)
        return inputs

    def _label(self, inputs: Integers) -> Integers:
        """Whether the first and the last token are equal."""
        return integers(inputs[:, 0] == inputs[:, -1])
