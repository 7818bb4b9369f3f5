"""The synthetic tasks of Du et al. (2023, arXiv 2307.03056) as functions.

What a function does is in the class of its task, and `task` gives that. Every function gives `Examples`:
inputs of shape (n, length) with tokens 1 to vocabulary - 1, and labels of shape (n,). Both are int64.
Labels are balanced and in random order. Arguments that cannot be used raise `InputError`.
"""

from __future__ import annotations

from semiring_widgets.tasks.contents import (
    AdjacentDuplicate,
    BinCountOnes,
    Contains1,
    Contains1FirstToken,
    ContainsTokenSet,
    ContainsTokenSetOOD,
)
from semiring_widgets.tasks.features import FFOOM
from semiring_widgets.tasks.first_token import (
    FirstTokenRepeatedImmediately,
    FirstTokenRepeatedLast,
    FirstTokenRepeatedOnce,
    FirstTokenRepeatedOnceImmediately,
)
from semiring_widgets.tasks.sequences import Examples

__all__ = [
    "adjacent_duplicate",
    "bin_count_ones",
    "contains1",
    "contains1_first_token",
    "contains_token_set",
    "contains_token_set_ood",
    "ffoom",
    "first_token_repeated_immediately",
    "first_token_repeated_last",
    "first_token_repeated_once",
    "first_token_repeated_once_immediately",
]


def first_token_repeated_once(
    n: int = 1000, length: int = 10, vocabulary: int = 20, seed: int = 0
) -> Examples:
    """Label 1 if the first token occurs exactly once more, at a random later place; in class 0 it does not.

    The task of the paper's top-path experiment, where a one-layer BERT answers all examples right.

    >>> inputs, labels = first_token_repeated_once(n=4, length=6, seed=1)
    >>> inputs[labels == 1]
    array([[ 3,  3, 13, 11,  2,  1],
           [19, 15,  3, 19,  3,  9]])

    Args:
        n: how many examples.
        length: tokens in a sequence, 2 or more.
        vocabulary: number of token ids with 0 for padding, 3 or more.
        seed: a whole number.
    """
    return FirstTokenRepeatedOnce(length, vocabulary).generate(n, seed)


def first_token_repeated_immediately(
    n: int = 1000, length: int = 10, vocabulary: int = 20, seed: int = 0
) -> Examples:
    """Label 1 if the second token equals the first.

    As published, the rest of a sequence of class 1 lacks the first token, that of class 0 may have it.

    Args:
        n: how many examples.
        length: tokens in a sequence, 2 or more.
        vocabulary: number of token ids with 0 for padding, 3 or more.
        seed: a whole number.
    """
    return FirstTokenRepeatedImmediately(length, vocabulary).generate(n, seed)


def first_token_repeated_once_immediately(
    n: int = 1000, length: int = 10, vocabulary: int = 20, seed: int = 0
) -> Examples:
    """Label 1 if the second token equals the first; no other token of a sequence occurs twice.

    Args:
        n: how many examples.
        length: tokens in a sequence, 2 or more.
        vocabulary: number of token ids with 0 for padding, more than the length.
        seed: a whole number.
    """
    return FirstTokenRepeatedOnceImmediately(length, vocabulary).generate(n, seed)


def first_token_repeated_last(
    n: int = 1000, length: int = 10, vocabulary: int = 20, seed: int = 0
) -> Examples:
    """Label 1 if the last token equals the first.

    Args:
        n: how many examples.
        length: tokens in a sequence, 2 or more.
        vocabulary: number of token ids with 0 for padding, 3 or more.
        seed: a whole number.
    """
    return FirstTokenRepeatedLast(length, vocabulary).generate(n, seed)


def adjacent_duplicate(n: int = 1000, length: int = 10, vocabulary: int = 20, seed: int = 0) -> Examples:
    """Label 1 if any two neighbouring tokens are equal.

    The published models did not learn it.

    Args:
        n: how many examples.
        length: tokens in a sequence, 2 or more.
        vocabulary: number of token ids with 0 for padding, 3 or more.
        seed: a whole number.
    """
    return AdjacentDuplicate(length, vocabulary).generate(n, seed)


def contains1(n: int = 1000, length: int = 10, vocabulary: int = 20, seed: int = 0) -> Examples:
    """Label 1 if token 1 occurs.

    Args:
        n: how many examples.
        length: tokens in a sequence.
        vocabulary: number of token ids with 0 for padding, 3 or more.
        seed: a whole number.
    """
    return Contains1(length, vocabulary).generate(n, seed)


def contains1_first_token(n: int = 1000, length: int = 10, vocabulary: int = 20, seed: int = 0) -> Examples:
    """Label 1 if the first token is 1; as published, in class 0 token 1 does not occur at all.

    Args:
        n: how many examples.
        length: tokens in a sequence.
        vocabulary: number of token ids with 0 for padding, 3 or more.
        seed: a whole number.
    """
    return Contains1FirstToken(length, vocabulary).generate(n, seed)


def contains_token_set(
    n: int = 1000,
    length: int = 15,
    vocabulary: int = 20,
    size: int = 5,
    seed: int = 0,
) -> Examples:
    """Label 1 if all of the tokens 1 to ``size`` occur.

    Class 0 is any sequence that lacks one of them, so most lack many.

    Args:
        n: how many examples.
        length: tokens in a sequence, ``size`` or more.
        vocabulary: number of token ids with 0 for padding, ``size`` + 2 or more.
        size: number of tokens in the set.
        seed: a whole number.
    """
    return ContainsTokenSet(length, vocabulary, size).generate(n, seed)


def contains_token_set_ood(
    n: int = 1000,
    length: int = 15,
    vocabulary: int = 20,
    size: int = 5,
    seed: int = 0,
    *,
    held_out: bool = False,
) -> Examples:
    """Label 1 if all of the tokens 1 to ``size`` occur; in class 0, fewer of them equally often.

    In training no sequence lacks exactly one of them; with ``held_out=True``, as in validation and test, some
    do. ``task("ContainsTokenSetOOD").split()`` gives all three.

    Args:
        n: how many examples.
        length: tokens in a sequence, ``size`` or more.
        vocabulary: number of token ids with 0 for padding, ``size`` + 2 or more.
        size: number of tokens in the set, 2 or more.
        seed: a whole number.
        held_out: whether sequences that lack exactly one token are among them.
    """
    return ContainsTokenSetOOD(length, vocabulary, size, held_out).generate(n, seed)


def bin_count_ones(
    n: int = 1000, length: int = 12, vocabulary: int = 20, classes: int = 2, seed: int = 0
) -> Examples:
    """Label: the bin, of some equal ones of 1 to ``length``, into which the number of 1s falls.

    >>> inputs, labels = bin_count_ones(n=6, classes=3, seed=0)
    >>> sorted(zip(labels.tolist(), (inputs == 1).sum(1).tolist()))
    [(0, 1), (0, 4), (1, 7), (1, 7), (2, 9), (2, 12)]

    Args:
        n: how many examples.
        length: tokens in a sequence.
        vocabulary: number of token ids with 0 for padding, 3 or more.
        classes: number of bins; divides the length.
        seed: a whole number.
    """
    return BinCountOnes(length, vocabulary, classes).generate(n, seed)


def ffoom(n: int = 1000, seed: int = 0) -> Examples:
    """Four features, only one matters: label 1 if the first of four real features is above 0.5.

    The features are float64 of shape (n, 4), uniform between 0 and 1; labels are not balanced.

    Args:
        n: how many examples.
        seed: a whole number.
    """
    return FFOOM().generate(n, seed)
