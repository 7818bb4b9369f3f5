"""How hard a task is, in nats: what the paper published as MDL, and the code length that it stands for.

An online (prequential) code sends the labels of a training set block by block. The first block is sent with
equal chances for all classes; each later one with the model that is trained on all blocks before it and
costs its summed cross-entropy (Voita and Titov 2020, arXiv 2003.12298). The published number adds up the
*mean* losses of the blocks instead, so a block of 1800 labels weighs as much as one of 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from semiring_widgets.checks import whole_number
from semiring_widgets.errors import InputError

__all__ = ["block_sizes", "mdl_as_published", "prequential_code_length"]

# Sizes of the paper's 14 blocks, in parts of 1800: a hundredth of a percent and so on up to one half.
_PARTS = (1, 1, 2, 2, 4, 8, 18, 36, 36, 72, 144, 288, 288, 900)


def block_sizes(n: int = 3600) -> tuple[int, ...]:
    """The paper's 14 blocks of a training set: each is rounded up, the last takes what is left.

    Args:
        n: examples in the training set, 100 or more.

    Raises:
        InputError: too few to fill the blocks, or no whole number.

    >>> from itertools import accumulate
    >>> list(accumulate(block_sizes(3600)))
    [2, 4, 8, 12, 20, 36, 72, 144, 216, 360, 648, 1224, 1800, 3600]
    """
    total = whole_number(n, "n", least=100)
    sizes = [-(-total * part // sum(_PARTS)) for part in _PARTS[:-1]]
    return (*sizes, total - sum(sizes))


def prequential_code_length(losses: Sequence[ArrayLike], first: int, classes: int) -> float:
    """The length of an online code for the labels, in nats.

    first · ln(classes) + sum over later blocks of the sum of their losses. Divided by ln 2 it is in bits;
    n · ln(classes) over it is the compression.

    Args:
        losses: for each block after the first, the cross-entropy in nats of each of its examples, shape
            (size of the block,), under the model trained on all blocks before it.
        first: examples in the first block.
        classes: how many labels the code distinguishes. (The published models have 36 outputs for all tasks.)

    Raises:
        InputError: a loss is negative, infinite or NaN, or a number cannot be used.

    >>> round(prequential_code_length([[0.5, 0.7], [0.1, 0.2, 0.3]], first=2, classes=2), 3)
    3.186
    """
    return _uniform(first, classes) + float(sum(block.sum() for block in _blocks(losses)))


def mdl_as_published(losses: Sequence[ArrayLike], first: int = 2, classes: int = 36) -> float:
    """What the paper plots as MDL: first · ln(classes) + sum over later blocks of their *mean* loss, in nats.

    With its 36 outputs and first block of 2 it is never below 2 ln 36 = 7.17. It is no code length; see
    `prequential_code_length`.

    Args:
        losses: as for `prequential_code_length`, 13 blocks in the paper.
        first: examples in the first block.
        classes: number of outputs of the model.

    Raises:
        InputError: a loss is negative, infinite or NaN, or a number cannot be used.

    >>> round(mdl_as_published([[0.0]] * 13), 2)
    7.17
    """
    return _uniform(first, classes) + float(sum(block.mean() for block in _blocks(losses)))


def _uniform(first: int, classes: int) -> float:
    return whole_number(first, "first") * float(np.log(whole_number(classes, "classes", least=2)))


def _blocks(losses: Sequence[ArrayLike]) -> list[NDArray[Any]]:
    blocks = [np.asarray(block, dtype=np.float64) for block in losses]
    for number, block in enumerate(blocks):
        if block.ndim != 1 or not block.size:
            raise InputError(
                f"losses[{number}] has shape {list(block.shape)}; give one loss for each example of a block."
            )
        if not (np.isfinite(block).all() and (block >= 0).all()):
            raise InputError(
                f"losses[{number}] holds a number that is negative, infinite or NaN; give cross-entropies."
            )
    return blocks
