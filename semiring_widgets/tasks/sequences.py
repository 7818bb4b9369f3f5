"""What the synthetic tasks have in common: labels first, then inputs that have these labels.

Labels are balanced and shuffled, then each task draws an input for each label. So balance is written once,
and single inputs of a split can be drawn again where they are in another part already.
"""

from __future__ import annotations

import abc
from collections.abc import Set
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from semiring_widgets.checks import truth, whole_number
from semiring_widgets.errors import InputError
from semiring_widgets.tasks.drawing import Integers, random_numbers

__all__ = ["Examples", "SequenceTask", "Split", "Task", "any_token", "any_token_but"]

# How often the inputs that another part already has are drawn anew.
_ROUNDS = 100


class Examples(NamedTuple):
    """Inputs with their labels.

    Attributes:
        inputs: token ids from 1 on, shape (n, length), int64; 0 is left for padding. (FFOOM: real features,
            shape (n, 4), float64.)
        labels: classes from 0 on, shape (n,), int64.
    """

    inputs: NDArray[Any]
    labels: Integers


class Split(NamedTuple):
    """Three sets of examples: to train on, to choose by, to report."""

    train: Examples
    validation: Examples
    test: Examples


@dataclass(frozen=True)
class Task(abc.ABC):
    """One synthetic task with its settings, which are the fields of the class.

    Attributes:
        name: as in the paper.
        definition: what the label means, in a sentence.
        difficulty: what is known of it.
    """

    name: ClassVar[str]
    definition: ClassVar[str]
    difficulty: ClassVar[str]

    @property
    def number_of_classes(self) -> int:
        """How many labels there are."""
        return 2

    def generate(self, n: int = 1000, seed: int = 0) -> Examples:
        """Examples of this task; the same seed gives the same examples on every machine.

        Args:
            n: how many.
            seed: a whole number.

        Returns:
            The examples, in random order; no class has more than one example more than another (FFOOM
            alone draws labels with equal chances).

        Raises:
            InputError: an argument cannot be used.
        """
        return self._examples(random_numbers(seed), whole_number(n, "n"))

    def split(
        self,
        train: int = 700,
        validation: int = 100,
        test: int = 200,
        seed: int = 0,
        *,
        overlap: bool = False,
    ) -> Split:
        """Examples in three parts, none of whose inputs is in another part; each part is balanced.

        The default is the paper's 70, 10 and 20 % of 1000; its MDL experiment has 3600, 360 and 360.

        Args:
            train: how many examples to train on; these are those of ``generate(train, seed)``.
            validation: how many to choose by.
            test: how many to report.
            seed: a whole number.
            overlap: whether an input may be in two parts, as chance would have it in the paper's own split.
                Some settings need it: in ``BinCountOnes(classes=36, length=36)`` one class has one input.

        Raises:
            InputError: an argument cannot be used, or there are too few different inputs.
        """
        sizes = [
            whole_number(size, name)
            for size, name in ((train, "train"), (validation, "validation"), (test, "test"))
        ]
        shared = truth(overlap, "overlap")
        generator = random_numbers(seed)
        parts = [self._examples(generator, sizes[0])]
        taken = _rows(parts[0].inputs)
        for size in sizes[1:]:
            part = self._held_out()._examples(generator, size)
            if not shared:
                part = self._held_out()._apart(generator, part, taken)
                taken |= _rows(part.inputs)
            parts.append(part)
        return Split(*parts)

    @abc.abstractmethod
    def draw(self, generator: np.random.Generator, labels: Integers) -> NDArray[Any]:
        """One input for each label.

        Args:
            generator: where random numbers come from.
            labels: shape (n,).

        Returns:
            Shape (n, length).
        """

    def label(self, inputs: ArrayLike) -> Integers:
        """The label of any inputs, by the definition.

        Args:
            inputs: shape (n, length), of any length.

        Returns:
            Shape (n,), int64.

        Raises:
            InputError: the inputs have another shape.
        """
        rows = np.asarray(inputs)
        if rows.ndim != 2 or not rows.shape[1]:
            raise InputError(f"inputs has shape {list(rows.shape)}; give one row for each example.")
        return self._label(rows)

    @abc.abstractmethod
    def _label(self, inputs: NDArray[Any]) -> Integers: ...

    def _labels(self, generator: np.random.Generator, n: int) -> Integers:
        return generator.permutation(np.arange(n, dtype=np.int64) % self.number_of_classes)

    def _held_out(self) -> Task:
        """The task that validation and test are drawn from."""
        return self

    def _examples(self, generator: np.random.Generator, n: int) -> Examples:
        labels = self._labels(generator, n)
        return Examples(self.draw(generator, labels), labels)

    def _apart(self, generator: np.random.Generator, part: Examples, taken: Set[bytes]) -> Examples:
        """The examples with every input drawn anew that is taken."""
        inputs, labels = part
        for _ in range(_ROUNDS):
            again = np.array([row.tobytes() in taken for row in inputs])
            if not again.any():
                return part
            # All are drawn, because kinds within a class may take turns by place.
            inputs[again] = self.draw(generator, labels)[again]
        raise InputError(
            f"{again.sum():,} of {len(labels):,} inputs of {self.name} could not be kept apart from those of "
            f"another part: there are too few different ones. Take a longer length, a larger vocabulary or "
            f"fewer examples, or allow it with overlap=True."
        )


@dataclass(frozen=True)
class SequenceTask(Task):
    """A task on sequences of tokens 1 to vocabulary - 1.

    Attributes:
        length: tokens in a sequence.
        vocabulary: number of token ids, with 0 for padding.
    """

    length: int = 10
    vocabulary: int = 20

    # The smallest settings with which both classes have inputs.
    least_length: ClassVar[int] = 2
    least_vocabulary: ClassVar[int] = 3

    def __post_init__(self) -> None:
        whole_number(self.length, "length", least=self.least_length, most=1_000_000)
        whole_number(self.vocabulary, "vocabulary", least=self.least_vocabulary, most=1_000_000)


def any_token(generator: np.random.Generator, shape: tuple[int, ...], vocabulary: int) -> Integers:
    """Tokens 1 to vocabulary - 1, each as likely as another."""
    return generator.integers(1, vocabulary, shape, dtype=np.int64)


def any_token_but(
    generator: np.random.Generator, excluded: Integers, shape: tuple[int, ...], vocabulary: int
) -> Integers:
    """Tokens 1 to vocabulary - 1 other than ``excluded``, which broadcasts to the shape."""
    drawn = generator.integers(1, vocabulary - 1, shape, dtype=np.int64)
    return drawn + (drawn >= excluded)


def _rows(inputs: NDArray[Any]) -> set[bytes]:
    return {row.tobytes() for row in inputs}
